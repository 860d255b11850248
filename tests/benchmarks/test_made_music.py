"""Music of chance for the benchmarks."""

from pathlib import Path

from benchmarks import made_music
from model.music.grid import Grid
from trainer.corpus.reading.read_midi import CODECS, read


def test_a_number_is_the_same_file_everywhere_and_gives_phrases(tmp_path: Path) -> None:
    made_music.write(tmp_path, 998, 1002)
    files = sorted(tmp_path.rglob("*.mid"))
    assert [path.relative_to(tmp_path).as_posix() for path in files][::3] == [
        "0000/0000998.mid",
        "0001/0001001.mid",
    ]
    assert files[0].read_bytes() == made_music.song(998) != made_music.song(999)
    windows = read(made_music.song(1000), Grid()).windows
    assert all(len(windows[codec].counts) >= 4 for codec in CODECS)
