"""`report`: one self-contained page about a checkpoint: curves, answers, glides, knobs, a map, figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from model.codecs.sampling import Sampling
from model.latent.geometry import Latent
from model.music.attributes import NAMES, measure
from model.music.phrase import Phrase
from model.playing.player import Player
from trainer.evaluation.heldout import HeldOut
from trainer.evaluation.samples import prior
from trainer.reports.html_page import Page
from trainer.reports.plots import atlas, curves, glides, pairs, rolls, sweeps
from trainer.reports.table import lines

SHOWN = 6  # reconstructions
WAYS = 4  # glides
DRAWN = 6  # samples
SWEPT = 40  # phrases that the sweeps are measured on
NO_LATENT = "This model has no latent: there is nothing to show here."


def report(
    player: Player,
    data: HeldOut,
    figures: Mapping[str, Any],
    *,
    log: Sequence[Mapping[str, Any]] = (),
    seed: int = 0,
) -> Page:
    """Return the page about a checkpoint.

    Args:
        player: the checkpoint.
        data: phrases held out, of its grid, at least one; the map shows all of them.
        figures: what `trainer.evaluation.evaluate.evaluate_checkpoint` found.
        log: rows of the run's log, where there is one.
        seed: of the choice of phrases and of the map.
    """
    card, phrases = player.card, data.phrases
    chosen = np.random.default_rng(seed).permutation(len(phrases)).tolist()
    latents = [player.encode(phrase) for phrase in phrases] if card.latent_size else []
    grid = card.grid
    page = Page(
        f"Report: {card.name}",
        f"Codec {card.codec}, {grid.bars} bars of {grid.beats_per_bar} beats in {grid.steps_per_beat} steps, "
        f"latent of {card.latent_size}, {card.runtime}; {len(phrases)} phrases held out.",
    )
    page.section("Training", "Figures of the validation split over the minutes of the run.")
    figure = curves(log)
    if figure is None:
        page.note("There is no log: give the run's folder in place of the checkpoint.")
    else:
        page.plot(figure)
    if latents:
        _with_latent(page, player, phrases, latents, chosen=chosen, seed=seed)
    else:
        _without_latent(page, player, data.contexts or phrases, chosen, seed)
    page.section("Figures", "As 'twobar-train evaluate' measures them, on these phrases.")
    table = {title: [(key, *cells) for key, cells in rows] for title, rows in lines([figures]).items()}
    page.table(["", card.name], table)
    return page


def _with_latent(
    page: Page,
    player: Player,
    phrases: Sequence[Phrase],
    latents: Sequence[Latent],
    *,
    chosen: Sequence[int],
    seed: int,
) -> None:
    """Add what a model with a latent can show."""
    page.section(
        "Reconstructions", "Left what was played, right the answer; red: not played, hollow: left out."
    )
    if player.card.encodes:
        page.plot(pairs([(phrases[n], player.decode(latents[n], turns={})) for n in chosen[:SHOWN]]))
    else:
        page.note("This model has no encoder, so no reconstruction: what follows is made of its draws.")
        latents = prior(player, len(latents), np.random.default_rng(seed))
        phrases = [player.decode(latent, turns={}) for latent in latents]
    page.section("Glides", "From one phrase to another in four steps of the arc.")
    if len(chosen) < 2:
        page.note("One phrase alone has nowhere to go.")
    else:
        ways = [(latents[a], latents[b]) for a, b in zip(chosen[::2], chosen[1::2], strict=False)]
        page.plot(glides(player, ways[:WAYS]))
    page.section(
        "Knobs",
        "Turn against what comes out, in usual spreads of each attribute from the middle: the knob's own "
        "attribute thick (with the middle 80 % of the phrases), the others thin.",
    )
    figure = sweeps(player, [latents[n] for n in chosen[:SWEPT]])
    if figure is None:
        page.note("This model heeds no knob: 'twobar-train directions' can find it some.")
    else:
        page.plot(figure)
    page.section(
        "Map", "The latents of all phrases by their two widest directions (PCA) and by nearness (t-SNE)."
    )
    measured = np.array([list(measure(phrase).values()) for phrase in phrases])
    figure = atlas(np.stack([latent.z for latent in latents]), measured, NAMES, seed=seed)
    if figure is None:
        page.note("A map needs 20 phrases, and latents that differ.")
    else:
        page.plot(figure)
    page.section("Samples", "Decoded from points that the prior drew.")
    drawn = prior(player, DRAWN, np.random.default_rng(seed))
    page.plot(rolls([(f"sample {n + 1}", player.decode(z, turns={})) for n, z in enumerate(drawn)]))


def _without_latent(
    page: Page, player: Player, phrases: Sequence[Phrase], chosen: Sequence[int], seed: int
) -> None:
    """Add what a model without a latent can show: how it goes on."""
    page.section("Continuations", "Left what was played, right how the model goes on, at temperature 1.")
    rows = [
        (phrases[n], player.continuation(phrases[n], sampling=Sampling(1.0, seed=seed)))
        for n in chosen[:SHOWN]
    ]
    page.plot(pairs(rows, marked=False))
    for title in ("Reconstructions", "Glides", "Knobs", "Map"):
        page.section(title)
        page.note(NO_LATENT)
