"""What is chosen: modes, loop, freeze, parts left out, scene and song, anchors.

Pure: snapshots and sizes in, rows out.
"""

import unicodedata
from collections.abc import Sequence

from live.dashboard.drawing.big_text import LETTERS, big_height, big_text, big_width, write_big
from live.dashboard.drawing.rows import Canvas, Row, TextSpan, clean, fit_row, row_width, shorten
from live.ipc.snapshot import Snapshot

WIDE = 90  # columns from which the row has room for what is off
LARGE = 100  # columns from which there is room for large letters beside them
USUAL_BARS = 2  # of a phrase, of which nothing is said


def scene_text(snapshot: Snapshot, width: int = 1000) -> str:
    """Return the scene and the song as the row of modes has them, with the bars that are left.

    Where there is too little room, the names are shortened: numbers and bars stay.
    """
    scene, song = _scene_name(snapshot), snapshot.song
    if song is None or not song.number:
        return scene
    left = f", {song.bars_left} bar{'s' if song.bars_left != 1 else ''} left" if song.bars_left else ""
    name, place = clean(song.name), f" {song.link}/{song.links}: "
    room = width - len(f"{song.number} {place}{left}")
    if row_width(((f"{name}{scene}", ""),)) > room:
        left = left.removesuffix(" left")
        room = max(0, width - len(f"{song.number} {place}{left}"))
        name = shorten(name, max(room // 2, room - row_width(((scene, ""),))))
        scene = shorten(scene, room - row_width(((name, ""),)))
    return f"{song.number} {name}{place}{scene}{left}"


def mode_rows(modes: Sequence[str], s: Snapshot, width: int, height: int) -> tuple[Row, ...]:
    """Draw what is chosen: in one row, or mode and scene in large letters with the rest between them.

    A scene that large letters cannot write, or not to its end, stands in small ones, too.

    Args:
        modes: all there are.
        s: the engine's last snapshot.
        width: in cells; from `LARGE` on there is room for large letters.
        height: in rows; large letters take three.
    """
    if height < big_height(1) or width < LARGE:
        return (*((),) * ((height - 1) // 2), mode_row(modes, s, width))
    begins = 1 + max(big_width(_large(mode), 1) for mode in modes)
    flags = _flags(s, roomy=s.song is None, usual=not scene_text(s))
    room = max(LARGE // 2, row_width(flags))
    scene = whole = _large(_scene_name(s))
    while scene and big_width(scene, 1) > width - begins - room - 1:
        scene = scene[:-1].rstrip()
    if not scene:
        room = width - begins
    left = max(0, room - row_width(flags) - 4)
    song = "" if s.song is None and scene and scene == whole else shorten(scene_text(s, left), left)
    origin = _origin(s)
    canvas = Canvas(begins, big_height(1)), Canvas(width - begins - room, big_height(1))
    write_big(canvas[0], 1, 0, big_text(_large(s.mode), 1), "sounded")
    write_big(canvas[1], canvas[1].width - 1 - big_width(scene, 1), 0, big_text(scene, 1), "digits")
    rows = (
        (("  ", ""), *_modes(modes, s.mode)),
        (("   ", ""), *flags, (song, "strong")),
        (("   ", ""), *_anchors(s), ("  ", ""), *origin),
    )
    sides = zip(canvas[0].rows(), rows, canvas[1].rows(), strict=True)
    return tuple((*left, *fit_row(row, room), *right) for left, row, right in sides)


def mode_row(modes: Sequence[str], s: Snapshot, width: int) -> Row:
    """Draw the modes, the active one in brackets, the loop, freeze, thru, parts left out, anchors, origin.

    A loop or phrases of another length than usual stand behind the modes, the scene before the anchors,
    of which the one that is played again is in brackets.  Where there is little room, thru is seen only
    while it is off or nothing else stands there, and the origin only as a whole.
    """
    called = scene_text(s, width)
    row: list[TextSpan] = [(" ", ""), *_modes(modes, s.mode), ("  ", "")]
    row += [*_flags(s, roomy=width >= WIDE, usual=not called), (" ", "")]
    if called:
        row += [(clean(scene_text(s, width - row_width(tuple(row)))), "strong"), ("  ", "")]
    row += _anchors(s)
    place: Row = (("  ", ""), *_origin(s))
    if row_width((*row, *place)) <= width:
        row += place
    return fit_row(row, width)


def _large(name: str) -> str:
    """Return a name in capitals, without marks; "" where large letters lack a letter or digit of it."""
    plain = unicodedata.normalize("NFKD", clean(name).upper())
    if any(char.isalnum() and char not in LETTERS for char in plain):
        return ""
    return "".join(char for char in plain if char in LETTERS).strip()


def _scene_name(s: Snapshot) -> str:
    """Return the name of the scene that was called last; "" where none was."""
    named = {scene.number: scene.name for scene in s.scenes}
    return named.get(s.scene) or f"scene {s.scene}" if s.scene else ""


def _modes(modes: Sequence[str], mode: str) -> Row:
    """Draw the names of all modes, the active one in brackets."""
    names = modes if mode in modes else (*modes, mode)
    return tuple(
        (f"[{clean(name).upper()}]", "chip-mode") if name == mode else (f" {name} ", "dim") for name in names
    )


def _flags(s: Snapshot, *, roomy: bool, usual: bool) -> Row:
    """Draw what is not as usual, and where there is room, what is; `usual`: nothing else stands there."""
    row: list[TextSpan] = []
    if s.loop_bars:
        row += [(f"[LOOP {s.loop_bars}]", "chip-frozen"), (" ", "")]
    elif s.phrase_bars != USUAL_BARS:
        row += [(f"{s.phrase_bars} bar{'s' * (s.phrase_bars > 1)}", "strong"), ("  ", "")]
    usual = usual and not row and not s.muted
    if s.frozen:
        row += [("[FROZEN]", "chip-frozen"), (" ", "")]
    elif not s.muted and roomy:  # of all in the row it is missed last
        row += [("freeze off", "off"), (" ", "")]
    if s.solo and s.muted:
        row += [(f"[{clean(s.solo).upper()} ALONE]", "chip-frozen"), (" ", "")]
    elif s.muted:
        row += [(f"[{' '.join(map(clean, s.muted)).upper()} MUTED]", "chip-frozen"), (" ", "")]
    if not s.thru or usual or roomy:
        row += [(" thru ", "dim"), ("on", "good") if s.thru else ("OFF", "warn"), ("  ", "")]
    return tuple(row)


def _anchors(s: Snapshot) -> Row:
    """Draw the anchors; the one that is played again is in brackets."""
    row: list[TextSpan] = []
    for anchor in s.anchors:
        taken = anchor.xy is not None
        row += [
            (f"[{clean(anchor.name)}]", "chip-mode")
            if anchor.name == s.recognised
            else (clean(anchor.name), "strong" if taken else "dim"),
            ("● " if taken else "○ ", "good" if taken else "faint"),
        ]
    return tuple(row)


def _origin(s: Snapshot) -> Row:
    """Draw where what sounds comes from."""
    if s.origin:
        return ((f"◉ {clean(s.origin)}", "sounded"),)
    listens = s.mode in ("follow", "answer", "listen") and not s.frozen
    return (("◌ listening", "sounded"),) if listens else ()
