// The piano roll: what you played, what sounded, and the plan ahead of the playhead.
import { $, COLOURS, element, surface } from "./dom.js";

const BARS = 5, BEHIND = 1.5, LEAST_KEYS = 26, DRUMS = 3, DRUM_LANES = 9;
const LANE = { 35: 0, 36: 0, 37: 2, 38: 1, 40: 1, 39: 2, 41: 3, 43: 3, 45: 4, 47: 4, 48: 5, 50: 5, 42: 6, 44: 6, 46: 7, 49: 8, 51: 8, 57: 8, 59: 8 };

export class Roll {
  constructor(link) { this.link = link; this.low = 48; this.high = 74; }

  // The colours of the parts that play, the muted ones struck out.
  legend(state, parts) {
    const playing = parts.filter((part, track) => state.muted.includes(part) || state.bars.some((bar) => bar.notes.some((note) => note[4] === track)));
    const shown = playing.length > 1 ? playing : [], key = `${shown} ${state.muted}`;
    if (key === this.named) return;
    this.named = key;
    $("ours").hidden = shown.length > 0;
    $("partlegend").replaceChildren(...shown.flatMap((part) => [element("i", { class: `swatch of${parts.indexOf(part)}` }),
      element("span", { class: state.muted.includes(part) ? "muted" : "" }, part)]));
  }

  draw(now) {
    const state = this.link.state, canvas = $("roll");
    if (!state || !canvas.clientWidth) return;
    const [context, width, height] = surface(canvas);
    const size = state.ticks_per_beat, bar = state.beats_per_bar * size;
    const tick = this.link.tick(now), left = tick - BEHIND * bar, scale = width / (BARS * bar);
    const drums = state.bars.some((each) => each.notes.some((note) => note[4] === DRUMS));
    const floor = drums ? height * 0.72 : height;
    this.range(state);
    const row = floor / (this.high - this.low + 1), x = (at) => (at - left) * scale;
    context.fillStyle = COLOURS.ground;
    context.fillRect(0, 0, width, height);
    for (let pitch = this.low; pitch <= this.high; pitch++) {
      if ([1, 3, 6, 8, 10].includes(pitch % 12)) {
        context.fillStyle = "#0f1522";
        context.fillRect(0, floor - (pitch - this.low + 1) * row, width, row);
      }
    }
    for (let beat = Math.floor(left / size); beat * size < left + BARS * bar; beat++) {
      const first = ((beat % state.beats_per_bar) + state.beats_per_bar) % state.beats_per_bar === 0;
      context.fillStyle = first ? COLOURS.strong : COLOURS.line;
      context.fillRect(Math.round(x(beat * size)), 0, first ? 2 : 1, height);
    }
    const runs = state.state === "playing" || state.state === "count-in";
    for (const view of state.bars) {
      const start = view.bar * bar;
      for (const [at, length, pitch, , track] of view.notes) {
        const begins = start + at, past = begins <= tick && runs, sounding = past && begins + length > tick;
        const box = this.box(x(begins), length * scale, pitch, track, row, floor, height);
        if (past) {
          context.fillStyle = sounding ? "#ffffff" : COLOURS.parts[track] || COLOURS.it;
          context.fillRect(...box);
        } else {
          context.strokeStyle = COLOURS.planned[track] || COLOURS.plan;
          context.lineWidth = 2;
          context.strokeRect(box[0] + 1, box[1] + 1, Math.max(1, box[2] - 2), Math.max(1, box[3] - 2));
        }
      }
      context.fillStyle = COLOURS.you;
      for (const [at, length, pitch] of view.performed) {
        const box = this.box(x(start + at), length * scale, pitch, 0, row, floor, height);
        context.fillRect(box[0], box[1] + box[3] * 0.25, box[2], Math.max(3, box[3] * 0.5));
      }
    }
    if (runs) { context.fillStyle = "#ffffff"; context.fillRect(x(tick) - 1, 0, 2, height); }
  }

  box(x, length, pitch, track, row, floor, height) {
    if (track === DRUMS) {
      const lane = (height - floor - 6) / DRUM_LANES, place = LANE[pitch] ?? 5;
      return [x, height - (place + 1) * lane, Math.max(5, Math.min(length, 12)), Math.max(3, lane - 1)];
    }
    return [x, floor - (pitch - this.low + 1) * row, Math.max(4, length - 1), Math.max(4, row - 1)];
  }

  range(state) {
    let low = 127, high = 0;
    for (const view of state.bars) {
      for (const note of view.notes) if (note[4] !== DRUMS) { low = Math.min(low, note[2]); high = Math.max(high, note[2]); }
      for (const note of view.performed) { low = Math.min(low, note[2]); high = Math.max(high, note[2]); }
    }
    if (low > high) { low = 55; high = 72; }
    const spare = Math.max(2, Math.ceil((LEAST_KEYS - (high - low)) / 2));
    if (low < this.low || high > this.high || this.high - this.low > high - low + 4 * spare) {
      this.low = Math.max(0, low - spare); this.high = Math.min(127, high + spare);
    }
  }
}
