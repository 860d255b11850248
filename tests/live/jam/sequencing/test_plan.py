"""The plan: what is laid is what is heard, whatever is laid over it, and how steps become ticks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.jam.parts.parts import one_voice
from live.jam.sequencing.cell import Cell, Laying
from live.jam.sequencing.plan import Plan
from live.jam.sequencing.scheduler import Scheduler
from live.timing.timeline import Tick
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from tests.fakes.any_notes import any_notes

GRID = Grid()
STEP = GRID.ticks_per_step
NOTES = st.lists(any_notes(st.integers(55, 60), longest=8), max_size=20)
PHRASES = NOTES.map(lambda notes: Phrase.of(GRID, notes))
FEELS = st.builds(Laying, st.floats(0, 1), st.floats(0.05, 2))


def new_plan(*, feel: Laying | None = None, monophonic: bool = False) -> tuple[Plan, Scheduler]:
    scheduler = Scheduler()
    plan = Plan(scheduler, grid=GRID)
    plan.laying = feel or Laying()
    plan.one_voice = one_voice("melody") if monophonic else frozenset()
    return plan, scheduler


def play(plan: Plan, scheduler: Scheduler, now: int) -> list[tuple[int, int]]:
    """Play up to a tick as the jam does; returns the note-ons as (tick, pitch)."""
    heard: list[tuple[int, int]] = []
    for event, note in scheduler.due(Tick(now), too_late=lambda _: False):
        if note is not None:
            onset = note.step % GRID.steps
            length = min(4, GRID.steps - onset)
            plan.sent(note.step, Note(onset, note.pitch, note.velocity, length, note.offset, note.track))
            heard.append((event.tick, note.pitch))
    return heard


def cell(index: int, phrase: Phrase | None, *, speaks: bool = True) -> Cell:
    return Cell(
        index, "all" if speaks else "nothing", phrase=phrase, origin="silent" if phrase is None else "decoded"
    )


def ons(phrase: Phrase, index: int, *, first: int = 0) -> list[tuple[int, int]]:
    zero = index * GRID.ticks
    return [(zero + note.onset * STEP, note.pitch) for note in phrase.notes if note.onset >= first]


@given(PHRASES, st.integers(0, 3))
def test_a_cell_sounds_as_it_is_laid(phrase: Phrase, index: int) -> None:
    plan, scheduler = new_plan()
    plan.lay(cell(index, phrase), index * GRID.steps, not_before=Tick(0))
    assert play(plan, scheduler, (index + 1) * GRID.ticks) == ons(phrase, index)


@given(PHRASES, PHRASES, st.integers(0, 31))
def test_another_phrase_is_swapped_in_at_a_step(before: Phrase, after: Phrase, step: int) -> None:
    plan, scheduler = new_plan()
    plan.lay(cell(0, before), 0, not_before=Tick(0))
    heard = play(plan, scheduler, step * STEP - 1)
    plan.lay(cell(0, before.spliced(step, after)), step, not_before=Tick(step * STEP - 1))
    heard += play(plan, scheduler, 2 * GRID.ticks)
    staying = [place for place in ons(before, 0) if place[0] < step * STEP]
    assert heard == staying + ons(after, 0, first=step)


@given(PHRASES, st.lists(st.integers(0, 3840), min_size=1, max_size=8))
def test_laying_the_same_again_at_any_moment_changes_nothing(phrase: Phrase, moments: list[int]) -> None:
    plan, scheduler = new_plan()
    same = cell(0, phrase)
    plan.lay(same, 0, not_before=Tick(0))
    heard = []
    for now in sorted(moments):
        heard += play(plan, scheduler, now)
        plan.lay(same, now // STEP, not_before=Tick(now))  # from the step that sounds: none strikes twice
    heard += play(plan, scheduler, 2 * GRID.ticks)
    assert heard == ons(phrase, 0)


@given(PHRASES, PHRASES)
def test_cells_do_not_disturb_each_other(one: Phrase, other: Phrase) -> None:
    plan, scheduler = new_plan()
    plan.lay(cell(0, one), 0, not_before=Tick(0))
    plan.lay(cell(1, other), 32, not_before=Tick(0))
    plan.lay(cell(0, Phrase(GRID)), 0, not_before=Tick(0))
    assert play(plan, scheduler, 2 * GRID.ticks) == ons(other, 1)


def test_a_cell_that_does_not_speak_takes_back_what_it_laid() -> None:
    plan, scheduler = new_plan()
    phrase = Phrase.of(GRID, [Note(0, 60, 90, 4), Note(8, 60, 90, 4)])
    plan.lay(cell(0, phrase), 0, not_before=Tick(0))
    assert play(plan, scheduler, 10) == [(0, 60)]
    plan.lay(cell(0, phrase, speaks=False), 1, not_before=Tick(10))
    assert play(plan, scheduler, GRID.ticks) == []
    assert scheduler.sounding() == {}


@given(PHRASES, FEELS)
def test_no_feel_reorders_or_loses_steps(phrase: Phrase, feel: Laying) -> None:
    for note, (on, off) in zip(phrase.notes, feel.times(phrase.notes, GRID), strict=True):
        assert note.onset * STEP <= on < (note.onset + 1) * STEP
        assert off > on


@pytest.mark.parametrize(("swing", "ticks"), [(0.0, 120), (0.5, 140), (1.0, 160)])
def test_swing_takes_every_second_sixteenth_towards_the_triplet(swing: float, ticks: int) -> None:
    times = Laying(swing=swing).times((Note(1, 60, 90, 1), Note(2, 60, 90, 1)), GRID)
    assert [on for on, _ in times] == [ticks, 240]


def test_swing_leaves_triplet_grids_alone() -> None:
    notes = tuple(Note(step, 60, 90, 1) for step in range(3))
    assert [on for on, _ in Laying(swing=1.0).times(notes, Grid(steps_per_beat=3))] == [0, 160, 320]


@pytest.mark.parametrize(("gate", "length"), [(0.05, 12), (1.0, 240), (2.0, 480)])
def test_gate_is_a_factor_on_lengths(gate: float, length: int) -> None:
    assert Laying(gate=gate).times((Note(4, 60, 90, 2),), GRID) == [(480, 480 + length)]


def test_micro_offsets_sound() -> None:
    notes = (Note(4, 60, 90, 1, -0.5), Note(4, 60, 90, 1, 0.25))
    assert [on for on, _ in Laying().times(notes, GRID)] == [420, 510]


def test_a_note_whose_offset_has_gone_by_starts_now() -> None:
    plan, scheduler = new_plan()
    plan.lay(cell(0, Phrase.of(GRID, [Note(4, 60, 90, 1, -0.5)])), 4, not_before=Tick(450))
    assert play(plan, scheduler, 1000) == [(450, 60)]


def test_another_feel_in_the_middle_of_a_bar_moves_what_is_to_come_only() -> None:
    plan, scheduler = new_plan()
    phrase = Phrase.of(GRID, [Note(step, 60 + step, 90, 1) for step in (1, 3, 5)])
    plan.cells = {0: cell(0, phrase), 1: cell(1, phrase)}
    plan.lay_all(0, not_before=Tick(0))
    heard = play(plan, scheduler, 2 * STEP)
    plan.laying = Laying(swing=1.0)
    plan.lay_all(3, not_before=Tick(2 * STEP))
    heard += play(plan, scheduler, 2 * GRID.ticks)
    swung = [(3840 + step * STEP + 40, 60 + step) for step in (1, 3, 5)]
    assert heard == [(120, 61), (400, 63), (640, 65), *swung]


def test_one_voice_ends_its_note_where_the_next_one_starts() -> None:
    plan, scheduler = new_plan(monophonic=True)
    plan.lay(cell(0, Phrase.of(GRID, [Note(0, 60, 90, 16)])), 0, not_before=Tick(0))
    play(plan, scheduler, 10)
    plan.lay(cell(0, Phrase.of(GRID, [Note(4, 62, 90, 4)])), 1, not_before=Tick(10))
    events = [event for event, _ in scheduler.due(Tick(480), too_late=lambda _: False)]
    assert [(event.tick, event.data[0] & 0xF0, event.data[1]) for event in events] == [
        (480, 0x80, 60),
        (480, 0x90, 62),
    ]


def test_what_was_played_is_the_prefix_of_the_next_decode() -> None:
    plan, scheduler = new_plan()
    plan.lay(cell(1, Phrase.of(GRID, [Note(step, 60, 90, 1) for step in (0, 4, 8)])), 32, not_before=Tick(0))
    play(plan, scheduler, GRID.ticks + 5 * STEP)
    assert [note.onset for note in plan.prefix(1, 6)] == [0, 4]
    assert [note.onset for note in plan.prefix(1, 4)] == [0]
    assert plan.prefix(0, 32) == []


def test_a_staccato_note_over_the_end_of_its_cell_can_be_the_prefix_of_a_decode() -> None:
    plan, _ = new_plan()
    plan.sent(GRID.steps + 31, Note(31, 60, 90, 2, release=-1.25))
    (note,) = plan.prefix(1, 32)
    assert (note.length, note.release) == (1, -1.0)
    assert Phrase.of(GRID, [note]).notes == (note,)


def test_old_cells_are_forgotten() -> None:
    plan, scheduler = new_plan()
    phrase = Phrase.of(GRID, [Note(0, 60, 90, 1)])
    for index in range(50):
        plan.cells[index] = cell(index, phrase)
        plan.lay(plan.cells[index], index * GRID.steps, not_before=Tick(0))
        play(plan, scheduler, (index + 1) * GRID.ticks - 1)
        plan._forget_before(index)
    assert sorted(plan.cells) == [48, 49]
    assert sorted(plan.played) == [48, 49]
    assert len(plan._sent) == 2


def test_clear_takes_everything_back_but_what_sounds() -> None:
    plan, scheduler = new_plan()
    plan.cells[0] = cell(0, Phrase.of(GRID, [Note(0, 60, 90, 4), Note(8, 62, 90, 4)]))
    plan.lay_all(0, not_before=Tick(0))
    play(plan, scheduler, 0)
    plan.clear()
    assert scheduler.queued() == ()
    assert list(scheduler.sounding()) == [(2, 60)]
    assert plan.cells == {}


@given(PHRASES, FEELS)
def test_the_roll_shows_each_note_in_its_bar(phrase: Phrase, feel: Laying) -> None:
    plan, _ = new_plan(feel=feel)
    plan.cells[1] = cell(1, phrase)
    shown = []
    for bar in (2, 3):
        origin, rows = plan.bar_rows(bar)
        assert origin == "decoded"
        shown += [(bar * GRID.ticks_per_bar + tick, pitch) for tick, _, pitch, *_ in rows]
    times = zip(plan.laying.times(phrase.notes, GRID), phrase.notes, strict=True)
    assert sorted(shown) == sorted((GRID.ticks + on, note.pitch) for (on, _), note in times)


def test_the_roll_tells_silence_from_what_is_not_planned() -> None:
    plan, _ = new_plan()
    plan.cells[0] = cell(0, None)
    assert plan.bar_rows(0) == ("silent", [])
    assert plan.bar_rows(2) == ("", [])
