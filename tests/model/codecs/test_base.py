"""Codecs, all of them: many phrases packed are each one packed, and the noise alone is chance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.codecs.base import pack_phrase, table_of
from model.codecs.registry import build
from model.errors import ConfigError
from model.music.grid import Grid
from model.music.phrase import Phrase
from tests.fakes.codec_phrases import polyphony

KINDS = ("melody", "poly", "roll", "drums", "multitrack")


@given(st.lists(polyphony().filter(lambda phrase: phrase.grid == Grid()), min_size=1, max_size=5))
def test_packing_many_phrases_is_packing_each(phrases: list[Phrase]) -> None:
    for kind in KINDS:
        codec = build(kind, Grid())
        tables = [table_of(phrase) for phrase in phrases]
        rows = np.repeat(np.arange(len(phrases)), [len(table) for table in tables])
        together = codec.pack(np.concatenate(tables), rows, len(phrases))
        for row, phrase in enumerate(phrases):
            alone = pack_phrase(codec, phrase)
            for name, value in together.items():
                np.testing.assert_array_equal(value[row], alone[name][0])


@pytest.mark.parametrize("kind", KINDS)
def test_sampling_is_drawn_by_the_noise_alone(kind: str) -> None:
    codec = build(kind, Grid())
    rng = np.random.default_rng(0)
    heads = {n: rng.normal(size=s).astype(np.float32) for n, s in codec.heads().items()}
    first = codec.read(heads, temperature=1.0, noise=codec.noise(np.random.default_rng(5)))
    again = codec.read(heads, temperature=1.0, noise=codec.noise(np.random.default_rng(5)))
    other = codec.read(heads, temperature=1.0, noise=codec.noise(np.random.default_rng(6)))
    assert first == again
    assert first != other


def test_an_unknown_codec_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown codec 'polly'.*did you mean 'poly'"):
        build("polly", Grid())
