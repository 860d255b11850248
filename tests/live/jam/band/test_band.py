"""The band under the performer: in the chords of the moment, of a loop, or those that were set."""

import itertools

import msgspec
import pytest

from live.ipc.messages import Answer, Decoded, Encode, Encoded, ToWorker
from live.ipc.places import Point
from live.worker.phrases import chords_in
from model.music.grid import Grid
from model.music.harmony import read_chords, tones
from model.music.phrase import Note
from model.music.tracks import BASS, CHORDS, DRUMS
from tests.fakes.commands import command
from tests.fakes.stage import EchoModel, Stage, configured

BEAT, BAR = 480, 1920
CELL = 2 * BAR
GRID = Grid()
STEP = 120
CHORD_CHANNEL, BASS_CHANNEL = 3, 4

PATTERN = [
    *(Note(step, pitch, 80, 4, track=CHORDS) for step in range(0, 32, 8) for pitch in (60, 64, 67)),
    *(Note(step, 36, 90, 8, track=BASS) for step in range(0, 32, 8)),
]


def stage_of(played: str, *, bars: int, mode: str = "follow", **how: object) -> Stage:
    """Play a chord on each half bar, one symbol a bar, to a band that was written in C."""
    model = EchoModel(codec="multitrack", accompanies=True)
    model.pattern = PATTERN
    stage = Stage.begun(configured(mode=mode, **how), model=model)
    play(stage, played, 0, bars)
    return stage


def play(stage: Stage, chords: str, first: int, bars: int) -> None:
    known = read_chords(chords)
    for bar in range(first, first + bars):
        chord = known[(bar - first) % len(known)]
        assert chord is not None
        for half in (0, 1):
            for tone in tones(chord):
                stage.press(bar * BAR + half * 2 * BEAT, BEAT, 60 + tone)


def band(stage: Stage, first: int, last: int, channel: int = CHORD_CHANNEL) -> list[tuple[int, int]]:
    """Return the band's note-ons on a channel, as (tick, pitch class)."""
    return [
        (tick, data[1] % 12)
        for tick, data in stage.instrument(first=first, last=last)
        if data[0] == 0x90 + channel - 1
    ]


def sounding(stage: Stage, first: int, last: int, channel: int = CHORD_CHANNEL) -> set[int]:
    return {pitch for _, pitch in band(stage, first, last, channel)}


def classes(symbol: str) -> set[int]:
    (chord,) = read_chords(symbol)
    assert chord is not None
    return set(tones(chord))


def test_the_band_is_in_the_chords_of_the_bar_that_is_played() -> None:
    stage = stage_of("C F G Am", bars=8)
    stage.run_to_tick(8 * BAR)
    for bar, symbol in enumerate(["C", "F", "G", "Am"] * 2):
        if bar < 2:
            continue  # nothing is written yet
        begun = bar * BAR + STEP  # a chord that nobody could foresee is there on the next step
        assert sounding(stage, begun, (bar + 1) * BAR) <= classes(symbol), bar
        assert sounding(stage, begun, (bar + 1) * BAR, BASS_CHANNEL) <= classes(symbol), bar
    stage.run_to_tick(12 * BAR)
    stage.commands.run(command("stop", source="test"), stage.nanos)  # type: ignore[arg-type]
    assert not stage.hanging()


def test_a_loop_is_known_the_second_time_and_its_chords_are_there_on_the_one() -> None:
    stage = stage_of("C F", bars=12)
    stage.run_to_tick(12 * BAR - BEAT)
    for bar in range(6, 12):
        symbol = ("C", "F")[bar % 2]
        assert sounding(stage, bar * BAR - 10, (bar + 1) * BAR - 10) <= classes(symbol), bar
        assert band(stage, bar * BAR - 10, bar * BAR + 10), "and struck on the one"
    harmony = stage.jam.band.harmony
    assert (harmony.shown, harmony.coming) == ("F", "C")


@pytest.mark.parametrize(
    ("first", "then"), [("phrase 1", "phrase 2"), ("metre 3/4", "metre 4/4"), ("metre 4/4", "metre 3/4")]
)
def test_the_band_goes_on_in_the_chords_that_are_played_on_another_grid(first: str, then: str) -> None:
    model = EchoModel(codec="multitrack", accompanies=True)
    model.pattern = PATTERN
    stage = Stage(configured(), model=model)

    def asked(words: str) -> None:
        stage.commands.run(command(*words.split(), source="test"), stage.nanos)  # type: ignore[arg-type]

    asked(first)
    stage.begin()
    for half in range(28):
        for tone in classes(("C", "F")[half % 2]):
            stage.press(half * 2 * BEAT, BEAT, 60 + tone)
    stage.run_to_tick(8 * BAR)
    before = stage.jam.plan.grid
    asked(then)
    stage.run_to_tick(14 * BAR)
    assert stage.jam.plan.grid.beats != before.beats
    begun = 12 * BAR + STEP
    assert sounding(stage, begun, begun + BEAT) <= classes("C")
    assert sounding(stage, begun, 14 * BAR), "it plays"


def test_what_sounds_beside_a_new_chord_is_ended_on_the_next_step() -> None:
    stage = stage_of("C", bars=4)
    play(stage, "F#", 4, 2)
    stage.run_to_tick(4 * BAR + 2 * STEP)
    down = {pitch % 12 for (channel, pitch) in stage.jam.scheduler.sounding() if channel != 2}
    assert down <= classes("F#")
    assert down, "it goes on in the new chord"


def test_the_band_leaves_out_what_lies_beside_the_phrase_that_sounds_again() -> None:
    model = EchoModel(codec="multitrack", accompanies=True)
    model.pattern = PATTERN
    stage = Stage.begun(configured(chords="C"), model=model)
    for beat in range(8):
        stage.press(beat * BEAT, BEAT - 20, 65 if beat < 4 else 67)
    stage.run_to_tick(4 * BAR)
    assert sounding(stage, 2 * BAR, 3 * BAR - STEP) == {0, 7}, "an F sounds: no E"
    assert sounding(stage, 3 * BAR - STEP, 4 * BAR - STEP) == classes("C")
    stage.act(4 * BAR, "mute", "melody")
    stage.run_to_tick(5 * BAR)
    assert sounding(stage, 4 * BAR + STEP, 5 * BAR - STEP) == classes("C"), "it is not heard"


def test_what_passes_within_a_beat_is_no_other_chord() -> None:
    stage = stage_of("C", bars=6)
    begun, beat = 4 * BAR + BEAT + 2 * STEP, 4 * BAR + 2 * BEAT - 70
    for tone in tones(read_chords("F#")[0]):  # type: ignore[arg-type]
        stage.press(begun, STEP, 60 + tone)
    stage.run_to_tick(beat)
    assert sounding(stage, begun, beat) <= classes("C")
    assert stage.jam.band.harmony.shown == "C"


def test_chords_that_were_set_lead_whatever_is_played() -> None:
    stage = stage_of("C", bars=8, chords="Dm/2 G7/2 E")
    stage.run_to_tick(8 * BAR - BEAT)
    for bar in range(2, 8):
        begun, half = bar * BAR, bar * BAR + 2 * BEAT
        if bar % 2:
            assert sounding(stage, begun, begun + BAR) <= classes("E")
        else:
            assert sounding(stage, begun, half) <= classes("Dm")
            assert sounding(stage, half, begun + BAR) <= classes("G7")
    assert ("chord", ("G7",)) in stage.published
    assert stage.jam.band.harmony.coming == "Dm"


def test_a_bass_that_was_set_lies_under_its_chord() -> None:
    stage = stage_of("C", bars=6, chords="C/E F/G")
    stage.run_to_tick(6 * BAR - BEAT)
    for bar in range(2, 6):
        low = band(stage, bar * BAR, (bar + 1) * BAR - 10, BASS_CHANNEL)
        assert {pitch for _, pitch in low} == ({7} if bar % 2 else {4}), bar
    assert ("chord", ("F/G",)) in stage.published


def test_in_the_performers_turn_the_band_plays_on_under_it_and_no_melody() -> None:
    stage = stage_of("C C F F", bars=2, mode="answer")
    play(stage, "F F", 4, 2)
    stage.run_to_tick(6 * BAR)
    assert stage.note_ons(first=2 * BAR, last=4 * BAR), "its turn: all of it"
    first, last = 4 * BAR + STEP, 6 * BAR - STEP
    assert sounding(stage, first, last) == classes("F"), "in the chords of the moment"
    assert sounding(stage, first, last, BASS_CHANNEL) <= classes("F")
    assert not band(stage, 4 * BAR, 6 * BAR - STEP, 2), "the melody is the performer's"
    _, shown = stage.jam.plan.bar_rows(4)
    assert {row[4] for row in shown} == {CHORDS, BASS}
    stage.act(6 * BAR + BEAT, "panic")
    stage.run_to_tick(8 * BAR)
    stage.act(8 * BAR, "mode", "follow")
    stage.run_to_tick(12 * BAR)
    stage.commands.run(command("stop", source="test"), stage.nanos)  # type: ignore[arg-type]
    assert not stage.hanging()


class HigherModel(EchoModel):
    """Answers a fourth higher."""

    def answer(self, message: ToWorker) -> Answer:
        found = super().answer(message)
        if isinstance(found, Decoded):
            notes = [note._replace(pitch=note.pitch + 5 * (note.track == 0)) for note in found.notes]
            return msgspec.structs.replace(found, notes=notes)
        return found


def test_under_an_answer_the_band_is_in_the_chords_that_the_answer_means() -> None:
    model = HigherModel(codec="multitrack", accompanies=True)
    model.pattern = PATTERN
    stage = Stage.begun(configured(mode="answer"), model=model)
    play(stage, "C G", 0, 2)
    stage.run_to_tick(4 * BAR)
    assert sounding(stage, 2 * BAR + STEP, 3 * BAR - STEP) == classes("F"), "C was played"
    assert sounding(stage, 3 * BAR - STEP, 4 * BAR - STEP) == classes("C"), "G was played"
    assert sounding(stage, 2 * BAR + STEP, 3 * BAR - STEP, BASS_CHANNEL) <= classes("F")


def test_who_plays_on_over_an_answer_is_followed() -> None:
    model = HigherModel(codec="multitrack", accompanies=True)
    model.pattern = PATTERN
    stage = Stage.begun(configured(mode="answer"), model=model)
    play(stage, "C C D D", 0, 4)
    stage.run_to_tick(4 * BAR)
    assert sounding(stage, 3 * BAR + STEP, 4 * BAR - STEP) == classes("D")


def test_while_all_rests_in_the_performers_turn_the_band_rests_too() -> None:
    stage = stage_of("C", bars=2, mode="answer")
    stage.act(4 * BAR + STEP // 2, "panic")
    stage.run_to_tick(6 * BAR - STEP)
    assert not stage.note_ons(first=4 * BAR + STEP)


def test_chords_may_be_set_and_let_go_while_it_plays() -> None:
    stage = stage_of("C", bars=8)
    stage.at_tick(4 * BAR, command("condition", "chords Bb", source="osc"))
    stage.at_tick(6 * BAR, command("condition", "chords auto", source="osc"))
    stage.run_to_tick(8 * BAR)
    assert sounding(stage, 4 * BAR + STEP, 6 * BAR) == classes("Bb")
    assert sounding(stage, 6 * BAR + STEP, 8 * BAR) <= classes("C")


def test_no_chord_lets_the_band_rest() -> None:
    stage = stage_of("C", bars=8, chords="C N")
    stage.run_to_tick(8 * BAR)
    assert not band(stage, 5 * BAR, 6 * BAR)
    assert not band(stage, 5 * BAR, 6 * BAR, BASS_CHANNEL)
    assert band(stage, 6 * BAR, 7 * BAR)
    assert stage.jam.band.harmony.shown in ("N", "C")


def test_a_chord_outside_of_the_key_wins_and_that_is_said_once() -> None:
    stage = stage_of("C", bars=4, chords="C F# Am", key="C")
    stage.run_to_tick(4 * BAR)
    said = [str(fields["text"]) for kind, fields in stage.logged if kind == "notice"]
    assert said.count("Gb is outside of C major: the chord wins while it sounds") == 1
    assert sounding(stage, 4 * BAR - BAR, 4 * BAR) <= classes("C")


@pytest.mark.parametrize("pitches", [(60,), (60, 67)])
def test_little_is_no_chord(pitches: tuple[int, ...]) -> None:
    stage = Stage.begun()
    for pitch in pitches:
        stage.press(0, 4 * BAR, pitch)
    stage.run_to_tick(2 * BAR)
    assert stage.jam.band.harmony.shown == ""
    assert not [topic for topic, _ in stage.published if topic == "chord"]


def test_atonal_playing_is_in_no_chord_and_nothing_is_forced() -> None:
    stage = stage_of("C", bars=2)
    for place in range(32):
        stage.press(2 * BAR + place * BEAT // 2, 200, 60 + 7 * place % 12)
    stage.run_to_tick(6 * BAR)
    assert stage.jam.band.harmony.shown == ""


def test_two_beats_of_a_far_key_are_heard_as_that_key_whatever_was_played_before() -> None:
    stage = stage_of("C F", bars=2)
    for place, pitch in enumerate((66, 70, 73, 75, 77, 78, 70, 73)):  # F sharp major, in eighths
        stage.press(2 * BAR + place * BEAT // 2, 230, pitch)
    keys, shown = [], []
    for beat in range(1, 5):
        stage.run_to_tick(2 * BAR + beat * BEAT)
        keys.append(stage.jam.band.harmony.key)
        shown.append(stage.jam.band.harmony.shown)
    assert [key.name if key else "" for key in keys[1:]] == ["F# major"] * 3
    assert all(shown)


def test_while_the_performer_rests_the_phrase_keeps_its_chords() -> None:
    stage = stage_of("C F", bars=2)
    stage.run_to_tick(8 * BAR)
    for bar in range(4, 8):
        assert sounding(stage, bar * BAR - 10, (bar + 1) * BAR - 10) <= classes(("C", "F")[bar % 2])


def test_a_phrase_that_is_held_keeps_its_chords_under_a_solo() -> None:
    stage = stage_of("C F", bars=2)
    stage.act(4 * BAR - 60, "mode", "hold")
    play(stage, "E", 4, 4)
    stage.run_to_tick(8 * BAR)
    for bar in range(5, 8):
        assert sounding(stage, bar * BAR - 10, (bar + 1) * BAR - 10) <= classes(("C", "F")[bar % 2])


def test_an_anchor_brings_its_chords_back() -> None:
    stage = stage_of("C F", bars=2)
    stage.act(3 * BAR, "capture", "A")
    play(stage, "G Am", 4, 2)
    stage.act(6 * BAR + 10, "recall", "A")
    stage.act(6 * BAR + 20, "mode", "hold")
    stage.run_to_tick(10 * BAR)
    place = stage.jam.history.state.anchors["A"].place
    assert isinstance(place, Point)
    assert place.chords == [0, 0, 0, 0, 5, 5, 5, 5]
    for bar in range(8, 10):
        assert sounding(stage, bar * BAR - 10, (bar + 1) * BAR - 10) <= classes(("C", "F")[bar % 2])


class PlayedChords(EchoModel):
    """Answers with what was played as the chords of an ensemble."""

    def answer(self, message: ToWorker) -> Answer:
        found = super().answer(message)
        if isinstance(message, Encode) and isinstance(found, Encoded):
            return msgspec.structs.replace(found, chords=chords_in(message.notes, GRID))
        if isinstance(found, Decoded):
            rows = [note._replace(track=CHORDS) for note in found.notes]
            return msgspec.structs.replace(found, notes=rows)
        return found


def test_chords_that_were_played_follow_what_is_played_meanwhile() -> None:
    stage = Stage.begun(configured(), model=PlayedChords())
    play(stage, "C F", 0, 2)
    play(stage, "D G", 2, 2)
    stage.run_to_tick(8 * BAR)
    for bar, symbol in ((2, "D"), (3, "G")):
        begun = bar * BAR + STEP  # what nobody could foresee is there on the next step
        assert sounding(stage, begun, (bar + 1) * BAR) <= classes(symbol), bar
    assert sounding(stage, 4 * BAR - 10, 5 * BAR - 10) == classes("D"), "while nobody plays it is as it was"
    assert sounding(stage, 5 * BAR - 10, 6 * BAR - 10) == classes("G")


def test_chords_that_are_played_again_stay_as_they_were() -> None:
    stage = Stage.begun(configured(), model=PlayedChords())
    for first in range(0, 8, 2):
        play(stage, "C F", first, 2)
    stage.run_to_tick(8 * BAR)
    struck = [
        (tick - 2 * BAR, data[1])
        for tick, data in stage.instrument(first=2 * BAR - 10, last=4 * BAR - 10)
        if data[0] == 0x90 + CHORD_CHANNEL - 1
    ]
    chords = [(half * 2 * BEAT, 60 + tone) for half in range(4) for tone in sorted(classes("CF"[half // 2]))]
    assert struck == chords


LICK = (
    *((0, 60, 3), (3, 63, 3), (6, 65, 2), (8, 66, 2), (10, 65, 2), (12, 63, 4)),
    *((16, 60, 2), (18, 63, 2), (20, 60, 12)),
)


def test_a_blues_is_over_a_dominant_seventh_whose_third_is_the_line_s() -> None:
    model = EchoModel(codec="multitrack", accompanies=True)
    model.pattern = PATTERN
    stage = Stage(configured(), model=model)
    stage.begin()
    for bar in range(0, 8, 2):
        for step, pitch, long in LICK:
            stage.press(bar * BAR + step * STEP, long * STEP - 10, pitch)
    stage.run_to_tick(8 * BAR - BEAT)
    assert stage.jam.band.harmony.shown == "C7"
    assert sounding(stage, 3 * BAR, 8 * BAR - BEAT) == {0, 7, 10}, (
        "its major third would lie beside the minor"
    )
    assert sounding(stage, 3 * BAR, 8 * BAR - BEAT, BASS_CHANNEL) <= {0, 7, 10}


class PlayedBass(EchoModel):
    """Answers with what was played as the bass of an ensemble."""

    def answer(self, message: ToWorker) -> Answer:
        found = super().answer(message)
        if isinstance(found, Decoded):
            rows = [note._replace(track=BASS) for note in found.notes]
            return msgspec.structs.replace(found, notes=rows, harmony=chords_in(rows, GRID))
        return found


RIFF = ((0, 40), (3, 40), (4, 43), (6, 45), (10, 40), (12, 43), (14, 47))


def riff(bars: int, **how: object) -> Stage:
    stage = Stage.begun(configured(**how), model=PlayedBass())
    for bar in range(bars):
        for step, pitch in RIFF:
            stage.press(bar * BAR + step * STEP, STEP, pitch)
    return stage


def struck(stage: Stage, first: int, last: int) -> list[tuple[int, int]]:
    return [
        (tick, data[1])
        for tick, data in stage.instrument(first=first, last=last)
        if data[0] == 0x90 + BASS_CHANNEL - 1
    ]


def test_under_a_low_line_the_bass_plays_roots_an_octave_below() -> None:
    stage = riff(8)
    stage.run_to_tick(10 * BAR)
    assert {pitch % 12 for _, pitch in struck(stage, 2 * BAR, 8 * BAR)} <= {4, 7, 9, 0}
    assert all(28 <= pitch < 40 for _, pitch in struck(stage, 2 * BAR, 8 * BAR))
    bars = {tick for tick, _ in struck(stage, 2 * BAR - 10, 8 * BAR - 10)}
    assert {bar * BAR for bar in range(2, 8)} <= bars, "on every bar line"
    own = {(step * STEP, pitch) for step, pitch in RIFF}
    assert not own & {(tick % BAR, pitch) for tick, pitch in struck(stage, 2 * BAR, 8 * BAR)}
    again = {(tick % BAR, pitch) for tick, pitch in struck(stage, 9 * BAR - 10, 10 * BAR - 10)}
    assert again == own, "when the performer has stopped it is answered"


def test_the_answer_to_a_low_line_is_that_line_in_the_performers_silence() -> None:
    stage = riff(2, mode="answer")
    stage.run_to_tick(4 * BAR)
    own = {(step * STEP, pitch) for step, pitch in RIFF}
    assert {(tick % BAR, pitch) for tick, pitch in struck(stage, 2 * BAR - 10, 4 * BAR - 10)} == own


def test_a_single_part_is_never_rearranged() -> None:
    stage = Stage.begun(configured(chords="C F"))
    stage.press(0, BEAT, 61)
    stage.press(BEAT, BEAT, 66)
    stage.run_to_tick(2 * CELL)
    assert stage.note_ons(first=CELL, last=2 * CELL) == [(CELL, 61), (CELL + BEAT, 66)]


# -- fills, breaks, parts ------------------------------------------------------------------------

DRUMS_CHANNEL = 10
GROOVE = [
    *(Note(step, 42, 70, 1, track=DRUMS) for step in range(0, 32, 2)),
    *(Note(step, 36, 100, 1, track=DRUMS) for step in (0, 8, 16, 24)),
    *(Note(step, 38, 100, 1, track=DRUMS) for step in (4, 12, 20, 28)),
]


def drummed(*, bars: int, **how: object) -> Stage:
    model = EchoModel(codec="multitrack", accompanies=True)
    model.pattern = [*PATTERN, *GROOVE]
    stage = Stage.begun(configured(**how), model=model)
    play(stage, "C", 0, bars)
    return stage


def hits(stage: Stage, first: int, last: int) -> list[tuple[int, int]]:
    """Return the drums' note-ons as (tick, key)."""
    return [
        (tick, data[1])
        for tick, data in stage.instrument(first=first, last=last)
        if data[0] == 0x90 + DRUMS_CHANNEL - 1
    ]


TOMS_AND_SNARE = {38, 43, 47, 50}


def test_drums_fill_before_bars_five_and_nine_and_land_on_them() -> None:
    stage = drummed(bars=10)
    stage.run_to_tick(10 * BAR)
    for bar, beats in ((4, 1), (8, 2)):
        filled = hits(stage, bar * BAR - beats * BEAT - 10, bar * BAR - 10)
        assert {key for _, key in filled} & (TOMS_AND_SNARE - {38}) or len(filled) > 2 * beats
        assert {key for _, key in filled} <= TOMS_AND_SNARE | {36}
        assert (bar * BAR, 49) in hits(stage, bar * BAR - 10, bar * BAR + 10)
    assert (6 * BAR, 49) not in hits(stage, 0, 10 * BAR), "and nowhere else"


def test_a_groove_stays_and_is_varied() -> None:
    stage = drummed(bars=8)
    stage.run_to_tick(8 * BAR)
    played = [
        {
            (tick - cell * CELL, key)
            for tick, key in hits(stage, cell * CELL - 10, cell * CELL + CELL - 2 * BEAT - 10)
        }
        for cell in (1, 2, 3)
    ]
    for one, other in itertools.pairwise(played):
        assert one != other
        assert 2 * len(one & other) / (len(one) + len(other)) > 0.5
    again = drummed(bars=8)
    again.run_to_tick(8 * BAR)
    assert hits(again, 0, 8 * BAR) == hits(stage, 0, 8 * BAR)


def test_fill_fills_up_to_the_bar_line_from_the_next_beat_on() -> None:
    stage = drummed(bars=8)
    stage.act(5 * BAR + BEAT + 60, "fill")
    stage.run_to_tick(8 * BAR)
    begun = 5 * BAR + 2 * BEAT
    assert {key for _, key in hits(stage, begun - 10, 6 * BAR - 10)} <= TOMS_AND_SNARE | {36}
    assert (6 * BAR, 49) in hits(stage, 6 * BAR - 10, 6 * BAR + 10)
    assert ("fill",) in [(text,) for _, text in stage.markers]


def test_break_rests_and_comes_in_again_on_the_one() -> None:
    stage = drummed(bars=8)
    stage.act(5 * BAR + 60, "break")
    stage.run_to_tick(5 * BAR + BEAT + 10)
    assert not {place for place in stage.jam.scheduler.sounding() if place[0] != DRUMS_CHANNEL}
    stage.run_to_tick(8 * BAR)
    assert not stage.note_ons(first=5 * BAR + BEAT, last=6 * BAR - 10)
    assert (6 * BAR, 49) in hits(stage, 6 * BAR - 10, 6 * BAR + 10)


def test_what_cannot_be_filled_or_broken_is_said() -> None:
    stage = Stage.begun()
    stage.run_to_tick(BAR)
    stage.act(BAR + 10, "fill")
    stage.act(BAR + 20, "stop")
    stage.act(BAR + 30, "break")
    stage.run_to(stage.nanos + 1_000_000_000)
    said = [str(fields["text"]) for kind, fields in stage.logged if kind == "notice"]
    assert "fill does nothing now: the model that plays has no drums" in said
    assert "break does nothing now: the music stands still" in said


def test_solo_leaves_one_part_and_again_brings_back_what_played() -> None:
    stage = drummed(bars=4)
    stage.act(10, "mute", "melody")
    stage.act(20, "solo", "bass")
    stage.act(30, "solo", "drums")
    stage.run_to_tick(40)
    assert stage.jam.plan.muted == {0, 1, 2}
    stage.act(50, "solo", "drums")
    stage.run_to_tick(60)
    assert stage.jam.plan.muted == {0}


def test_each_part_has_a_level_and_a_density() -> None:
    stage = drummed(bars=8)
    stage.turn(10, "volume.bass", 0.5)
    stage.turn(4 * BAR, "density.chords", -1.0)
    stage.turn(6 * BAR - 60, "density.chords", 0.0)
    stage.run_to_tick(8 * BAR)
    levels = [sent.data for sent in stage.sent if sent.data[0] & 0xF0 == 0xB0 and sent.data[1] == 7]
    assert bytes((0xB0 + BASS_CHANNEL - 1, 7, 51)) in levels
    assert bytes((0xB0 + CHORD_CHANNEL - 1, 7, 102)) in levels
    thin = len({tick for tick, _ in band(stage, 4 * BAR + 10, 6 * BAR - 60)})
    assert 0 < thin < len({tick for tick, _ in band(stage, 6 * BAR - 10, 8 * BAR - 60)})


def test_the_band_is_as_loud_as_the_performer_and_its_accents_stay() -> None:
    model = EchoModel(codec="multitrack", accompanies=True)
    model.pattern = PATTERN  # chords at 80, a bass at 90
    stage = Stage.begun(configured(), model=model)
    for beat in range(24):
        stage.press(beat * BEAT, BEAT - 20, 72, 40 if beat < 16 else 110)
    stage.run_to_tick(6 * BAR)

    def loudness(first: int, last: int, channel: int) -> set[int]:
        return {
            data[2]
            for _, data in stage.instrument(first=first, last=last)
            if data[0] == 0x90 + channel - 1 and data[2]
        }

    soft, loud = (
        [
            loudness(first * BAR, (first + 1) * BAR - STEP, channel)
            for channel in (CHORD_CHANNEL, BASS_CHANNEL)
        ]
        for first in (3, 5)
    )
    assert soft == [{53}, {56}], "two thirds of the way to 40"
    assert loud == [{100}, {103}]
