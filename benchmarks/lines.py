"""How well the parts of a piece are found again after all of them are put on one keyboard.

Pieces whose parts are known: two hands, a voice and its piano, a melody and its chords, a string quartet.
Those songs that the costs of `model.music.lines` were searched on are left out.  Needs a folder of such
pieces (`--music`); time is measured without.
"""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import groupby
from pathlib import Path

from benchmarks.figures import NANOS_PER_MS, Row, percentile, spread
from benchmarks.scale import Scale
from model.codecs.keyboard import Division, division
from model.errors import MidiFileError
from model.midi.file import laid, open_file, voices_of
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, MELODY
from trainer.corpus.reading.sources import Source, discover

BUDGET_MS = 1.0
BUDGET_BASS, BUDGET_MELODY = 0.9, 0.99
NOTES = 60
SONGS, PHRASES = 60, 8  # of each kind of piece, and of each of its songs
STRANGERS = 40  # files of a data set without known parts, after which it is left
SEARCHED = 0.5  # share of the songs that the costs were searched on
LONG_ENOUGH, ON_TOP = (
    0.5,
    0.9,
)  # of a phrase a melody sounds so much, and so many of its notes are the highest


def measure(scale: Scale) -> list[Row]:
    """Measure time, and, where there is music, what is found."""
    title = "a keyboard divided by line"
    rows = [_speed(scale, f"{title}: time for {NOTES} notes")]
    if scale.music is None:
        return [*rows, Row(f"{title}: melody and bass found", "-", "needs --music, pieces in parts")]
    found: defaultdict[str, list[list[Phrase]]] = defaultdict(list)
    for kind, song in _songs(scale.music, scale.count(SONGS)):
        found[kind].append(song)
    for kind, songs in found.items():
        phrases = [phrase for song in songs for phrase in song]
        by_line, at_key = tally(phrases, division("line")), tally(phrases, division("C3"))
        rows.append(
            Row(
                f"{title}: {kind}, {len(phrases)} phrases of {len(songs)} songs",
                f"melody above C3's or {BUDGET_MELODY:.0%}, bass >= {BUDGET_BASS:.0%}",
                _words(by_line),
                f"split at C3: {_words(at_key)}",
                melody_f1(by_line) >= min(BUDGET_MELODY, melody_f1(at_key))
                and share(by_line, "bass", "beats") >= BUDGET_BASS,
            )
        )
    return rows


def _words(counts: Counter[str]) -> str:
    bass, leaked = share(counts, "bass", "beats"), share(counts, "leaked", "rests")
    return (
        f"melody F1 {melody_f1(counts):.1%}; of the lowest notes on beats {bass:.1%} are bass; "
        f"of what is played while the melody rests {leaked:.1%} is melody"
    )


def _speed(scale: Scale, what: str) -> Row:
    """Divide two bars of two hands by line, again and again; counts what the processor spends on it."""
    chance = random.Random(5)
    notes = {(step, 60 + chance.randrange(24)): 4 for step in range(0, 32, 2) for _ in range(3)}
    notes |= {(step, 36 + chance.randrange(20)): 4 for step in range(0, 32, 2)}
    steps = ((step, key) for step in range(32) for key in range(36, 84, 5))
    while len(notes) < NOTES:
        notes.setdefault(next(steps), 2)
    phrase = Phrase.of(Grid(), [Note(*place, 90, length) for place, length in [*notes.items()][:NOTES]])
    divide, times = division("line"), []
    for _ in range(scale.count(1000, least=100)):
        start = time.thread_time_ns()
        divide(phrase)
        times.append((time.thread_time_ns() - start) / NANOS_PER_MS)
    return Row(what, f"p99 <= {BUDGET_MS:g} ms", spread(times), met=percentile(times, 0.99) <= BUDGET_MS)


def _songs(folder: Path, most: int) -> Iterator[tuple[str, list[Phrase]]]:
    """Yield the kind and the phrases, in their parts, of pieces in a folder."""
    sources, _ = discover([folder], licences="all")
    ordered = sorted(sources, key=lambda source: (source.style, _place(source)))
    for _, files in groupby(ordered, key=lambda source: source.style):
        used, strange = 0, 0
        for source in files:
            if _place(source) < SEARCHED:
                continue
            kind, phrases = in_parts(source.path)
            if phrases:
                used += 1
                yield kind, random.Random(2).sample(phrases, min(PHRASES, len(phrases)))
            strange += not kind
            if used == most or (strange == STRANGERS and not used):
                break


def _place(source: Source) -> float:
    """Return a song's place on 0..1 by its name."""
    digest = blake2b((source.cluster or source.name).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64


def in_parts(path: Path) -> tuple[str, list[Phrase]]:
    """Return the kind of a piece and its phrases with a melody on top, each note's track as the file has it.

    The low hand of two is BASS.  Of a file whose parts are not known: "" and no phrase.
    """
    try:
        file = open_file(path)
    except MidiFileError:
        return "", []
    voices = [(voice.name.lower(), voice) for track in file.tracks for voice in voices_of(track)]
    kind, tracks = _parts([name for name, _ in voices])
    spans = [
        (span, track) for track, (_, voice) in zip(tracks, voices, strict=True) for span in voice.spans
    ] if kind else []  # fmt: skip
    return kind, [phrase for phrase in laid(spans, file.ticks_per_beat, Grid()) if _melody_on_top(phrase)]


def _parts(names: Sequence[str]) -> tuple[str, list[int]]:
    """Return what a piece is by the names of its tracks, and the track of each; "" for any other."""
    match [*names]:
        case [voice, piano] if "piano" in piano and "piano" not in voice:
            return "a voice and its piano", [MELODY, CHORDS]
        case [first, _, _, last] if "violin" in first and "cello" in last:
            return "a string quartet", [MELODY, CHORDS, CHORDS, BASS]
        case ["", ""]:
            return "a melody and its chords", [MELODY, CHORDS]
    high = ["right" in name or name.startswith("upper") for name in names]
    low = ["left" in name or name.startswith("lower") for name in names]
    if any(high) and any(low) and all(map(bool.__xor__, high, low)):
        return "two hands", [MELODY if is_high else BASS for is_high in high]
    return "", [CHORDS] * len(names)


def _melody_on_top(phrase: Phrase) -> bool:
    """Tell whether there is a melody over other notes."""
    melody = _skyline(phrase.part(MELODY))
    highest = _skyline(phrase)
    top = sum(highest[step] == pitch for step, pitch in melody.items())
    enough = len(melody) >= 4 and len(phrase) - len(phrase.part(MELODY)) >= 3
    return (
        enough and len(_sounding(phrase)) >= LONG_ENOUGH * phrase.grid.steps and top >= ON_TOP * len(melody)
    )


def _skyline(phrase: Phrase) -> dict[int, int]:
    """Return the highest pitch by the step at which it starts."""
    return {note.onset: note.pitch for note in phrase.notes}


def _sounding(phrase: Phrase) -> set[int]:
    """Return the steps at which the melody sounds."""
    return {
        step for note in phrase.part(MELODY).notes for step in range(note.onset, note.onset + note.length)
    }


def tally(phrases: Sequence[Phrase], divide: Division) -> Counter[str]:
    """Put the parts of phrases on one keyboard, divide it, and count.

    Returns, by name:
        found, missed: notes of the melody that are melody again or not.  They are the highest of the melody's
            part that start together; its others, and those under one that sounds on, count nowhere.
        wrong: melody notes that are another part's.
        rests, leaked: other parts' notes that start while the melody is silent, and those called melody.
        beats, bass: beats of a melody over something that starts there, with nothing lower that still sounds,
            and those whose lowest note is bass.
    """
    counts: Counter[str] = Counter()
    for phrase in phrases:
        melody = phrase.part(MELODY)
        keys = {(note.onset, note.pitch) for note in melody.notes}
        skyline, sounding = _skyline(melody), _sounding(phrase)
        keyboard = divide(Phrase.of(phrase.grid, [note._replace(track=MELODY) for note in phrase.notes]))
        lowest = {note.onset: note.pitch for note in reversed(keyboard.notes)}
        for note in keyboard.notes:
            onset, pitch = note.onset, note.pitch
            if (onset, pitch) in keys:
                if skyline[onset] == pitch and not _covered(note, melody.notes):
                    counts["found" if note.track == MELODY else "missed"] += 1
                continue
            counts["wrong"] += note.track == MELODY
            if onset not in sounding:
                counts["rests"] += 1
                counts["leaked"] += note.track == MELODY
            elif onset % phrase.grid.steps_per_beat == 0 and lowest[onset] == pitch:
                below = any(
                    other.pitch < pitch and other.onset < onset < other.onset + other.length
                    for other in keyboard.notes
                )
                counts["beats"] += not below
                counts["bass"] += not below and note.track == BASS
    return counts


def _covered(note: Note, notes: Sequence[Note]) -> bool:
    """Tell whether a higher one of some notes sounds on over a note."""
    return any(
        other.pitch > note.pitch and other.onset < note.onset and other.onset + other.length > note.onset + 1
        for other in notes
    )


def melody_f1(counts: Counter[str]) -> float:
    """Return the harmonic mean of precision and recall of the melody's notes, 0..1."""
    return 2 * counts["found"] / max(1, 2 * counts["found"] + counts["wrong"] + counts["missed"])


def share(counts: Counter[str], part: str, whole: str) -> float:
    """Return one count's share of another, 0..1."""
    return counts[part] / max(1, counts[whole])
