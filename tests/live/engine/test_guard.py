"""However an engine ends: the take is written, everyone is informed, the status says if a try is worth it."""

import gc
import signal
import sys
import threading

import msgspec
import pytest

from live.engine import __main__, preparation, process
from live.engine.guard import CRASHED
from live.engine.preparation import Preparation
from live.errors import UsageError
from live.ipc.link import Address
from live.ipc.messages import Bye
from live.ipc.options import Options
from live.ipc.snapshot import Notice
from live.settings.schema import Config
from live.timing.timeline import Nanos
from tests.fakes.engine_stage import Ear, Ended, FakeClock, Wire, built


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_whatever_fails_at_the_end_the_take_is_written_and_everyone_informed(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    class Stuck(Ear):
        def close(self) -> None:
            super().close()
            raise RuntimeError("stuck")

    engine = built(clock)
    sinks = [Stuck(), Ear()]
    engine.output.sinks = list(sinks)
    take, osc, log = Ended(), Ended(breaks=True), Ended()
    engine.output.take, engine.output.osc, engine.output.event_log = take, osc, log  # type: ignore[assignment]
    engine.output.worker = wire = Wire()
    monkeypatch.setattr(engine.output, "log", lambda kind, **fields: 1 / 0)

    def shutdown(_now: Nanos, *, for_good: bool) -> None:
        raise RuntimeError("a fault\nat the end")

    monkeypatch.setattr(engine.jam, "shutdown", shutdown)
    engine.close()
    assert take.closed
    assert osc.closed
    assert log.closed
    for sink in sinks:
        assert sink.closed
        assert bytes((0xB0, 123, 0)) in sink.received
    assert [type(message) for message in wire.sent] == [Bye]
    said = capfd.readouterr().err.splitlines()
    assert said == [
        "twobar: the last notes could not be ended: a fault at the end",
        "twobar: the summary could not be logged: division by zero",
        "twobar: ear could not be closed: stuck",
        "twobar: OSC could not be closed: No space left on device",
    ]


def test_the_summary_counts_what_was_left_out(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = built(clock)
    engine.output.osc = engine.output.event_log = Ended()  # type: ignore[assignment]
    logged: dict[str, dict[str, object]] = {}
    monkeypatch.setattr(engine.output, "log", lambda kind, **fields: logged.update({kind: fields}))
    engine.close()
    wanted = {"missed_bars": 0, "dropped_notes": 0, "faults": 0, "bad_packets": 3, "unsent": 1, "unlogged": 2}
    wanted |= {"osc_passed_over": 5, "osc_lost": 4, "osc_echoes": 6}
    assert {name: logged["summary"][name] for name in wanted} == wanted


@pytest.fixture
def ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave this process as it is."""
    monkeypatch.setattr(preparation, "raise_priority", lambda: "ordinary")
    monkeypatch.setattr(process, "on_signals", lambda _end, _panic: None)
    monkeypatch.setattr(sys, "setswitchinterval", lambda _seconds: None)
    for name in ("disable", "freeze"):
        monkeypatch.setattr(gc, name, lambda: None)


def prepared() -> Preparation:
    return Preparation(lambda: Options(config=Config(), address=Address("", "")))


@pytest.mark.usefixtures("ordinary")
def test_a_fault_at_the_start_is_worth_another_try(capsys: pytest.CaptureFixture[str]) -> None:
    assert process.main(Preparation(lambda: msgspec.json.decode(b"{}", type=Options))) == CRASHED
    assert capsys.readouterr().err.startswith("twobar: a fault in the engine: ")


@pytest.mark.usefixtures("ordinary")
@pytest.mark.parametrize(
    ("fault", "status"), [(UsageError("no such port"), 2), (RuntimeError("broken"), CRASHED)]
)
def test_what_the_user_must_mend_differs_from_a_fault(
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: Exception,
    status: int,
) -> None:
    engine = built(clock)

    def broken() -> None:
        raise fault

    monkeypatch.setattr(engine, "open", broken)
    monkeypatch.setattr(process, "Engine", lambda _options, **_more: engine)
    assert process.main(prepared()) == status
    assert str(fault) in capsys.readouterr().err


@pytest.mark.usefixtures("ordinary")
def test_an_engine_that_cannot_even_be_imported_is_worth_another_try(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "live.engine.process", None)
    assert __main__.main() == CRASHED
    assert capsys.readouterr().err.startswith("twobar: a fault in the engine: ")


@pytest.mark.usefixtures("ordinary")
@pytest.mark.parametrize(("lost", "status"), [(False, 0), (True, 1)])
def test_a_take_that_was_asked_for_and_not_kept_is_a_failure(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch, *, lost: bool, status: int
) -> None:
    engine = built(clock)
    engine.ending = True
    monkeypatch.setattr(type(engine.devices.recording), "take_lost", lost)
    monkeypatch.setattr(process, "Engine", lambda _options, **_more: engine)
    assert process.main(prepared()) == status


@pytest.mark.usefixtures("ordinary")
def test_a_thread_that_an_exception_ends_is_told(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = built(clock)
    engine.ending = True
    monkeypatch.setattr(process, "Engine", lambda _options, **_more: engine)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)  # put back afterwards
    process.main(prepared())
    thread = threading.Thread(target=lambda: 1 / 0, name="hot-plug")
    thread.start()
    thread.join()
    taken = [item for _, item in iter(engine.arrivals.take, None)]
    text = "the thread 'hot-plug' has ended, the music goes on: ZeroDivisionError('division by zero')"
    assert Notice(0, "error", text) in taken


def test_signals_end_the_engine_or_are_panic(monkeypatch: pytest.MonkeyPatch) -> None:
    handlers: dict[int, object] = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    done: list[str] = []
    process.on_signals(lambda: done.append("end"), lambda: done.append("panic"))
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        handler = handlers[number]
        assert callable(handler)
        handler(number, None)
    assert done == ["end", "end", "panic"]
    assert handlers[signal.SIGINT] is signal.SIG_IGN
