"""The theme has every ink that is drawn with, and 16 colours are enough to tell them apart."""

from rich.color import Color, ColorSystem
from rich.style import Style

from live.dashboard.drawing import beat, latent_map, status
from live.dashboard.drawing import knobs as controls
from live.dashboard.drawing.theme import COARSE_INK, INK
from tests.fakes.drawn import inks, roll_rows
from tests.fakes.snapshots import BEAT, cloud, scene

BAR = 4 * BEAT


def test_every_ink_that_is_drawn_with_is_in_the_theme() -> None:
    used = set()
    for tick in range(6 * BAR, 7 * BAR, 150):
        s = scene(tick)
        used |= inks(beat.beat_rows(tick, 4, width=128, height=11, tempo_bpm=120.0))
        used |= inks(roll_rows(s.bars, tick, 4, width=100, height=20, held=s.held_keys))
        used |= inks(controls.knob_rows(s.knobs, tick % 15, width=120, height=5))
        used |= inks(status.status_rows(s, width=60, height=12))
        ground = latent_map.ground(cloud(), 30, 14)
        used |= inks(
            latent_map.map_canvas(
                ground, anchors=s.anchors, performer=s.performer_xy, here=s.here, trail=[(0, 0), (1, 1)]
            ).rows()
        )
    assert used <= set(INK)


def test_with_16_colours_parts_warnings_and_faults_still_differ() -> None:
    def seen(*names: str) -> list[Color]:
        styles: list[Style] = [COARSE_INK[name] for name in names]
        return [style.color.downgrade(ColorSystem.STANDARD) for style in styles if style.color]

    parts = seen("sounded", "sounded-chords", "sounded-bass", "sounded-drums", "performer", "planned")
    assert len(set(parts)) == len(parts) == 6
    planned = seen("planned", "planned-chords", "planned-bass", "planned-drums")
    assert len(set(planned)) == len(planned) == 4
    assert len(set(seen("warn", "bad", "good", ""))) == 4
    notes = [name for name in COARSE_INK if name.startswith(("sounded", "planned", "performer"))]
    reds = [name for name in notes for colour in seen(name) if colour.number in (1, 9)]
    assert reds == []  # red is for what is wrong
    assert set(COARSE_INK) == set(INK)
