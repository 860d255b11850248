"""The JACK server and the peer that the driver tests play with; see jack_harness.py."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fakes.jack_harness import JackPeer, JackServer, close_resting
from tests.fakes.jam_harness import JamProcess, Start, beside


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JackServer]:
    if shutil.which("jackd") is None and not os.environ.get("TWOBAR_REQUIRE_DRIVERS"):
        pytest.skip("jackd is not installed (sudo apt-get install jackd2)")
    name = f"twobar-test-{os.getpid()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", name)
        patch.setenv("JACK_NO_START_SERVER", "1")
        server = JackServer(name, tmp_path_factory.mktemp("jack") / "jackd.log")
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="module")
def jack_server(
    request: pytest.FixtureRequest, shared_server: JackServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[JackServer]:
    """The server that all share, or one of its own for a module that says `SEPARATE_SERVER`."""
    if getattr(request.module, "SEPARATE_SERVER", False):
        yield from beside(shared_server, tmp_path_factory.mktemp("separate") / "jackd.log")
    else:
        yield shared_server


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """No port of this process takes a name from the instrument that the next test starts."""
    yield
    close_resting()


@pytest.fixture
def peer(jack_server: JackServer) -> Iterator[JackPeer]:
    peer = JackPeer(jack_server)
    yield peer
    peer.close()


@pytest.fixture
def start(jack_server: JackServer, peer: JackPeer, tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as running:

        def begin(*options: str, out: str = "virtual") -> JamProcess:
            jam = running.enter_context(JamProcess(jack_server, tmp_path, "--out", out, *options))
            jam.wait_ready("thru")
            peer.connect(peer.midi_out, "twobar-in:keys")
            if out == "virtual":
                peer.connect("twobar-out:notes", peer.midi_in)
            return jam

        yield begin
