// Web MIDI: keyboards at this browser play the instrument; what it plays goes to this browser's MIDI or its synth.
import { $, element, pressed, text } from "./dom.js";

const LEAST_MS = 12, MOST_MS = 200, SPARE_MS = 4, MEASURED = 64;
const WITHOUT = "This browser has no Web MIDI here (Safari has none; over the network others ask for https): plug the keyboard into twobar's machine. The rest of the page works.";

export class Midi {
  constructor(link, synth) {
    this.link = link; this.synth = synth; this.target = ""; this.lags = []; this.delay = 25; this.lates = [];
    this.words = element("p", { class: "hint", role: "status" });
    this.connect = element("button", { onclick: () => this.open() }, "Play from this browser's keyboard");
    this.outputs = element("select", { "aria-label": "where twobar sounds", onchange: () => this.choose(this.outputs.value) },
      element("option", { value: "" }, "twobar's own sound"), element("option", { value: "synth" }, "sound on this page"));
    this.latency = element("p", { class: "hint", id: "latency" });
    this.sounding = element("p", { class: "hint", "data-sounding": "", role: "status" });
    $("midicard").hidden = false;
    $("midicard").replaceChildren(element("h2", {}, "Keyboard and sound here"), element("div", { class: "row" }, this.connect, this.outputs), this.words, this.sounding, this.latency);
    if (!navigator.requestMIDIAccess) { this.connect.disabled = true; text(this.words, WITHOUT); }
    link.on("PlayedMidi", (message) => this.played(message));
    link.on("link", () => {
      if (!this.target) return;
      if (link.connected) link.raw({ type: "WantMidi", wanted: true });
      if (!link.connected || !link.engine) this.silence(); // nobody is there to end what sounds
    });
    addEventListener("pagehide", () => this.silence());
    link.on("pong", () => this.tell());
  }

  async open() {
    try { this.access = await navigator.requestMIDIAccess(); }
    catch (error) { text(this.words, `the browser gives no MIDI: ${error.message}`); return; }
    this.access.onstatechange = () => this.ports();
    this.ports();
  }

  ports() {
    const names = [];
    for (const input of this.access.inputs.values()) {
      if (input.state === "connected") {
        names.push(input.name);
        input.onmidimessage = (event) => this.key(input.name, event);
      } else this.link.send("KeyMidi", { port: input.name });
    }
    text(this.words, names.length ? `plays: ${names.join(", ")}` : "no keyboard yet: plug one in");
    pressed(this.connect, names.length > 0);
    const chosen = this.outputs.value;
    for (const old of [...this.outputs.options].slice(2)) old.remove();
    for (const output of this.access.outputs.values()) this.outputs.append(element("option", { value: output.id }, output.name));
    this.outputs.value = [...this.outputs.options].some((option) => option.value === chosen) ? chosen : "";
  }

  key(port, event) {
    const data = [...event.data];
    if (data[0] < 0x80 || data[0] >= 0xf0) return; // clock, active sensing, system exclusive
    const now = performance.now(), at = event.timeStamp || now;
    this.lags.push(now - at);
    if (this.lags.length > 32) this.lags.shift();
    this.link.raw({ type: "KeyMidi", port, data, at_ms: this.link.offset === null ? 1e15 : at + this.link.offset });
    if (this.target === "synth") this.sound([data[0] & 0xf0, ...data.slice(1)], now); // your own key sounds here at once
  }

  choose(target) {
    this.silence();
    this.target = target;
    if (target === "synth") this.synth.wake();
    this.link.raw({ type: "WantMidi", wanted: target !== "" });
    this.tell();
  }

  played(message) {
    const exact = message.due_ms - (this.link.offset || 0);
    this.measure(performance.now() - exact);
    const due = exact + this.delay;
    if (this.target === "synth") { if (!message.performer || !this.access) this.sound(message.data, due, message.drums); }
    else if (this.target && this.access) {
      const output = this.access.outputs.get(this.target);
      if (output) output.send(message.data, Math.max(due, performance.now()));
    }
  }

  // All is played later by what the slowest of the last messages took on its way: then they keep their distances.
  measure(late) {
    this.lates.push(late);
    if (this.lates.length > MEASURED) this.lates.shift();
    const wanted = Math.min(MOST_MS, Math.max(LEAST_MS, Math.max(...this.lates) + SPARE_MS));
    this.delay = wanted > this.delay ? wanted : this.delay * 0.98 + wanted * 0.02;
  }

  // Plays bytes on the page's synth at a moment of performance.now().
  sound(data, at, drums = false) {
    this.synth.send(data, this.synth.moment(at), drums);
  }

  silence() {
    this.synth.silence();
    if (this.access) for (const output of this.access.outputs.values()) {
      if (output.clear) output.clear();
      for (let each = 0; each < 16; each++) output.send([0xb0 | each, 123, 0]);
    }
  }

  tell() {
    const way = this.link.roundtrip / 2;
    if (!Number.isFinite(way)) return;
    const lag = this.lags.length ? Math.max(...this.lags) : 0;
    const parts = [`to twobar ${(way + lag).toFixed(1)} ms`];
    if (this.target) {
      const audio = this.target === "synth" ? this.synth.latencyMs || 0 : 0;
      parts.push(`heard here ${(this.delay + audio).toFixed(0)} ms after it is due`);
    }
    text(this.latency, `latency: ${parts.join(", ")}`);
  }
}
