"""The words that are understood, by what they mean.  docs/words.md shows them.

Each entry is one word or several, in their plain form: `reading` finds "busier" by "busy" and "chords" by
"chord", and leaves out little words such as "the".
Tested in tests/live/words/test_reading.py.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Degree = Literal["bit", "usual", "much", "most"]


class Quality(NamedTuple):
    """What turns a knob up, and what turns it down."""

    up: str
    down: str


QUALITIES: Mapping[str, Quality] = {
    "density": Quality(
        up="""busy, dense, full, crowded, packed, note, active, hectic, fill up, fill in, fill
        out, cluttered, overplay, double time""",
        down="""sparse, thin, thin out, empty, space, spacious, air, room, breathe, minimal, bare, airy,
        open, rest, hold back, lay out, skeletal, half time""",
    ),
    "complexity": Quality(
        up="""syncopated, syncopation, syncopate, offbeat, off beat, funky, funk, groovy, groove,
        tricky, complex, complicated, intricate, around beat, against beat, cross rhythm,
        polyrhythmic, angular, jagged""",
        down="""simple, simplify, plain, square, regular, on beat, on one, downbeat, steady, basic,
        straightforward, four square""",
    ),
    "register": Quality(
        up="high, up, bright, treble, far up, up octave, octave up",
        down="low, down, deep, dark, bassy, gloomy, far down, down octave, octave down",
    ),
    "range": Quality(
        up="""wide, broad, spread, spread out, leap, jump, jumpy, leapy, interval, range, more
        keyboard, big step, whole keyboard, all over keyboard""",
        down="""narrow, compact, tight range, stepwise, step, small step, close position, less keyboard, close
        together""",
    ),
    "dynamics": Quality(
        up="""loud, hard, strong, forceful, force, aggressive, punch, punchy, forte, fortissimo,
        accent, heavy, powerful, power, hit, dig in, attack, bite, fierce""",
        down="""soft, quiet, gentle, delicate, tender, piano, pianissimo, whisper, hush, mellow,
        light, edge off, tone down, subtle""",
    ),
    "polyphony": Quality(
        up="""chord, chordal, harmony, harmonic, rich, thick, lush, voice, polyphonic, stack,
        double, dyad""",
        down="""single note, single line, one note, one voice, one line, monophonic, solo line,
        unison, bare line""",
    ),
    "articulation": Quality(
        up="""smooth, legato, connect, connect note, connected, long, long note, sustain,
        sustained, ring, note ring, flow, flowing, singing, tenuto, slur""",
        down="""short, short note, staccato, choppy, detach, detached, crisp, clip, clipped, pluck,
        plucky, dry, spiky, pointy, separate, separate note""",
    ),
    "stray": Quality(
        up="""surprise, surprising, adventurous, adventure, far, far out, liberty, different,
        free, freedom, experimental, explore, unexpected, own thing, original, bold, stray""",
        down="""close, near, stick, faithful, similar, same, loyal, literal, like me, like mine,
        exactly me""",
    ),
    "temperature": Quality(
        up="""random, randomness, wild, chance, chaos, chaotic, crazy, mad, unpredictable, risky,
        risk, unruly""",
        down="""predictable, safe, tame, certain, controlled, control, careful, deterministic,
        sober, reasonable, sensible""",
    ),
    "swing": Quality(
        up="swing, swung, shuffle, bounce, bouncy, triplet, lilt, lilting", down="straight, straighten, even"
    ),
    "feel": Quality(
        up="human, loose, expressive, natural, my timing, own timing, sloppy",
        down="""robotic, robot, mechanical, machine, tight, quantize, quantise, grid, on grid,
        stiff, rigid, exact, precise""",
    ),
    "tempo": Quality(
        up="""fast, quick, speed, speed up, hurry, hurry up, pace, brisk, tempo, pick up pace,
        pick up tempo, drag, push""",
        down="slow, slow down, rush, sluggish, ease up",
    ),
    "volume": Quality(
        up="turn up, volume, volume up, level, turn up volume",
        down="turn down, low volume, volume down, turn down volume, low level",
    ),
    "vary": Quality(
        up="vary, variety, variation, varied, change, new, fresh", down="repetitive, repeat, monotonous"
    ),
}
"""A knob that the instrument does not have is left out.  A word stands with the knob that has it first."""

MOODS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "calm, relaxed, relax, chill, chilled, peaceful, laid back, settle, settle down, cool down, wind down": (
        ("density", -1),
        ("dynamics", -1),
    ),
    "energy, energetic, intense, intensity, exciting, lively, drive, driving, fire, heat up, build up": (
        ("density", 1),
        ("dynamics", 1),
    ),
}
"""What turns several knobs."""

DEGREES: Mapping[Degree, str] = {
    "bit": """bit, little, little bit, slightly, slight, somewhat, touch, tad, hair, shade, mildly,
    gently so, notch, fraction""",
    "much": """much, lot, lots, way, far, really, very, considerably, loads, heaps, significantly,
    hugely, so much, tons, a good deal, strongly, massively, twice, awfully""",
    "most": """as possible, as can, completely, totally, fully, extremely, utterly, entirely, all way,
    maximum, max, absolutely, as it get, to max""",
}
SHARES: Mapping[Degree, tuple[float, float]] = {
    "bit": (0.1, 0.15),
    "usual": (0.2, 0.3),
    "much": (0.35, 0.6),
    "most": (1.0, 1.0),
}
"""Of a knob's travel: of one whose centre does nothing, and of the others."""

TEMPO_BPM: Mapping[Degree, float] = {"bit": 4.0, "usual": 10.0, "much": 25.0, "most": 270.0}

MORE = "more, increase, raise, boost, add, great, extra, add some"
LESS = """less, few, reduce, decrease, too, too much, too many, not, not so, not so much, not so many,
not as, not as much, not as many, not too, not too much, not too many, not that, not quite
so, never, avoid, cut, cut down, lose, drop, stop, without, overly, enough of"""
NONE = "no, none, zero, no more, not any"
ENOUGH = "enough"
AMPLIFIERS = "full, big, large, rich, thick, fat, wide, strong, great, huge"
DIMINISHERS = "small, little, narrow, thin, weak, tiny"
NOUNS = "chord, harmony, leap, jump, interval, range, voice, swing, accent, contrast"
"""Of which an adjective says how much: "bigger leaps", "within a small range"."""

MODES: Mapping[str, str] = {
    "answer": """answer, trade, trade two, trade four, take turn, turn, call response, question answer,
    respond, reply""",
    "follow": "follow, play along, play with, shadow, accompany, go along",
    "hold": """hold, stay there, stay here, keep going, keep up, keep playing, loop, repeat, remain,
    stay on""",
    "drift": "drift, wander, wander around, wander off, float, meander, roam",
    "listen": "listen, no click, find tempo, without click",
}

ACTIONS: Mapping[tuple[str, str], str] = {
    ("undo", ""): "undo, take back, revert, never mind, oops",
    ("redo", ""): "redo, do again",
    ("stop", ""): "stop, stop playing, halt, finish, end, pause",
    ("start", ""): "start, start playing, begin, go, come in, count in, resume, continue",
    ("panic", ""): "panic, silence, shut up, all off, quiet now",
    ("record", ""): "record this, start recording, stop recording, begin take, end take",
    ("freeze", ""): "freeze, thaw, leave alone, do not move",
    ("key", "lock"): "stay in key, lock key, keep key, same key, stick key, hold key",
    ("fill", ""): "fill, play fill, drum fill, fill now",
    ("break", ""): "break, take break",
    ("next", ""): "next, next scene, next song, move on",
    ("previous", ""): "previous, previous scene, previous song",
}
"""What is not among the instrument's actions is left out."""

REST = "back normal, reset, neutral, normal, knob rest, as play, exactly what play, start over"

METRES: Mapping[str, str] = {
    "2/4": "two four, march",
    "3/4": "three four, waltz",
    "4/4": "four four, common time",
    "5/4": "five four",
    "6/8": "six eight, jig",
    "7/8": "seven eight",
    "9/8": "nine eight",
    "12/8": "twelve eight",
}

NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

IRREGULAR: Mapping[str, str] = {
    "further": "far",
    "farther": "far",
    "fewer": "few",
    "lesser": "less",
    "swung": "swing",
    "dragging": "drag",
    "voices": "voice",
    "choruses": "chorus",
    "straighten": "straight",
    "offbeats": "offbeat",
    "bass": "bass",
    "loudness": "loud",
    "speeding": "speed",
    "kept": "keep",
    "hits": "note",
    "hushed": "hush",
}

_LITTLE = """
a again all an any are as at back bar bars be before being between bring by can come could do does
eighth eighths even everything feel feels for from gave get getting give go goes going hands has
have i in into is it its itself just keep keyboard kind leave let lets lines make me mine move
moving music my now of one onto out overall part phrase phrases play playing please put quite rather
rhythm rhythmic rhythmical rhythmically rhythms so some something sort sound sounding sounds stay
still stuff take than that the them then these thing things this those time timing to tone try us
use using want was we what when while whole will with within would you your yours yourself
"""
FILLERS = frozenset(_LITTLE.split())
"""They may stand anywhere, and say nothing by themselves."""
