"""What is chosen: modes, loop, freeze, parts left out, scene and song, anchors.

Pure: snapshots and sizes in, rows out.
"""

from collections.abc import Sequence

from live.dashboard.drawing.rows import Row, TextSpan, clean, fit_row, row_width, shorten
from live.ipc.snapshot import Snapshot

WIDE = 90  # columns from which the row has room for what is off
USUAL_BARS = 2  # of a phrase, of which nothing is said


def scene_text(snapshot: Snapshot, width: int = 1000) -> str:
    """Return the scene and the song as the row of modes has them, with the bars that are left.

    Where there is too little room, the names are shortened: numbers and bars stay.
    """
    names = {scene.number: scene.name for scene in snapshot.scenes}
    number = snapshot.scene
    scene = (names.get(number) or f"scene {number}") if number else ""
    song = snapshot.song
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


def mode_row(modes: Sequence[str], s: Snapshot, width: int) -> Row:
    """Draw the modes, the active one in brackets, the loop, freeze, thru, parts left out, anchors, origin.

    A loop or phrases of another length than usual stand behind the modes, the scene before the anchors,
    of which the one that is played again is in brackets.  Where there is little room, thru is seen only
    while it is off or nothing else stands there, and the origin only as a whole.
    """
    mode = s.mode
    names = modes if mode in modes else (*modes, mode)
    usual = not s.loop_bars and s.phrase_bars == USUAL_BARS
    row: list[TextSpan] = [(" ", "")]
    row += [
        (f"[{clean(name).upper()}]", "chip-mode") if name == mode else (f" {name} ", "dim") for name in names
    ]
    row.append(("  ", ""))
    if s.loop_bars:
        row += [(f"[LOOP {s.loop_bars}]", "chip-frozen"), (" ", "")]
    elif not usual:
        row += [(f"{s.phrase_bars} bar{'s' * (s.phrase_bars > 1)}", "strong"), ("  ", "")]
    if s.frozen:
        row += [("[FROZEN]", "chip-frozen"), (" ", "")]
    elif not s.muted and width >= WIDE:  # of all in the row it is missed last
        row += [("freeze off", "off"), (" ", "")]
    if s.solo and s.muted:
        row += [(f"[{clean(s.solo).upper()} ALONE]", "chip-frozen"), (" ", "")]
    elif s.muted:
        row += [(f"[{' '.join(map(clean, s.muted)).upper()} MUTED]", "chip-frozen"), (" ", "")]
    called = scene_text(s, width)
    if not s.thru or (usual and not (s.muted or called)) or width >= WIDE:
        row += [(" thru ", "dim"), ("on", "good") if s.thru else ("OFF", "warn"), ("  ", "")]
    row.append((" ", ""))
    if called:
        row += [(clean(scene_text(s, width - row_width(tuple(row)))), "strong"), ("  ", "")]
    for anchor in s.anchors:
        taken = anchor.xy is not None
        row += [
            (f"[{clean(anchor.name)}]", "chip-mode")
            if anchor.name == s.recognised
            else (clean(anchor.name), "strong" if taken else "dim"),
            ("● " if taken else "○ ", "good" if taken else "faint"),
        ]
    comes_from = ""
    if s.origin:
        comes_from = f"◉ {clean(s.origin)}"
    elif mode in ("follow", "answer", "listen") and not s.frozen:
        comes_from = "◌ listening"
    place: Row = (("  ", ""), (comes_from, "sounded"))
    if comes_from and row_width((*row, *place)) <= width:
        row += place
    return fit_row(row, width)
