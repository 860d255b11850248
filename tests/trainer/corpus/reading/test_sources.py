"""Which files are read, and under which licence."""

import pytest

from trainer.corpus.reading.sources import permissive


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("Public Domain", True),
        ("PD tunes (1903); encoding via a corpus", True),
        ("CC0 1.0 (scores)", True),
        ("CC BY 4.0", True),
        ("someone [CC-BY]", True),
        ("Creative Commons Attribution 3.0", True),
        ("BSD-3-Clause", True),
        ("PD (traditional); repo MIT", True),
        ("Artistic License", True),
        ("Creative Commons Attribution-ShareAlike 4.0", False),
        ("CC BY-SA Germany", False),
        ("cc-by-nc 4.0", False),
        ("tunes traditional/PD; repo GPL-3.0", False),
        ("all rights reserved", False),
        ("", False),
    ],
)
def test_permissive_licences(licence: str, *, expected: bool) -> None:
    assert permissive(licence) is expected
