"""Real phrases for the map of each shipped model: openings of songs whose licences allow it, spread over it.

    python -m scripts.known_phrases FOLDER

FOLDER holds MANIFEST.csv (columns dataset, path, licence, metre, cluster) and the .mid files that it names,
below itself or beside it.  Writes model/weights/NAME.phrases.json, see `live.page.known_phrases`.
"""

import csv
import re
import sys
from pathlib import Path

import click
import msgspec
import numpy as np

from live.cli.offline import generate, midi_files
from live.errors import TwobarError
from live.page.known_phrases import KnownPhrase, phrases_file
from model.music.phrase import Note, Phrase

COUNT, CANDIDATES, LEAST_NOTES = 48, 260, 6
SOURCES = {
    "lead": {
        "oneills_1850": "O'Neill's Music of Ireland, 1903",
        "ryans_mammoth": "Ryan's Mammoth Collection, 1883",
    },
    "keys": {"mutopia_keys": "Mutopia, public domain", "openscore_lieder": "OpenScore Lieder, CC0"},
    "drums": {"groove_midi": "Groove MIDI Dataset, CC BY 4.0"},
    "multitrack": {"freedoom": "Freedoom, BSD"},
}
FREE = ("PD", "Public Domain", "CC0", "CC BY 4.0", "BSD")
NOISE = re.compile(r"^[\d_-]+|^(?:head|hist)_|_[0-9a-f]{10}$|_beat_4-4$")


def title(path: Path) -> str:
    """Return a song's name from its file's."""
    words = path.stem
    for _ in range(4):
        words = NOISE.sub("", words)
    words = re.sub(r"[\s_]+", " ", words.split("__")[-1] or words).strip(" -.")
    words = re.sub(r"^\d+ (?=[A-Za-z])", "", re.sub(r"\s*--\s*", ", ", words))[:60]
    return words.title() if words.partition(",")[0].isupper() else words


def rounded(phrase: Phrase) -> list[Note]:
    """Return a phrase's notes, to a ten-thousandth of a step."""
    return [
        note._replace(
            offset=round(note.offset, 4),
            displacement=round(note.displacement, 4),
            release=round(note.release, 4),
        )
        for note in phrase.notes
    ]


def chosen(folder: Path, model: str) -> list[KnownPhrase]:
    """Return up to COUNT phrases of a model's sources, one of a song, each far from those before."""
    player = generate.load_player(model)
    with (folder / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if row["dataset"] in SOURCES[model] and row["metre"] == "4/4" and row["licence"].startswith(FREE)
        ]
    songs = {row["cluster"]: row for row in rows}
    picked = np.random.default_rng(1).permutation(sorted(songs))[:CANDIDATES]
    found, places = [], []
    for song in picked:
        row = songs[str(song)]
        path = folder / row["path"]
        path = path if path.is_file() else folder.parent / row["path"]
        try:
            phrase = midi_files.read_opening(path, player.card.grid, codec=player.card.codec)
        except TwobarError as error:
            sys.stderr.write(f"{error}\n")
            continue
        if len(phrase.notes) >= LEAST_NOTES and phrase.notes[-1].onset >= player.card.grid.steps // 2:
            found.append(KnownPhrase(title(path), SOURCES[model][row["dataset"]], rounded(phrase)))
            places.append(player.place(player.encode(phrase)))
    at = np.array(places)
    order = [int(np.linalg.norm(at, axis=1).argmin())]
    while len(order) < min(COUNT, len(found)):
        order.append(int(np.min([np.linalg.norm(at - at[k], axis=1) for k in order], axis=0).argmax()))
    return [found[k] for k in order]


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Write a file for each model, of the music that FOLDER's MANIFEST.csv names."""
    for model in SOURCES:
        known = chosen(folder, model)
        path = phrases_file(model)
        lines = b",\n".join(msgspec.json.encode(each) for each in known)
        path.write_bytes(b"[\n" + lines + b"\n]\n")
        sys.stdout.write(f"{path.name}: {len(known)} phrases\n")


if __name__ == "__main__":
    main()
