// Knobs as bars: drag sideways, double tap for rest, arrow keys; several hands at once.
import { element, text } from "./dom.js";

const HOLD_MS = 400; // after a drag the instrument's own value counts again

export function shown(knob) {
  if (knob.name === "tempo") return `${Math.round(knob.value * 10) / 10}`;
  return knob.low < 0 ? `${knob.value > 0.004 ? "+" : ""}${(Math.abs(knob.value) < 0.005 ? 0 : knob.value).toFixed(2)}` : knob.value.toFixed(2);
}

export class KnobBar {
  constructor(knob, turn) {
    this.turn = turn; this.knob = knob; this.untilMs = 0;
    this.fill = element("div", { class: "fill" }); this.stop = element("div", { class: "stop" });
    this.rest = element("div", { class: "rest" }); this.waiting = element("div", { class: "waiting", hidden: true });
    this.value = element("span", { class: "value" });
    this.root = element("div", { class: "knob", role: "slider", tabindex: "0", "data-knob": knob.name,
      "aria-label": knob.name, "aria-valuemin": knob.low, "aria-valuemax": knob.high, title: knob.text },
    this.rest, this.fill, this.waiting, this.stop,
    element("div", { class: "label" }, element("span", {}, knob.name), this.value));
    this.rest.style.left = `${100 * this.unit(knob.rest)}%`;
    this.root.addEventListener("pointerdown", (event) => this.down(event));
    this.root.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) this.root.addEventListener(name, () => this.up());
    this.root.addEventListener("dblclick", () => this.set(this.knob.rest));
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.show(knob);
  }

  unit(value) { return (value - this.knob.low) / (this.knob.high - this.knob.low); }

  down(event) {
    this.start = { x: event.clientX, value: this.knob.value };
    this.root.setPointerCapture(event.pointerId);
    this.root.classList.add("held");
  }

  move(event) {
    if (!this.start) return;
    const share = (event.clientX - this.start.x) / Math.max(1, this.root.clientWidth);
    this.set(this.start.value + share * (this.knob.high - this.knob.low));
  }

  up() { this.start = null; this.root.classList.remove("held"); }

  key(event) {
    const size = this.knob.high - this.knob.low, step = size > 10 ? 1 : size * 0.02;
    const by = { ArrowRight: step, ArrowUp: step, ArrowLeft: -step, ArrowDown: -step, PageUp: 5 * step, PageDown: -5 * step }[event.key];
    if (by !== undefined) this.set(this.knob.value + by);
    else if (event.key === "Backspace" || event.key === "Delete") this.set(this.knob.rest);
    else if (event.key === "Home") this.set(this.knob.low);
    else if (event.key === "End") this.set(this.knob.high);
    else return;
    event.preventDefault();
  }

  set(value) {
    const knob = this.knob;
    let next = Math.min(knob.high, Math.max(knob.low, value));
    if (knob.low < 0 && Math.abs(next) < 0.02 * (knob.high - knob.low)) next = 0; // the centre is easy to find
    this.knob = { ...knob, value: next };
    this.untilMs = performance.now() + HOLD_MS;
    this.paint();
    this.turn(knob.name, next);
  }

  show(knob) {
    const mine = this.start || performance.now() < this.untilMs;
    this.knob = mine ? { ...knob, value: this.knob.value } : knob;
    this.paint();
  }

  paint() {
    const knob = this.knob, at = this.unit(knob.value), rest = this.unit(knob.rest);
    this.fill.style.left = `${100 * Math.min(at, rest)}%`;
    this.fill.style.width = `${100 * Math.abs(at - rest)}%`;
    this.stop.style.left = `${100 * at}%`;
    this.waiting.hidden = knob.waiting === null || knob.waiting === undefined;
    if (!this.waiting.hidden) this.waiting.style.left = `${100 * this.unit(knob.waiting)}%`;
    text(this.value, shown(knob));
    this.root.setAttribute("aria-valuenow", knob.value);
    this.root.classList.toggle("off", !knob.available);
  }
}

export class Knobs {
  constructor(link, home, morphHome) {
    this.link = link; this.home = home; this.morphHome = morphHome; this.bars = new Map();
  }

  show(update) {
    if (update && !update.knob_states && this.bars.size) return;
    for (const knob of this.link.state.knobs) {
      let bar = this.bars.get(knob.name);
      if (!bar) {
        bar = new KnobBar(knob, (name, value) => this.link.turn(name, value));
        this.bars.set(knob.name, bar);
        if (knob.name === "morph") this.morphHome.append(bar.root);
        else if (!knob.name.startsWith("xy.")) this.home.append(bar.root);
      }
      bar.show(knob);
    }
  }
}
