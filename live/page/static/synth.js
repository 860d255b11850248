// A small synthesizer of our own: a voice for each part, notes placed ahead on the audio clock.

const AHEAD_S = 0.03;

function hertz(pitch) { return 440 * 2 ** ((pitch - 69) / 12); }

export class Synth {
  constructor() { this.context = null; this.sounding = new Set(); }

  // A browser lets a page sound only after a touch: call it from one.
  wake() {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      const limiter = this.context.createDynamicsCompressor();
      this.master = this.context.createGain();
      this.master.gain.value = 0.5;
      this.master.connect(limiter).connect(this.context.destination);
      const size = this.context.sampleRate / 2, noise = this.context.createBuffer(1, size, this.context.sampleRate);
      const data = noise.getChannelData(0);
      for (let k = 0; k < size; k++) data[k] = 2 * Math.random() - 1;
      this.noise = noise;
    }
    if (this.context.state === "suspended") this.context.resume();
    return this.context;
  }

  get latencyMs() {
    return this.context ? 1000 * ((this.context.baseLatency || 0) + (this.context.outputLatency || 0)) : null;
  }

  // Plays a note at a moment of the audio clock; returns what ends it.
  note(pitch, velocity, at, seconds, track = 0) {
    if (track === 3) return this.drum(pitch, velocity, at);
    const context = this.context, gain = context.createGain(), filter = context.createBiquadFilter();
    const loud = (velocity / 127) ** 1.6 * (track === 2 ? 0.5 : track === 1 ? 0.2 : 0.32);
    const first = context.createOscillator(), second = context.createOscillator();
    first.type = track === 2 ? "triangle" : "sawtooth"; second.type = "triangle";
    first.frequency.value = hertz(pitch); second.frequency.value = hertz(pitch) * (track === 1 ? 1.003 : 2);
    filter.type = "lowpass"; filter.Q.value = 0.6;
    filter.frequency.setValueAtTime(Math.min(12000, hertz(pitch) * (3 + 5 * velocity / 127)), at);
    filter.frequency.setTargetAtTime(hertz(pitch) * 2 + 300, at, 0.18);
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(loud, at + 0.006);
    gain.gain.setTargetAtTime(loud * 0.45, at + 0.006, 0.3);
    first.connect(filter); second.connect(filter); filter.connect(gain).connect(this.master);
    first.start(at); second.start(at);
    const voice = { end: (when) => {
      const moment = Math.max(when, context.currentTime);
      gain.gain.cancelScheduledValues(moment); gain.gain.setTargetAtTime(0, moment, 0.04);
      first.stop(moment + 0.4); second.stop(moment + 0.4);
      this.sounding.delete(voice);
    } };
    this.sounding.add(voice);
    first.onended = () => { this.sounding.delete(voice); gain.disconnect(); };
    if (seconds !== undefined) {
      gain.gain.setTargetAtTime(0, at + seconds, 0.04);
      first.stop(at + seconds + 0.4); second.stop(at + seconds + 0.4);
    }
    return voice;
  }

  drum(pitch, velocity, at) {
    const context = this.context, gain = context.createGain(), loud = (velocity / 127) ** 1.5;
    const low = pitch === 35 || pitch === 36, tom = [41, 43, 45, 47, 48, 50].includes(pitch);
    const snare = [37, 38, 39, 40].includes(pitch), open = [46, 49, 51, 52, 55, 57, 59].includes(pitch);
    const decay = low ? 0.12 : tom ? 0.16 : snare ? 0.09 : open ? 0.22 : 0.03;
    gain.gain.setValueAtTime(loud * (low ? 0.9 : snare ? 0.5 : 0.3), at);
    gain.gain.setTargetAtTime(0, at, decay);
    gain.connect(this.master);
    if (low || tom) {
      const body = context.createOscillator(), start = low ? 130 : hertz(pitch + 12);
      body.frequency.setValueAtTime(start, at); body.frequency.exponentialRampToValueAtTime(low ? 45 : start * 0.6, at + 0.12);
      body.connect(gain); body.start(at); body.stop(at + 0.8);
    } else {
      const hiss = context.createBufferSource(), filter = context.createBiquadFilter();
      hiss.buffer = this.noise; hiss.loop = true;
      filter.type = snare ? "bandpass" : "highpass"; filter.frequency.value = snare ? 1800 : 7000;
      hiss.connect(filter).connect(gain); hiss.start(at); hiss.stop(at + 1);
    }
    return { end() {} };
  }

  // Plays phrases of drawings one after another; `each(index)` when one begins, `done()` at the end.
  play(phrases, { bpm, stepsPerBeat, steps, loop = false, each = () => {}, done = () => {} }) {
    this.stop();
    const context = this.wake(), second = 60 / bpm / stepsPerBeat;
    let next = context.currentTime + AHEAD_S * 2, index = 0;
    const fill = () => {
      while (next < context.currentTime + 0.3) {
        if (index >= phrases.length) {
          if (!loop) { this.timer = setTimeout(() => { this.timer = null; done(); }, 1000 * Math.max(0, next - context.currentTime)); return; }
          index = 0;
        }
        const start = next, which = index;
        for (const [onset, length, pitch, velocity, track] of phrases[index]) {
          this.note(pitch, velocity, Math.max(context.currentTime, start + onset * second), length * second, track);
        }
        setTimeout(() => { this.started = start; this.span = steps * second; each(which); }, 1000 * (start - context.currentTime));
        index += 1; next += steps * second;
      }
      this.timer = setTimeout(fill, 80);
    };
    fill();
  }

  // Where the phrase that sounds is, 0..1; null when nothing plays.
  place() { return this.timer && this.started ? Math.min(1, (this.context.currentTime - this.started) / this.span) : null; }

  stop() {
    clearTimeout(this.timer);
    this.timer = null; this.started = null;
    if (this.context) for (const voice of [...this.sounding]) voice.end(this.context.currentTime);
  }
}
