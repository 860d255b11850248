// MIDI bytes to sound by a soundfont: SpessaSynth, each message on its frame.  Runs on the audio thread, or,
// where the browser has no worklets (pages without https), on the page's.
import { SoundBankLoader, SpessaSynthProcessor } from "./vendor/spessasynth_core/index.js";

const BLOCK = 128, CHANNELS = 16;

export class Renderer {
  // `bank`: the soundfont, an ArrayBuffer; throws what is no soundfont.
  constructor(rate, bank) {
    this.synth = new SpessaSynthProcessor(rate, { eventsEnabled: false, maxBufferSize: BLOCK });
    this.synth.onMissingPreset = () => undefined; // the first preset plays instead
    this.synth.soundBankManager.addSoundBank(SoundBankLoader.fromArrayBuffer(bank), "page");
    this.waiting = []; // {frame, data}, earliest first
  }

  put(frame, data) {
    let place = this.waiting.length;
    while (place && this.waiting[place - 1].frame > frame) place--;
    this.waiting.splice(place, 0, { frame, data });
  }

  // Ends what sounds and forgets what waits, of one channel (0..15) or of all.
  silence(channel = null) {
    this.waiting = channel === null ? [] : this.waiting.filter(({ data }) => (data[0] & 15) !== channel);
    for (let each = 0; each < CHANNELS; each++) {
      if (channel !== null && channel !== each) continue;
      for (const control of [64, 123, 120]) this.synth.processMessage([0xb0 | each, control, 0]);
    }
  }

  // Fills both buffers, which are silent before, with what sounds from frame `first` on.
  render(left, right, first) {
    for (let done = 0; done < left.length;) {
      while (this.waiting.length && this.waiting[0].frame <= first + done) this.synth.processMessage(this.waiting.shift().data);
      const next = this.waiting.length ? this.waiting[0].frame - first : Infinity;
      const size = Math.min(BLOCK, left.length - done, next - done);
      this.synth.process(left, right, done, size);
      done += size;
    }
  }
}
