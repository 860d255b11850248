"""Which side of the split a song lies on."""

import pytest

from trainer.corpus.splits import fill_sides, split_songs


@pytest.mark.parametrize("seed", range(20))
def test_every_codec_has_a_song_on_every_side_where_three_hold_it(seed: int) -> None:
    names = {song: f"song {song}" for song in range(30)}
    rare = {song: names[song] for song in (4, 9, 17)}
    sides = split_songs(names, seed)
    fill_sides(sides, rare, seed)
    assert {sides[song] for song in rare} == {"train", "validation", "test"}
