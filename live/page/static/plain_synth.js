// A small synthesizer of our own, for when there is no soundfont: MIDI bytes at moments of the audio clock.

const DRUMS = 3, TRACKS = new Map([[2, 1], [3, 2], [9, 3]]); // by channel, 0..15; all others sound as the melody

function hertz(pitch) { return 440 * 2 ** ((pitch - 69) / 12); }

export class PlainSynth {
  constructor(context, output) {
    this.context = context; this.output = output; this.sounding = new Set(); this.held = new Map();
    const size = context.sampleRate / 2;
    this.noise = context.createBuffer(1, size, context.sampleRate);
    const data = this.noise.getChannelData(0);
    for (let k = 0; k < size; k++) data[k] = 2 * Math.random() - 1;
  }

  send([status, pitch, velocity], at) {
    const kind = status & 0xf0, channel = status & 15, key = channel << 7 | pitch;
    if (kind !== 0x90 && kind !== 0x80) return;
    this.held.get(key)?.end(at);
    this.held.delete(key);
    if (kind === 0x80 || !velocity) return;
    const voice = this.note(pitch, velocity, Math.max(at, this.context.currentTime), TRACKS.get(channel) ?? 0);
    voice.channel = channel;
    this.held.set(key, voice);
  }

  // Ends what sounds and what is to come, of one channel (0..15) or of all.
  silence(channel = null) {
    for (const voice of this.sounding) if (channel === null || voice.channel === channel) voice.cut();
    for (const [key, voice] of this.held) if (channel === null || voice.channel === channel) this.held.delete(key);
  }

  note(pitch, velocity, at, track) {
    if (track === DRUMS) return this.drum(pitch, velocity, at);
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
    first.connect(filter); second.connect(filter); filter.connect(gain).connect(this.output);
    first.start(at); second.start(at);
    const end = (when) => {
      const moment = Math.max(when, context.currentTime);
      gain.gain.cancelScheduledValues(moment); gain.gain.setTargetAtTime(0, moment, 0.04);
      first.stop(moment + 0.4); second.stop(moment + 0.4);
    };
    return this.voice(first, gain, end, () => end(0));
  }

  // Keeps count of a voice until it is over: `end(when)` as its key goes up, `cut()` at once.
  voice(source, gain, end, cut) {
    const voice = { end, cut };
    this.sounding.add(voice);
    source.onended = () => { this.sounding.delete(voice); gain.disconnect(); };
    return voice;
  }

  drum(pitch, velocity, at) {
    const context = this.context, gain = context.createGain(), loud = (velocity / 127) ** 1.5;
    const low = pitch === 35 || pitch === 36, tom = [41, 43, 45, 47, 48, 50].includes(pitch);
    const snare = [37, 38, 39, 40].includes(pitch), open = [46, 49, 51, 52, 55, 57, 59].includes(pitch);
    const decay = low ? 0.12 : tom ? 0.16 : snare ? 0.09 : open ? 0.22 : 0.03;
    gain.gain.setValueAtTime(loud * (low ? 0.9 : snare ? 0.5 : 0.3), at);
    gain.gain.setTargetAtTime(0, at, decay);
    gain.connect(this.output);
    if (low || tom) {
      const body = context.createOscillator(), start = low ? 130 : hertz(pitch + 12);
      body.frequency.setValueAtTime(start, at); body.frequency.exponentialRampToValueAtTime(low ? 45 : start * 0.6, at + 0.12);
      body.connect(gain); body.start(at); body.stop(at + 0.8);
      return this.voice(body, gain, () => {}, () => body.stop());
    } else {
      const hiss = context.createBufferSource(), filter = context.createBiquadFilter();
      hiss.buffer = this.noise; hiss.loop = true;
      filter.type = snare ? "bandpass" : "highpass"; filter.frequency.value = snare ? 1800 : 7000;
      hiss.connect(filter).connect(gain); hiss.start(at); hiss.stop(at + 1);
      return this.voice(hiss, gain, () => {}, () => hiss.stop());
    }
  }
}
