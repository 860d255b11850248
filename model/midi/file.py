"""Single MIDI files to phrases and back.  Bulk reading is the trainer's business.

Written files have 480 ticks per beat; read ones may have any number.  Times in a file are ticks.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import mido

from model.errors import MidiFileError
from model.files import atomic_write, missing
from model.midi.parse import SmfFile, parse
from model.midi.voices import DRUM_BANKS, DRUM_CHANNEL, Span, Voice, parts
from model.music.grid import TICKS_PER_BEAT, Grid
from model.music.metre import signature
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY, TRACKS

SUFFIXES = frozenset((".mid", ".midi", ".smf", ".kar", ".rmi"))
MAX_BYTES = 8_000_000
MAX_PHRASES = 10_000
PART_CHANNELS = {CHORDS: 2, BASS: 3, DRUMS: DRUM_CHANNEL}
PART_PROGRAMS = {CHORDS: 24, BASS: 33, DRUMS: 0}
"""Of the parts beside the melody in a written file: channels 0..15, General MIDI programs (drums: kits)."""


def to_midi(
    phrases: Sequence[Phrase],
    *,
    tempo_bpm: float = 120.0,
    channel: int = 0,
    program: int = 0,
    name: str = "",
    tracks: Collection[int] = (),
) -> mido.MidiFile:
    """Return phrases one after another as a MIDI file: of one track, or of one for each part.

    Micro-offsets are kept to the tick; on one tick note-offs come before note-ons.  Chords, bass and drums
    stand on channels 3, 4 and 10.

    Args:
        phrases: all on grids of one metre.
        tempo_bpm: quarter notes per minute, 4..1000.
        channel: of the melody, or all of a single part, 0..15.
        program: of the same, General MIDI, 0..127.
        name: of the first track.
        tracks: parts to write, see `music.tracks`, also when they are silent; those with notes always are.
    """
    events: defaultdict[int, list[tuple[int, int, mido.Message]]] = defaultdict(list)
    start = 0
    for phrase in phrases:
        for (onset, end, pitch, velocity), part in _ticks(phrase):
            its_channel = PART_CHANNELS.get(part, channel)
            on = mido.Message("note_on", channel=its_channel, note=pitch, velocity=velocity)
            off = mido.Message("note_off", channel=its_channel, note=pitch, velocity=0)
            events[part] += [(start + onset, 1, on), (start + end, 0, off)]
        start += phrase.grid.ticks
    written = sorted({*events, *tracks}) or [MELODY]
    head = mido.MidiTrack()
    if name:
        head.append(_named(name))
    above, below = signature(phrases[0].grid if phrases else Grid())
    head.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm)))
    head.append(mido.MetaMessage("time_signature", numerator=above, denominator=below))
    alone = len(written) == 1
    made = [head]
    for part in written:
        track = head if alone else mido.MidiTrack([_named(TRACKS[part])])
        its_channel, sound = PART_CHANNELS.get(part, channel), PART_PROGRAMS.get(part, program)
        track.append(mido.Message("program_change", channel=its_channel, program=sound))
        now = 0
        for tick, _, message in sorted(events[part], key=lambda event: event[:2]):
            track.append(message.copy(time=tick - now))
            now = tick
        track.append(mido.MetaMessage("end_of_track", time=max(0, start - now)))
        made += [] if alone else [track]
    if not alone:
        head.append(mido.MetaMessage("end_of_track", time=start))
    return mido.MidiFile(type=0 if alone else 1, ticks_per_beat=TICKS_PER_BEAT, tracks=made)


def _named(name: str) -> mido.MetaMessage:
    """Return a track's name, as far as a file can hold it."""
    return mido.MetaMessage("track_name", name=name.encode("latin-1", "replace").decode("latin-1"))


def _ticks(phrase: Phrase) -> list[tuple[Span, int]]:
    """Return the notes in ticks of the phrase with their tracks; a note ends where its key starts again."""
    size = phrase.grid.ticks_per_step
    following: dict[tuple[int, int], int] = {}
    spans: list[tuple[Span, int]] = []
    for note in reversed(phrase.notes):
        onset = max(0, note.onset * size + round((note.displacement + note.offset) * size))
        key = (note.track, note.pitch)
        end = round((note.onset + note.length + note.displacement + note.release) * size)
        end = min(end, following.get(key, phrase.grid.ticks))
        spans.append(((onset, max(onset + 1, end), note.pitch, note.velocity), note.track))
        following[key] = onset
    return spans


def save(
    path: Path,
    phrases: Sequence[Phrase],
    *,
    tempo_bpm: float = 120.0,
    channel: int = 0,
    program: int = 0,
    name: str = "",
    tracks: Collection[int] = (),
) -> None:
    """Write phrases one after another to a .mid file: the whole new one or, on failure, the old one.

    Arguments as of `to_midi`.

    Raises:
        MidiFileError: it cannot be written.
    """
    file = to_midi(phrases, tempo_bpm=tempo_bpm, channel=channel, program=program, name=name, tracks=tracks)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as draft:
            file.save(str(draft))
    except OSError as error:
        raise MidiFileError(f"cannot write '{path}': {error.strerror or error}") from error


def load(path: Path, grid: Grid, *, codec: str = "", only: str = "") -> list[Phrase]:
    """Read a .mid file as phrases, one after another from its first tick, the last one filled with rests.

    All its tracks and channels are put together, as far as the codec does; the file's metre is not heeded.

    Args:
        path: of a Standard MIDI File, wrapped in RIFF or not, at most 8 MB.
        grid: to lay the notes on; distances from it become micro-offsets.
        codec: "drums" reads drums alone, "multitrack" everything, each note with its part (see
            `model.midi.voices`; one pitched voice alone is divided by line); any other reads the pitched
            notes as one part.
        only: name of the only tracks that are read; all by default.

    Raises:
        MidiFileError: it is missing, no MIDI file, or holds no such notes.
    """
    file = open_file(path)
    tracks = [track for track in file.tracks if not only or track.name == only]
    voices = [voice for track in tracks for voice in voices_of(track)]
    if codec == "multitrack":
        found = parts(voices)
    else:
        voices = [voice for voice in voices if voice.is_drums == (codec == "drums")]
        found = [DRUMS if codec == "drums" else MELODY] * len(voices)
    spans = [(span, part) for voice, part in zip(voices, found, strict=True) for span in voice.spans]
    if not spans:
        kinds = {"drums": "drum notes (on channel 10, or of a track named so)", "multitrack": "notes"}
        others = any(voice.spans for track in tracks for voice in voices_of(track))
        only_others = "" if not others else ", only pitched ones" if codec == "drums" else ", only drums"
        raise MidiFileError(f"'{path}' holds no {kinds.get(codec, 'pitched notes')}{only_others}")
    phrases = laid(spans, file.ticks_per_beat, grid)
    if len(phrases) > MAX_PHRASES:
        raise MidiFileError(f"'{path}' is longer than {MAX_PHRASES * grid.bars} bars")
    if codec == "multitrack" and sum(part != DRUMS for part in found) == 1:
        from model.codecs.keyboard import divided  # noqa: PLC0415  numpy, which other files do without

        return [divided(phrase) for phrase in phrases]
    return phrases


def open_file(path: Path) -> SmfFile:
    """Parse a file, whatever it holds.

    Raises:
        MidiFileError: it is missing, larger than 8 MB, or no MIDI file.
        OSError: the disk refuses.
    """
    if not path.is_file():
        if not path.exists():
            raise MidiFileError(missing("the MIDI file", path))
        raise MidiFileError(f"the MIDI file '{path}' is not a regular file")
    if path.stat().st_size > MAX_BYTES:
        raise MidiFileError(f"the MIDI file '{path}' is larger than {MAX_BYTES // 1_000_000} MB")
    try:
        return parse(path.read_bytes())
    except MidiFileError as error:
        raise MidiFileError(f"'{path}' is not a MIDI file that can be read: {error}") from error


def voices_of(track: Iterable[mido.Message]) -> list[Voice]:
    """Pair the note-ons and note-offs of a track, by channel; what still sounds ends with it."""
    sounding: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    voices: dict[int, Voice] = {}
    programs: defaultdict[int, Counter[int]] = defaultdict(Counter)
    present, kits = dict.fromkeys(range(16), 0), dict.fromkeys(range(16), False)
    now, name = 0, ""
    for message in track:
        now += int(message.time)
        if message.type == "track_name":
            name = name or str(message.name)
        elif message.type == "program_change":
            present[message.channel] = message.program
        elif message.type == "control_change" and message.control == 0:
            kits[message.channel] = message.value in DRUM_BANKS
        elif message.type in {"note_on", "note_off"}:
            key = (message.channel, message.note)
            if message.type == "note_on" and message.velocity:
                sounding[key].append((now, message.velocity))
                voice = voices.setdefault(message.channel, Voice(message.channel))
                voice.kit = voice.kit or kits[message.channel]
                programs[message.channel][present[message.channel]] += 1
            elif sounding[key]:
                onset, velocity = sounding[key].pop(0)
                voices[message.channel].spans.append((onset, now, message.note, velocity))
    for (channel, pitch), started in sounding.items():
        if started:
            voices[channel].spans += [(onset, now, pitch, velocity) for onset, velocity in started]
    for channel, voice in voices.items():
        voice.name, voice.program = name, programs[channel].most_common(1)[0][0]
    return list(voices.values())


def laid(spans: Iterable[tuple[Span, int]], ticks_per_beat: int, grid: Grid) -> list[Phrase]:
    """Lay notes in ticks, with their tracks, on phrases of a grid, one after another from tick 0.

    A note belongs to the phrase in which its nearest step lies, and is cut at that phrase's end.
    """
    scale = TICKS_PER_BEAT // grid.ticks_per_step / ticks_per_beat
    notes: defaultdict[int, list[Note]] = defaultdict(list)
    for (onset, end, pitch, velocity), part in spans:
        place = onset * scale
        step = math.floor(place + 0.5)
        number, within = divmod(step, grid.steps)
        length = min(max(1, round(end * scale) - step), grid.steps - within)
        offset = min(0.5, max(-0.5, place - step))
        notes[number].append(Note(within, pitch, velocity, length, offset, part))
    # an endless gap (a delta of 2^28) makes no endless list: load refuses it by its last number
    last = min(max(notes, default=-1), MAX_PHRASES)
    silence = Phrase.of(grid, ())
    return [Phrase.of(grid, notes[number]) if number in notes else silence for number in range(last + 1)]
