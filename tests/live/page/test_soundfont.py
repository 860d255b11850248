"""The soundfont reaches the browser once, and sounds there: as many onsets as notes, silence after all."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from live.ipc.browser_midi import MidiOut, WantMidi
from live.ipc.page_process import PageOptions
from live.page import soundfont
from live.page.broker import Broker
from live.page.serve import application
from model.midi.synth import default_soundfont
from tests.fakes.page_served import Served, opened

RENDERED = """async ([messages, seconds, silenced]) => {
  const { Renderer } = await import("/static/renderer.js");
  const renderer = new Renderer(48000, await (await fetch("/soundfont")).arrayBuffer()), blocks = [];
  for (const [at, ...data] of messages) renderer.put(Math.round(at * 48000), data);
  for (let frame = 0; frame < seconds * 48000; frame += 240) {
    if (frame === silenced * 48000) renderer.silence();
    const left = new Float32Array(240);
    renderer.render(left, new Float32Array(240), frame);
    blocks.push(Math.max(...left.map(Math.abs)));
  }
  return blocks;
}"""
"""Loudness of every 5 ms of what the soundfont makes of messages, faster than the clock."""

TAPPED = """async () => {
  const synth = window.twobar.synth;
  synth.wake();
  await synth.loading;
  const tap = synth.context.createScriptProcessor(256, 2, 1);
  window.loudness = [];
  tap.onaudioprocess = ({ inputBuffer }) =>
    window.loudness.push(Math.max(...inputBuffer.getChannelData(0).map(Math.abs)));
  synth.master.connect(tap);
  tap.connect(synth.context.destination);
}"""
"""Take down how loud the page is, each 256 frames, in real time."""

NO_WORKLETS = "delete BaseAudioContext.prototype.audioWorklet;"


def client(chosen: str = "") -> TestClient:
    return TestClient(
        application(PageOptions(soundfont=chosen), Broker(print)), base_url="http://127.0.0.1:9080"
    )


def onsets(blocks: list[float], *, quiet: float = 0.004) -> list[int]:
    """Return the places where it is loud after a silence of three blocks."""
    loud = [level > quiet for level in blocks]
    return [at for at in range(len(loud)) if loud[at] and not any(loud[max(0, at - 3) : at])]


def strike(served: Served, pitch: int, *, drums: bool = False) -> None:
    data = bytes((0x91, pitch, 110))
    served.call(served.broker.take, MidiOut(data, time.monotonic_ns(), performer=False, drums=drums))


def test_the_soundfont_is_sent_once_and_known_again() -> None:
    visitor = client()
    answer = visitor.get("/soundfont")
    assert answer.content == default_soundfont().read_bytes()
    again = visitor.get("/soundfont", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert visitor.get("/soundfont", headers={"if-none-match": '"another"'}).status_code == 200


def test_a_soundfont_that_is_missing_none_or_too_large_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "song.sf2"
    wrong.write_bytes(b"MThd")
    for chosen, words in ((tmp_path / "none.sf2", "cannot be read"), (wrong, "is not a soundfont")):
        answer = client(str(chosen)).get("/soundfont")
        assert answer.status_code == 404
        assert words in answer.text
        assert answer.text.count("\n") == 1
    monkeypatch.setattr(soundfont, "LARGEST_BYTES", 1 << 20)
    answer = client().get("/soundfont")
    assert answer.status_code == 413
    assert answer.text == "the soundfont 'TimGM6mb.sf2' has 6 MB, and a browser is given 1 MB at most\n"


def test_every_note_sounds_on_its_frame_until_silence_ends_all(browser: Any, served: Served) -> None:
    page = opened(browser, served)
    strikes = [(0.1 + 0.3 * place, 60 + place) for place in range(6)]
    messages = [
        message
        for at, pitch in strikes
        for message in ([at, 0x91, pitch, 100], [at + 0.04, 0x81, pitch, 0], [at + 0.12, 0xB1, 120, 0])
    ]
    blocks = page.evaluate(RENDERED, [messages, 2, 9])
    assert [at / 200 for at in onsets(blocks)] == pytest.approx([at for at, _ in strikes], abs=0.011)
    blocks = page.evaluate(RENDERED, [[[0.1, 0x91, 60, 100], [0.9, 0x91, 64, 100]], 2, 0.5])
    assert len(onsets(blocks)) == 1  # of two: the silence between them ends what is to come, too
    assert max(blocks[:100]) > 0.01
    assert max(blocks[160:]) < 0.001


@pytest.mark.parametrize("worklets", [True, False])
def test_what_twobar_plays_sounds_on_the_page_and_panic_ends_it(
    browser: Any, served: Served, *, worklets: bool
) -> None:
    page = opened(browser, served, script="" if worklets else NO_WORKLETS)
    page.select_option("[aria-label='where twobar sounds']", "synth")
    assert served.got(WantMidi)[0].wanted
    page.evaluate(TAPPED)
    assert "soundfont of twobar's machine" in page.inner_text("#midicard [data-sounding]")
    assert page.evaluate("twobar.synth.voices.threaded") == worklets
    for pitch in (60, 64, 67, 72):
        strike(served, pitch)
        served.wait(lambda: page.evaluate("Math.max(...loudness.slice(-2)) > 0.01"))
        end = (0xB1, 123, 0) if pitch == 72 else (0x81, pitch, 0)
        served.call(served.broker.take, MidiOut(bytes(end), time.monotonic_ns(), performer=False))
        served.wait(lambda: page.evaluate("Math.max(...loudness.slice(-20)) < 0.001"))


def test_drums_sound_as_drums_whatever_their_channel(browser: Any, served: Served) -> None:
    page = opened(browser, served)
    page.select_option("[aria-label='where twobar sounds']", "synth")
    page.evaluate(TAPPED)
    page.evaluate("window.struck = []; twobar.synth.voices.send = (data) => struck.push(data); null")
    strike(served, 36, drums=True)
    strike(served, 60)
    served.wait(lambda: len(page.evaluate("struck")) == 2)
    assert page.evaluate("struck") == [[0x99, 36, 110], [0x91, 60, 110]]


def test_a_lost_engine_leaves_nothing_sounding(browser: Any, served: Served) -> None:
    page = opened(browser, served)
    page.select_option("[aria-label='where twobar sounds']", "synth")
    page.evaluate(TAPPED)
    strike(served, 60)
    served.wait(lambda: page.evaluate("loudness.some((level) => level > 0.01)"))
    served.call(served.broker.set_connected, False)
    served.wait(lambda: page.evaluate("Math.max(...loudness.slice(-20)) < 0.001"))


def test_without_a_soundfont_a_plain_synth_sounds_and_one_sentence_says_why(browser: Any) -> None:
    served = Served(soundfont=os.devnull)
    page = opened(browser, served)
    page.select_option("[aria-label='where twobar sounds']", "synth")
    page.evaluate(TAPPED)
    said = page.inner_text("#midicard [data-sounding]")
    assert said.startswith("'/dev/null' is not a soundfont")
    assert said.endswith("; a plain synth sounds instead")
    strike(served, 60)
    served.wait(lambda: page.evaluate("loudness.some((level) => level > 0.01)"))
    page.evaluate("twobar.synth.silence()")
    served.wait(lambda: page.evaluate("Math.max(...loudness.slice(-20)) < 0.001"))
    assert page.faults == []
    page.close()
    served.close()
