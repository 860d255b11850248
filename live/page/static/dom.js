// Small helpers for building and drawing.

export const $ = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function text(target, value) { if (target.textContent !== value) target.textContent = value; }

export function pressed(button, on) { button.setAttribute("aria-pressed", on ? "true" : "false"); }

// A canvas as sharp as the screen; returns [context, width, height] in CSS pixels.
export function surface(canvas) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return [context, width, height];
}

export const COLOURS = {
  ground: "#0a0d14", line: "#1d2739", strong: "#3c4a66", text: "#eef3fb", dim: "#a5b2c9", cloud: "#6b7fa6",
  it: "#35c2ff", plan: "#ffc247", you: "#ff6fc8",
  parts: ["#35c2ff", "#43d9b8", "#a99bff", "#c9d6ea"], planned: ["#ffc247", "#d8d45a", "#ff9a6b", "#d9c29a"],
};
