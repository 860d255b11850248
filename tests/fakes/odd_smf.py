"""Standard MIDI Files as strangers write them, in bytes, and the notes that are in them."""

END = b"\0\xff\x2f\0"
C = b"\0\x90\x3c\x50\x60\x80\x3c\0"  # C4 from its place on for 96 ticks
C_IN_A_BAR = b"\x83\0" + C[1:]  # the same 384 ticks later


def header(*, kind: int = 1, tracks: int = 1, division: int = 96) -> bytes:
    return b"MThd\0\0\0\6" + b"".join(value.to_bytes(2) for value in (kind, tracks, division))


def chunk(body: bytes, *, name: bytes = b"MTrk", size: int | None = None) -> bytes:
    return name + (len(body) if size is None else size).to_bytes(4) + body


CASES = [
    (header() + chunk(b"\x87\x40\xff\x08\5hello" + C + END), [(960, 1056, 60)], "unknown meta waits"),
    (
        header() + chunk(b"\0\x90\x3c\x50\x60\x90\x3c\x50\0\x80\x3c\0\x60\x80\x3c\0" + END),
        [(0, 96, 60), (96, 192, 60)],
        "a key starts again before it ends, on one tick",
    ),
    (header(kind=2, tracks=2) + chunk(C + END) + chunk(C + END), [(0, 96, 60), (384, 480, 60)], "type 2"),
    (header() + chunk(b"\0\xff\x51\3\0\0\0" + C + END), [(0, 96, 60)], "tempo 0"),
    (header() + chunk(b"\0\xff\x51\0" + C + END), [(0, 96, 60)], "a tempo without bytes"),
    (header() + chunk(b"\0\xff\x59\2\xee\1" + C + END), [(0, 96, 60)], "a key of 18 flats"),
    (header() + chunk(b"\0\xff\x59\0" + C + END), [(0, 96, 60)], "a key without bytes"),
    (header() + chunk(b"\0\xff\x58\1\4" + C + END), [(0, 96, 60)], "half a metre"),
    (header() + chunk(b"\0\xff\x58\4\4\xff\x18\x08" + C + END), [(0, 96, 60)], "4/2^255"),
    (
        header(tracks=2) + chunk(C + END) + chunk(b"?????", name=b"XFIH") + chunk(C_IN_A_BAR + END),
        [(0, 96, 60), (384, 480, 60)],
        "a foreign chunk between tracks",
    ),
    (b"RIFF\x30\0\0\0RMIDdata\x24\0\0\0" + header() + chunk(C + END), [(0, 96, 60)], "RIFF"),
    (header(tracks=3) + chunk(C + END), [(0, 96, 60)], "a header that counts too many"),
    (header(tracks=0) + chunk(C + END), [(0, 96, 60)], "a header that counts none"),
    (
        header(tracks=2) + chunk(C + END, size=7) + chunk(C_IN_A_BAR + END),
        [(0, 96, 60), (384, 480, 60)],
        "a length too short",
    ),
    (
        header(tracks=2) + chunk(C + END, size=1 << 31) + chunk(C_IN_A_BAR + END),
        [(0, 96, 60), (384, 480, 60)],
        "a length without end",
    ),
    (header() + chunk(C + b"\0\x90\x3e"), [(0, 96, 60)], "cut in a message"),
    (header() + chunk(b"\0\xf0\3\x7e\1\xf7" + C[:4] + b"\x60\x3c\0" + END), [(0, 96, 60)], "running"),
    (
        header() + chunk(C[:4] + b"\0\xf0\3\x7e\1\xf7\x60\x3c\0" + END),
        [(0, 96, 60)],
        "running on behind a sysex",
    ),
    (header() + chunk(b"\0\xf8\0\xf1\5" + C + END), [(0, 96, 60)], "system messages"),
    (header() + chunk(b"\0\x90\x3c\xd0\x60\x80\x3c\0" + END), [(0, 96, 60)], "a velocity above 127"),
    (header() + chunk(C + END + C), [(0, 96, 60)], "events behind the end"),
]
"""(bytes, (start tick, end tick, pitch) of every note at 96 ticks per beat, what is odd)."""
