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

INK: Final[dict[str, Style]] = {
    "": Style(color=TEXT),
    "strong": Style(color="#ffffff", bold=True),
    "dim": Style(color=DIM),
    "off": Style(color="#505c72"),
    "faint": Style(color=FAINT),
    "good": Style(color=GOOD),
    "warn": Style(color=WARN, bold=True),
    "bad": Style(color=BAD, bold=True),
    "sounded": Style(color=SOUNDED),
    "sounded-body": Style(color="#1f86b8"),
    "planned": Style(color=PLANNED),
    "planned-body": Style(color="#d9a234"),
    "sounded-chords": Style(color="#43d9b8"),
    "sounded-chords-body": Style(color="#2b9480"),
    "planned-chords": Style(color="#d8d45a"),
    "planned-chords-body": Style(color="#aaa644"),
    "sounded-bass": Style(color="#a99bff"),
    "sounded-bass-body": Style(color="#7568c4"),
    "planned-bass": Style(color="#ff9a6b"),
    "planned-bass-body": Style(color="#cc764e"),
    "sounded-drums": Style(color="#c9d6ea"),
    "sounded-drums-body": Style(color="#8f9db5"),
    "planned-drums": Style(color="#d9c29a"),
    "planned-drums-body": Style(color="#a8946f"),
    "performer": Style(color=PERFORMER, bold=True),
    "performer-full": Style(color=PERFORMER, bgcolor=PERFORMER),
    "sounded-full": Style(color=SOUNDED, bgcolor=SOUNDED),
    "planned-full": Style(color=PLANNED, bgcolor=PLANNED),
    "performer-body": Style(color="#c9559e"),
    "both": Style(color="#ffffff", bgcolor="#8a3a6b", bold=True),
    "playhead": Style(color="#ffffff", bgcolor="#3c4a66", bold=True),
    "cloud": Style(color="#4a5a78"),
    "trail": Style(color="#2f94c4"),
    "here": Style(color=GROUND, bgcolor=SOUNDED, bold=True),
    "anchor": Style(color=GROUND, bgcolor=TEXT, bold=True),
    "digits": Style(color="#f4f8ff"),
    "digits-full": Style(color="#f4f8ff", bgcolor="#f4f8ff"),
    "digits-off": Style(color=FAINT),
    "digits-off-full": Style(color=FAINT, bgcolor=FAINT),
    "dim-full": Style(color=DIM, bgcolor=DIM),
    "tempo": Style(color=DIM),
    "tempo-full": Style(color=DIM, bgcolor=DIM),
    "beat-one-full": Style(color=PERFORMER, bgcolor=PERFORMER),
    "beat-full": Style(color=SOUNDED, bgcolor=SOUNDED),
    "beat-flash-full": Style(color="#ffffff", bgcolor="#ffffff"),
    "beat-past": Style(color="#1c5c80"),
    "beat-off": Style(color=FAINT),
    "beat-one-label": Style(color=GROUND, bgcolor=PERFORMER, bold=True),
    "beat-label": Style(color=GROUND, bgcolor=SOUNDED, bold=True),
    "beat-flash-label": Style(color=GROUND, bgcolor="#ffffff", bold=True),
    "beat-past-label": Style(color=TEXT, bgcolor="#1c5c80"),
    "beat-off-label": Style(color=DIM),
    "chip-play": Style(color=GROUND, bgcolor=GOOD, bold=True),
    "chip-count": Style(color=GROUND, bgcolor=PLANNED, bold=True),
    "chip-stop": Style(color=GROUND, bgcolor=DIM, bold=True),
    "chip-mode": Style(color=GROUND, bgcolor=SOUNDED, bold=True),
    "chip-frozen": Style(color=GROUND, bgcolor="#d6f1ff", bold=True),
    "chip-rec": Style(color="#ffffff", bgcolor="#c2283a", bold=True),
    "banner": Style(color="#ffffff", bgcolor="#c2283a", bold=True),
    "key": Style(color=PLANNED, bold=True),
    "track": Style(color="#414e66"),
    "centre": Style(color=DIM),
    "fill": Style(color=SOUNDED),
    "selected": Style(color="#ffffff", bgcolor="#26334a", bold=True),
    "-over": Style(color=TEXT, bgcolor=OVER),
    "dim-over": Style(color="#a5b2c9", bgcolor=OVER),
    "strong-over": Style(color="#ffffff", bgcolor=OVER, bold=True),
    "selected-over": Style(color="#ffffff", bgcolor="#2b6c98", bold=True),
    "waiting-over": Style(color=PLANNED, bgcolor=OVER, bold=True),
    "handle": Style(color="#ffffff", bold=True),
    "selected-handle": Style(color="#ffffff", bgcolor="#26334a", bold=True),
    "selected-track": Style(color="#5b6b88", bgcolor="#26334a"),
    "selected-fill": Style(color=SOUNDED, bgcolor="#26334a"),
    "waiting": Style(color=PLANNED, bold=True),
    "selected-waiting": Style(color=PLANNED, bgcolor="#26334a", bold=True),
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
