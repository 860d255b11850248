"""Takes: whole at every instant, on a clock of the test's own."""

import datetime as dt
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
from itertools import count
from pathlib import Path

import mido
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.errors import FailureError
from live.record import take as record
from live.record.take import KNOB_CONTROLS, Take
from live.settings.knobs import KNOBS
from model.music.grid import Grid
from model.music.metre import METRES, grid_in

BEAT = 480
NANOS_PER_TICK = 60_000_000_000 // 120 // BEAT


class Hands:
    """Plays into a take at 120 bpm, moving its clock along."""

    def __init__(self, path: Path, *, keep_empty: bool = True) -> None:
        self.nanos = 0
        self.faults: list[str] = []
        self.recovered = 0
        self.take = Take(
            path,
            nanos=lambda: self.nanos,
            start=False,
            on_fault=self.faults.append,
            on_recovery=self.recover,
            keep_empty=keep_empty,
        )

    def recover(self) -> None:
        self.recovered += 1

    def press(self, tick: int, pitch: int) -> None:
        self.take.performer(self.at(tick), bytes((0x90, pitch, 80)))

    def at(self, tick: int) -> int:
        self.nanos = tick * NANOS_PER_TICK
        return tick


@pytest.fixture
def hands(tmp_path: Path) -> Hands:
    return Hands(tmp_path / "take.mid")


def absolute(track: mido.MidiTrack) -> list[tuple[int, mido.Message]]:
    now, out = 0, []
    for message in track:
        now += message.time
        out.append((now, message))
    return out


def notes(path: Path, name: str) -> list[tuple[int, str, int]]:
    track = next(track for track in mido.MidiFile(path).tracks if track.name == name)
    return [
        (tick, message.type, message.note)
        for tick, message in absolute(track)
        if message.type.startswith("note")
    ]


def pressed(path: Path) -> list[int]:
    return [pitch for _, kind, pitch in notes(path, "performer") if kind == "note_on"]


def test_every_knob_has_a_controller_of_its_own_in_a_take() -> None:
    assert KNOB_CONTROLS.keys() == KNOBS.keys()
    assert len(set(KNOB_CONTROLS.values())) == len(KNOBS)


def test_each_voice_has_a_separate_track_in_musical_time(hands: Hands) -> None:
    take = hands.take
    take.tempo(hands.at(0), 90.0)
    take.performer(hands.at(0), b"\x90\x3c\x64")
    take.marker(hands.at(120), "mode answer")
    take.performer(hands.at(240), b"\x80\x3c\x40")
    take.instrument(hands.at(480), b"\x91\x40\x50")
    take.knob(hands.at(500), "density", 0.5)
    take.instrument(hands.at(960), b"\x81\x40\x40")
    take.close()
    midi = mido.MidiFile(hands.take.path)
    assert (midi.type, midi.ticks_per_beat) == (1, 480)
    assert [track.name for track in midi.tracks] == ["twobar take take", "performer", "twobar", "knobs"]
    assert notes(hands.take.path, "performer") == [(0, "note_on", 60), (240, "note_off", 60)]
    assert notes(hands.take.path, "twobar") == [(480, "note_on", 64), (960, "note_off", 64)]
    conductor = absolute(midi.tracks[0])
    assert [(tick, m.text) for tick, m in conductor if m.type == "marker"] == [(120, "mode answer")]
    assert [m.tempo for _, m in conductor if m.type == "set_tempo"] == [
        500_000,
        pytest.approx(666_667, abs=50),
    ]
    knobs = absolute(midi.tracks[3])
    assert [(tick, m.control, m.value) for tick, m in knobs if m.type == "control_change"] == [(500, 22, 95)]
    assert [(tick, m.text) for tick, m in knobs if m.type == "text"] == [(500, "density 0.5")]


def test_the_oracle_reads_the_same_notes(hands: Hands) -> None:
    for index in range(8):
        hands.take.performer(hands.at(index * 240), bytes((0x90, 60 + index, 80)))
        hands.take.performer(hands.at(index * 240 + 120), bytes((0x80, 60 + index, 64)))
    hands.take.close()
    (instrument,) = pretty_midi.PrettyMIDI(str(hands.take.path)).instruments
    assert [(note.pitch, round(note.start, 4), round(note.end, 4)) for note in instrument.notes] == [
        (60 + index, index * 0.25, index * 0.25 + 0.125) for index in range(8)
    ]


def test_a_note_that_sounds_is_closed_in_the_file_but_not_in_the_take(hands: Hands) -> None:
    hands.take.performer(hands.at(0), b"\x90\x3c\x64")
    hands.take.instrument(hands.at(480), b"\x91\x40\x50")
    hands.take.flush()
    assert notes(hands.take.path, "performer") == [(0, "note_on", 60), (480, "note_off", 60)]
    assert notes(hands.take.path, "twobar") == [(480, "note_on", 64), (481, "note_off", 64)]
    hands.take.performer(hands.at(960), b"\x80\x3c\x40")
    hands.take.flush()
    assert notes(hands.take.path, "performer") == [(0, "note_on", 60), (960, "note_off", 60)]


def test_what_was_played_while_stopped_lies_apart_as_it_was_played(hands: Hands) -> None:
    for place in (0, 240, 480, 720):  # the transport stands at 0
        hands.at(place)
        hands.take.performer(0, bytes((0x90, 60, 80)))
        hands.at(place + 200)
        hands.take.performer(0, bytes((0x80, 60, 80)))
    hands.take.tempo(0, 120.0)  # and starts
    hands.nanos += 100 * NANOS_PER_TICK
    hands.take.performer(100, b"\x90\x3e\x64")
    hands.take.close()
    onsets = [tick for tick, kind, _ in notes(hands.take.path, "performer") if kind == "note_on"]
    assert onsets == [0, 240, 480, 720, 1920 + 100]


def test_a_new_start_goes_on_behind_on_a_bar_line(hands: Hands) -> None:
    hands.take.tempo(hands.at(0), 120.0)
    hands.take.instrument(hands.at(1000), b"\x91\x3c\x64")
    hands.take.instrument(hands.at(2000), b"\x81\x3c\x64")
    hands.nanos += 1
    hands.take.tempo(0, 120.0)
    hands.take.instrument(0, b"\x91\x3e\x64")
    hands.nanos += 480 * NANOS_PER_TICK
    hands.take.instrument(480, b"\x81\x3e\x64")
    hands.take.close()
    assert notes(hands.take.path, "twobar") == [
        (1000, "note_on", 60), (2000, "note_off", 60), (3840, "note_on", 62), (3840 + 480, "note_off", 62),
    ]  # fmt: skip


def test_a_count_in_lies_before_the_bar_line(hands: Hands) -> None:
    hands.take.performer(-480, b"\x90\x3c\x64")
    hands.nanos += 480 * NANOS_PER_TICK
    hands.take.performer(0, b"\x80\x3c\x64")
    hands.take.close()
    assert notes(hands.take.path, "performer") == [(1440, "note_on", 60), (1920, "note_off", 60)]


def signatures(path: Path) -> list[tuple[int, str, int]]:
    return [
        (tick, f"{message.numerator}/{message.denominator}", message.clocks_per_click)
        for tick, message in absolute(mido.MidiFile(path).tracks[0])
        if message.type == "time_signature"
    ]


def grid_in_metre(name: str) -> Grid:
    grid = grid_in(Grid(), METRES[name])
    assert grid is not None
    return grid


def test_a_metre_is_written_on_its_bar_line_once(hands: Hands) -> None:
    hands.take.tempo(hands.at(0), 120.0)
    hands.take.metre(0, Grid())
    hands.take.instrument(hands.at(3780), b"\x91\x3c\x64")
    hands.take.metre(3840, grid_in_metre("6/8"))  # planned a moment ahead
    hands.take.instrument(hands.at(3840), b"\x81\x3c\x64")
    hands.take.instrument(hands.at(3900), b"\x91\x3e\x64")
    hands.at(3840 + 1380)
    hands.take.metre(3840 + 1440, grid_in_metre("7/8"))
    hands.take.instrument(hands.at(3840 + 1440 + 1680), b"\x81\x3e\x64")
    hands.take.close()
    assert signatures(hands.take.path) == [(0, "4/4", 24), (3840, "6/8", 36), (5280, "7/8", 12)]
    assert notes(hands.take.path, "twobar") == [
        (3780, "note_on", 60), (3840, "note_off", 60), (3900, "note_on", 62), (6960, "note_off", 62),
    ]  # fmt: skip


def test_a_new_start_goes_on_on_a_bar_line_of_the_metre_before(hands: Hands) -> None:
    hands.take.tempo(hands.at(0), 120.0)
    hands.take.metre(0, Grid())
    hands.at(1860)
    hands.take.metre(1920, grid_in_metre("3/4"))
    hands.take.instrument(hands.at(2000), b"\x91\x3c\x64")
    hands.take.instrument(hands.at(2100), b"\x81\x3c\x64")
    hands.nanos += 1
    hands.take.tempo(0, 120.0)
    hands.take.metre(0, grid_in_metre("5/4"))
    hands.take.instrument(0, b"\x91\x3e\x64")
    hands.nanos += 480 * NANOS_PER_TICK
    hands.take.instrument(480, b"\x81\x3e\x64")
    hands.take.close()
    assert notes(hands.take.path, "twobar")[2:] == [
        (1920 + 1440, "note_on", 62),
        (1920 + 1440 + 480, "note_off", 62),
    ]
    assert signatures(hands.take.path) == [(0, "4/4", 24), (1920, "3/4", 24), (3360, "5/4", 24)]


def test_a_take_begins_in_the_metre_of_its_jam(tmp_path: Path) -> None:
    take = Take(tmp_path / "take.mid", grid=grid_in_metre("3/4"), start=False)
    take.close()
    assert signatures(tmp_path / "take.mid") == [(0, "3/4", 24)]


messages = st.one_of(
    st.tuples(
        st.sampled_from([0x80, 0x90, 0x91, 0xB0]), st.integers(58, 62), st.sampled_from([0, 1, 100])
    ).map(bytes),
    st.sampled_from([b"\xb0\x7b\x00", b"\xb1\x78\x00", b"\xc0\x05", b"\xe0\x00\x40"]),
    st.binary(max_size=4),
)
moves = st.tuples(st.sampled_from(["performer", "instrument", "knob", "tempo", "marker", "flush"]),
                  st.integers(-500, 2000), st.integers(0, 10**9), messages)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(moves, max_size=40))
def test_whatever_was_played_the_file_is_whole_and_no_note_hangs(
    tmp_path_factory: pytest.TempPathFactory, played: list[tuple[str, int, int, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("takes") / "take.mid"
    hands = Hands(path)
    tick = 0
    for kind, step, nanos, data in [*played, ("flush", 0, 0, b"")]:
        tick, hands.nanos = tick + step, hands.nanos + nanos
        if kind == "knob":
            hands.take.knob(tick, "stray" if step % 2 else "nobody", step / 3)
        elif kind == "tempo":
            hands.take.tempo(tick if step % 3 else 0, float(step))
        elif kind == "marker":
            hands.take.marker(tick, repr(data))
        elif kind == "flush":
            hands.take.flush()
            for track in mido.MidiFile(path).tracks:
                sounding: dict[tuple[int, int], int] = {}
                for at, message in absolute(track):
                    if message.type == "note_on" and message.velocity:
                        assert (message.channel, message.note) not in sounding
                        sounding[message.channel, message.note] = at
                    elif message.type in ("note_on", "note_off"):
                        del sounding[message.channel, message.note]  # KeyError: an off that ends nothing
                assert not sounding
        else:
            getattr(hands.take, kind)(tick, data)


def test_a_take_in_the_way_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    path.write_bytes(b"first")
    Hands(path).take.close()
    Hands(path).take.close()
    assert (tmp_path / "song.1.mid").read_bytes() == b"first"
    assert mido.MidiFile(tmp_path / "song.2.mid").tracks
    assert sorted(file.name for file in tmp_path.iterdir()) == ["song.1.mid", "song.2.mid", "song.mid"]


def test_a_folder_in_the_way_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "set.mid").mkdir()
    with pytest.raises(FailureError, match="a folder or device has that name"):
        Take(tmp_path / "set.mid", start=False)
    assert [path.name for path in tmp_path.iterdir()] == ["set.mid"]


def test_a_take_without_a_note_leaves_no_file_unless_it_was_asked_for(tmp_path: Path) -> None:
    silent = Hands(tmp_path / "silent.mid", keep_empty=False)
    silent.take.knob(0, "stray", 0.5)
    silent.take.instrument(0, b"\xb1\x7b\x00")
    silent.take.close()
    assert list(tmp_path.iterdir()) == []
    Hands(tmp_path / "asked.mid").take.close()
    assert [track.name for track in mido.MidiFile(tmp_path / "asked.mid").tracks][1:] == [
        "performer",
        "twobar",
        "knobs",
    ]


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(FailureError, match=r"no take can be written to '.*file/take\.mid'"):
        Take(tmp_path / "file" / "take.mid")


def test_a_full_disk_is_reported_once_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "take.mid"
    hands = Hands(path)
    before = path.read_bytes()
    real = os.replace

    def full(_source: object, _target: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        for pitch in (60, 62):
            hands.press(pitch, pitch)
            hands.take.flush()
    assert hands.faults == [f"the take '{path}' cannot be written now: No space left on device"]
    assert hands.recovered == 0
    assert path.read_bytes() == before
    assert os.replace is real
    hands.take.flush()
    assert hands.take.fault == ""
    assert pressed(path) == [60, 62]
    hands.take.close()
    assert hands.recovered == 1


def test_a_folder_that_was_removed_is_made_again(tmp_path: Path) -> None:
    hands = Hands(tmp_path / "takes" / "take.mid")
    shutil.rmtree(tmp_path / "takes")
    hands.press(0, 60)
    hands.take.flush()
    assert hands.faults == []
    assert pressed(hands.take.path) == [60]
    shutil.rmtree(tmp_path / "takes")
    hands.take.close()
    assert hands.take.saved


def refuse(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Let no file be put into these folders."""
    real = Path.replace

    def replace(source: Path, target: Path) -> Path:
        if target.parent in folders:
            raise OSError(28, "No space left on device")
        return real(source, target)

    monkeypatch.setattr(Path, "replace", replace)


def test_a_disk_that_is_full_at_the_end_leaves_the_take_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    hands = Hands(tmp_path / "takes" / "take.mid", keep_empty=False)
    hands.press(0, 60)
    refuse(monkeypatch, tmp_path / "takes")
    hands.take.close()
    elsewhere = tmp_path / "tmp" / "take.mid"
    assert hands.take.path == elsewhere
    assert hands.take.fault.endswith(f"No space left on device; it lies in '{elsewhere}'")
    assert pressed(elsewhere) == [60]


def test_a_take_that_no_folder_takes_is_said_to_be_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    hands = Hands(tmp_path / "take.mid", keep_empty=False)
    hands.press(0, 60)
    refuse(monkeypatch, tmp_path)
    hands.take.close()
    assert hands.take.fault.endswith("No space left on device; it is lost")
    assert not hands.take.saved


def test_an_empty_take_leaves_no_folder(tmp_path: Path) -> None:
    Hands(tmp_path / "a" / "takes" / "take.mid", keep_empty=False).take.close()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "takes").mkdir()
    Hands(tmp_path / "takes" / "take.mid", keep_empty=False).take.close()
    assert (tmp_path / "takes").is_dir()  # it was there before


def test_two_instruments_of_one_name_never_write_over_each_other(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    first, second = Hands(path), Hands(path)
    for pitch, hands in ((60, first), (64, second), (67, first)):
        hands.press(pitch, pitch)
        hands.take.flush()
    first.take.close()
    second.take.close()
    found = [pressed(hands.take.path) for hands in (first, second)]
    assert found == [[60, 67], [64]]
    assert first.faults == [f"another file has the take's name: it goes on in '{first.take.path}'"]
    assert second.take.path == path


def test_a_message_that_is_none_costs_only_itself(hands: Hands) -> None:
    hands.press(0, 60)
    hands.take.knob(hands.at(1), "tempo", "fast")  # type: ignore[arg-type]
    hands.press(2, 62)
    hands.take.flush()
    assert hands.faults[0].startswith("something is missing in the take: ")
    assert pressed(hands.take.path) == [60, 62]
    hands.take.close()


def test_the_writing_goes_on_after_a_fault_of_any_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "PERIOD_S", 0.005)
    again, said, calls = threading.Event(), list[str](), count()

    def flush(_take: Take) -> None:
        if next(calls) < 3:
            raise ZeroDivisionError("once more")
        again.set()

    monkeypatch.setattr(Take, "flush", flush)
    take = Take(tmp_path / "take.mid", keep_empty=False, on_fault=said.append)
    assert again.wait(10)
    take.close()
    assert said == [f"the take '{take.path}' cannot be written now: ZeroDivisionError('once more')"]


def test_drafts_of_killed_instruments_are_cleared_away(tmp_path: Path) -> None:
    (tmp_path / ".take.mid.4194999.part").touch()  # beyond the largest number of a process
    mine = tmp_path / f".take.mid.{os.getppid()}.part"
    mine.touch()
    Hands(tmp_path / "take.mid", keep_empty=False).take.close()
    assert list(tmp_path.iterdir()) == [mine]


def test_names_are_dates_and_never_taken_twice(tmp_path: Path) -> None:
    when = dt.datetime(2026, 11, 21, 15, 30, 5, tzinfo=dt.UTC)
    first = record.take_path(tmp_path, when)
    assert first.name == "2026-11-21_15-30-05.mid"
    first.touch()
    assert record.take_path(tmp_path, when).name == "2026-11-21_15-30-05_2.mid"


def test_a_kill_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "take.mid"
    script = textwrap.dedent(
        """
        import sys, threading
        from pathlib import Path
        from live.record.take import Take
        take = Take(Path(sys.argv[1]))
        for index in range(200):
            take.performer(index * 10, bytes((0x90, index % 128, 80)))
        while take._dirty or take._queue:
            threading.Event().wait(0.01)
        print("kept", flush=True)
        sys.stdin.read()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "kept\n"
        process.kill()
    onsets = pressed(path)
    assert onsets == [index % 128 for index in range(200)]
