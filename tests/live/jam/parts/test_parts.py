"""Several parts: each on its channel, sounded with its offsets, ended one by one, apart in the take."""

from pathlib import Path

import mido
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live.ipc.commands import MutePart
from live.jam.parts.parts import channels_of, one_voice, programs_of, take_parts, tracks_of
from live.jam.sequencing.cell import Cell, Laying
from live.jam.sequencing.plan import Plan
from live.jam.sequencing.scheduler import Scheduler
from live.record.take import Take
from live.settings.config import parse
from live.settings.schema import Config, MidiSettings, Scene
from live.timing.midi_bytes import note_off, note_on
from live.timing.timeline import Nanos, Tick
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from tests.fakes.any_notes import any_notes
from tests.fakes.commands import command
from tests.fakes.part_rows import HAT, KICK
from tests.fakes.snapshot_of import snapshot_of
from tests.fakes.stage import EchoModel, Stage

STEP, BAR = 120, 1920
CELL = 2 * BAR
GRID = Grid()
TUNE = ((0, 60), (4, 64), (8, 67), (16, 65), (24, 62))


def band(codec: str = "multitrack", config: Config | None = None) -> Stage:
    """A jam with a model of parts, to which two bars were played."""
    stage = Stage.begun(config or Config(), model=EchoModel(codec=codec))
    for step, pitch in TUNE:
        stage.press(step * STEP, 2 * STEP - 5, pitch)
    return stage


def ons(stage: Stage, channel: int, *, first: int = CELL, last: int = 2 * CELL) -> list[tuple[int, int]]:
    return [
        (tick, data[1])
        for tick, data in stage.instrument(first=first, last=last)
        if data[0] == 0x90 | (channel - 1) and data[2]
    ]


# -- where they leave ------------------------------------------------------------------------------


@pytest.fixture
def stage() -> Stage:
    return band()


def test_each_part_leaves_on_its_channel(stage: Stage) -> None:
    stage.run_to_tick(2 * CELL - 100)
    assert ons(stage, 2) == [(CELL + step * STEP, pitch) for step, pitch in TUNE]
    assert ons(stage, 3) == [
        (CELL + step * STEP, key) for step, pitch in TUNE if step % 8 == 0 for key in (pitch - 5, pitch)
    ]
    assert ons(stage, 4) == [(CELL + step * STEP, pitch - 24) for step, pitch in TUNE]
    assert {sent.data[0] & 0x0F for sent in stage.sent if sent.voice == "instrument"} == {1, 2, 3, 9}


def test_drums_sound_with_their_offsets() -> None:
    stage = band("drums")
    stage.run_to_tick(2 * CELL - 100)
    hats = [(CELL + step * STEP + 30, HAT) for step, _ in TUNE]
    kicks = [(CELL + step * STEP - 30, KICK) for step, _ in TUNE if step % 8 == 0 and step]
    assert [note for note in ons(stage, 10) if note[1] == HAT] == hats
    assert [note for note in ons(stage, 10, first=CELL + 1) if note[1] == KICK] == kicks
    assert ons(stage, 2) == []


def test_a_kick_ahead_of_the_first_bar_line_comes_as_soon_as_it_is_known_and_next_time_on_its_moment() -> (
    None
):
    stage = band("drums")
    stage.run_to_tick(3 * CELL - 100)
    first, second = (
        [tick for tick, key in ons(stage, 10, first=line - 60, last=line + 60) if key == KICK]
        for line in (CELL, 2 * CELL)
    )
    assert [abs(tick - CELL) <= 30 for tick in first] == [True]
    assert second == [2 * CELL - 30]


def test_channels_are_configured() -> None:
    config = parse(
        {"midi": {"instrument_channel": 5, "chords_channel": 6, "bass_channel": 7, "drum_channel": 8}}
    )
    stage = band(config=config)
    stage.run_to_tick(2 * CELL - 100)
    assert {sent.data[0] & 0x0F for sent in stage.sent if sent.voice == "instrument"} == {4, 5, 6, 7}


def test_the_same_key_on_two_channels_is_two_keys(stage: Stage) -> None:
    stage.run_to_tick(CELL + 3 * STEP)
    sounding = stage.jam.scheduler.sounding()
    assert (2, 60) not in sounding  # the melody's has ended after two steps
    assert (3, 60) in sounding  # the chord's has not
    assert (1, 60) not in stage.hanging()
    assert (2, 60) in stage.hanging()


@given(
    st.lists(
        any_notes(
            st.integers(58, 62),
            longest=9,
            offsets=st.sampled_from([-0.5, -0.25, 0.0, 0.25, 0.5]),
            tracks=st.integers(0, 3),
        ),
        max_size=24,
    ),
    st.lists(st.integers(0, 4000), max_size=4),
    st.sampled_from([(2, 3, 4, 10), (2, 2, 2, 10), (1, 1, 1, 1)]),
    st.sampled_from(["melody", "poly", "multitrack"]),
    st.frozensets(st.integers(0, 3)),
)
def test_every_note_on_gets_its_note_off_before_the_next_on_that_key(
    notes: list[Note],
    moments: list[int],
    channels: tuple[int, int, int, int],
    codec: str,
    muted: frozenset[int],
) -> None:
    scheduler = Scheduler()
    plan = Plan(scheduler, grid=GRID)
    plan.laying = Laying(channels=channels)
    plan.tracks, plan.one_voice = tracks_of(codec), one_voice(codec)
    cell = Cell(0, "all", phrase=Phrase.of(GRID, notes), origin="decoded")
    plan.lay(cell, 0, not_before=Tick(0))
    down: set[tuple[int, int]] = set()
    for turn, now in enumerate([*sorted(moments), 2 * CELL]):
        plan.mute(muted if turn % 2 else frozenset(), now // STEP + 1, now=Tick(now))
        for event, note in scheduler.due(Tick(now), too_late=lambda _: False):
            key = (event.data[0] & 0x0F, event.data[1])
            if event.data[0] & 0xF0 == 0x90:
                assert key not in down
                down.add(key)
            else:
                assert key in down
                down.discard(key)
            if note is not None:
                plan.sent(note.step, Note(note.step, note.pitch, note.velocity, 1, note.offset, note.track))
        plan.lay(cell, now // STEP, not_before=Tick(now))
    assert down == set()


# -- muted -----------------------------------------------------------------------------------------


def mute(stage: Stage, tick: int, part: str) -> None:
    stage.run_to_tick(tick)
    stage.commands.run(command("mute", part), Nanos(stage.nanos))


def test_a_muted_part_is_silent_at_once_and_plays_again_from_the_next_step(stage: Stage) -> None:
    mute(stage, CELL + 5 * STEP, "chords")  # in the middle of a chord of eight steps
    stage.run_to_tick(CELL + 6 * STEP)
    assert not [place for place in stage.jam.scheduler.sounding() if place[0] == 3]
    assert not [place for place in stage.hanging() if place[0] == 2]
    mute(stage, CELL + 10 * STEP, "chords")
    stage.run_to_tick(2 * CELL - 100)
    assert sorted({(tick - CELL) // STEP for tick, _ in ons(stage, 3)}) == [0, 16, 24]
    assert ons(stage, 2) == [(CELL + step * STEP, pitch) for step, pitch in TUNE]
    assert [notice.text for notice in stage.jam.notices.lines][-2:] == ["chords muted", "chords plays again"]
    assert stage.jam.dialogue.bars.missed == 0


def test_parts_stay_muted_in_the_phrases_that_come(stage: Stage) -> None:
    mute(stage, 100, "drums")
    mute(stage, 200, "melody")
    stage.run_to_tick(3 * CELL - 100)
    assert ons(stage, 10, last=3 * CELL) == ons(stage, 2, last=3 * CELL) == []
    assert len(ons(stage, 4, last=3 * CELL)) == 2 * len(TUNE)
    rows = [row for view in snapshot_of(stage).bars for row in view.notes]
    assert {row[4] for row in rows} == {CHORDS, BASS}


def test_what_shares_a_channel_with_a_muted_part_sounds_on() -> None:
    stage = band(config=parse({"midi": {"chords_channel": 4}}))
    mute(stage, CELL + 5 * STEP, "chords")
    stage.run_to_tick(CELL + 5 * STEP + 60)
    assert [place for place in stage.jam.scheduler.sounding() if place[0] == 4]
    stage.run_to_tick(2 * CELL - 100)
    assert [note for note in ons(stage, 4, first=CELL + 6 * STEP) if note[1] > 50] == []


def test_a_model_of_one_part_is_not_muted() -> None:
    stage = band("melody")
    mute(stage, 100, "melody")
    stage.run_to_tick(2 * CELL - 100)
    assert len(ons(stage, 2)) == len(TUNE)
    assert (
        stage.jam.notices.lines[-1].text == "mute melody does nothing now: the model that plays has one part"
    )
    stage.commands.run(MutePart("drum"), Nanos(stage.nanos))
    assert stage.jam.notices.lines[-1].text.endswith("did you mean 'drums'?")


def test_a_scene_mutes_parts_and_lets_the_others_play() -> None:
    scenes = [Scene(1, "break", mute=["drums", "bass"]), Scene(2, mute=[]), Scene(3)]
    stage = band(config=msgspec.structs.replace(Config(), scene=scenes))
    for number, muted in (("1", ["bass", "drums"]), ("3", ["bass", "drums"]), ("2", [])):
        stage.commands.run(command("scene", number), Nanos(stage.nanos))
        assert snapshot_of(stage).muted == muted
    assert [text for _, text in stage.markers if "mute" in text] == [
        "mute bass",
        "mute drums",
        "unmute bass",
        "unmute drums",
    ]


# -- voices, feel, knobs -------------------------------------------------------------------------------


def test_melody_and_bass_are_one_voice_each_and_chords_are_not(stage: Stage) -> None:
    stage.run_to_tick(2 * CELL)
    most = {2: 0, 3: 0, 4: 0}
    down: dict[int, set[int]] = {2: set(), 3: set(), 4: set()}
    for _, data in stage.instrument():
        channel = (data[0] & 0x0F) + 1
        if channel == 10:
            continue
        (down[channel].add if data[0] & 0xF0 == 0x90 else down[channel].discard)(data[1])
        most[channel] = max(most[channel], len(down[channel]))
    assert most == {2: 1, 3: 2, 4: 1}


def test_a_new_plan_ends_a_sounding_bass_at_its_next_note_and_no_chord() -> None:
    scheduler = Scheduler()
    plan = Plan(scheduler, grid=GRID)
    plan.tracks, plan.one_voice = tracks_of("multitrack"), one_voice("multitrack")
    long = [Note(0, 40, 90, 16, 0.0, BASS), Note(0, 60, 90, 16, 0.0, CHORDS)]
    plan.lay(Cell(0, "all", phrase=Phrase.of(GRID, long)), 0, not_before=Tick(0))
    list(scheduler.due(Tick(0), too_late=lambda _: False))
    short = [Note(4, 43, 90, 2, 0.0, BASS), Note(4, 62, 90, 2, 0.0, CHORDS)]
    plan.lay(Cell(0, "all", phrase=Phrase.of(GRID, short)), 1, not_before=Tick(1))
    ends = {place: end for place, (end, _) in scheduler.sounding().items()}
    assert ends == {(4, 40): 4 * STEP, (3, 60): 16 * STEP}


def test_gate_leaves_the_drums_alone() -> None:
    notes = (Note(0, 60, 90, 4), Note(0, 36, 90, 4, 0.0, DRUMS))
    assert Laying(gate=0.5).times(notes, GRID) == [(0, 240), (0, 480)]


def test_what_lies_behind_its_step_is_part_of_the_prefix_before_it_has_sounded() -> None:
    scheduler = Scheduler()
    plan = Plan(scheduler, grid=GRID)
    late = Note(4, 42, 70, 1, 0.5, DRUMS)
    plan.lay(
        Cell(0, "all", phrase=Phrase.of(GRID, [late, Note(8, 36, 90, 1, 0.0, DRUMS)])), 0, not_before=Tick(0)
    )
    assert plan.prefix(0, 5) == [late]
    assert plan.prefix(0, 4) == []


def test_the_prefix_of_a_decode_tells_parts_and_offsets(stage: Stage) -> None:
    stage.turn(CELL + 9 * STEP, "density", -0.5)
    stage.run_to_tick(CELL + 10 * STEP)
    asked = next(decode for decode in stage.model.decodes if decode.turns["density"] < 0)
    assert (asked.bar, asked.prefix_steps) == (2, 10)
    assert {row[5] for row in asked.prefix} == {MELODY, CHORDS, BASS, DRUMS}
    assert {row[4] for row in asked.prefix if row[5] == DRUMS} == {0.25, -0.25}


# -- silence ---------------------------------------------------------------------------------------


def test_panic_ends_every_part(stage: Stage) -> None:
    stage.act(CELL + 30, "panic")
    stage.run_to_tick(CELL + 31)
    assert stage.hanging() == set()
    assert {sent.data[0] & 0x0F for sent in stage.sent if sent.data[0] & 0xF0 == 0xB0} == set(range(16))


@pytest.mark.parametrize("moment", [CELL + 31, CELL + 8 * STEP + 31, 2 * CELL - 20])
def test_stop_leaves_nothing_of_any_part(moment: int, stage: Stage) -> None:
    stage.act(moment, "stop")
    stage.run_to_tick(moment)
    assert stage.hanging() == set()


# -- levels and programs -----------------------------------------------------------------------------


def levels(stage: Stage) -> list[tuple[int, int]]:
    return [
        ((sent.data[0] & 0x0F) + 1, sent.data[2])
        for sent in stage.sent
        if sent.data[0] & 0xF0 == 0xB0 and sent.data[1] == 7
    ]


def test_volume_goes_to_the_channels_of_the_parts_that_play() -> None:
    stage = band("drums")
    stage.turn(10, "volume", 0.5)
    stage.run_to_tick(20)
    assert levels(stage) == [(10, 64)]


def test_another_model_s_parts_get_the_level_that_they_missed() -> None:
    stage = Stage.begun(model=EchoModel(codec="poly"))
    stage.turn(10, "volume", 0.5)
    stage.run_to_tick(20)
    stage.jam.from_worker(EchoModel(ident="band-1", codec="multitrack").ready(), Nanos(stage.nanos))
    assert levels(stage) == [(2, 64), (3, 64), (4, 64), (10, 64)]


def test_a_channel_that_two_parts_share_is_sent_once() -> None:
    stage = band(config=parse({"midi": {"chords_channel": 2}}))
    stage.turn(10, "volume", 0.5)
    stage.run_to_tick(20)
    assert levels(stage) == [(2, 64), (4, 64), (10, 64)]


def test_every_voice_has_its_program_and_the_first_on_a_channel_keeps_it() -> None:
    assert programs_of(Config()) == {1: 0, 2: 4, 3: 24, 4: 33, 10: 0}
    shared = parse({"midi": {"chords_channel": 2}, "synth": {"bass_program": 39}})
    assert programs_of(shared) == {1: 0, 2: 4, 4: 39, 10: 0}


def test_parts_of_codecs() -> None:
    assert tracks_of("keys of tomorrow") == (MELODY,)
    assert tracks_of("drums") == (DRUMS,)
    assert one_voice("melody") == {MELODY}
    assert one_voice("poly") == one_voice("drums") == frozenset()
    assert channels_of(MidiSettings()) == (2, 3, 4, 10)


# -- what is shown and kept --------------------------------------------------------------------------


def test_the_roll_gets_every_part_sounded_and_planned(stage: Stage) -> None:
    stage.run_to_tick(CELL + BAR + 10)
    bars = {view.bar: view for view in snapshot_of(stage).bars}
    for bar in (2, 3):
        assert {row[4] for row in bars[bar].notes} == {MELODY, CHORDS, BASS, DRUMS}
    assert {row[4] for view in bars.values() for row in view.performed} == {MELODY}


def test_osc_tells_notes_of_every_part_as_before() -> None:
    stage = band("drums")
    stage.run_to_tick(CELL + 100)
    published = [values for topic, values in stage.published if topic == "note"]
    assert (KICK, 100) in published
    assert (HAT, 70) in published


def test_a_take_has_a_track_for_each_part_that_has_played(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mid", parts=take_parts(MidiSettings()), start=False, nanos=lambda: 0)
    take.instrument(-480, note_on(10, 76, 90))  # a click of the count-in
    take.instrument(-360, note_off(10, 76))
    for channel in (2, 4, 10):
        take.instrument(0, note_on(channel, 40, 90))
        take.instrument(240, note_off(channel, 40))
    take.close()
    tracks = {track.name: track for track in mido.MidiFile(take.path).tracks}
    assert list(tracks)[1:] == ["performer", "twobar", "twobar bass", "twobar drums", "knobs"]
    for name, channel in (("twobar bass", 3), ("twobar drums", 9)):
        sounded = [message for message in tracks[name] if message.type in ("note_on", "note_off")]
        assert [message.channel for message in sounded] == [channel, channel]
    assert sum(message.type == "note_on" for message in tracks["twobar"]) == 2


def test_a_take_of_one_part_has_the_tracks_that_it_always_had(tmp_path: Path) -> None:
    take = Take(tmp_path / "a.mid", parts=take_parts(MidiSettings()), start=False, nanos=lambda: 0)
    take.instrument(0, note_on(2, 40, 90))
    take.close()
    names = [track.name for track in mido.MidiFile(take.path).tracks]
    assert names[1:] == ["performer", "twobar", "knobs"]


def test_rows_on_the_wire_hold_a_note() -> None:
    note = Note(3, 36, 90, 1, -0.25, DRUMS, 0.5, -0.25)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode([note]), type=list[Note]) == [note]
