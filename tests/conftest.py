"""Options of the whole suite, and its two parts: what may run beside other tests, and what runs alone."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
SERIAL = {
    HERE / name
    for name in (
        "drivers",  # a JACK server and real processes, played to in real time
        "live/cli/test_group.py",  # whole instruments
        "live/cli/supervision/test_signals.py",  # signals to this process and to a whole instrument
        "live/cli/supervision/test_supervisor.py",  # processes that are started again
        "live/cli/test_terminal.py",  # a whole instrument in a terminal
        "trainer/run/test_distributed.py",  # two processes of its own that wait for each other
    )
}
"""What starts programs that must keep up with the clock on the wall, or that fill the machine."""

# A busy machine is no fault: no example has to be found or to be over in a given time.
settings.register_profile("twobar", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("twobar")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate-golden",
        action="store_true",
        help="write the golden traces anew from the present code; look at the difference before keeping it",
    )
    parser.addoption(
        "--part",
        choices=("parallel", "serial"),
        help="only the tests that may run beside others (-n), or only those that may not",
    )


def is_serial(path: Path) -> bool:
    """Tell whether a test file must run while no other does."""
    return not SERIAL.isdisjoint((path, *path.parents))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the files of the other part before they are read."""
    part = config.getoption("--part")
    if part is None or collection_path.suffix != ".py":
        return None
    return True if is_serial(collection_path) != (part == "serial") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the serial tests, and leave out the other part's of a file that was named."""
    part = config.getoption("--part")
    chosen: list[pytest.Item] = []
    others: list[pytest.Item] = []
    for item in items:
        if is_serial(item.path):
            item.add_marker("serial")
        (others if part and is_serial(item.path) != (part == "serial") else chosen).append(item)
    items[:] = chosen
    config.hook.pytest_deselected(items=others)


@pytest.fixture(autouse=True)
def arithmetic() -> Iterator[None]:
    """Let torch use one thread; give this one its smallest numbers back: a model leaves them flushed to 0."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    yield
    if sys.float_info.min / 2 == 0.0:
        import torch  # noqa: PLC0415  only where a model has run

        torch.set_flush_denormal(False)
