"""What the dashboard shows, driven by Textual's Pilot and pinned by pictures."""

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from live.dashboard.drawing.theme import COARSE_INK, INK
from live.dashboard.repaints import Repaints
from live.dashboard.roll_panel import RollPanel
from live.dashboard.widgets import Painted, Panel
from live.ipc.messages import Bye
from live.ipc.snapshot import BarView, KnobView, LatenessView, ModelView, Notice, PortView, Snapshot
from tests.fakes.dashboard_stage import Stage, posed
from tests.fakes.drawn import roll_rows, texts
from tests.fakes.snapshots import BEAT, SECOND, band, knobs, scene


@pytest.fixture(autouse=True)
def plain_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures do not depend on who runs them."""
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_FILTERS", "TEXTUAL_ANIMATIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setenv("TERM", "xterm-256color")


# -- what comes from the engine --------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_everything_a_performer_needs_is_in_sight(size: tuple[int, int]) -> None:
    async with Stage().run(size) as stage:
        text = stage.text()
        for part in (
            "▶ PLAYING", "120.0", "✖ 1 port", "nanoKONTROL2 MISSING", "[FOLLOW]", "A● B● C○ D●",
            "↻ repeated", "▓▒", "█▆", "●━", "┃", "◉", "◎", "● REC", "key none", "you █",
            "nanoKONTROL2 is gone", "? help", "temperature", "▸morph", "◇", "n/a",
        ):  # fmt: skip
            assert part in text, part
        for word in ("decoded", "net ", "late", "latent", "p99"):  # an engineer's, on the second screen
            assert word not in text, word
        assert all(cell_len(line) == size[0] for line in stage.screen())


async def test_only_the_newest_of_many_snapshots_is_drawn() -> None:
    async with Stage().run() as stage:
        drawn: list[float] = []
        accept = stage.app.shown.accept

        def note(snapshot: Snapshot) -> None:
            drawn.append(snapshot.tempo_bpm)
            accept(snapshot)

        stage.app.shown.accept = note  # type: ignore[method-assign]
        for bpm in range(60, 160):
            stage.app.deliver(scene(tempo_bpm=float(bpm), nanos=stage.clock.nanos))
        await stage.pilot.pause()
        assert drawn == [159.0]
        assert "159.0" in stage.text()


async def test_messages_from_another_thread_arrive() -> None:
    async with Stage().run() as stage:

        def feed() -> None:
            for bpm in (70.0, 71.0, 72.0):
                stage.app.deliver(scene(tempo_bpm=bpm, nanos=stage.clock.nanos))
            stage.app.deliver(Notice(stage.clock.nanos, "error", "a note from elsewhere"))

        thread = threading.Thread(target=feed)
        thread.start()
        thread.join()
        await stage.pilot.pause()
        assert "72.0" in stage.text()
        assert "a note from elsewhere" in stage.text()


async def test_a_notice_that_snapshots_repeat_is_shown_once() -> None:
    async with Stage().run() as stage:
        for _ in range(5):
            await stage.show()
        assert stage.text().count("nanoKONTROL2 is gone") == 1


async def test_knobs_of_parts_that_a_model_does_not_have_take_no_room() -> None:
    parts = [KnobView("volume.bass", 0.8, 0.0, 1.0, 0.8, "", available=has) for has in (False, True)]
    async with Stage().run((80, 24)) as stage:
        for knob, shown in zip(parts, (False, True), strict=True):
            await stage.show(knobs=[*knobs(), knob])
            assert ("volume.bass" in stage.text()) is shown
            assert "polyphony" in stage.text()  # an attribute that is not heeded stays, and says so


async def test_the_engines_goodbye_ends_the_screen() -> None:
    async with Stage().run() as stage:
        stage.app.deliver(Bye())
        await stage.pilot.pause()
        assert stage.ended()
        assert stage.quits == []


async def test_silence_is_shown_after_a_second_and_the_screen_recovers() -> None:
    async with Stage().run() as stage:
        stage.clock.advance(0.9)
        stage.app.check()
        await stage.pilot.pause()
        assert "ENGINE NOT ANSWERING" not in stage.text()
        stage.clock.advance(0.2)
        stage.app.check()
        await stage.pilot.pause()
        assert "ENGINE NOT ANSWERING" in stage.text()
        assert "? NO ENGINE" in stage.text()
        await stage.show()
        assert "ENGINE NOT ANSWERING" not in stage.text()
        assert "▶ PLAYING" in stage.text()


async def test_a_lost_connection_stays_shown() -> None:
    async with Stage().run() as stage:
        stage.app.lost("the engine died; starting it again")
        await stage.pilot.pause()
        assert "the engine died; starting it again" in stage.text()
        stage.clock.advance(30)
        stage.app.check()
        await stage.pilot.pause()
        assert "the engine died; starting it again" in stage.text()
        assert "ENGINE NOT ANSWERING" not in stage.text()


async def test_the_transport_is_reckoned_on_between_snapshots_but_not_for_long() -> None:
    async with Stage().run() as stage:
        start = stage.app.shown.tick_at(stage.clock.nanos)
        assert (
            stage.app.shown.tick_at(stage.clock.nanos + SECOND // 10) == start + 96
        )  # 120 bpm: 960 ticks a second
        assert stage.app.shown.tick_at(stage.clock.nanos + 60 * SECOND) == start + 240
        await stage.show(state="stopped", tick=77)
        assert stage.app.shown.tick_at(stage.clock.nanos + SECOND) == 77


async def test_the_cloud_stays_when_later_snapshots_leave_it_out_and_goes_with_its_model() -> None:
    async with Stage().run() as stage:
        cloud = stage.app.shown.cloud
        await stage.show(map_points=[])
        assert stage.app.shown.cloud == cloud
        other = ModelView("lead", "ready", latent_size=32)
        await stage.show(map_points=[], model=other)
        assert stage.app.shown.cloud == ()


# -- cost ------------------------------------------------------------------------------------------


async def test_a_snapshot_like_the_last_one_repaints_nothing() -> None:
    async with Stage().run() as stage:
        await stage.show()
        painted: list[str] = []
        for panel in stage.app.query(Panel):
            panel.show = lambda rows, panel=panel: painted.append(str(panel.id))  # type: ignore[method-assign,misc]
        await stage.show()
        assert painted == []
        await stage.show(mode="hold")
        assert painted == ["speaker", "mode"]


async def test_the_playhead_repaints_only_the_columns_that_it_passed() -> None:
    async with Stage().run() as stage:
        tick = 6 * 4 * BEAT + 2 * BEAT
        await stage.show(tick=tick + 250, held_keys=[])
        panel = stage.app.query_one(RollPanel)
        regions: list[tuple[int, int]] = []
        panel.repaint = lambda *dirty: regions.extend((r.width, r.height) for r in dirty)  # type: ignore[method-assign]
        await stage.show(tick=tick + 380, held_keys=[])
        assert regions == [(2, panel.size.height)]


def applied(lines: list[str], sequence: str) -> list[str]:
    """Return what a terminal shows that is sent a sequence of moves and texts."""
    cells = [list(line) for line in lines]
    for row, column, text in re.findall(r"\x1b\[(\d+);(\d+)H((?:(?!\x1b\[\d+;\d+H).)*)", sequence, re.DOTALL):
        plain = re.sub(r"\x1b\[[\d;]*m", "", text)
        cells[int(row) - 1][int(column) - 1 : int(column) - 1 + len(plain)] = plain
    return ["".join(line) for line in cells]


@pytest.mark.parametrize("begun", [(80, 24), (120, 40)])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (60, 15), (40, 10)])
async def test_what_goes_past_the_compositor_is_what_it_would_draw(
    begun: tuple[int, int], size: tuple[int, int]
) -> None:
    async with Stage().run(begun) as stage:
        await stage.show(tick=6 * 4 * BEAT, speaker="performer", speaker_until=8 * 4 * BEAT)
        await stage.pilot.resize_terminal(*size)  # a panel that has no room any more is not drawn
        await stage.show(tick=6 * 4 * BEAT)
        shown, sent = stage.screen(), list[str]()

        def display(_screen: object, update: object) -> None:
            assert isinstance(update, Repaints), "Textual's own path"
            sent.append(update.render_segments(stage.app.console))

        stage.app._display = display  # type: ignore[method-assign,assignment]
        for number in range(40):
            tick = 6 * 4 * BEAT + number * BEAT // 3
            turn = {"speaker": "performer", "speaker_until": 9 * 4 * BEAT}
            mode = "hold" if number > 20 else "follow"
            await stage.show(tick=tick, mode=mode, held_keys=[60 + number % 3], **turn)
            shown = applied(shown, "".join(sent))
            sent.clear()
            assert shown == stage.screen(), number


async def test_the_panel_s_roll_is_the_one_that_is_drawn_at_once() -> None:
    async with Stage().run() as stage:
        panel = stage.app.query_one(RollPanel)
        width, height = panel.size
        for tick in (-200, 6 * 4 * BEAT, 6 * 4 * BEAT + 250, 8 * 4 * BEAT + 10, 99 * 4 * BEAT):
            await stage.show(tick=tick, held_keys=[60])
            drawn = roll_rows(scene(tick).bars, tick, 4, width=width, height=height, held=[60])
            assert [panel.render_line(y).text for y in range(height)] == texts(drawn)


async def test_behind_a_window_the_screen_is_drawn_at_the_checks_only() -> None:
    async with Stage().run() as stage:
        await stage.press("question_mark")
        drawn: list[str] = []
        for panel in stage.app._panels:
            panel.draw = lambda view, panel=panel: drawn.append(str(panel.id))  # type: ignore[method-assign,misc]
        stage.app.deliver(scene(mode="hold", nanos=stage.clock.nanos))
        stage.app.on_dashboard_arrived()
        assert drawn == []
        stage.app.check()
        assert "mode" in drawn


async def test_the_engineers_figures_have_a_window_that_follows_them() -> None:
    async with Stage().run((80, 24)) as stage:
        await stage.press("i")
        for part in (
            "MPK mini 3",
            "MISSING",
            "keys ready 2.1 ms",
            "0.31",
            "worst 1.24 ms",
            "miss 1",
            "realtime",
        ):
            assert part in stage.text(), part
        for part in (
            "takes/2026-03-14_21-05-33.mid",
            "Akai MPK mini mk3",
            "lat  64 numbers",
            "beat its own",
            "plan 7 decoded  8 decoded",
        ):
            assert part in stage.text(), part
        await stage.show(lateness=LatenessView(500, 1.0, 777.0, 888.0))
        stage.app.check()
        await stage.pilot.pause()
        assert "0.78" in stage.text()
        assert await stage.press("escape") == []
        assert "worst" not in stage.text()


async def test_a_state_does_not_wait() -> None:
    async with Stage().run() as stage:
        await stage.show(ports=[PortView("in", "Keystation 49", "missing")])
        assert "Keystation 49" in stage.text()


# -- hardship --------------------------------------------------------------------------------------

CROWD = [
    BarView(
        bar,
        "decoded",
        [(k % 1920, 200 + k, k % 128, 100, k % 4) for k in range(400)],
        [(k * 3 % 1920, 90, (k * 7) % 128, 100, 0) for k in range(300)],
    )
    for bar in range(6, 9)
]


@pytest.mark.parametrize(
    "size", [(40, 10), (1, 1), (10, 3), (20, 60), (300, 8), (80, 24), (64, 22), (63, 21), (110, 36)]
)
async def test_any_window_survives_a_hard_snapshot(size: tuple[int, int]) -> None:
    hard: dict[str, Any] = {
        "bars": CROWD,
        "ports": [PortView("in", "鍵盤🎹" * 50, "missing", "\x1b[2Jgone\n" * 9)] * 12,
        "notices": [Notice(1, "error", "a very long line " * 40), Notice(2, "info", "")],
        "here": (float("nan"), 4.0),
        "performer_xy": None,
        "knobs": [],
        "anchors": [],
        "held_keys": list(range(128)),
        "tick": -700,
        "state": "count-in",
        "beats_per_bar": 12,
        "recording": "/" + "x" * 300,
        "priority": "не разрешено " * 20,
        "map_points": [],
    }
    async with Stage().run(size) as stage:
        await stage.show(**hard)
        await stage.press("right", "up", "question_mark", "escape", "n", "escape")
        assert all(cell_len(line) == size[0] for line in stage.screen())
        assert len(stage.screen()) == size[1]


async def test_resizing_draws_anew() -> None:
    async with Stage().run((80, 24)) as stage:
        for size in ((200, 50), (40, 10), (120, 40)):
            await stage.pilot.resize_terminal(*size)
            await stage.pilot.pause()
            assert "▶ PLAYING" in stage.text()
            assert all(cell_len(line) == size[0] for line in stage.screen())
        assert "╭─ roll " in stage.text()


async def test_without_colour_states_still_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with Stage().run((80, 24)) as stage:
        strips = stage.app.screen._compositor.render_strips()
        colours = [s.style.color.triplet for strip in strips for s in strip if s.style and s.style.color]
        assert colours
        assert all(c is None or c.red == c.green == c.blue for c in colours)
        for part in ("▶ PLAYING", "MISSING", "[FOLLOW]", "A● B● C○ D●", "▓▒", "█▆", "●━", "◇"):
            assert part in stage.text()


@pytest.mark.parametrize(("colours", "coarse"), [("truecolor", False), ("", True)])
async def test_a_terminal_of_16_colours_has_its_own_inks(
    monkeypatch: pytest.MonkeyPatch, colours: str, *, coarse: bool
) -> None:
    monkeypatch.setenv("COLORTERM", colours)
    monkeypatch.setenv("TERM", "xterm")
    async with Stage().run((80, 24)) as stage:
        ink = stage.app.query_one("#roll", Painted).ink("sounded-bass")
        assert ink.color == (COARSE_INK if coarse else INK)["sounded-bass"].color


CHANGES: list[dict[str, Any]] = [
    {"metronome": True},
    {"loop_bars": 4},
    {"phrase_bars": 4},
    {"recognised": "A"},
    {"recording": ""},
    {"demo": True},
    {"frozen": True},
    {"muted": ["bass"]},
    {"key": "A minor", "key_locked": True},
    {"chord": "Am", "next_chord": "F"},
    {"clock": "MIDI clock"},
    {"thru": False},
]


async def test_what_changes_is_drawn_at_once_even_between_two_beats() -> None:
    async with Stage().run() as stage:
        for change in CHANGES:
            await stage.show()
            await stage.show(**change)
            drawn = stage.text()
            for panel in stage.app.query(Panel):
                panel.forget()
            await stage.show(**change)
            assert drawn == stage.text(), change


# -- pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_picture(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    assert snap_compare(posed(), terminal_size=size)


def test_picture_of_the_help(snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(posed(), terminal_size=(80, 24), press=["question_mark"])


def test_picture_of_silence(snap_compare: Callable[..., bool]) -> None:
    stage = Stage()

    async def wait(pilot: Pilot[None]) -> None:
        stage.app.deliver(scene(nanos=stage.clock.nanos))
        await pilot.pause()
        stage.clock.advance(2)
        stage.app.check()
        await pilot.pause()

    assert snap_compare(stage.app, terminal_size=(80, 24), run_before=wait)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_picture_of_a_band(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    stage = Stage()
    stage.app.deliver(band(nanos=stage.clock.nanos))
    assert snap_compare(stage.app, terminal_size=size)


@pytest.mark.parametrize("loop_bars", [0, 4], ids=["phrase", "loop"])
def test_picture_of_a_full_small_screen(snap_compare: Callable[..., bool], loop_bars: int) -> None:
    stage = Stage()
    told: dict[str, Any] = {"key": "A minor", "chord": "Am"}
    told |= {"speaker": "performer", "speaker_until": 8 * 4 * BEAT}
    told |= {"phrase_bars": 4, "loop_bars": loop_bars}
    stage.app.deliver(scene(nanos=stage.clock.nanos, metronome=True, recognised="A", **told))
    assert snap_compare(stage.app, terminal_size=(80, 24))


# -- models without a latent -----------------------------------------------------------------------


async def test_a_model_without_a_latent_has_no_map() -> None:
    async with Stage().run() as stage:
        assert "no map" not in stage.text()
        await stage.show(model=ModelView("lm", "ready", latent_size=0), here=None, performer_xy=None)
        assert "no map: it" in stage.text()
        await stage.show(model=ModelView("lm", "loading", latent_size=0))
        assert "no map" not in stage.text()
