"""The page in Debian's Chromium, with pretended MIDI: what hands do, and how it looks at three sizes."""

import asyncio
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from live.ipc.commands import GoOnMap, MutePart, Panic, Say, StoreAnchor, Turn
from live.ipc.link import Address
from live.ipc.messages import MidiOut, PlayMidi, WantMidi
from live.ipc.page_process import PageOptions
from live.page.hub import Hub
from live.page.serve import PageServer, application
from tests.fakes.snapshots import scene

api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed")

SIZES = {"phone": (390, 844), "tablet": (820, 1180), "desktop": (1440, 900)}
PATIENCE_S = 20.0
FAKE_MIDI = """
window.sent = [];
const input = { id: "in", name: "Fake Keys", state: "connected", onmidimessage: null };
const output = { id: "out", name: "Fake Synth", send: (data, at) => window.sent.push([...data]), clear() {} };
window.fakeKey = (data) => input.onmidimessage({ data, timeStamp: performance.now() });
const access = { inputs: new Map([["in", input]]), outputs: new Map([["out", output]]) };
navigator.requestMIDIAccess = async () => access;
"""


class Served:
    """A page in a thread, behind which there is a pretended engine."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.options = PageOptions(port=port, engine=Address("nowhere", "x"), model="lead")
        self.hub = Hub(self.sent.append)
        self.loop = asyncio.new_event_loop()
        self.server = PageServer(self.options, application(self.options, self.hub))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.wait(lambda: self.server.started)
        self.call(self.hub.set_connected, True)
        self.call(self.hub.take, scene(nanos=time.monotonic_ns()))

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.server._serve())
        self.loop.close()

    def call(self, do: Callable[..., object], *arguments: object) -> None:
        self.loop.call_soon_threadsafe(do, *arguments)

    @staticmethod
    def wait(done: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end
            threading.Event().wait(0.01)

    def got(self, kind: type) -> list[Any]:
        """Wait for something of a kind to reach the engine; return all of it."""
        self.wait(lambda: any(isinstance(each, kind) for each in self.sent))
        return [each for each in self.sent if isinstance(each, kind)]

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(PATIENCE_S)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
        yield opened
        opened.close()


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


def opened(browser: Any, served: Served, size: str = "desktop", *, midi: bool = True) -> Any:
    width, height = SIZES[size]
    page = browser.new_page(viewport={"width": width, "height": height})
    page.faults = []
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))
    page.add_init_script(FAKE_MIDI if midi else "delete Navigator.prototype.requestMIDIAccess;")
    page.goto(served.options.url)
    page.wait_for_selector("[data-knob=density]")
    return page


@pytest.mark.parametrize("size", SIZES)
def test_everything_fits_and_can_be_hit_with_a_thumb(browser: Any, served: Served, size: str) -> None:
    page = opened(browser, served, size)
    wide = page.evaluate(
        """[...document.querySelectorAll('body *')]
          .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
          .map((each) => each.outerHTML.slice(0, 90))"""
    )
    assert wide == []
    small = page.evaluate(
        """[...document.querySelectorAll('button, select, input, [role=slider]')].filter((each) => {
          const box = each.getBoundingClientRect();
          return each.offsetParent && (box.height < 44 || box.width < 44);
        }).map((each) => each.textContent)"""
    )
    assert small == []
    panic = page.locator("#panic").bounding_box()
    assert panic["y"] + panic["height"] <= SIZES[size][1]
    assert page.faults == []
    page.close()


def test_hands_reach_the_engine(browser: Any, served: Served) -> None:
    page = opened(browser, served)
    knob = page.locator("[data-knob=register]").bounding_box()
    page.mouse.move(knob["x"] + 100, knob["y"] + 20)
    page.mouse.down()
    page.mouse.move(knob["x"] + 100 + knob["width"] / 4, knob["y"] + 20, steps=5)
    page.mouse.up()
    assert served.got(Turn)[-1].value == pytest.approx(0.0, abs=0.05)  # from -0.5, a quarter of the way
    page.locator("[data-anchor=A] .set").click()
    assert served.got(StoreAnchor)[0].anchor == "A"
    page.locator("[data-part=bass]").click()
    assert served.got(MutePart)[0].part == "bass"
    page.locator("[data-latent=map]").click()
    field = page.locator("#latent")
    field.evaluate("element => element.scrollIntoView({block: 'center'})")
    box = field.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.95)
    assert served.got(GoOnMap)[0].x == pytest.approx(0.8, abs=0.02)
    page.locator("#panic").click()
    assert served.got(Panic)
    assert page.faults == []
    page.close()


def test_words_are_shown_and_said(browser: Any, served: Served) -> None:
    page = opened(browser, served, "phone")
    page.fill("#words", "much sparser")
    page.wait_for_selector("text=density +0.46 → -0.24")
    page.press("#words", "Enter")
    assert served.got(Say)[0].text == "much sparser"
    page.close()


def test_what_changes_is_shown(browser: Any, served: Served) -> None:
    page = opened(browser, served)
    served.call(served.hub.take, scene(nanos=time.monotonic_ns(), mode="hold", key="D minor"))
    page.wait_for_selector("[data-mode=hold][aria-pressed=true]")
    page.wait_for_selector("#facts:has-text('D minor')")
    served.call(served.hub.set_connected, False)
    page.wait_for_selector("#alarm:has-text('the engine does not answer')")
    page.close()


def test_a_keyboard_at_the_browser_plays_and_its_midi_sounds(browser: Any, served: Served) -> None:
    page = opened(browser, served)
    page.click("text=Play from this browser's keyboard")
    page.wait_for_selector("text=plays: Fake Keys")
    page.evaluate("fakeKey([0x90, 60, 100])")
    key = served.got(PlayMidi)[0]
    assert (key.port, key.data) == ("page: Fake Keys", bytes((0x90, 60, 100)))
    assert abs(time.monotonic_ns() - key.nanos) < 5_000_000_000
    page.select_option("[aria-label='where twobar sounds']", "out")
    assert served.got(WantMidi)[0].wanted
    served.call(served.hub.take, MidiOut(bytes((0x91, 64, 90)), time.monotonic_ns(), performer=False))
    served.wait(lambda: page.evaluate("sent.some((data) => data[0] === 0x91 && data[1] === 64)"))
    assert "latency: to twobar" in page.inner_text("#latency")
    page.close()  # with a key down
    served.wait(lambda: any(isinstance(each, PlayMidi) and not each.data for each in served.sent))
    served.wait(lambda: not served.got(WantMidi)[-1].wanted)


def test_without_web_midi_there_is_one_sentence_and_the_rest_works(browser: Any, served: Served) -> None:
    page = opened(browser, served, midi=False)
    assert "This browser has no Web MIDI here" in page.inner_text("#midicard")
    page.locator("#panic").click()
    assert served.got(Panic)
    assert page.faults == []
    page.close()
