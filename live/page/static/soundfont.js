// The soundfont of twobar's machine, played in this browser: `send` takes MIDI bytes and a moment of the audio clock.

const FRAMES = 512; // that a page without worklets renders at once

async function fetched() {
  const answer = await fetch("/soundfont");
  if (!answer.ok) throw new Error((await answer.text()).trim());
  return answer.arrayBuffer();
}

// Renders on the audio thread.
class OnWorklet {
  static async opened(context, bank) {
    await context.audioWorklet.addModule("/static/soundfont_worklet.js");
    const node = new AudioWorkletNode(context, "soundfont", { numberOfInputs: 0, outputChannelCount: [2] });
    const answer = new Promise((resolve, reject) => {
      node.port.onmessage = ({ data }) => (data.ready ? resolve() : reject(new Error(data.fault)));
    });
    node.port.postMessage({ bank }, [bank]);
    await answer;
    return new OnWorklet(node);
  }

  constructor(node) { this.node = node; }
  put(at, data) { this.node.port.postMessage({ at, data }); }
  silence(channel) { this.node.port.postMessage({ silence: true, channel }); }
}

// Renders on the page's thread: browsers give a page without https no worklet.
class OnPage {
  static async opened(context, bank) {
    const { Renderer } = await import("./renderer.js");
    return new OnPage(context, new Renderer(context.sampleRate, bank));
  }

  constructor(context, renderer) {
    this.rate = context.sampleRate; this.renderer = renderer;
    this.node = context.createScriptProcessor(FRAMES, 0, 2);
    this.node.onaudioprocess = ({ outputBuffer, playbackTime }) =>
      renderer.render(outputBuffer.getChannelData(0), outputBuffer.getChannelData(1), Math.round(playbackTime * this.rate));
  }

  put(at, data) { this.renderer.put(Math.round(at * this.rate), data); }
  silence(channel) { this.renderer.silence(channel); }
}

// Opens the soundfont, with messages that set it up; throws one sentence where there is none or it does not play.
export async function openSoundfont(context, output, setup) {
  const bank = await fetched();
  const way = await (context.audioWorklet ? OnWorklet : OnPage).opened(context, bank);
  way.node.connect(output);
  for (const data of setup) way.put(0, data);
  return { send: (data, at) => way.put(at, data), silence: (channel = null) => way.silence(channel), threaded: way instanceof OnWorklet };
}
