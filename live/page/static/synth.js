// The sound of this page: the soundfont of twobar's machine, and until it is here, or without it, a plain synth.
import { PlainSynth } from "./plain_synth.js";
import { openSoundfont } from "./soundfont.js";

const AHEAD_S = 0.03, STALLED_S = 0.2, DRIFT = 0.001, SOUNDFONT_GAIN = 2.2, PLAIN_GAIN = 0.5;
const DRUMS = 9, CHANNELS = [1, 2, 3, DRUMS], PROGRAMS = [4, 24, 33, 0]; // of melody, chords, bass and drums, until twobar says others

export class Synth {
  constructor(say = () => {}) {
    this.context = null; this.say = say; this.voices = null; this.setup = new Map(); this.offset = -Infinity;
    CHANNELS.forEach((channel, track) => this.setup.set(`program ${channel}`, [0xc0 | channel, PROGRAMS[track]]));
  }

  // A browser lets a page sound only after a touch: call it from one.
  wake() {
    if (!this.context) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.master = this.context.createDynamicsCompressor();
      this.master.connect(this.context.destination);
      this.voices = new PlainSynth(this.context, this.gain(PLAIN_GAIN));
      this.loading = this.load();
    }
    if (this.context.state === "suspended") this.context.resume();
    return this.context;
  }

  gain(level) {
    const gain = this.context.createGain();
    gain.gain.value = level;
    gain.connect(this.master);
    return gain;
  }

  async load() {
    this.say("the soundfont is on its way; a plain synth sounds until then");
    try {
      const opened = await openSoundfont(this.context, this.gain(SOUNDFONT_GAIN), this.setup.values());
      this.voices.silence();
      this.voices = this.soundfont = opened;
      this.say("sounds with the soundfont of twobar's machine");
    } catch (error) { this.say(`${error.message}; a plain synth sounds instead`); }
  }

  // Where a moment of performance.now() lies on the audio clock, whose steps are as long as what the device asks for at
  // once: the largest difference of the last ones is the true one.
  moment(at) {
    const now = this.wake().currentTime, seen = now - performance.now() / 1000;
    this.offset = seen > this.offset || this.offset - seen > STALLED_S ? seen : this.offset - DRIFT * (this.offset - seen);
    return Math.max(now, at / 1000 + this.offset);
  }

  get latencyMs() {
    return this.context ? 1000 * ((this.context.baseLatency || 0) + (this.context.outputLatency || 0)) : null;
  }

  // Plays a MIDI message at a moment of the audio clock, drums on the channel where they sound as such; what ends all
  // sound does so at once.
  send([status, ...rest], at, drums = false) {
    this.wake();
    const kind = status & 0xf0, channel = drums ? DRUMS : status & 15, data = [kind | channel, ...rest];
    if (kind === 0xb0 && (data[1] === 120 || data[1] === 123)) { this.voices.silence(channel); return; }
    if (kind === 0xc0) this.setup.set(`program ${channel}`, data);
    if (kind === 0xb0 && data[1] === 7) this.setup.set(`volume ${channel}`, data);
    this.voices.send(data, at);
  }

  silence(channel = null) { this.voices?.silence(channel); }

  note(pitch, velocity, at, seconds, track) {
    this.send([0x90 | CHANNELS[track], pitch, velocity], at);
    this.send([0x80 | CHANNELS[track], pitch, 0], at + seconds);
  }

  // Plays phrases of drawings one after another, the first one from a place in it, 0..1; `each(index)` when one begins,
  // `done()` at the end.
  play(phrases, { bpm, stepsPerBeat, steps, loop = false, from = 0, each = () => {}, done = () => {} }) {
    this.stop();
    const context = this.wake(), second = 60 / bpm / stepsPerBeat, begun = context.currentTime + AHEAD_S * 2;
    let next = begun - from * steps * second, index = 0;
    const fill = () => {
      while (next < context.currentTime + 0.3) {
        if (index >= phrases.length) {
          if (!loop) { this.timer = setTimeout(() => { this.timer = null; done(); }, 1000 * Math.max(0, next - context.currentTime)); return; }
          index = 0;
        }
        const start = next, which = index;
        for (const [onset, length, pitch, velocity, track] of phrases[index]) {
          if (start + onset * second < begun - 1e-6) continue; // it lies before that place
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
    this.silence();
  }
}
