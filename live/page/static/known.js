// The real phrases of a model: where they lie on its map, which are the nearest, and buttons to hear them.
import { COLOURS, element } from "./dom.js";
import { ask } from "./ask.js";

const NEAR = 5, SNAP = 0.06;

export function nearest(points, at, count, place = (point) => point) {
  return points.map((point) => [Math.hypot(place(point)[0] - at[0], place(point)[1] - at[1]), point])
    .sort((a, b) => a[0] - b[0]).slice(0, count).map((pair) => pair[1]);
}

export class KnownPhrases {
  // `hear(phrase)` is called with {name, source, drawing} when its button is tapped.
  constructor(hear) { this.hear = hear; this.model = ""; this.all = []; this.shown = ""; this.list = element("div", { class: "row phrases" }); }

  async load(model) {
    if (this.model === model) return;
    this.model = model; this.all = []; this.show([]);
    let found = [];
    try { found = await ask("known", { model }); } catch { /* without them the map has its dots */ }
    if (this.model === model) this.all = found;
  }

  near(at) { return nearest(this.all, at, NEAR, (phrase) => phrase.drawing.xy); }

  // The phrase that a tap means, null where none is close.
  at(at) {
    const [first] = this.near(at);
    return first && Math.hypot(first.drawing.xy[0] - at[0], first.drawing.xy[1] - at[1]) < SNAP ? first : null;
  }

  show(phrases) {
    const key = phrases.map((phrase) => `${phrase.name} ${phrase.source}`).join("|");
    if (key === this.shown) return;
    this.shown = key;
    this.list.replaceChildren(...phrases.map((phrase) => element("button",
      { class: "phrase-button", title: `hear it: ${phrase.source}`, onclick: () => this.hear(phrase) }, `♪ ${phrase.name}`)));
  }

  // Draws all of them, `lit` brighter; `place` turns a point of the map into a pixel.
  draw(context, place, lit) {
    for (const phrase of this.all) {
      const [x, y] = place(phrase.drawing.xy), bright = lit.includes(phrase);
      context.beginPath(); context.arc(x, y, bright ? 8 : 4.5, 0, 7);
      context.fillStyle = bright ? COLOURS.plan : "#8a6d2c"; context.fill();
      if (bright) { context.lineWidth = 2; context.strokeStyle = "#fff"; context.stroke(); }
    }
  }
}
