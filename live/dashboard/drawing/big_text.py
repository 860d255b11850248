"""Text large enough for two metres, of half blocks: digits, and words of capitals, keys and chords.

Pure: text and sizes in, lines of cells out.
"""

from live.dashboard.drawing.rows import Canvas

_FONT = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": ("## ", " # ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", " ##", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", "  #", "  #", "  #"),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    "-": ("   ", "   ", "###", "   ", "   "),
    "/": ("  #", "  #", " # ", "#  ", "#  "),
    ".": (" ", " ", " ", " ", "#"),
    " ": (" ", " ", " ", " ", " "),
    "#": (" # ", "###", " # ", "###", " # "),
    "b": ("#  ", "#  ", "## ", "# #", "## "),
    "[": ("##", "# ", "# ", "# ", "##"),
    "]": ("##", " #", " #", " #", "##"),
    "+": ("   ", " # ", "###", " # ", "   "),
    "o": ("###", "# #", "###", "   ", "   "),
    "s": ("   ", "   ", " ##", " # ", "## "),
    "u": ("   ", "   ", "# #", "# #", "###"),
    "m": ("     ", "     ", "## # ", "# # #", "# # #"),
    "A": ("###", "# #", "###", "# #", "# #"),
    "B": ("## ", "# #", "## ", "# #", "## "),
    "C": ("###", "#  ", "#  ", "#  ", "###"),
    "D": ("## ", "# #", "# #", "# #", "## "),
    "E": ("###", "#  ", "## ", "#  ", "###"),
    "F": ("###", "#  ", "## ", "#  ", "#  "),
    "G": ("###", "#  ", "# #", "# #", "###"),
    "H": ("# #", "# #", "###", "# #", "# #"),
    "I": ("#", "#", "#", "#", "#"),
    "J": ("  #", "  #", "  #", "# #", "###"),
    "K": ("# #", "# #", "## ", "# #", "# #"),
    "L": ("#  ", "#  ", "#  ", "#  ", "###"),
    "M": ("#   #", "## ##", "# # #", "#   #", "#   #"),
    "N": ("#   #", "##  #", "# # #", "#  ##", "#   #"),
    "O": ("###", "# #", "# #", "# #", "###"),
    "P": ("###", "# #", "###", "#  ", "#  "),
    "Q": ("###", "# #", "# #", "###", "  #"),
    "R": ("## ", "# #", "## ", "# #", "# #"),
    "S": ("###", "#  ", "###", "  #", "###"),
    "T": ("###", " # ", " # ", " # ", " # "),
    "U": ("# #", "# #", "# #", "# #", "###"),
    "V": ("# #", "# #", "# #", "# #", " # "),
    "W": ("#   #", "#   #", "# # #", "# # #", "## ##"),
    "X": ("# #", "# #", " # ", "# #", "# #"),
    "Y": ("# #", "# #", " # ", " # ", " # "),
    "Z": ("###", "  #", " # ", "#  ", "###"),
}
LETTERS = frozenset(_FONT)
"""What can be written."""

_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def big_width(text: str, scale: int) -> int:
    """Return the cells that `big_text` takes."""
    return sum(len(_FONT[char][0]) * scale for char in text) + scale * (len(text) - 1)


def big_height(scale: int) -> int:
    """Return the rows that `big_text` takes."""
    return (5 * scale + 1) // 2


def big_text(text: str, scale: int) -> list[str]:
    """Draw text of the font's characters with pixels of `scale` cells by `scale` half rows."""
    pixels: list[str] = []
    for line in range(5):
        spread = (" " * scale).join("".join(p * scale for p in _FONT[char][line]) for char in text)
        pixels += [spread] * scale
    if len(pixels) % 2:
        pixels.append(" " * len(pixels[0]))
    return [
        "".join(_HALVES[a == "#", b == "#"] for a, b in zip(upper, lower, strict=True))
        for upper, lower in zip(pixels[::2], pixels[1::2], strict=True)
    ]


def best_scale(text: str, width: int, height: int) -> int:
    """Return the largest scale at which a text fits, at least 1."""
    scale = 1
    while big_height(scale + 1) <= height and big_width(text, scale + 1) <= width:
        scale += 1
    return scale


def write_big(canvas: Canvas, x: int, y: int, lines: list[str], ink: str) -> None:
    """Write lines of blocks; a full block gets its colour as ground too, so that no seam shows."""
    for row, line in enumerate(lines, y):
        for column, char in enumerate(line, x):
            canvas.put(column, row, char, f"{ink}-full" if char == "█" else ink)
