"""Inputs that nobody would write, thousands a second, into every reader of twobar: `python -m scripts.fuzz`.

Whatever comes in is read or refused by one of our own errors: no other exception, no input that takes longer
than its bound, no memory without end, and of notes none that hangs after a panic.  What breaks that is
written to a file, and the same seed and target find it again.

Tested in tests/test_fuzz.py.
"""

import json
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import click
import mido

from live.control.desk import Desk
from live.control.mapper import Mapper
from live.control.mappings import mapping_file
from live.control.osc.messages import BadPacketError, commands_of, newest, pieces, read
from live.devices.parser import MessageParser
from live.errors import TwobarError
from live.settings import config as settings
from live.timing.timeline import Nanos
from model.errors import MidiFileError, ModelError
from model.midi.file import load
from model.midi.parse import parse, timed
from model.music.grid import Grid
from tests.fakes.osc_packets import bundle, message
from tests.fakes.stage import MS, Stage
from tests.root import ROOT

SECONDS_AN_INPUT = 5.0
SCHEDULED = Path("/proc/thread-self/schedstat")  # nanoseconds on a processor, and in wait for one
IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own in it; to open a file takes .4 ms on a disk
MEMORY_BYTES = 4 << 30
INPUTS_A_STAGE = 900
LONGEST_INPUT = 200_000
REFUSALS = (TwobarError, ModelError, BadPacketError)
NUMBERS = [b"0", b"-1", b"1e400", b"nan", b"-inf", b"true", b'""', b"[]", b"{}", b"2147483648", b"1979-05-27"]
LENGTHS = [bytes(4), b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\1"]


class HangError(Exception):
    """An input took longer than it may."""


@dataclass(frozen=True)
class Target:
    """A reader, and what to begin from.  `feed`: reads one input; raises for what it refuses."""

    seeds: Sequence[bytes]
    words: Sequence[bytes]
    feed: Callable[[bytes], None]


@dataclass
class Outcome:
    """What a target made of its inputs.  `slowest_s`: seconds that the slowest took."""

    inputs: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    faults: dict[str, tuple[bytes, str]] = field(default_factory=dict)


def mutated(target: Target, chance: random.Random) -> bytes:
    """Return an input like the seeds: cut, joined, with bits turned and words put in."""
    data = bytearray(chance.choice(target.seeds))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 5, 9))):
        at = chance.randrange(len(data) + 1)
        size = min(1 << chance.randrange(8), len(data) - at)
        match chance.randrange(8):
            case 0 if size:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + size] = b""
            case 2:
                data[at:at] = data[at : at + size]
            case 3:
                data[at:at] = chance.choice(target.words)
            case 4:
                word = chance.choice(target.words)
                data[at : at + len(word)] = word
            case 5:
                other = chance.choice(target.seeds)
                start = chance.randrange(len(other) + 1)
                data[at:] = other[start:]
            case 6:
                data[at:at] = chance.randbytes(1 + chance.randrange(8))
            case _ if size:
                data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(data[:LONGEST_INPUT])


def run(
    target: Target,
    *,
    seconds: float,
    seed: int,
    most: int = 1 << 60,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Feed a target for so long, or so many inputs."""
    chance, outcome = random.Random(seed), Outcome()  # noqa: S311 - no secret
    end = clock() + seconds
    with at_most(SECONDS_AN_INPUT) as next_begins:
        while outcome.inputs < most and clock() < end:
            data = mutated(target, chance)
            next_begins()
            began = clock()
            try:
                target.feed(data)
            except REFUSALS:
                outcome.refused += 1
            except Exception as fault:  # noqa: BLE001 - that is what is looked for
                frames = traceback.extract_tb(fault.__traceback__)
                kind = f"{type(fault).__name__} in {frames[-1].filename}:{frames[-1].lineno}"
                outcome.faults.setdefault(kind, (data, "".join(traceback.format_exception(fault))))
            outcome.inputs += 1
            outcome.slowest_s = max(outcome.slowest_s, clock() - began)
    return outcome


@contextmanager
def at_most(seconds: float) -> Iterator[Callable[[], None]]:
    """Raise HangError in what takes longer; on the main thread, where the system has such an alarm.

    Yields what is called where another piece of work begins: one is broken off after once to twice the
    seconds, so that the alarm need not be set for each.
    What it waits for a processor, as beside eight busy programs, does not count where the system tells it.
    """
    pieces, looked, left = 0, (0, time.monotonic() - _waited_s()), seconds

    def next_begins() -> None:
        nonlocal pieces
        pieces += 1

    def ring(_number: int, _frame: FrameType | None) -> None:
        nonlocal looked, left
        now = time.monotonic() - _waited_s()
        left = left - (now - looked[1]) if pieces == looked[0] else seconds
        looked, hangs = (pieces, now), left <= 0
        left = seconds if hangs else left
        signal.setitimer(signal.ITIMER_REAL, left)
        if hangs:
            raise HangError(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield next_begins
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _waited_s() -> float:
    """Return for how long this thread has waited for a processor."""
    return int(SCHEDULED.read_text().split()[1]) / 1e9 if SCHEDULED.exists() else 0.0


# -- the targets -----------------------------------------------------------------------------------------


class Played:
    """A jam on a fake clock that bytes and commands reach; now and then it is silenced and listened to."""

    def __init__(self) -> None:
        self._fed = 0
        self.begin()

    def begin(self) -> None:
        """Begin another set."""
        self.stage = Stage(
            bindings=lambda knobs: Desk(knobs.__getitem__, choice=str(ROOT / "mappings/default.toml"))
        )
        self.stage.begin()

    def midi(self, data: bytes) -> None:
        """Let bytes arrive as a driver hands them over."""
        for item in MessageParser().feed(data):
            self.stage.at(self.stage.nanos, item)
        self.go_on()

    def osc(self, data: bytes) -> None:
        """Let a datagram arrive."""
        for piece in newest(pieces(data), 0.0):
            packet = read(piece)
            for command in commands_of(packet.address, packet.arguments):
                self.stage.at(self.stage.nanos, command)
        self.go_on()

    def go_on(self) -> None:
        """Play on; at the end of a set nothing may sound."""
        stage = self.stage
        stage.run_to(stage.nanos + 20 * MS)
        self._fed += 1
        if self._fed % INPUTS_A_STAGE == 0:
            self.begin()
            stage.jam.panic(Nanos(stage.nanos))
            stage.run_to(stage.nanos + 1)
            if hanging := _sounding([sent.data for sent in stage.sent]):
                raise AssertionError(f"after a panic there sounds {sorted(hanging)[:8]}")


def _sounding(messages: Iterable[bytes]) -> set[tuple[int, int]]:
    """Return the (channel, pitch) of what was struck and neither let go nor silenced."""
    down: set[tuple[int, int]] = set()
    for data in messages:
        channel, status = data[0] & 0x0F, data[0] & 0xF0
        if status == 0x90 and data[2]:
            down.add((channel, data[1]))
        elif status in {0x80, 0x90}:
            down.discard((channel, data[1]))
        elif status == 0xB0 and data[1] in {120, 123}:
            down = {key for key in down if key[0] != channel}
    return down


def midi_bytes(_folder: Path) -> Target:
    """Return the bytes of keyboards."""
    seeds = [
        bytes((0x90, 60, 90, 64, 90, 0x80, 60, 0, 64, 0)),
        bytes((0xB0, 64, 127, 0x90, 60, 1, 0xB0, 64, 0, 0x80, 60, 64, 0xB0, 123, 0)),
        bytes((0xB0, 22, 127, 24, 3, 99, 1, 98, 2, 6, 127, 38, 3, 0xE0, 0, 127, 0xD0, 5, 0xA0, 60, 9)),
        bytes((0x99, 36, 100, 37, 100, 38, 100, 0x89, 36, 0, 37, 0, 38, 0)),
        bytes((0xF0, 0x7E, 1, 6, 1, 0xF7, 0xFA, *(0xF8,) * 24, 0xFC, 0xFB, 0xF2, 4, 1)),
        bytes((0xB0, 101, 0, 100, 6, 6, 15, 0x91, 60, 90, 0xE1, 3, 9, 0x81, 60, 0)),
    ]
    words = [bytes((status | channel,)) for status in range(0x80, 0x100, 16) for channel in (0, 1, 9, 15)]
    return Target(seeds, words, Played().midi)


def osc(_folder: Path) -> Target:
    """Return datagrams."""
    said = [
        message("/twobar/knob/density", 0.5),
        message("/twobar/xy", 0.1, 0.9),
        message("/twobar/action/capture", "A"),
        message("/twobar/action/mode", "answer"),
        message("/twobar/action/metre", "3/4"),
        message("/twobar/latent", *[0.1] * 32),
        message("/twobar/note", 60, 100),
        message("/twobar/tempo", 120.0),
        message("/twobar/key", "D minor"),
        message("/twobar/subscribe", "127.0.0.1", 9000),
    ]
    seeds = [*said, bundle(1e9, *said[:4]), bundle(2e9, said[0], bundle(1e9, *said[4:]))]
    words = [
        *LENGTHS,
        b"#bundle\0",
        b",f\0\0",
        b",s\0\0",
        b",[[\0",
        b"/twobar/",
        b"\x7f\xc0\0\0",
        b"\xff\x80\0\0",
    ]
    return Target(seeds, words, Played().osc)


def toml(folder: Path) -> Target:
    """Return settings."""
    path = folder / "live.toml"
    scene = b'[[scene]]\nnumber = 1\nname = "x"\nmode = "hold"\nknobs = { density = -0.5, stray = 0.2 }\n'
    text = (ROOT / "live.toml").read_bytes()
    keys = [line.split(b"=")[0].lstrip(b"# ") + b"= " for line in text.splitlines() if b" = " in line]

    def feed(data: bytes) -> None:
        path.write_bytes(data)
        settings.load(path)

    words = [*NUMBERS, *keys, b"[[scene]]\n", b"[jam]\n", b'"""', b"\n", b"\xff", b"[" * 200, b"a." * 300]
    return Target([text, scene + text, b"[jam]\nbpm = 90\n", scene], words, feed)


def mapping(folder: Path) -> Target:
    """Return files of controllers, with a few turns of them."""
    path = folder / "mine.toml"
    turns = [bytes((0xB0, number, value)) for number in (1, 20, 22, 38, 98) for value in (0, 64, 127)]

    def feed(data: bytes) -> None:
        path.write_bytes(data)
        mapper = Mapper(mapping_file.read(path), lambda _name: 0.0)
        for turn in turns:
            mapper.feed(turn)

    words = [
        *NUMBERS,
        b"[[control]]\n",
        b"cc = ",
        b"nrpn = ",
        b'takeover = "scale"\n',
        b"relative = ",
        b"range = [1, 0]",
    ]
    return Target([file.read_bytes() for file in sorted(ROOT.glob("mappings/*.toml"))], words, feed)


def midi_file(folder: Path) -> Target:
    """Return MIDI files, for every command and for the trainer."""
    from tests.fakes.odd_smf import CASES  # noqa: PLC0415 - as the others below: each target loads its own
    from trainer.corpus.reading.read_midi import UnreadableError  # noqa: PLC0415
    from trainer.corpus.reading.read_midi import read as read_corpus  # noqa: PLC0415

    path, grid = folder / "song.mid", Grid()
    band = mido.MidiFile(ticks_per_beat=96)
    for channel in (0, 9):
        notes = [(60 + step % 12, step) for step in range(40)]
        track = mido.MidiTrack([mido.MetaMessage("time_signature"), mido.MetaMessage("track_name", name="x")])
        for pitch, _ in notes:
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=9))
            track.append(mido.Message("note_off", channel=channel, note=pitch, time=24))
        band.tracks.append(track)
    band.save(path)
    seeds = [path.read_bytes(), *(case[0] for case in CASES)]

    def feed(data: bytes) -> None:
        path.write_bytes(data)
        with suppress(UnreadableError):
            read_corpus(data, grid)
        for _ in timed(parse(data)):
            pass
        for codec in ("poly", "drums", "multitrack"):
            with suppress(MidiFileError):
                load(path, grid, codec=codec)

    words = [
        *LENGTHS,
        b"MTrk",
        b"MThd",
        b"\0\xff\x2f\0",
        b"\xff\x51\3",
        b"\xff\x58\4",
        b"\xff\xff\xff\x7f",
        b"\x90\x3c",
    ]
    return Target(seeds, words, feed)


def checkpoint(folder: Path) -> Target:
    """Return checkpoints, opened and asked for a phrase."""
    from model.music.phrase import Note, Phrase  # noqa: PLC0415
    from model.playing.load import open_player  # noqa: PLC0415
    from tests.fakes.checkpoints import checkpoint as tiny  # noqa: PLC0415
    from tests.fakes.checkpoints import written  # noqa: PLC0415

    phrase = Phrase.of(Grid(), [Note(step, 60 + step % 5, 90, 2) for step in range(0, 32, 2)])
    path = folder / "model.safetensors"
    seeds = [
        written(path, tiny([phrase], codec, family=family)).read_bytes()
        for codec, family in (("melody", "vae"), ("poly", "vae"), ("melody", "gru"), ("melody", "language"))
    ]
    sizes = [int.from_bytes(seed[:8], "little") for seed in seeds]

    def feed(data: bytes) -> None:
        """Open a checkpoint with one thing in its header changed, or with any bytes for a header."""
        chance = random.Random(data)  # noqa: S311 - no secret
        number = chance.randrange(len(seeds))
        size, seed = sizes[number], seeds[number]
        header = data
        if chance.random() < 0.9:
            header = json.dumps(_changed(json.loads(seed[8 : 8 + size]), chance)).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + seed[8 + size :])
        player = open_player(path)
        if player.card.latent_size:
            player.decode(player.encode(Phrase.of(player.card.grid, phrase.notes[:2])), turns={})
        else:
            player.continuation(Phrase(player.card.grid))

    return Target([seed[8 : 8 + size] for size, seed in zip(sizes, seeds, strict=True)], NUMBERS, feed)


def _changed(tree: Any, chance: random.Random) -> Any:  # noqa: ANN401 - what JSON holds
    """Return what JSON holds with one thing in it changed; texts that hold JSON are gone into."""
    odd: tuple[Any, ...] = (
        0,
        -1,
        1,
        1e300,
        float("nan"),
        None,
        "",
        "x",
        [],
        {},
        True,
        1 << 40,
        [1, 2],
        "F16",
        [[0]],
    )
    if isinstance(tree, str) and tree[:1] in ("{", "["):
        return json.dumps(_changed(json.loads(tree), chance))
    if isinstance(tree, dict) and tree and chance.random() < 0.95:
        tree = dict(tree)
        name = chance.choice([*tree, *[key for key in tree if key == "__metadata__"] * 40])
        if chance.random() < 0.05:
            del tree[name]
        else:
            tree[name] = _changed(tree[name], chance)
        return tree
    if isinstance(tree, list) and tree and chance.random() < 0.8:
        place = chance.randrange(len(tree))
        return [*tree[:place], _changed(tree[place], chance), *tree[place + 1 :]]
    if isinstance(tree, int | float) and chance.random() < 0.3:
        return type(tree)(tree * chance.choice((2, 3, -1, 0.5)))
    return chance.choice(odd)


TARGETS: dict[str, Callable[[Path], Target]] = {
    "midi-bytes": midi_bytes,
    "osc": osc,
    "toml": toml,
    "mapping": mapping,
    "checkpoint": checkpoint,
    "midi-file": midi_file,
}


@click.command()
@click.option("--seconds", type=click.FloatRange(0, min_open=True), default=60.0, help="In all; 60.")
@click.option("--target", "names", type=click.Choice(list(TARGETS)), multiple=True, help="All by default.")
@click.option("--seed", type=int, default=None, help="Of the inputs; the time by default.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("fuzz"), help="Folder for what breaks.")
def main(seconds: float, names: tuple[str, ...], seed: int | None, out: Path) -> None:
    """Feed every reader inputs that nobody would write; exit 1 if one breaks."""
    chosen = names or tuple(TARGETS)
    seed = time.time_ns() % 1_000_000 if seed is None else seed
    broken = False
    memory = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        for name in chosen:
            target = TARGETS[name](Path(folder))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.RLIM_INFINITY))
            outcome = run(target, seconds=seconds / len(chosen), seed=seed)
            click.echo(
                f"{name}: {outcome.inputs:,} inputs, {outcome.refused:,} refused, the slowest took "
                f"{outcome.slowest_s:.2f} s, {len(outcome.faults)} faults; seed {seed}"
            )
            for number, (kind, (data, text)) in enumerate(outcome.faults.items()):
                out.mkdir(parents=True, exist_ok=True)
                file = out / f"{name}-{seed}-{number}.bin"
                file.write_bytes(data)
                click.echo(json.dumps({"fault": kind, "input": str(file)}) + f"\n{text}", err=True)
                broken = True
    sys.exit(broken)


if __name__ == "__main__":
    main()
