"""Every shipped configuration made tiny, and music for it: what the families' end-to-end tests share."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.config import ModelConfig
from model.music.grid import Grid
from model.music.phrase import Note, Phrase
from model.music.tracks import BASS, CHORDS, DRUMS, MELODY
from model.networks.bottleneck import slices
from model.networks.vae import VAE
from tests.root import ROOT
from trainer import settings

CONFIGS = ROOT / "trainer" / "configs"
SHIPPED = sorted(CONFIGS.glob("*.toml"))
REFERENCES = sorted((CONFIGS / "reference").glob("*.toml"))
STYLES = ("slow", "quick")
COUNTS = {"train": 10, "validation": 4, "test": 4}
SLICES = {"phrase": 8, "beats": 2, "cells": 1, "parts": 2}  # size of a slice of z


def model_of(path: Path) -> ModelConfig:
    """Return the model of a configuration file."""
    return settings.read(path, []).model


def tiny(path: Path, **changes: object) -> list[str]:
    """Return overrides that shrink a shipped configuration to a network that a few steps train in no time.

    Kinds, laws, conditions, objectives and losses stay as they are shipped; only sizes and lengths change.
    """
    model = model_of(path)
    with torch.device("meta"):
        count = slices(model.bottleneck.kind, VAE(model).sizes)
    settings: dict[str, Any] = {
        "model.encoder.width": 8,
        "model.encoder.depth": min(1, model.encoder.depth),
        "model.encoder.heads": 2,
        "model.encoder.cell": 4,
        "model.bottleneck.size": count * SLICES[model.bottleneck.kind],
        "model.decoder.width": 8,
        "model.decoder.depth": min(1, model.decoder.depth),
        "model.decoder.heads": 2,
        "model.decoder.cell": 4,
        "model.decoder.conductor_width": 8,
        "model.decoder.conductor_depth": 1,
        "fit.batch": 4,
        "fit.steps": 3,
        "fit.minutes": 5,
        "fit.warmup": 1,
        "fit.interval": 300,
        "fit.edits": 6,
        "fit.validation": 4,
        "fit.precision": "float32",
        "prior.steps": 2,
        "prior.width": 8,
        "prior.depth": 1,
        "prior.heads": 2,
        "prior.draws": 40,
        "fit.critic.width": 8,
        "fit.critic.depth": 1,
        "fit.critic.steps": 1,
        "fit.critic.start": 0.0,
        **changes,
    }
    if model.styles:
        settings["model.styles"] = list(STYLES)
    return [f"{key}={_toml(value)}" for key, value in settings.items()]


def _toml(value: object) -> str:
    """Write a value as TOML does."""
    if isinstance(value, list):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def music(codec: str, grid: Grid, seed: int) -> Phrase:
    """Return a made phrase of a codec."""
    rng = np.random.default_rng(seed)
    notes: list[Note] = []
    beat = grid.steps_per_beat
    if codec != "drums":
        step = int(rng.integers(0, beat))
        while step < grid.steps:
            length = int(rng.integers(1, beat + 1))
            key = int(rng.choice((60, 62, 64, 65, 67, 69, 71, 72)))
            notes.append(Note(step, key, int(rng.integers(50, 110)), length, track=MELODY))
            step += length
    if codec in ("poly", "multitrack"):
        track = MELODY if codec == "poly" else CHORDS
        for step in range(0, grid.steps, beat):
            root = int(rng.choice((48, 53, 55)))
            notes += [Note(step, root + up, 60, beat, track=track) for up in (0, 4, 7)]
    if codec == "multitrack":
        notes += [
            Note(step, int(rng.choice((36, 41, 43))), 70, beat, track=BASS)
            for step in range(0, grid.steps, beat)
        ]
    if codec in ("drums", "multitrack"):
        hits = rng.random((grid.steps, 3)) < (0.25, 0.2, 0.5)
        keys = (36, 38, 42)
        notes += [
            Note(int(step), keys[kind], int(rng.integers(40, 120)), 1, float(rng.uniform(-0.3, 0.3)), DRUMS)
            for step, kind in np.argwhere(hits)
        ]
        notes.append(Note(0, 36, 100, 1, track=DRUMS))
    return Phrase.of(grid, ((n._replace(length=min(n.length, grid.steps - n.onset))) for n in notes))


def corpus(folder: Path, codec: str, grid: Grid) -> Path:
    """Write splits of made phrases as `twobar-train prepare` lays them out, once for each codec."""
    if (folder / codec).is_dir():
        return folder
    folder.mkdir(exist_ok=True)
    codecs = {codec, *(place.name for place in folder.iterdir() if place.is_dir())}
    meta = {
        "grid": dataclasses.asdict(grid),
        "phrases": dict.fromkeys(sorted(codecs), COUNTS),
        "styles": STYLES,
    }
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
    seed = 0
    for split, count in COUNTS.items():
        phrases = [music(codec, grid, seed + index) for index in range(count)]
        seed += count
        place = folder / codec / split
        place.mkdir(parents=True)
        rows = [
            (n.onset, n.pitch, n.velocity, n.length, round(n.offset * 100), n.track)
            for phrase in phrases
            for n in phrase.notes
        ]
        np.save(place / "notes.npy", np.array(rows, dtype=np.int16))
        np.save(place / "starts.npy", np.cumsum([0, *map(len, phrases)]).astype(np.int64))
        np.save(place / "songs.npy", np.arange(count, dtype=np.int32))
        np.save(place / "styles.npy", np.arange(count, dtype=np.int32) % 2)
    return folder
