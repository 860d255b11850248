"""A run's samples: phrases held out and the model's answers, to hear and to see."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from model.codecs.base import Codec, pack_phrase
from model.codecs.sampling import Sampling
from model.errors import ModelError, SoundError
from model.midi import file
from model.midi.wav import render
from model.music.phrase import Phrase
from model.music.tracks import DRUMS
from model.playing.checkpoint_player import CheckpointPlayer
from model.playing.load import open_player
from trainer.data.dataset import Phrases
from trainer.run.progress import RunLog, reason

SHOWN = 4  # validation phrases in a sample


def write_samples(checkpoint: Path, codec: Codec, phrases: Phrases, folder: Path, run_log: RunLog) -> None:
    """Play a few phrases through the checkpoint as the instrument would: sample.mid, sample.wav, sample.png.

    A picture or a sound that cannot be made is said once and costs nothing else.
    """
    player = open_player(checkpoint)
    chosen = np.random.default_rng(1).permutation(len(phrases))[:SHOWN].tolist()
    sounded: list[Phrase] = []
    drawn: dict[str, Phrase] = {}
    for number, index in enumerate(chosen):
        phrase = codec.unpack(pack_phrase(codec, phrases.phrase(index, codec.grid)), 0)
        answer = answered(player, phrase, number)
        sounded += [phrase, answer]
        drawn[f"{number} data"], drawn[f"{number} model"] = phrase, answer
    target = folder / "sample.mid"
    try:
        file.save(target, sounded)
        render(target, folder / "sample.wav")
    except SoundError as error:
        run_log.say_once(f"no sample.wav is written: {error}")
    except (ModelError, OSError) as error:
        run_log.say_once(f"the samples are not heard: {reason(error)}")
    try:
        draw(drawn, folder / "sample.png")
    except ImportError:
        run_log.say_once("matplotlib is not installed: sample.png is not drawn")
    except OSError as error:
        run_log.say_once(f"the samples are not drawn: {reason(error)}")


def answered(player: CheckpointPlayer, phrase: Phrase, seed: int) -> Phrase:
    """Return what a model makes of a phrase: its reconstruction, or a continuation without a latent."""
    if player.card.latent_size:
        return player.decode(player.encode(phrase), turns={})
    return player.continuation(phrase, sampling=Sampling(1.0, seed=seed))


def draw(phrases: Mapping[str, Phrase], path: Path) -> None:
    """Draw phrases one below another as piano rolls, each part in a colour of its own."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import

    figure = Figure(figsize=(9, 2.2 * len(phrases)), layout="constrained")
    pitches = [note.pitch for phrase in phrases.values() for note in phrase.notes] or [60]
    low, high = min(pitches) - 3, max(pitches) + 3  # the same for all: data and answer are compared
    for index, (name, phrase) in enumerate(phrases.items()):
        axes = figure.add_subplot(len(phrases), 1, index + 1)
        for note in phrase.notes:
            axes.barh(
                note.pitch,
                0.9 if note.track == DRUMS else note.length - 0.1,
                left=note.onset + note.offset,
                height=0.9,
                color=f"C{note.track}",
                alpha=0.25 + 0.75 * note.velocity / 127,
            )
        grid = phrase.grid
        axes.set_xlim(0, grid.steps)
        axes.set_ylim(low, high)
        axes.set_xticks(range(0, grid.steps + 1, grid.steps_per_bar))
        axes.set_xticks(range(0, grid.steps, grid.steps_per_beat), minor=True)
        axes.grid(axis="x", color="0.8", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_ylabel(name)
    figure.savefig(path, dpi=80)
