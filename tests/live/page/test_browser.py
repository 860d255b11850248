"""The page in Debian's Chromium, with pretended MIDI: what hands do, and how it looks at three sizes."""

import base64
import time
from pathlib import Path
from typing import Any

import pytest

from live.ipc import commands
from live.ipc.browser_midi import MidiOut, PlayMidi, WantMidi
from live.ipc.snapshot import ControllerView, LessonView, Notice, SceneView, SongView, TouchView
from tests.fakes.midi_files import tune, write
from tests.fakes.page_served import SIZES, Served, opened
from tests.fakes.snapshots import band, scene


@pytest.mark.parametrize("size", SIZES)
def test_everything_fits_and_can_be_hit_with_a_thumb(browser: Any, served: Served, size: str) -> None:
    page = opened(browser, served, size)
    port, name = "A controller with a long name MIDI 1", "novation-launchkey-mini-mk3"
    shown = scene(
        nanos=time.monotonic_ns(),
        controllers=[ControllerView(port, name)],
        mapping_names=["default", name],
        scenes=[SceneView(1, "the second half of the bridge, as it was played on Friday")],
        song=SongView(1, 3, "A song whose name is longer than a phone is wide, and longer yet"),
    )
    served.call(served.broker.take, shown)
    page.locator(f"[aria-label='mapping for {port}']").wait_for()
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


def test_a_notice_goes_when_the_state_that_it_tells_of_is_over(browser: Any, served: Served) -> None:
    page = opened(browser, served)
    gone = Notice(1, "error", "the pad has gone", "pad")
    served.call(served.broker.take, scene(nanos=time.monotonic_ns(), notices=[gone]))
    page.get_by_text("the pad has gone").wait_for()
    over = [gone, Notice(2, "info", "", "pad"), Notice(3, "info", "anchor A set")]
    served.call(served.broker.take, scene(nanos=time.monotonic_ns(), notices=over))
    page.get_by_text("anchor A set").wait_for()
    lines = page.locator("#notices li").all_text_contents()
    assert lines[0] == "anchor A set"
    assert not {"the pad has gone", ""} & {*lines}


def test_hands_reach_the_engine(browser: Any, served: Served) -> None:
    page = opened(browser, served)
    knob = page.locator("[data-knob=register]").bounding_box()
    page.mouse.move(knob["x"] + 100, knob["y"] + 20)
    page.mouse.down()
    page.mouse.move(knob["x"] + 100 + knob["width"] / 4, knob["y"] + 20, steps=5)
    page.mouse.up()
    # From -0.5, a quarter of the way; of a drag each frame sends a value.
    served.wait(lambda: served.got(commands.Turn)[-1].value == pytest.approx(0.0, abs=0.05))
    page.locator("[data-anchor=A] .set").click()
    assert served.got(commands.StoreAnchor)[0].anchor == "A"
    page.locator("[data-part=bass]").click()
    assert served.got(commands.MutePart)[0].part == "bass"
    page.locator("[data-latent=map]").click()
    field = page.locator("#latent")
    field.evaluate("element => element.scrollIntoView({block: 'center'})")
    box = field.bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * 0.95)
    assert served.got(commands.GoOnMap)[0].x == pytest.approx(0.8, abs=0.02)
    page.locator("#panic").click()
    assert served.got(commands.Panic)


def test_a_scene_is_called_at_once_or_over_bars_and_stored_over(browser: Any, served: Served) -> None:
    page = opened(browser, served, "phone")
    assert not page.is_visible("#storeas")
    stored = [SceneView(1, "verse"), SceneView(2, "")]
    served.call(served.broker.take, scene(nanos=time.monotonic_ns(), scenes=stored, scene=2))
    page.click("text=1 verse")
    assert served.got(commands.CallScene) == [commands.CallScene(1, source="page")]
    page.select_option("#glide", "4")
    page.click("button:has-text('Scene 2')")
    served.wait(lambda: len(served.got(commands.CallScene)) == 2)
    assert served.got(commands.CallScene)[1] == commands.CallScene(2, 4, source="page")
    page.select_option("#storeas", "1")
    assert served.got(commands.StoreScene) == [commands.StoreScene(1, source="page")]
    page.click("text=Store scene 3")
    served.wait(lambda: len(served.got(commands.StoreScene)) == 2)
    assert served.got(commands.StoreScene)[1].number == 3


def test_parts_have_their_colours_and_who_plays_alone_is_seen(browser: Any, served: Served) -> None:
    page = opened(browser, served)
    assert page.inner_text("#partlegend") == ""  # a single part needs none
    alone = band(nanos=time.monotonic_ns(), muted=["melody", "chords", "drums"], solo="bass", metronome=True)
    served.call(served.broker.take, alone)
    page.wait_for_selector("[data-solo=bass][aria-pressed=true]")
    assert page.locator("#partlegend span").all_inner_texts() == ["melody", "chords", "bass", "drums"]
    assert page.locator("#partlegend .muted").all_inner_texts() == ["melody", "chords", "drums"]
    assert page.get_attribute("[data-action=metronome]", "aria-pressed") == "true"
    page.click("[data-solo=drums]")
    assert served.got(commands.SoloPart)[0].part == "drums"
    page.fill("[aria-label='tempo to go to']", "96")
    page.fill("[aria-label='bars on the way']", "8")
    page.click(".ramp button")
    assert served.got(commands.RampTempo) == [commands.RampTempo(96.0, 8, source="page")]


@pytest.mark.parametrize("size", ["phone", "phone on its side", "tablet", "desktop"])
def test_the_beat_alone_fills_the_screen_and_panic_stays(browser: Any, served: Served, size: str) -> None:
    page = opened(browser, served, size.removesuffix(" on its side"))
    width, height = SIZES[size.removesuffix(" on its side")]
    if size not in SIZES:
        width, height = height, width
        page.set_viewport_size({"width": width, "height": height})
    page.click("#beat")
    names = ("#count", "#dots", "#turn", ".harmony", "#facts", "#panic")
    boxes = [page.locator(name).bounding_box() for name in names]
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= height for box in boxes)
    assert max(box["y"] + box["height"] for box in boxes[:-1]) <= boxes[-1]["y"]
    assert boxes[0]["height"] > 0.4 * min(width, height)
    page.click("#panic")
    assert served.got(commands.Panic)
    page.click("#beat")
    assert page.get_attribute("#beat", "aria-pressed") == "false"
    page.wait_for_selector("[data-knob=density]")


def test_words_are_shown_and_said(browser: Any, served: Served) -> None:
    page = opened(browser, served, "phone")
    page.fill("#words", "much sparser")
    page.wait_for_selector("text=density +0.46 → -0.24")
    page.press("#words", "Enter")
    assert served.got(commands.Say)[0].text == "much sparser"


HARMONY: dict[str, Any] = {"key": "D minor", "key_locked": True, "chord": "Gm", "next_chord": "A7"}


def test_what_changes_is_shown(browser: Any, served: Served) -> None:
    page = opened(browser, served)
    served.call(served.broker.take, scene(nanos=time.monotonic_ns(), mode="hold", **HARMONY))
    page.wait_for_selector("[data-mode=hold][aria-pressed=true]")
    page.wait_for_selector("#key:has-text('D minor locked')")
    assert page.inner_text(".harmony").split() == ["D", "minor", "locked", "Gm", "→", "A7"]
    served.call(served.broker.set_connected, False)
    page.wait_for_selector("#alarm:has-text('the engine does not answer')")


def test_a_page_whose_process_has_died_is_there_again_by_itself(browser: Any) -> None:
    first = Served()
    page = opened(browser, first)
    first.close()
    page.wait_for_selector("#alarm:has-text('no connection to twobar')")
    second = Served(port=first.options.port)
    page.wait_for_selector("#alarm", state="hidden")
    page.locator("#record").click()
    assert second.got(commands.SwitchTake)
    assert page.faults == []
    page.close()
    second.close()


def test_a_page_of_an_earlier_start_says_that_its_code_must_be_scanned_again(browser: Any) -> None:
    first = Served(token="yesterday")
    page = opened(browser, first)
    first.close()
    second = Served(port=first.options.port, token="today")
    page.wait_for_selector("#alarm:has-text('twobar was started anew: scan its code again')")
    page.goto(second.options.url)
    page.wait_for_selector("#alarm", state="hidden")
    page.locator("#panic").click()
    assert second.got(commands.Panic)
    page.close()
    second.close()


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
    served.call(served.broker.take, MidiOut(bytes((0x91, 64, 90)), time.monotonic_ns(), performer=False))
    served.wait(lambda: page.evaluate("sent.some((data) => data[0] === 0x91 && data[1] === 64)"))
    assert "latency: to twobar" in page.inner_text("#latency")
    page.close()  # with a key down
    served.wait(lambda: any(isinstance(each, PlayMidi) and not each.data for each in served.sent))
    served.wait(lambda: not served.got(WantMidi)[-1].wanted)


def test_without_web_midi_there_is_one_sentence_and_the_rest_works(browser: Any, served: Served) -> None:
    page = opened(browser, served, midi=False)
    assert "This browser has no Web MIDI here" in page.inner_text("#midicard")
    page.locator("#panic").click()
    assert served.got(commands.Panic)


def test_a_tap_on_the_explorers_map_plays_the_real_phrase_that_lies_there(
    browser: Any, served: Served
) -> None:
    page = opened(browser, served)
    page.click("[data-view=explore]")
    served.wait(lambda: page.evaluate("twobar.explore?.known.all.length") == 48)
    name, (x, y) = page.evaluate("[twobar.explore.known.all[7].name, twobar.explore.known.all[7].drawing.xy]")
    box = page.locator(".map").bounding_box()
    page.mouse.click(box["x"] + (x + 1) / 2 * box["width"], box["y"] + (1 - y) / 2 * box["height"])
    served.wait(lambda: page.inner_text("#origin").startswith(f"real: {name}"))
    assert page.evaluate("twobar.explore.now === twobar.explore.known.all[7].drawing")
    assert page.locator(".phrases button").count() == 5
    page.mouse.click(box["x"] + 3, box["y"] + 3)
    served.wait(lambda: page.inner_text("#origin") == "decoded by the model")
    assert page.faults == []
    page.close()


@pytest.mark.parametrize("size", SIZES)
def test_what_the_explorer_has_to_say_is_in_sight_wherever_it_was_asked(
    browser: Any, served: Served, size: str
) -> None:
    page = opened(browser, served, size)
    page.click("[data-view=explore]")
    served.wait(lambda: page.evaluate("!!twobar.explore?.now"))
    page.click("text=Make the way")
    said, panic = page.locator(".saying"), page.locator("#panic").bounding_box()
    assert said.inner_text().startswith("choose A and B first")
    box = said.bounding_box()
    assert 0 <= box["x"] <= SIZES[size][0] - box["width"]
    assert 0 <= box["y"] <= panic["y"] - box["height"]
    said.click()
    assert not said.is_visible()


DROP = """([number, name, data]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([Uint8Array.from(atob(data), (word) => word.charCodeAt(0))], name));
  const event = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
  document.querySelectorAll(".slot")[number].dispatchEvent(event);
}"""


def test_a_slider_leads_from_one_dropped_file_to_another_without_losing_the_beat(
    browser: Any, served: Served, tmp_path: Path
) -> None:
    page = opened(browser, served)
    page.click("[data-view=explore]")
    served.wait(lambda: page.evaluate("!!twobar.explore?.now"))
    assert not page.is_visible("[aria-label='from A to B']")
    for number in (0, 1):
        data = write(tmp_path / "tune.mid", [tune(number)]).read_bytes()
        page.evaluate(DROP, [number, f"tune {number}.mid", base64.b64encode(data).decode()])
        page.wait_for_selector(f".slot:has-text('tune {number}.mid')")
    slider = page.locator("[aria-label='from A to B']")
    slider.wait_for()
    assert slider.get_attribute("max") == "7"
    page.evaluate("twobar.synth.place = () => 0.5")
    page.evaluate("twobar.synth.play = (...all) => { window.played = all; }")
    slider.fill("7")
    assert page.inner_text("#origin") == "step 8 of 8"
    assert page.evaluate("played[1].from") == 0.5
    assert page.locator(".strip [aria-pressed=true]").inner_text() == "8"
    page.locator(".strip .stop").first.click()
    assert slider.input_value() == "0"


def test_a_control_is_learned_at_the_page_and_taken_back(browser: Any, served: Served) -> None:
    page = opened(browser, served, "phone")
    page.select_option("#learnwhat", "capture A")
    assert served.got(commands.Learn)[0] == commands.Learn("capture A", source="page")
    lesson = LessonView("capture A", "listening", "press a button, a pad or a pedal twice")
    served.call(served.broker.take, scene(nanos=time.monotonic_ns(), lesson=lesson))
    page.wait_for_selector("#lesson:has-text('press a button, a pad or a pedal twice')")
    assert not page.is_visible("#unlearn")
    learned = LessonView("capture A", "learned", "MPK mini 3 · note 40 on channel 10, a pad")
    touched = TouchView("MPK mini 3", "note 40", "capture A")
    served.call(served.broker.take, scene(nanos=time.monotonic_ns(), lesson=learned, touched=touched))
    page.wait_for_selector("#lesson:has-text('note 40 on channel 10, a pad')")
    assert page.inner_text("#touched") == "last touched: MPK mini 3 · note 40 · capture A"
    page.click("#unlearn")
    served.got(commands.StopLearning)
    kinds = [type(each) for each in served.sent]
    assert kinds.index(commands.Undo) < kinds.index(
        commands.StopLearning
    )  # what is on the screen is what undo takes back
    unbound = TouchView("MPK mini 3", "CC 74", "")
    served.call(served.broker.take, scene(nanos=time.monotonic_ns(), touched=unbound))
    page.wait_for_selector("#touched:has-text('CC 74 · unbound')")
    assert page.inner_text("#lesson") == ""


def test_a_controller_is_given_another_mapping_at_the_page(browser: Any, served: Served) -> None:
    page = opened(browser, served)
    plugged = [ControllerView("nanoKONTROL2", "mine")]
    shown = scene(nanos=time.monotonic_ns(), controllers=plugged, mapping_names=["default", "mine"])
    served.call(served.broker.take, shown)
    choice = page.locator("[aria-label='mapping for nanoKONTROL2']")
    choice.wait_for()
    assert choice.input_value() == "mine"
    choice.select_option("auto")
    assert served.got(commands.ChooseMapping) == [
        commands.ChooseMapping("auto", "nanoKONTROL2", source="page")
    ]
