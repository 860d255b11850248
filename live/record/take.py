"""Takes: what the performer and the instrument played and every knob, as a .mid that is always whole.

Track 0 has tempo, meter and markers; then come "performer", "twobar", one more for each other part that
has played ("twobar chords", "twobar bass", "twobar drums"), and "knobs" (each move as a control change on
channel 16 and as text).
"""

import contextlib
import datetime as dt
import errno
import glob
import math
import os
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from live.errors import FailureError
from live.ipc.runtime_folder import alive
from live.record.smf_track import MARKER, METER, TEMPO, TEXT, TrackWriter
from live.record.take_ticks import TakeTicks
from live.settings.knobs import KNOBS
from live.timing.midi_bytes import channel_of, is_note_on
from live.timing.timeline import FASTEST_BPM, SLOWEST_BPM, whole_nanos_per_beat
from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.metre import signature

PERIOD_S = 0.5
BATCH = 64
DRAFT = ".part"
KNOB_CHANNEL = 16
KNOB_CONTROLS = {
    "morph": 20, "vary": 21, "density": 22, "complexity": 23, "register": 24, "range": 25,
    "dynamics": 26, "temperature": 27, "articulation": 28, "polyphony": 29, "swing": 30, "gate": 31,
    "xy.x": 85, "xy.y": 86, "tempo": 87, "volume": 88, "feel": 89, "stray": 90,
    "volume.melody": 102, "volume.chords": 103, "volume.bass": 104, "volume.drums": 105,
    "density.chords": 106, "density.bass": 107, "density.drums": 108,
}  # fmt: skip
"""The default mapping's controllers, then numbers that MIDI leaves undefined."""

_PERFORMER, _INSTRUMENT, _KNOB, _TEMPO, _MARKER, _METRE = range(6)


class Take:
    """A take under way.

    Every method for the engine takes the transport's present tick; over stops and new starts the take
    goes on, each start on a bar line of its own.

    Attributes:
        path: the file; another one where its name was taken, or its folder refused it at the end.
        fault: one sentence while the disk refuses, else ""; at the end what became of the take.

    Threads: any for what the engine calls (under 2 us: it appends to a queue); a thread of its own
    encodes and writes.
    """

    def __init__(
        self,
        path: Path,
        *,
        keep_empty: bool = True,
        tempo_bpm: float = 120.0,
        grid: Grid | None = None,
        parts: Mapping[int, str] | None = None,
        nanos: Callable[[], int] = time.monotonic_ns,
        on_fault: Callable[[str], object] = lambda _sentence: None,
        on_recovery: Callable[[], object] = lambda: None,
        start: bool = True,
    ) -> None:
        """Begin a take; a file that is there already is moved aside first.

        Args:
            path: a .mid file; its folder is made.
            keep_empty: whether a file is written although no note was played.
            tempo_bpm: until `tempo` tells another.
            grid: of the metre, until `metre` tells another; 4/4 by default.
            parts: channels, 1..16, of the instrument that get a track of their own, with the part's name.
            nanos: host time.
            on_fault: called once, on the writer's thread, when the disk begins to refuse.
            on_recovery: called there when it takes all that was held back.
            start: whether the writing thread runs; without it call `flush`.

        Raises:
            FailureError: the file cannot be written there.
        """
        self.path = path
        self.fault = ""
        self._nanos = nanos
        self._on_fault, self._on_recovery = on_fault, on_recovery
        self._reported: set[str] = set()
        self._queue: deque[tuple[int, int, int, object]] = deque()
        self._grid = grid or Grid()
        self._place = TakeTicks(tempo_bpm=tempo_bpm, ticks_per_bar=self._grid.ticks_per_bar)
        self._conductor = TrackWriter(f"twobar take {path.stem}")
        self._conductor.meta(0, METER, meter(self._grid))
        self._tempo(0, tempo_bpm)
        self._tracks = {
            _PERFORMER: TrackWriter("performer"),
            _INSTRUMENT: TrackWriter("twobar"),
            _KNOB: TrackWriter("knobs"),
        }
        self._parts = dict(parts or {})
        self._part_tracks: dict[int, TrackWriter] = {}
        self._part = draft_of(path)
        self._made: list[Path] = []
        self._ours: tuple[int, int] | None = None
        self._worth_keeping = keep_empty
        self._dirty = keep_empty
        self._writing = threading.Lock()
        self._ending = threading.Event()
        self._try_folder()
        if keep_empty:
            self.flush()
        self._thread = threading.Thread(target=self._run, name="take", daemon=True)
        if start:
            self._thread.start()

    def _try_folder(self) -> None:
        try:
            self._make_folder()
            self._part.write_bytes(b"")
            self._part.unlink()
            for draft in self.path.parent.glob(f".{glob.escape(self.path.name)}.*{DRAFT}"):
                number = draft.name.removesuffix(DRAFT).rpartition(".")[2]
                if number.isdigit() and not alive(int(number)):  # of an engine that was killed
                    draft.unlink(missing_ok=True)
            move_aside(self.path)
        except (OSError, ValueError) as reason:
            raise FailureError(
                f"no take can be written to '{self.path}': {getattr(reason, 'strerror', None) or reason}"
            ) from None

    def _make_folder(self) -> None:
        """Make the folder; those that were made here are removed again if no take comes into them."""
        missing = [folder for folder in (self.path.parent, *self.path.parent.parents) if not folder.exists()]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._made += [folder for folder in missing if folder not in self._made]

    # -- for the engine ----------------------------------------------------------------------------

    def performer(self, tick: int, data: bytes) -> None:
        """Record a message that the performer played."""
        self._queue.append((_PERFORMER, tick, self._nanos(), data))

    def instrument(self, tick: int, data: bytes) -> None:
        """Record a message that the instrument played."""
        self._queue.append((_INSTRUMENT, tick, self._nanos(), data))

    def knob(self, tick: int, name: str, value: float) -> None:
        """Record a knob's move."""
        self._queue.append((_KNOB, tick, self._nanos(), (name, value)))

    def tempo(self, tick: int, tempo_bpm: float) -> None:
        """Record a change of tempo; at tick 0 it says that the transport starts."""
        self._queue.append((_TEMPO, tick, self._nanos(), tempo_bpm))

    def metre(self, tick: int, grid: Grid) -> None:
        """Record that bars of a grid begin at a bar line; nothing where they are as before."""
        self._queue.append((_METRE, tick, self._nanos(), grid))

    def marker(self, tick: int, text: str) -> None:
        """Record a gesture: a mode, an anchor, a panic."""
        self._queue.append((_MARKER, tick, self._nanos(), text))

    # -- on the writer's thread --------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ending.wait(PERIOD_S):
            try:
                self.flush()
            except Exception as fault:  # noqa: BLE001  the next period tries again
                self._tell_once(f"the take '{self.path}' cannot be written now: {fault!r}")

    def _tell_once(self, sentence: str) -> None:
        if sentence not in self._reported:
            self._reported.add(sentence)
            self._on_fault(sentence)

    def flush(self) -> None:
        """Encode what is new and, if there is any, put the whole file in place at once."""
        with self._writing:
            while self._queue:
                for _ in range(min(BATCH, len(self._queue))):
                    record = self._queue.popleft()
                    try:
                        self._encode(*record)
                    except Exception as fault:  # noqa: BLE001  one message of ours that is none: the others go on
                        self._tell_once(f"something is missing in the take: {fault!r}")
                time.sleep(0)  # the clock's thread shares the interpreter
            if self._dirty:
                self._write()

    def _encode(self, kind: int, tick: int, nanos: int, content: object) -> None:
        if isinstance(content, bytes):
            track = self._track_of(kind, tick, content)
            track.message(self._place.of(tick, nanos), content)
            self._worth_keeping = self._worth_keeping or is_note_on(content)
        elif isinstance(content, tuple):
            self._knob(self._place.of(tick, nanos), *content)
        elif isinstance(content, str):
            self._conductor.meta(self._place.of(tick, nanos), MARKER, content.encode("latin-1", "replace"))
        elif isinstance(content, Grid):
            if meter(content) == meter(self._grid):
                self._place.bar_line(tick)
                return
            self._grid = content
            place = self._place.metre(tick, nanos, content.ticks_per_bar)
            self._conductor.meta(place, METER, meter(content))
        elif isinstance(content, float | int):
            self._tempo(self._place.tempo(tick, nanos, content), content)
        self._dirty = self._worth_keeping

    def _track_of(self, kind: int, tick: int, data: bytes) -> TrackWriter:
        """Return where a message goes: a part has a separate track from its first note on."""
        if kind != _INSTRUMENT or not data or data[0] >= 0xF0 or tick < 0:  # before bar 0 there are clicks
            return self._tracks[kind]
        channel = channel_of(data)
        if channel in self._parts and channel not in self._part_tracks and is_note_on(data):
            self._part_tracks[channel] = TrackWriter(f"twobar {self._parts[channel]}")
        return self._part_tracks.get(channel, self._tracks[kind])

    def _knob(self, tick: int, name: str, value: float) -> None:
        track = self._tracks[_KNOB]
        spec = KNOBS.get(name)
        if spec is not None and name in KNOB_CONTROLS and math.isfinite(value):
            travel = round(spec.to_unit(spec.clip(value)) * 127)
            track.message(tick, bytes((0xB0 | (KNOB_CHANNEL - 1), KNOB_CONTROLS[name], travel)))
        track.meta(tick, TEXT, f"{name} {value:.4g}".encode("latin-1", "replace"))

    def _tempo(self, tick: int, tempo_bpm: float) -> None:
        clipped = min(FASTEST_BPM, max(SLOWEST_BPM, tempo_bpm))
        micros = round(whole_nanos_per_beat(clipped) / 1000)
        self._conductor.meta(tick, TEMPO, micros.to_bytes(3, "big"))

    def _write(self, *, durable: bool = False) -> None:
        parts = [self._part_tracks[channel] for channel in self._parts if channel in self._part_tracks]
        performer, instrument, knobs = self._tracks.values()
        tracks = [self._conductor, performer, instrument, *parts, knobs]
        end = max(track.last_tick for track in tracks)
        header = b"MThd" + b"".join(
            number.to_bytes(size, "big")
            for number, size in ((6, 4), (1, 2), (len(tracks), 2), (TICKS_PER_BEAT, 2))
        )
        try:
            self._put([header, *(part for track in tracks for part in track.image(end))], durable=durable)
        except OSError as reason:
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)
            if not self.fault:
                self.fault = f"the take '{self.path}' cannot be written now: {reason.strerror or reason}"
                self._on_fault(self.fault)
            return  # everything is still in memory; the next period tries again
        if self.fault:
            self.fault = ""
            self._on_recovery()
        self._dirty = False

    def _put(self, parts: list[bytes | bytearray], *, durable: bool) -> None:
        """Put a whole file in place, in a folder that is made again if it was removed; raises OSError."""
        try:
            file = self._part.open("wb")
        except FileNotFoundError:
            self._make_folder()
            file = self._part.open("wb")
        with file:
            for part in parts:
                file.write(part)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if self.path.exists() and self._stamp() != self._ours:  # another instrument has taken the name
            self.path = free_path(self.path)
            self._tell_once(f"another file has the take's name: it goes on in '{self.path}'")
        self._part.replace(self.path)
        self._ours = self._stamp()

    def _stamp(self) -> tuple[int, int]:
        """Return what tells the file that was written last from any other."""
        status = self.path.stat()
        return status.st_size, status.st_mtime_ns

    @property
    def saved(self) -> bool:
        """Whether there is a file, with all that was played in it."""
        return not self._dirty and self._ours is not None and self.path.exists()

    def close(self) -> None:
        """Write the last of it down for good, in the temporary folder if need be; safe to call twice."""
        if self._ending.is_set():
            return
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(5)
        self.flush()
        with self._writing:
            if self._worth_keeping:
                self._write(durable=True)
                if self.fault:
                    self._save_elsewhere()
        if not self.path.exists():
            for folder in self._made:
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def _save_elsewhere(self) -> None:
        """Write a take that its own folder refuses into the temporary one."""
        wanted, reason = self.path, self.fault
        self.path = free_path(Path(tempfile.gettempdir()) / wanted.name)
        self._part, self._ours = draft_of(self.path), None
        self._write(durable=True)
        if self.fault:
            self.path, self.fault = wanted, f"{reason}; it is lost"
        else:
            self.fault = f"{reason}; it lies in '{self.path}'"


def draft_of(path: Path) -> Path:
    """Return where a file is written before it is put in place, by this process alone."""
    return path.with_name(f".{path.name}.{os.getpid()}{DRAFT}")


def free_path(path: Path) -> Path:
    """Return a path, with a number if need be, that no file has."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}.{number}{path.suffix}")
    return free


def meter(grid: Grid) -> bytes:
    """Return a time signature as .mid files have it: 4 above 4 is 4, 2, then MIDI clocks a beat, and 8."""
    above, below = signature(grid)
    return bytes((above, below.bit_length() - 1, grid.ticks_per_beat * 24 // TICKS_PER_BEAT, 8))


def move_aside(path: Path) -> Path | None:
    """Rename a file that is in the way to NAME.1.mid, NAME.2.mid, ...; returns where it is now."""
    if not path.exists():
        return None
    if not path.is_file():
        raise OSError(errno.EINVAL, "a folder or device has that name")  # never moved: others rely on it
    number = 1
    while (free := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    path.rename(free)
    return free


def take_path(folder: Path, when: dt.datetime) -> Path:
    """Return a path for a new take, named by its date and time, that no file has yet."""
    stem = f"{when:%Y-%m-%d_%H-%M-%S}"
    path = folder / f"{stem}.mid"
    number = 2
    while path.exists():
        path = folder / f"{stem}_{number}.mid"
        number += 1
    return path
