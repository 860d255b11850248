// The latent space: a pad between the anchors, and the map with the phrases that the model knows.
import { ask } from "./ask.js";
import { $, COLOURS, element, pressed, surface, text } from "./dom.js";
import { KnownPhrases, nearest } from "./known.js";

const CORNERS = { A: [0, 1], B: [1, 1], C: [0, 0], D: [1, 0] };
const TRAIL = 40, TRAIL_STEP = 0.02, SNAP = 0.05;

export class LatentView {
  constructor(link, synth) {
    this.link = link; this.synth = synth; this.view = "pad"; this.trail = []; this.pointer = null; this.lit = [];
    this.known = new KnownPhrases((phrase) => this.hear(phrase));
    $("latenthint").after(this.known.list);
    const canvas = $("latent");
    canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); this.drag(event); });
    canvas.addEventListener("pointermove", (event) => { if (this.pointer) this.drag(event); });
    canvas.addEventListener("pointerup", () => this.snap());
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { this.pointer = null; });
    canvas.addEventListener("keydown", (event) => this.key(event));
    for (const button of document.querySelectorAll("[data-latent]")) {
      button.addEventListener("click", () => {
        this.view = button.dataset.latent;
        for (const other of document.querySelectorAll("[data-latent]")) pressed(other, other === button);
        this.known.list.hidden = this.view !== "map";
      });
    }
  }

  anchors(names) {
    $("anchors").replaceChildren(...names.map((name) => element("div", { class: "anchor", "data-anchor": name },
      element("button", { class: "go", title: `play from anchor ${name}`, onclick: () => this.link.act("recall", name) }, name),
      element("button", { class: "set", title: `keep this phrase as anchor ${name}`, onclick: () => this.link.act("capture", name) }, "store"))));
  }

  // The real phrases come from the explorer's process, which begins when somebody looks at the map.
  learn(model) {
    if (this.view !== "map" || this.known.model === model) return;
    this.known.load(this.link.welcome.models.includes(model) ? model : "").then(() => this.light(this.link.state.here || [0, 0]));
  }

  light(at) { this.lit = this.known.near(at); this.known.show(this.lit); }

  // Plays a real phrase on this page, beside the music.
  async hear(phrase) {
    this.synth.wake();
    const sheet = await ask("sheet", { model: this.known.model });
    this.synth.play([phrase.drawing.notes], { bpm: this.link.state.tempo_bpm, stepsPerBeat: sheet.steps_per_beat, steps: sheet.bars * sheet.beats_per_bar * sheet.steps_per_beat });
  }

  show() {
    this.learn(this.link.state.model.name);
    for (const anchor of this.link.state.anchors) {
      const box = document.querySelector(`[data-anchor="${anchor.name}"]`);
      if (!box) continue;
      box.classList.toggle("filled", anchor.xy !== null);
      box.firstChild.disabled = anchor.xy === null;
    }
    const here = this.link.state.here, last = this.trail[this.trail.length - 1];
    if (here && (!last || Math.hypot(here[0] - last[0], here[1] - last[1]) > TRAIL_STEP)) {
      this.trail.push(here);
      if (this.trail.length > TRAIL) this.trail.shift();
    }
  }

  drag(event) {
    const box = $("latent").getBoundingClientRect();
    const x = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const y = Math.min(1, Math.max(0, 1 - (event.clientY - box.top) / box.height));
    this.pointer = [x, y];
    this.put(x, y);
  }

  // A tap close to a known phrase goes to that phrase itself.
  snap() {
    if (this.view !== "map" || !this.pointer) return;
    const at = [2 * this.pointer[0] - 1, 2 * this.pointer[1] - 1], real = this.known.at(at);
    const point = real ? real.drawing.xy : nearest(this.link.state.map_points, at, 1)[0];
    if (point && Math.hypot(point[0] - at[0], point[1] - at[1]) < SNAP) this.goTo(...point);
  }

  put(x, y) {
    if (this.view === "pad") { this.link.turn("xy.x", x); this.link.turn("xy.y", y); }
    else this.goTo(2 * x - 1, 2 * y - 1);
  }

  goTo(x, y) { this.light([x, y]); this.link.goOnMap(x, y); }

  key(event) {
    const by = { ArrowRight: [0.04, 0], ArrowLeft: [-0.04, 0], ArrowUp: [0, 0.04], ArrowDown: [0, -0.04] }[event.key];
    if (!by) return;
    event.preventDefault();
    const clip = (value) => Math.min(1, Math.max(0, value)), here = this.link.state.here || [0, 0];
    const [x, y] = this.view === "pad" ? [this.link.knob("xy.x").value, this.link.knob("xy.y").value]
      : [(here[0] + 1) / 2, (here[1] + 1) / 2];
    this.put(clip(x + by[0]), clip(y + by[1]));
  }

  draw() {
    const state = this.link.state, canvas = $("latent");
    if (!state || !canvas.clientWidth) return;
    const [context, width, height] = surface(canvas);
    context.fillStyle = COLOURS.ground;
    context.fillRect(0, 0, width, height);
    const filled = state.anchors.filter((anchor) => anchor.xy !== null);
    const place = this.view === "pad" ? ([x, y]) => [x * width, (1 - y) * height]
      : ([x, y]) => [(x + 1) / 2 * width, (1 - y) / 2 * height];
    context.strokeStyle = COLOURS.line; context.lineWidth = 1; context.beginPath();
    for (let k = 1; k < 4; k++) { context.moveTo(k * width / 4, 0); context.lineTo(k * width / 4, height); context.moveTo(0, k * height / 4); context.lineTo(width, k * height / 4); }
    context.stroke();
    if (this.view === "pad") this.drawPad(context, state, place, filled); else this.drawMap(context, state, place, filled);
  }

  drawPad(context, state, place, filled) {
    for (const [name, corner] of Object.entries(CORNERS)) {
      const [x, y] = place(corner), full = filled.some((anchor) => anchor.name === name);
      letter(context, name, x + (corner[0] ? -34 : 34), y + (corner[1] ? 34 : -34), full);
    }
    const at = [this.link.knob("xy.x").value, this.link.knob("xy.y").value];
    const [x, y] = place(this.pointer || at);
    disc(context, x, y, 16, COLOURS.it);
    text($("latenthint"), filled.length ? "drag between the anchors" : "store anchors first; then drag between them");
  }

  drawMap(context, state, place, filled) {
    context.fillStyle = COLOURS.cloud;
    for (const point of state.map_points) { const [x, y] = place(point); context.fillRect(x - 1.5, y - 1.5, 3, 3); }
    context.strokeStyle = "#2f94c4"; context.lineWidth = 2; context.beginPath();
    this.trail.forEach((point, index) => { const [x, y] = place(point); if (index) context.lineTo(x, y); else context.moveTo(x, y); });
    context.stroke();
    this.known.draw(context, place, this.lit);
    for (const anchor of filled) letter(context, anchor.name, ...place(anchor.xy), true);
    if (state.performer_xy) { const [x, y] = place(state.performer_xy); ring(context, x, y, 12, COLOURS.you); }
    if (state.here) { const [x, y] = place(state.here); disc(context, x, y, 12, COLOURS.it); }
    text($("latenthint"), state.map_points.length ? "drag what sounds across the map; a tap goes to a phrase. Golden dots are real ones; the nearest light up: hear them here" : "this model has no map");
  }
}

export function disc(context, x, y, radius, colour) {
  context.beginPath(); context.arc(x, y, radius, 0, 7); context.fillStyle = colour; context.fill();
  context.lineWidth = 2; context.strokeStyle = "#fff"; context.stroke();
}

function ring(context, x, y, radius, colour) {
  context.beginPath(); context.arc(x, y, radius, 0, 7); context.lineWidth = 4; context.strokeStyle = colour; context.stroke();
}

function letter(context, name, x, y, full) {
  context.beginPath(); context.arc(x, y, 17, 0, 7);
  context.fillStyle = full ? COLOURS.text : "#1c2638"; context.fill();
  context.fillStyle = full ? "#0a0d14" : COLOURS.dim;
  context.font = "bold 18px system-ui, sans-serif"; context.textAlign = "center"; context.textBaseline = "middle";
  context.fillText(name, x, y + 1);
}
