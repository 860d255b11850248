// The soundfont on the audio thread: see soundfont.js for what it is told.
import { Renderer } from "./renderer.js";

class SoundfontProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.port.onmessage = ({ data }) => this.hear(data);
  }

  hear({ bank, at, data, silence, channel }) {
    if (bank) {
      try { this.renderer = new Renderer(sampleRate, bank); this.port.postMessage({ ready: true }); }
      catch (error) { this.port.postMessage({ fault: String(error.message || error) }); }
    } else if (silence) this.renderer?.silence(channel);
    else this.renderer?.put(Math.round(at * sampleRate), data);
  }

  process(_inputs, [[left, right]]) {
    this.renderer?.render(left, right || left, currentFrame);
    return true;
  }
}

registerProcessor("soundfont", SoundfontProcessor);
