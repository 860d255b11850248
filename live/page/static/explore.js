// The explorer: a map to hear, knobs on what was found, samples, and the way between two phrases.
import { COLOURS, element, pressed, surface, text } from "./dom.js";
import { ask } from "./ask.js";
import { KnobBar } from "./knobs.js";
import { KnownPhrases } from "./known.js";
import { disc } from "./latent.js";

const DRUMS = 3, MOST_SAMPLES = 12;

function base64(bytes) {
  let words = "";
  for (const byte of bytes) words += String.fromCharCode(byte);
  return btoa(words);
}

export class Explore {
  constructor(home, models, synth) {
    this.home = home; this.synth = synth; this.model = ""; this.turns = {}; this.samples = []; this.ends = {}; this.way = [];
    this.busy = 0; this.wanted = null;
    this.known = new KnownPhrases((phrase) => this.showReal(phrase));
    this.build(models);
  }

  build(models) {
    const button = (words, onclick, more = {}) => element("button", { onclick, ...more }, words);
    this.choice = element("select", { "aria-label": "model", onchange: () => this.open(this.choice.value) }, ...models.map((name) => element("option", {}, name)));
    this.bpm = element("input", { type: "number", min: 30, max: 300, value: 110, "aria-label": "tempo", class: "short" });
    this.steps = element("input", { type: "number", min: 2, max: 64, value: 8, "aria-label": "steps", class: "short" });
    this.map = element("canvas", { class: "map", tabindex: "0", "aria-label": "map of phrases" });
    this.roll = element("canvas", { class: "phrase", "aria-label": "the phrase" });
    this.status = element("p", { class: "saying", role: "status", title: "a tap takes it away", onclick: () => text(this.status, "") });
    this.knobs = element("div", { class: "bars" });
    this.origin = element("p", { class: "hint", id: "origin", "aria-live": "polite" });
    this.list = element("div", { class: "row" });
    this.strip = element("div", { class: "strip" });
    this.slider = element("input", { type: "range", min: 0, value: 0, step: 1, "aria-label": "from A to B", oninput: () => this.slide(Number(this.slider.value)) });
    this.between = element("div", { class: "between", hidden: true }, element("strong", {}, "A"), this.slider, element("strong", {}, "B"));
    this.loop = button("Loop", () => pressed(this.loop, this.loop.getAttribute("aria-pressed") !== "true"), { "aria-pressed": "true" });
    this.slots = Object.fromEntries(["A", "B"].map((name) => [name, this.slot(name)]));
    this.home.replaceChildren(
      element("section", { class: "card opener" }, element("div", { class: "row" }, this.choice,
        element("label", { class: "field" }, "bpm", this.bpm), button("Play", () => this.playNow()), button("Stop", () => this.synth.stop()), this.loop,
        button("Export .mid", () => this.export(this.now ? [this.now] : [], "phrase"))), this.status,
        element("p", { class: "hint", "data-sounding": "", role: "status" })),
      element("section", { class: "card" }, element("h2", {}, "Map"), this.map,
        element("p", { class: "hint" }, "drag: what you hear is carried there, decoded by the model. Golden dots are real phrases; the nearest light up: tap one to hear it"), this.known.list),
      element("section", { class: "card" }, element("h2", {}, "Phrase"), this.roll, this.origin, element("h2", {}, "Knobs"), this.knobs),
      element("section", { class: "card wide" }, element("h2", {}, "Samples"), element("div", { class: "row" }, button("New sample", () => this.draw())), this.list),
      element("section", { class: "card wide" }, element("h2", {}, "From one phrase to another"),
        element("div", { class: "row" }, this.slots.A.root, this.slots.B.root, element("label", { class: "field" }, "steps", this.steps),
          button("Make the way", () => this.makeWay()), button("Play all", () => this.playWay()), button("Export all", () => this.export(this.way, "way"))), this.between, this.strip));
    for (const name of ["pointerdown", "pointermove"]) this.map.addEventListener(name, (event) => this.drag(event));
    this.map.addEventListener("pointerup", () => this.tap());
    this.map.addEventListener("keydown", (event) => this.key(event));
  }

  slot(name) {
    const label = element("span", {}, `${name}: drop or choose a .mid`);
    const file = element("input", { type: "file", accept: ".mid,.midi,audio/midi", hidden: true, onchange: () => file.files[0] && this.drop(name, file.files[0]) });
    const root = element("div", { class: "slot", tabindex: "0", role: "button", onclick: () => file.click(), onkeydown: (event) => { if (event.key === "Enter") file.click(); } },
      label, file, element("button", { onclick: (event) => { event.stopPropagation(); if (this.now) this.setEnd(name, this.now, "this phrase"); } }, "use this phrase"));
    root.addEventListener("dragover", (event) => { event.preventDefault(); root.classList.add("over"); });
    root.addEventListener("dragleave", () => root.classList.remove("over"));
    root.addEventListener("drop", (event) => { event.preventDefault(); root.classList.remove("over"); if (event.dataTransfer.files[0]) this.drop(name, event.dataTransfer.files[0]); });
    return { root, label };
  }

  async work(words, doing) {
    this.busy += 1;
    text(this.status, `${words} …`);
    try { const found = await doing(); text(this.status, ""); return found; }
    catch (error) { text(this.status, error.message); return null; }
    finally { this.busy -= 1; }
  }

  async open(model) {
    const sheet = await this.work("loading the model", () => ask("sheet", { model }));
    if (!sheet) return;
    this.model = model; this.sheet = sheet; this.turns = {}; this.samples = []; this.ends = {}; this.way = []; this.now = null;
    for (const name of ["A", "B"]) text(this.slots[name].label, `${name}: drop or choose a .mid`);
    this.list.replaceChildren(); this.strip.replaceChildren(); this.between.hidden = true;
    this.knobs.replaceChildren(...sheet.knobs.map((name) => new KnobBar(
      { name, value: 0, low: -1, high: 1, rest: 0, text: name, available: sheet.latent_size > 0, waiting: null },
      (knob, value) => { this.turns[knob] = value; this.turned(); }).root));
    await this.draw(false);
    await this.known.load(model);
    this.known.show(this.known.near(this.now ? this.now.xy : [0, 0]));
  }

  show(drawing, { play = true, fresh = true, origin = "decoded by the model" } = {}) {
    this.now = drawing;
    text(this.origin, origin);
    if (fresh) this.base = drawing;
    if (play) this.playNow();
  }

  showReal(phrase) {
    this.pointer = phrase.drawing.xy;
    this.later(async () => this.show(phrase.drawing, { origin: `real: ${phrase.name} (${phrase.source})` }));
  }

  // A tap close to a real phrase plays that phrase itself.
  tap() {
    const phrase = this.moved || !this.pointer ? null : this.known.at(this.pointer);
    if (phrase) this.showReal(phrase);
  }

  async draw(play = true) {
    if (!this.sheet) return this.open(this.choice.value);
    const drawing = await this.work("drawing a phrase", () => ask("draw", { model: this.model, number: this.samples.length, seed: Math.floor(Math.random() * 2 ** 31) }));
    if (!drawing) return null;
    this.samples.push(drawing);
    if (this.samples.length > MOST_SAMPLES) this.samples.shift();
    this.list.replaceChildren(...this.samples.map((sample, index) => element("button", { onclick: () => this.show(sample) }, `Sample ${index + 1}`)));
    this.show(drawing, { play });
    return drawing;
  }

  // Of a drag only the newest wish waits for the model.
  async later(wish) {
    this.wanted = wish;
    if (this.wishing) return;
    this.wishing = true;
    while (this.wanted) { const doing = this.wanted; this.wanted = null; await doing(); }
    this.wishing = false;
  }

  turned() {
    const base = this.base;
    if (!base || !base.z.length) return;
    this.later(async () => {
      const drawing = await this.work("turning", () => ask("turned", { model: this.model, z: base.z, attributes: base.attributes, turns: this.turns }));
      if (drawing) this.show(drawing, { fresh: false });
    });
  }

  drag(event) {
    if (!this.sheet || !this.sheet.latent_size || (event.type === "pointermove" && !event.buttons)) return;
    const box = this.map.getBoundingClientRect();
    if (event.type === "pointerdown") { this.down = [event.clientX, event.clientY]; this.moved = false; }
    this.moved ||= Math.hypot(event.clientX - this.down[0], event.clientY - this.down[1]) > 6;
    this.carry(2 * (event.clientX - box.left) / box.width - 1, 1 - 2 * (event.clientY - box.top) / box.height);
    this.synth.wake();
  }

  key(event) {
    const by = { ArrowRight: [0.05, 0], ArrowLeft: [-0.05, 0], ArrowUp: [0, 0.05], ArrowDown: [0, -0.05] }[event.key];
    if (!by || !this.sheet) return;
    event.preventDefault();
    const at = this.pointer || (this.now ? this.now.xy : [0, 0]);
    this.carry(at[0] + by[0], at[1] + by[1]);
  }

  carry(x, y) {
    this.pointer = [Math.max(-1, Math.min(1, x)), Math.max(-1, Math.min(1, y))];
    const [toX, toY] = this.pointer, from = this.base;
    this.known.show(this.known.near(this.pointer));
    this.later(async () => {
      const drawing = await this.work("moving", () => ask("carried", { model: this.model, x: toX, y: toY, z: from ? from.z : [], attributes: from ? from.attributes : {} }));
      if (drawing) this.show(drawing);
    });
  }

  async drop(name, file) {
    const data = base64(new Uint8Array(await file.arrayBuffer()));
    const drawing = await this.work(`reading ${file.name}`, () => ask("opening", { model: this.model, name: file.name, data }));
    if (drawing) { this.setEnd(name, drawing, file.name); this.show(drawing, { origin: `${file.name}, as the model hears it` }); }
  }

  // As soon as both ends are there, the way is made.
  setEnd(name, drawing, words) {
    this.ends[name] = drawing; text(this.slots[name].label, `${name}: ${words}`);
    if (this.ends.A && this.ends.B) this.makeWay();
  }

  async makeWay() {
    if (!this.ends.A || !this.ends.B) { text(this.status, "choose A and B first: two .mid files, or the phrase that you hear"); return; }
    const way = await this.work("finding the way", () => ask("way", { model: this.model, first: this.ends.A.exact, last: this.ends.B.exact, steps: Number(this.steps.value) }));
    if (!way) return;
    this.way = way;
    this.between.hidden = false; this.slider.max = way.length - 1; this.slider.value = 0;
    this.strip.replaceChildren(...way.map((drawing, index) => {
      const canvas = element("canvas");
      const box = element("button", { class: "stop", onclick: () => this.slide(index) }, canvas, element("span", {}, String(index + 1)));
      requestAnimationFrame(() => this.drawPhrase(canvas, drawing));
      return box;
    }));
  }

  // Goes to a step of the way; what sounds goes on from where it is.
  slide(index) {
    const from = this.synth.place() || 0;
    this.mark(index);
    this.show(this.way[index], { play: false, origin: `step ${index + 1} of ${this.way.length}` });
    this.playNow(from < 1 ? from : 0);
  }

  mark(index) {
    this.slider.value = index;
    [...this.strip.children].forEach((box, at) => pressed(box, at === index));
  }

  options() {
    const sheet = this.sheet;
    return { bpm: Math.max(30, Math.min(300, Number(this.bpm.value) || 110)), stepsPerBeat: sheet.steps_per_beat, steps: sheet.bars * sheet.beats_per_bar * sheet.steps_per_beat };
  }

  playNow(from = 0) {
    if (this.now) this.synth.play([this.now.notes], { ...this.options(), from, loop: this.loop.getAttribute("aria-pressed") === "true" });
  }

  playWay() {
    if (!this.way.length) return;
    this.synth.play(this.way.map((drawing) => drawing.notes), { ...this.options(), each: (index) => {
      this.now = this.way[index];
      this.mark(index);
    } });
  }

  async export(drawings, name) {
    if (!drawings.length) { text(this.status, "there is nothing to export yet"); return; }
    const file = await this.work("writing", () => ask("exported", { model: this.model, phrases: drawings.map((drawing) => drawing.exact), tempo_bpm: this.options().bpm, name }));
    if (!file) return;
    const bytes = Uint8Array.from(atob(file.data), (word) => word.charCodeAt(0));
    const link = element("a", { href: URL.createObjectURL(new Blob([bytes], { type: "audio/midi" })), download: `${name}.mid` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  paint() {
    if (!this.sheet || !this.map.clientWidth) return;
    const [context, width, height] = surface(this.map), place = ([x, y]) => [(x + 1) / 2 * width, (1 - y) / 2 * height];
    context.fillStyle = COLOURS.ground; context.fillRect(0, 0, width, height);
    context.fillStyle = COLOURS.cloud;
    for (const point of this.sheet.map_points) { const [x, y] = place(point); context.fillRect(x - 1.5, y - 1.5, 3, 3); }
    this.known.draw(context, place, this.pointer ? this.known.near(this.pointer) : []);
    for (const sample of this.samples) { const [x, y] = place(sample.xy); disc(context, x, y, 6, "#1c6f9e"); }
    if (this.now && this.now.z.length) { const [x, y] = place(this.now.xy); disc(context, x, y, 12, COLOURS.it); }
    if (this.now) this.drawPhrase(this.roll, this.now, this.synth.place());
  }

  drawPhrase(canvas, drawing, at = null) {
    const [context, width, height] = surface(canvas), { steps, stepsPerBeat } = this.options();
    context.fillStyle = COLOURS.ground; context.fillRect(0, 0, width, height);
    for (let step = 0; step < steps; step += stepsPerBeat) {
      context.fillStyle = step % (stepsPerBeat * this.sheet.beats_per_bar) ? COLOURS.line : COLOURS.strong;
      context.fillRect(step / steps * width, 0, 1, height);
    }
    const pitched = drawing.notes.filter((note) => note[4] !== DRUMS).map((note) => note[2]);
    const low = Math.min(55, ...pitched) - 2, high = Math.max(72, ...pitched) + 2, drums = drawing.notes.length - pitched.length;
    const floor = drums && pitched.length ? height * 0.75 : drums ? 0 : height, row = floor / (high - low + 1);
    for (const [onset, length, pitch, , track] of drawing.notes) {
      context.fillStyle = COLOURS.parts[track];
      if (track === DRUMS) context.fillRect(onset / steps * width, height - 4 - (pitch * 7 % 9 + 1) * (height - floor - 8) / 10, Math.max(3, width / steps / 2), Math.max(3, (height - floor) / 14));
      else context.fillRect(onset / steps * width, floor - (pitch - low + 1) * row, Math.max(2, length / steps * width - 1), Math.max(2, row - 1));
    }
    if (at !== null) { context.fillStyle = "#fff"; context.fillRect(at * width - 1, 0, 2, height); }
  }
}
