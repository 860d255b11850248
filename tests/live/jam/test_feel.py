"""What a performer's hands and feet did comes back: swing, lag, pedals, ties, pick-ups, grace notes."""

import pytest
from msgspec.structs import replace

from live.ipc.commands import SetCondition
from live.ipc.messages import Answer, Decode, Decoded, Encode, Encoded, ToWorker
from live.ipc.places import Point, Varied
from live.jam.latent.path import heaviest
from live.timing.midi_bytes import control, note_off, note_on
from live.timing.timeline import Nanos, Tick
from live.worker.phrases import transcribed
from model.music.grid import Grid
from tests.fakes.stage import EchoModel, Stage, configured

GRID = Grid()
STEP, BEAT, CELL = GRID.ticks_per_step, 480, GRID.ticks


class HearingModel(EchoModel):
    """Finds the grid of what was played, and plays it as it was."""

    def answer(self, message: ToWorker) -> Answer:
        if isinstance(message, Encode):
            self.encodes.append(message)
            found = transcribed(message, GRID)
            notes = [*found.phrase.notes]
            return Encoded(
                message.ident, [1.0, 0.0], {"density": 1.0}, (0.0, 0.0), 1.0, "", notes, notes, found.lag,
                key="D minor",
            )  # fmt: skip
        if isinstance(message, Decode):
            self.decodes.append(message)
            place = heaviest(message.place)
            return Decoded(message.ident, place.played, Point(place.z), (0.0, 0.0), 2.0, [0])
        return super().answer(message)


def stage(count_in_bars: int = 0, **options: object) -> Stage:
    config = configured(**options)
    config = replace(config, jam=replace(config.jam, count_in_bars=count_in_bars))
    return Stage.begun(config=config, model=HearingModel())


def spans(stage: Stage, *, first: int, last: int) -> list[tuple[int, int, int]]:
    """Return what the instrument played as (tick, length, pitch)."""
    down: dict[int, int] = {}
    found = []
    for tick, data in stage.instrument(first=first):
        if data[0] & 0xF0 == 0x90 and tick < last:
            down[data[1]] = tick
        elif data[1] in down:
            start = down.pop(data[1])
            found.append((start - first, tick - start, data[1]))
    return sorted(found)


@pytest.fixture
def on() -> Stage:
    return stage()


def test_a_phrase_comes_back_as_it_was_played() -> None:
    played = [(0, 200, 60), (310, 100, 64), (480, 90, 65), (800, 40, 67), (1437, 333, 72), (1920, 70, 60)]
    on = stage()
    for tick, length, pitch in played:
        on.press(tick, length, pitch)
    on.run_to_tick(2 * CELL + BEAT)
    back = spans(on, first=CELL, last=2 * CELL)
    assert [pitch for _, _, pitch in back] == [pitch for _, _, pitch in played]
    for (tick, length, _), (was, lasted, _) in zip(back, played, strict=True):
        assert abs(tick - was) <= 1
        assert abs(length - lasted) <= 2


@pytest.mark.parametrize(("feel", "share"), [(0.0, 0.0), (1.0, 1.0), (1.5, 1.5)])
def test_the_knob_feel_scales_the_timing_that_is_no_grid(feel: float, share: float, on: Stage) -> None:
    on.turn(1, "feel", feel)
    for number in range(8):
        on.press(number * BEAT + (20 if number % 2 else 0), 100, 60 + number)
    on.run_to_tick(2 * CELL + BEAT)
    ticks = [tick % BEAT for tick, _, _ in spans(on, first=CELL, last=2 * CELL)]
    late = on.jam.history.state.base
    assert late is not None
    assert late.phrase is not None
    offsets = [note.offset * STEP for note in late.phrase.notes]
    assert ticks == [pytest.approx(max(0, round(offset * share)) % BEAT, abs=1) for offset in offsets]


def check_that_four_ring_until(on: Stage, end: int) -> None:
    """Check that four notes come back as long as a pedal held them."""
    on.run_to_tick(2 * CELL + BEAT)
    back = spans(on, first=CELL, last=2 * CELL)
    assert [pitch for _, _, pitch in back] == [60, 61, 62, 63]
    for tick, length, _ in back:
        assert abs(tick + length - end) <= 12


def test_a_pedal_holds_what_its_keys_let_go(on: Stage) -> None:
    on.at_tick(0, control(1, 64, 127))
    for number in range(4):
        on.press(number * BEAT, 40, 60 + number)
    on.at_tick(4 * BEAT, control(1, 64, 60))  # a half-pedal: held on
    on.at_tick(6 * BEAT, control(1, 64, 0))
    check_that_four_ring_until(on, 6 * BEAT)


def test_the_pedal_of_an_mpe_keyboard_holds_what_its_fingers_let_go(on: Stage) -> None:
    for number, value in ((101, 0), (100, 6), (6, 5), (64, 127)):
        on.at_tick(0, control(1, number, value))
    for number in range(4):
        on.at_tick(number * BEAT, note_on(2 + number, 60 + number, 90))
        on.at_tick(number * BEAT + 40, note_off(2 + number, 60 + number))
    on.at_tick(6 * BEAT, control(1, 64, 0))
    check_that_four_ring_until(on, 6 * BEAT)


def test_a_note_tied_over_the_bar_line_sounds_as_long_as_it_was_held(on: Stage) -> None:
    on.press(0, 200, 60)
    on.press(CELL - BEAT, 3 * BEAT, 67)
    on.run_to_tick(3 * CELL + BEAT)
    assert spans(on, first=CELL, last=2 * CELL) == [(0, 200, 60), (CELL - BEAT, 3 * BEAT, 67)]
    on.act(3 * CELL + BEAT + 1, "stop")
    on.run_to(on.nanos + 10**9)
    assert not on.hanging()


@pytest.mark.parametrize("late", [-50, -20, 5, 40])
def test_a_key_let_go_about_the_bar_line_starts_nothing_before_it_and_misses_nothing(late: int) -> None:
    on = stage()
    on.press(0, 200, 60)
    on.press(CELL - BEAT, BEAT + late, 67)
    on.run_to_tick(2 * CELL)
    assert on.note_ons(last=CELL) == []
    assert [pitch for _, pitch in on.note_ons(first=CELL, last=2 * CELL)] == [60, 67]
    assert on.jam.dialogue.bars.missed == 0
    assert not [notice for notice in on.jam.notices.lines if notice.level != "info"]
    assert 0 not in {decode.bar for decode in on.model.decodes}


def test_a_steady_lag_is_taken_out_within_two_phrases(on: Stage) -> None:
    lag = 38  # ticks: 40 ms at 120
    for phrase in range(4):
        for number in range(8):
            on.press(phrase * CELL + number * BEAT + lag, 200, 60 + number)
    on.run_to_tick(4 * CELL + BEAT)
    assert abs(on.jam.performer.lag_nanos - 39_600_000) < 8_000_000
    for phrase in (1, 2, 3):
        ticks = [tick % BEAT for tick, _, _ in spans(on, first=phrase * CELL, last=(phrase + 1) * CELL)]
        assert len(ticks) == 8
        assert all(min(tick, BEAT - tick) <= 8 for tick in ticks), phrase


def test_the_latency_of_a_keyboard_is_a_setting() -> None:
    config = configured()
    config = replace(config, midi=replace(config.midi, input_latency_ms=40.0))
    on = Stage.begun(config=config, model=HearingModel())
    for number in range(8):
        on.press(number * BEAT + 39, 200, 60 + number)
    on.run_to_tick(2 * CELL)
    ticks = [tick % BEAT for tick, _, _ in spans(on, first=CELL, last=2 * CELL)]
    assert all(min(tick, BEAT - tick) <= 1 for tick in ticks)
    assert len(ticks) == 8


@pytest.mark.parametrize("mode", ["follow", "answer"])
def test_a_pick_up_belongs_to_its_phrase(mode: str) -> None:
    on = stage(mode=mode, count_in_bars=1)
    on.press(-BEAT // 2, 200, 55)
    on.press(0, 200, 60)
    on.press(BEAT, 200, 62)
    on.run_to_tick(CELL + BEAT)
    base = on.jam.history.state.base
    assert base is not None
    assert base.phrase is not None
    first, *rest = base.phrase.notes
    assert first.pitch == 55
    assert first.onset + first.displacement + first.offset == pytest.approx(-2, abs=0.05)
    assert [note.pitch for note in rest] == [60, 62]


def test_in_answer_mode_the_pick_up_of_the_next_phrase_is_not_lost_in_the_instrument_s_turn() -> None:
    on = stage(mode="answer")
    on.press(0, 200, 60)
    on.press(2 * CELL - BEAT // 2, 200, 55)
    on.press(2 * CELL, 200, 64)
    on.run_to_tick(3 * CELL + BEAT)
    base = on.jam.history.state.base
    assert base is not None
    assert base.phrase is not None
    assert [note.pitch for note in base.phrase.notes] == [55, 64]


def picked_up(mode: str, *, answer_ms: float = 3.0, **options: object) -> Stage:
    """A stage on which a pick-up of an eighth and a phrase of quarters are played, after a bar of clicks."""
    on = stage(mode=mode, count_in_bars=1, **options)
    on.answer_ms = answer_ms
    on.press(-BEAT // 2, 200, 55)
    for number in range(8):
        on.press(number * BEAT, 200, 60 + number)
    return on


@pytest.mark.parametrize("mode", ["follow", "answer"])
def test_an_answer_begins_with_the_pick_up_of_its_phrase(mode: str) -> None:
    on = picked_up(mode, vary=0.0)
    on.run_to_tick(2 * CELL - BEAT)
    first, *rest = on.note_ons(first=0, last=2 * CELL - BEAT)
    assert first[0] == pytest.approx(CELL - BEAT // 2, abs=2)
    assert first[1] == 55
    assert rest == [(CELL + number * BEAT, 60 + number) for number in range(7)]
    base = on.jam.history.state.base
    assert base is not None
    assert base.phrase is not None
    assert len(base.phrase) == 9
    assert base.origin == "played"


def test_the_next_phrase_with_a_pick_up_is_answered_with_its_own() -> None:
    on = picked_up("answer", vary=0.0)
    on.press(2 * CELL - BEAT, 200, 50)
    on.press(2 * CELL, 200, 51)
    on.run_to_tick(4 * CELL)
    ons = on.note_ons(first=2 * CELL - BEAT // 4, last=4 * CELL - BEAT)
    assert [pitch for _, pitch in ons] == [50, 51]
    assert [tick for tick, _ in ons] == [pytest.approx(3 * CELL - BEAT, abs=2), 3 * CELL]


def test_a_pick_up_is_not_varied_before_its_phrase_has_closed() -> None:
    on = picked_up("answer", vary=0.4)
    on.run_to_tick(CELL - STEP)
    (early,) = (decode for decode in on.model.decodes if decode.bar == 2)
    assert isinstance(early.place, Point)
    on.run_to_tick(CELL + BEAT)
    assert [type(decode.place) for decode in on.model.decodes if decode.bar == 2] == [Point, Varied]
    assert (CELL - BEAT // 2, 55) in [(round(tick, -1), pitch) for tick, pitch in on.note_ons()]


def test_a_phrase_without_a_pick_up_is_asked_for_once() -> None:
    on = stage(mode="answer")
    on.press(0, 200, 60)
    on.press(BEAT, 200, 62)
    on.run_to_tick(CELL + BEAT)
    assert len(on.model.encodes) == 1


def test_a_phrase_that_is_not_taken_up_after_all_leaves_what_was_there() -> None:
    on = picked_up("follow")
    on.act(CELL - BEAT, "mode", "hold")
    on.run_to_tick(2 * CELL)
    assert on.note_ons() == []
    assert on.jam.history.state.base is None


def test_one_undo_takes_back_a_phrase_with_a_pick_up() -> None:
    on = stage(mode="answer")
    on.press(0, 200, 48)
    on.press(2 * CELL - BEAT // 2, 200, 55)
    on.press(2 * CELL, 200, 60)
    on.run_to_tick(3 * CELL + BEAT)
    on.act(3 * CELL + BEAT, "undo")
    on.run_to_tick(3 * CELL + 2 * BEAT)
    base = on.jam.history.state.base
    assert base is not None
    assert base.phrase is not None
    assert [note.pitch for note in base.phrase.notes] == [48]


def test_a_model_that_was_lost_meanwhile_is_asked_for_the_whole_phrase_alone() -> None:
    on = picked_up("answer", answer_ms=400)
    on.run_to_tick(CELL - 2 * BEAT)
    on.worker_present = False
    on.jam.worker_lost()
    on.run_to_tick(CELL + BEAT // 4)
    on.worker_present = True
    on.jam.from_worker(on.model.ready(), Nanos(on.nanos))
    on.run_to_tick(2 * CELL)
    assert [encode.begun for encode in on.model.encodes] == [True, False]


def test_a_pick_up_whose_moment_has_gone_is_left_out_and_the_next_is_played() -> None:
    on = picked_up("follow", answer_ms=800)
    on.run_to_tick(3 * CELL)
    assert [tick for tick, pitch in on.note_ons(last=CELL + BEAT // 2) if pitch == 55] == []
    ticks = [tick for tick, pitch in on.note_ons(first=CELL, last=2 * CELL) if pitch == 55]
    assert ticks == [pytest.approx(2 * CELL - BEAT // 2, abs=2)]


def test_a_grace_note_is_kept_before_its_main_note(on: Stage) -> None:
    for number in range(8):
        on.press(number * BEAT, 200, 60 + number)
    on.press(3 * BEAT - 40, 35, 70)
    on.run_to_tick(2 * CELL + BEAT)
    back = [(tick, pitch) for tick, _, pitch in spans(on, first=CELL, last=2 * CELL)]
    assert (3 * BEAT, 63) in back
    assert [tick for tick, pitch in back if pitch == 70] == [pytest.approx(3 * BEAT - 40, abs=2)]


def test_an_unplugged_keyboard_takes_its_pedal_along(on: Stage) -> None:
    on.at_tick(10, control(1, 64, 127))
    on.press(20, 40, 60)
    on.at_tick(BEAT, lambda: on.jam.performer.release(Nanos(on.nanos), port="test"))
    on.press(2 * BEAT, 40, 62)
    on.run_to_tick(2 * CELL + BEAT)
    assert [length for _, length, _ in spans(on, first=CELL, last=2 * CELL)] == [
        pytest.approx(BEAT - 20, abs=2),
        pytest.approx(40, abs=2),
    ]
    assert on.jam.tick(Nanos(on.nanos)) >= Tick(CELL)


def test_the_key_that_is_played_in_can_be_locked_and_let_go_and_set(on: Stage) -> None:
    on.act(1, "key", "lock")
    on.press(0, 200, 62)
    on.act(CELL + BEAT, "key", "lock")
    on.run_to_tick(CELL + BEAT + STEP)
    notices = [str(fields["text"]) for kind, fields in on.logged if kind == "notice"]
    assert "there is no key to lock: what was played last is in no key" in notices
    assert ("key", ("D minor",)) in on.published
    assert on.jam.requests.key == "D minor"
    on.act(CELL + 2 * BEAT, "key", "lock")
    on.run_to_tick(CELL + 2 * BEAT + STEP)
    assert on.jam.requests.key == "auto"
    on.at_tick(CELL + 3 * BEAT, SetCondition("key", "F# minor"))
    on.at_tick(CELL + 3 * BEAT, SetCondition("key", "H major"))
    on.run_to_tick(CELL + 3 * BEAT + STEP)
    decode = [asked for asked in on.asked if isinstance(asked, Decode)][-1]
    assert decode.key == "F# minor"
    assert "unknown key 'H major'" in str([f["text"] for kind, f in on.logged if kind == "notice"][-1])
