"""The screen's colours: dark, high in contrast, never red against green alone.

INK maps each style name that the drawing functions use to what a terminal paints.  Wherever a colour
says something, a glyph or a word says it too.
"""

from typing import Final

from rich.style import Style
from textual.theme import Theme

GROUND: Final = "#0a0d14"
PANEL: Final = "#0f141f"
EDGE: Final = "#2b3548"
TEXT: Final = "#dbe4f3"
DIM: Final = "#7e8aa0"
FAINT: Final = "#333e52"
OVER: Final = "#173f5a"
SOUNDED: Final = "#35c2ff"
PLANNED: Final = "#ffc247"
PERFORMER: Final = "#ff6fc8"
GOOD: Final = "#6ee7a0"
BAD: Final = "#ff4f5e"
WARN: Final = "#ffa63d"

THEME: Final = Theme(
    name="twobar",
    primary=SOUNDED,
    secondary=PLANNED,
    accent=PERFORMER,
    foreground=TEXT,
    background=GROUND,
    surface=PANEL,
    panel=PANEL,
    success=GOOD,
    warning=WARN,
    error=BAD,
    dark=True,
    variables={"edge": EDGE, "dim": DIM},
)

_PLAIN = {
    "": TEXT, "dim": DIM, "off": "#505c72", "faint": FAINT, "good": GOOD, "sounded": SOUNDED,
    "sounded-body": "#1f86b8", "planned": PLANNED, "planned-body": "#d9a234", "sounded-chords": "#43d9b8",
    "sounded-chords-body": "#2b9480", "planned-chords": "#d8d45a", "planned-chords-body": "#aaa644",
    "sounded-bass": "#a99bff", "sounded-bass-body": "#7568c4", "planned-bass": "#ff9a6b",
    "planned-bass-body": "#cc764e", "sounded-drums": "#c9d6ea", "sounded-drums-body": "#8f9db5",
    "planned-drums": "#d9c29a", "planned-drums-body": "#a8946f", "performer-body": "#c9559e",
    "cloud": "#4a5a78", "trail": "#2f94c4", "digits": "#f4f8ff", "digits-off": FAINT, "tempo": DIM,
    "beat-past": "#1c5c80", "beat-off": FAINT, "beat-off-label": DIM, "track": "#414e66", "centre": DIM,
    "fill": SOUNDED,
}  # fmt: skip
_BOLD = {
    "strong": "#ffffff", "warn": WARN, "bad": BAD, "performer": PERFORMER, "key": PLANNED,
    "handle": "#ffffff", "waiting": PLANNED,
}  # fmt: skip
_FULL = {
    "performer": PERFORMER, "sounded": SOUNDED, "planned": PLANNED, "digits": "#f4f8ff", "digits-off": FAINT,
    "dim": DIM, "tempo": DIM, "beat-one": PERFORMER, "beat": SOUNDED, "beat-flash": "#ffffff",
}  # fmt: skip
"""Blocks: the ground has the ink's colour."""
_ON_GROUND = {
    "beat-past-label": (TEXT, "#1c5c80"), "-over": (TEXT, OVER), "dim-over": ("#a5b2c9", OVER),
    "selected-track": ("#5b6b88", "#26334a"), "selected-fill": (SOUNDED, "#26334a"),
}  # fmt: skip
_BOLD_ON_GROUND = {
    "both": ("#ffffff", "#8a3a6b"), "playhead": ("#ffffff", "#3c4a66"), "here": (GROUND, SOUNDED),
    "anchor": (GROUND, TEXT), "beat-one-label": (GROUND, PERFORMER), "beat-label": (GROUND, SOUNDED),
    "beat-flash-label": (GROUND, "#ffffff"), "chip-play": (GROUND, GOOD), "chip-count": (GROUND, PLANNED),
    "chip-stop": (GROUND, DIM), "chip-mode": (GROUND, SOUNDED), "chip-frozen": (GROUND, "#d6f1ff"),
    "chip-rec": ("#ffffff", "#c2283a"), "banner": ("#ffffff", "#c2283a"), "selected": ("#ffffff", "#26334a"),
    "strong-over": ("#ffffff", OVER), "selected-over": ("#ffffff", "#2b6c98"),
    "waiting-over": (PLANNED, OVER), "selected-handle": ("#ffffff", "#26334a"),
    "selected-waiting": (PLANNED, "#26334a"),
}  # fmt: skip

INK: Final[dict[str, Style]] = {
    **{name: Style(color=ink) for name, ink in _PLAIN.items()},
    **{name: Style(color=ink, bold=True) for name, ink in _BOLD.items()},
    **{f"{name}-full": Style(color=ink, bgcolor=ink) for name, ink in _FULL.items()},
    **{name: Style(color=ink, bgcolor=ground) for name, (ink, ground) in _ON_GROUND.items()},
    **{name: Style(color=ink, bgcolor=ground, bold=True) for name, (ink, ground) in _BOLD_ON_GROUND.items()},
}

COARSE: Final = ("standard", "windows")
"""Rich's names of terminals with 16 colours."""

_GREEN, _BLUE, _YELLOW = "#55ff55", "#5555ff", "#ffff55"
_DARK_GREEN, _DARK_BLUE, _DARK_MAGENTA, _BROWN, _GREY = "#00aa00", "#0000aa", "#aa00aa", "#aa5500", "#aaaaaa"

COARSE_INK: Final[dict[str, Style]] = INK | {
    "dim": Style(color=_GREY),
    "warn": Style(color=_YELLOW, bold=True),
    "performer-body": Style(color=_DARK_MAGENTA),
    "planned-body": Style(color=_BROWN),
    "sounded-chords": Style(color=_GREEN),
    "sounded-chords-body": Style(color=_DARK_GREEN),
    "planned-chords": Style(color=_DARK_GREEN),
    "planned-chords-body": Style(color=_DARK_GREEN),
    "sounded-bass": Style(color=_BLUE),
    "sounded-bass-body": Style(color=_DARK_BLUE),
    "planned-bass": Style(color=_BLUE),
    "planned-bass-body": Style(color=_DARK_BLUE),
    "-over": Style(color=TEXT, bgcolor=_DARK_BLUE),
    "dim-over": Style(color=_GREY, bgcolor=_DARK_BLUE),
    "strong-over": Style(color="#ffffff", bgcolor=_DARK_BLUE, bold=True),
    "selected-over": Style(color="#ffffff", bgcolor=_BLUE, bold=True),
    "waiting-over": Style(color=_YELLOW, bgcolor=_DARK_BLUE, bold=True),
}
"""The same for those terminals, where the nearest colours of INK would be one for several parts, or red for a
warning."""
