"""The lines of text: state and tempo, ports, model, lateness, the take, notices.

Pure: views and widths in, rows out.
"""

from collections.abc import Sequence
from textwrap import wrap

from live.dashboard.drawing.rows import Row, TextSpan, clean, fit, fit_row, row_width, shorten, spread
from live.ipc.snapshot import ModelView, Notice, PortView, Snapshot

NANOS_PER_SECOND = 1_000_000_000
LATE_MICROS = 5000
"""A p99 above this is audible."""

CLOCK_CELLS = 8
"""With less room than this, whose beat is kept is left out beside the tempo."""

_STATES = {
    "playing": (" ▶ PLAYING ", "chip-play"),
    "count-in": (" ◔ COUNT-IN ", "chip-count"),
    "listening": (" ◌ LISTENING ", "chip-count"),
    "armed": (" ◌ ARMED ", "chip-count"),
    "stopped": (" ■ STOPPED ", "chip-stop"),
}
_PORTS = {"ok": ("✔", "good"), "missing": ("✖", "bad"), "off": ("○", "dim")}
_MODELS = {
    "ready": ("✔", "good", "ready"),
    "loading": ("…", "warn", "loading"),
    "lost": ("✖", "bad", "LOST, bars repeat"),
    "none": ("○", "dim", "no model"),
}
_URGENCY = {"error": 2, "warning": 1}
URGENT_NANOS = {"error": 60 * NANOS_PER_SECOND, "warning": 20 * NANOS_PER_SECOND}
"""How long a notice stands above newer ones of less weight."""

JUST_SAID_NANOS = 5 * NANOS_PER_SECOND
"""For so long the newest notice has a row, whatever is more urgent."""

_LEVELS = {"info": ("·", ""), "warning": ("!", "warn"), "error": ("✖", "bad")}


def header_row(snapshot: Snapshot | None, width: int, *, known: bool = True) -> Row:
    """Draw the transport's state, whether a take is written, missing ports, tempo, metre, click, clock.

    Of what does not fit, whose beat is kept goes first, then the tempo's unit, metre, click, tempo and the
    demo; missing ports and the take last.
    """
    if snapshot is None:
        return fit_row(((" … waiting for the engine ", "chip-count"),), width)
    chip, ink = _STATES.get(snapshot.state, (f" {clean(snapshot.state).upper()} ", "chip-stop"))
    if not known:
        chip, ink = " ? NO ENGINE ", "banner"
    missing = sum(port.state == "missing" for port in snapshot.ports)
    recording: TextSpan = (" ● REC ", "chip-rec") if snapshot.recording else ("○ no take", "dim")
    ports: TextSpan = (f"✖ {missing} port{'s' * (missing > 1)} ", "bad")
    left: list[TextSpan] = [(chip, ink)]
    right: list[TextSpan] = [recording]
    room = width - row_width((*left, *right)) - 1
    if missing and row_width((ports,)) <= room:
        right.insert(0, ports)
        room -= row_width((ports,))
    tempo: TextSpan = (f"  {snapshot.tempo_bpm:.1f}", "strong")
    shown: list[list[TextSpan]] = [
        ([("  DEMO", "waiting")] if snapshot.demo else []),
        [tempo],
        [(" bpm", "dim")],
        [(f"  {clean(snapshot.metre)}", "dim")],
        ([("  ♩", "")] if snapshot.metronome else []),
    ]
    for place in (0, 1, 4, 3, 2):
        if row_width(tuple(shown[place])) <= room:
            room -= row_width(tuple(shown[place]))
        else:
            shown[place] = []
    left += [span for spans in shown for span in spans]
    if snapshot.clock and room >= CLOCK_CELLS + 4:
        ink = "warn" if "LOST" in snapshot.clock else "dim"
        left.append((f"  {shorten(clean(snapshot.clock), room - 3)}", ink))
    return spread(left, right, width)


def port_row(port: PortView, width: int) -> Row:
    """Draw a port: direction, a mark, its name, and in words when it is not all right."""
    mark, ink = _PORTS.get(port.state, ("?", "warn"))
    word = {"missing": "MISSING", "off": "off"}.get(port.state, "")
    head: list[TextSpan] = [(f"{port.direction:<4}", "dim"), (f"{mark} ", ink)]
    tail: list[TextSpan] = [(f" {word}", ink)] if word else []
    room = max(0, width - row_width((*head, *tail)))
    name, detail = clean(port.name) or "none", clean(port.detail)
    text = shorten(name, room)
    rest = room - row_width(((text, ""),)) - 2
    middle: list[TextSpan] = [(text, ink if port.state == "missing" else "")]
    if detail and rest >= 4:
        middle.append((f"  {shorten(detail, rest)}", "dim"))
    return fit_row((*head, *middle, *tail), width)


def model_row(model: ModelView, width: int) -> Row:
    """Draw the model's name, its state, and what its last answer cost."""
    mark, ink, word = _MODELS.get(model.state, ("?", "warn", clean(model.state)))
    row: list[TextSpan] = [
        ("net ", "dim"),
        (f"{mark} ", ink),
        (shorten(clean(model.name), 12), "strong"),
        (f" {word}", ink),
    ]
    if model.state == "ready" and model.decode_ms:
        row.append((f" {model.decode_ms:.1f} ms", "dim"))
    if model.state == "ready" and not model.latent_size:
        row.append((" no latent", "warn"))
    if model.detail:
        row.append((f"  {clean(model.detail)}", "dim"))
    return fit_row(row, width)


def health_rows(snapshot: Snapshot, width: int, height: int) -> list[Row]:
    """Draw lateness, what was missed, priority, the take and the mapping; in two rows if it must be."""
    late = snapshot.lateness
    ink = "warn" if late.p99 > LATE_MICROS else ""
    p99 = f"p99 {late.p99 / 1000:.2f}" if late.count else "-"
    realtime = snapshot.priority == "realtime"
    missed, dropped = _count(snapshot.missed_bars), _count(snapshot.dropped_notes)
    priority: list[TextSpan] = [
        ("prio ", "dim"),
        ("✔ " if realtime else "! ", "good" if realtime else "warn"),
        (shorten(clean(snapshot.priority), max(0, width - 7)), "" if realtime else "warn"),
    ]
    if height < 5:
        short: list[TextSpan] = [
            ("late ", "dim"),
            (f"{p99} ms", ink),
            ("  missed ", "dim"),
            missed,
            ("  drop ", "dim"),
            dropped,
        ]
        return [fit_row(short, width), fit_row(priority, width)]
    measured = f"{p99}  worst {late.worst / 1000:.2f} ms" if late.count else "no notes yet"
    return [
        fit_row((("late ", "dim"), (measured, ink)), width),
        fit_row((("miss ", "dim"), missed, (" bars  drop ", "dim"), dropped, (" notes", "dim")), width),
        fit_row(priority, width),
        fit_row((("take ", "dim"), (take_text(snapshot.recording, width - 5), "")), width),
        fit_row(
            (("map  ", "dim"), (shorten(clean(snapshot.mapping) or "none", max(0, width - 5)), "")), width
        ),
    ]


def take_text(path: str, width: int) -> str:
    """Return the file's name, its folder only when there is room, the end when there is not."""
    text = clean(path)
    if not text:
        text = "not recording"
    elif row_width(((text, ""),)) > width:
        text = text.replace("\\", "/").rsplit("/", 1)[-1]
    return shorten(text, max(0, width))


def _count(number: int) -> TextSpan:
    return (str(number), "good" if not number else "bad")


def status_rows(snapshot: Snapshot | None, *, width: int, height: int) -> tuple[Row, ...]:
    """Draw ports (missing ones first when not all fit), the model, and the instrument's health."""
    if snapshot is None or height < 1:
        return ()
    room = max(1, min(len(snapshot.ports), height - 3))
    health = [model_row(snapshot.model, width), *health_rows(snapshot, width, height - room - 1)]
    ports = list(snapshot.ports)
    more: list[Row] = []
    if len(ports) > room:
        ports.sort(key=lambda port: ("missing", "ok", "off").index(port.state))
        hidden = len(ports) - room + 1
        ports = ports[: room - 1]
        more = [fit_row(((f"    and {hidden} more ports", "dim"),), width)]
    rows = [port_row(port, width) for port in ports] + more
    if not rows:
        rows = [fit_row((("○ no port is open", "warn"),), width)]
    return tuple((rows + health)[:height])


def latent_row(snapshot: Snapshot, width: int) -> Row:
    """Draw the latent's size, where it lies on the map, and what it comes from."""
    size = snapshot.model.latent_size
    words = f"{size} numbers" if size else "none"
    for name, place in (("here", snapshot.here), ("you", snapshot.performer_xy)):
        if place is not None:
            words += f"  {name} {place[0]:+.2f} {place[1]:+.2f}"
    if snapshot.origin:
        words += f"  from {clean(snapshot.origin)}"
    return fit_row((("lat  ", "dim"), (shorten(words, max(0, width - 5)), "")), width)


def plan_row(snapshot: Snapshot, width: int) -> Row:
    """Draw where each bar from the one that sounds on came from."""
    now = (snapshot.tick - snapshot.bar_zero) // max(1, snapshot.beats_per_bar * snapshot.ticks_per_beat)
    words = "  ".join(f"{bar.bar + 1} {bar.origin}" for bar in snapshot.bars if bar.bar >= now and bar.origin)
    return fit_row((("plan ", "dim"), (shorten(words or "nothing yet", max(0, width - 5)), "")), width)


def clock_row(snapshot: Snapshot, width: int) -> Row:
    """Draw whose beat is kept."""
    return fit_row((("beat ", "dim"), (shorten(clean(snapshot.clock) or "its own", width - 5), "")), width)


def age_text(nanos: int, now_nanos: int) -> str:
    """Return how long ago something was, coarsely, in 4 cells."""
    seconds = max(0, now_nanos - nanos) // NANOS_PER_SECOND
    if seconds < 2:
        return " now"
    if seconds < 60:
        return f"{seconds:>2d} s"
    if seconds < 6000:
        return f"{seconds // 60:>2d} m"
    return f"{min(99, seconds // 3600):>2d} h"


def notice_row(notice: Notice, now_nanos: int, width: int) -> Row:
    """Draw a notice: age, a mark for its level, its sentence."""
    mark, ink = _LEVELS.get(notice.level, ("?", "warn"))
    text = shorten(clean(notice.text), max(0, width - 8))
    return fit_row(((f"{age_text(notice.nanos, now_nanos)} ", "dim"), (f"{mark} ", ink), (text, ink)), width)


def notice_in_full(
    notice: Notice, now_nanos: int, width: int, most_rows: int | None = None
) -> tuple[Row, ...]:
    """Draw a notice with its whole sentence, in as many rows as that takes, cut if it may not have them."""
    lines = wrap(clean(notice.text), max(1, width - 8)) or [""]
    if most_rows is not None and len(lines) > most_rows:
        lines[most_rows - 1 :] = [" ".join(lines[most_rows - 1 :])]
    first, *rest = lines
    _, ink = _LEVELS.get(notice.level, ("?", "warn"))
    head = notice_row(Notice(notice.nanos, notice.level, first), now_nanos, width)
    room = max(0, width - 8)
    return (head, *(fit_row(((" " * 7, ""), (shorten(line, room), ink)), width) for line in rest))


def standing(notices: Sequence[Notice]) -> list[Notice]:
    """Return notices, oldest first, without those of states that are over, or that a newer one tells of."""
    newest = {one.about or one.text: one for one in notices}
    return [one for one in notices if one.text and newest[one.about or one.text] is one]


def urgent_first(notices: Sequence[Notice], now_nanos: int) -> list[Notice]:
    """Return notices as they are shown: what went wrong lately, the worst first; then the newest first.

    What has come right again meanwhile is left out.
    """

    def rank(notice: Notice) -> tuple[int, int]:
        fresh = now_nanos - notice.nanos < URGENT_NANOS.get(notice.level, 0)
        return (_URGENCY.get(notice.level, 0) if fresh else 0, notice.nanos)

    return sorted(standing(notices), key=rank, reverse=True)


def notice_rows(notices: Sequence[Notice], now_nanos: int, *, width: int, height: int) -> tuple[Row, ...]:
    """Draw as many notices as fit in full, the most urgent at the top, so that the eye need not search.

    What has just been said, such as what was undone, has a row below it all the same.
    """
    shown = urgent_first(notices, now_nanos)
    newest = max(shown, key=lambda notice: notice.nanos, default=None)
    reserved = newest is not None and height > 1 and now_nanos - newest.nanos < JUST_SAID_NANOS
    rows: list[Row] = []
    for notice in shown:
        reserved = reserved and notice is not newest
        room = height - len(rows) - reserved
        if room > 0:
            rows += notice_in_full(notice, now_nanos, width, room)
    return tuple(rows)


def banner_rows(text: str, width: int, height: int) -> tuple[Row, ...]:
    """Draw one sentence, wrapped, in the middle of a block that nobody overlooks."""
    lines = wrap(f"✖ {clean(text)}", max(1, width - 4))[: max(0, height)]
    top = (height - len(lines)) // 2
    rows = [lines[y - top] if 0 <= y - top < len(lines) else "" for y in range(max(0, height))]
    return tuple(((fit(f"{line:^{max(1, width)}}", width), "banner"),) for line in rows)
