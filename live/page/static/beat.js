// The beat, large; whose turn it is; key, chord and the next one; tempo and metre.
import { $, element, pressed, text } from "./dom.js";

const FLASH = 0.18; // of a beat

export class Beat {
  constructor(link) {
    this.link = link; this.count = 0;
    const card = $("beat"), turn = () => this.alone(!document.body.classList.contains("alone"));
    card.addEventListener("click", turn);
    card.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); turn(); } });
    addEventListener("keydown", (event) => { if (event.key === "Escape") this.alone(false); });
  }

  // The beat fills the screen, which stays lit meanwhile where the browser can do that.
  alone(on) {
    document.body.classList.toggle("alone", on);
    pressed($("beat"), on);
    if (this.lit) { this.lit.then((lock) => lock && lock.release()); this.lit = null; }
    if (on && navigator.wakeLock) this.lit = navigator.wakeLock.request("screen").catch(() => null);
  }

  draw(now) {
    const state = this.link.state;
    if (!state) return;
    const tick = this.link.tick(now), beats = state.beats_per_bar, size = state.ticks_per_beat;
    if (this.count !== beats) {
      this.count = beats;
      $("dots").replaceChildren(...Array.from({ length: beats }, () => element("i")));
    }
    const runs = state.state === "playing" || state.state === "count-in";
    const beat = Math.floor(tick / size), place = ((beat % beats) + beats) % beats, within = tick / size - beat;
    text($("count"), runs ? String(place + 1) : "–");
    $("beat").classList.toggle("one", runs && place === 0);
    [...$("dots").children].forEach((dot, index) => {
      const kind = !runs ? "" : index === place ? (within < FLASH ? "now flash" : "now") + (index ? "" : " first") : index < place ? "past" : "";
      if (dot.className !== kind) dot.className = kind;
    });
    this.turn(state, tick, runs);
  }

  turn(state, tick, runs) {
    let words = "", kind = "";
    if (state.state === "listening") words = "listening: play";
    else if (state.state === "count-in") words = "count-in";
    else if (!runs) words = "stopped";
    else if (state.speaker) {
      const left = Math.max(0, Math.ceil((state.speaker_until - state.bar_zero - tick) / state.ticks_per_beat));
      kind = state.speaker === "performer" ? "you" : "it";
      words = `${kind === "you" ? "you" : "twobar"}, ${left} beat${left === 1 ? "" : "s"} left`;
    }
    text($("turn"), words);
    const target = `turn ${kind}`;
    if ($("turn").className !== target) $("turn").className = target;
    const facts = [`${Math.round(state.tempo_bpm * 10) / 10} bpm`, state.metre];
    if (state.recognised) facts.push(`you play anchor ${state.recognised}`);
    if (state.loop_bars) facts.push(`loop of ${state.loop_bars}`);
    else if (state.phrase_bars !== 2) facts.push(`phrases of ${state.phrase_bars}`);
    text($("key"), state.key ? state.key + (state.key_locked ? " locked" : "") : "");
    text($("chord"), state.chord || "");
    text($("next"), state.next_chord && state.next_chord !== state.chord ? `→ ${state.next_chord}` : "");
    text($("facts"), facts.join(" · "));
  }
}
