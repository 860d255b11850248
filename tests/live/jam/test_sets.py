"""Whole sets drawn at random: whatever is played, turned, loaded and lost, every note ends."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from live.settings.config import parse
from live.settings.knobs import KNOBS
from live.timing.timeline import Nanos
from tests.fakes.commands import command
from tests.fakes.stage import MS, ContinuingModel, EchoModel, Stage

CELL = 3840
LENGTH = 6 * CELL
MODELS = ("keys", "lead", "drums", "band", "lm")

KEYS = st.tuples(st.just("key"), st.integers(0, LENGTH), st.integers(1, 3000), st.integers(24, 96))
TURNS = st.tuples(st.just("turn"), st.integers(0, LENGTH), st.sampled_from(sorted(KNOBS)), st.floats(-1, 2))
ACTS = st.tuples(
    st.just("act"),
    st.integers(0, LENGTH),
    st.sampled_from(
        [
            *(("capture", name) for name in "AB"),
            *(("recall", name) for name in "AB"),
            *(("mode", name) for name in ("follow", "answer", "hold", "drift")),
            *(("model", name) for name in MODELS),
            ("freeze", ""),
            ("undo", ""),
            ("panic", ""),
            ("thru", ""),
            ("condition", "style waltz"),
        ]
    ),
    st.none(),
)
LOSSES = st.tuples(st.just("loss"), st.integers(0, LENGTH), st.integers(1, 4000), st.none())
EVENTS = st.lists(st.one_of(KEYS, KEYS, KEYS, TURNS, ACTS, LOSSES), max_size=40)
CHANNELS = st.sampled_from([{}, {"chords_channel": 2}, {"bass_channel": 10, "instrument_channel": 1}])


def models() -> dict[str, EchoModel]:
    return {
        "keys": EchoModel(ident="keys-1"),
        "lead": EchoModel(ident="lead-1", codec="melody"),
        "drums": EchoModel(ident="drums-1", codec="drums"),
        "band": EchoModel(ident="band-1", codec="multitrack"),
        "lm": ContinuingModel(),
    }


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    EVENTS,
    st.sampled_from(MODELS),
    st.tuples(st.sampled_from(["follow", "answer", "hold", "drift"]), CHANNELS),
    st.tuples(st.floats(0, 120), st.integers(0, 30)),
)
def test_every_note_ends(
    events: list[tuple[str, int, object, object]],
    first: str,
    chosen: tuple[str, dict[str, int]],
    slowness_ms: tuple[float, int],
) -> None:
    (mode, midi), (answer_ms, late_ms) = chosen, slowness_ms
    present = models()
    present[first].others = present
    config = parse({"midi": midi, "jam": {"mode": mode, "temperature": 0.3}})
    stage = Stage.begun(config, model=present[first], answer_ms=answer_ms, late_nanos=late_ms * MS)

    def lose() -> None:
        stage.worker_present = False
        stage.jam.worker_lost()

    def find() -> None:
        if not stage.worker_present:
            stage.worker_present = True
            stage.jam.from_worker(stage.model.loaded.ready(), Nanos(stage.nanos))

    for kind, tick, what, value in events:
        if kind == "key":
            assert isinstance(what, int)
            assert isinstance(value, int)
            stage.press(tick, what, value)
        elif kind == "turn" and isinstance(value, float):
            spec = KNOBS[str(what)]
            stage.turn(tick, spec.name, spec.low + (spec.high - spec.low) * value / 2)
        elif kind == "act" and isinstance(what, tuple):
            stage.act(tick, *what)
        elif isinstance(what, int):
            stage.at_tick(tick, lose)
            stage.at_tick(tick + what, find)
    stage.run_to_tick(LENGTH)
    stage.at(stage.nanos, command("stop"))
    stage.run_to(stage.nanos + 1)
    stage.jam.performer.release(Nanos(stage.nanos))
    assert stage.hanging() == set()
    assert not [notice for notice in stage.jam.notices.lines if "fault" in notice.text]
    struck: set[tuple[int, int]] = set()
    for sent in stage.sent:
        if sent.voice != "instrument":
            continue
        status, place = sent.data[0] & 0xF0, (sent.data[0] & 0x0F, sent.data[1])
        if status == 0x90:
            assert place not in struck  # no key is struck while it sounds
            struck.add(place)
        elif status == 0x80:
            struck.discard(place)
