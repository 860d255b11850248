"""Where a page is served: HOST:PORT as it is typed, busy ports, tokens, the code for a tablet."""

import socket

import pytest

from live.errors import FailureError, UsageError
from live.ipc import page_process
from live.ipc.page_process import (
    NOT_INSTALLED,
    PageOptions,
    check_installed,
    drawn_code,
    free_port,
    is_loopback,
    page_options,
    read_place,
)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("0.0.0.0", ("0.0.0.0", 9080)),
        ("0.0.0.0:8000", ("0.0.0.0", 8000)),
        (":8000", ("127.0.0.1", 8000)),
        ("8000", ("127.0.0.1", 8000)),
        ("stage.local", ("stage.local", 9080)),
        ("[::1]:81", ("::1", 81)),
        ("[::1]", ("::1", 9080)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
    ],
)
def test_either_half_may_be_left_away(text: str, place: tuple[str, int]) -> None:
    assert read_place(text) == place


@pytest.mark.parametrize("text", ["localhost:x", "a b", "host:70000", "http://localhost:90", "host:²"])
def test_what_is_no_place_is_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match=r"--page takes HOST:PORT, as 127\.0\.0\.1:9080") as error:
        read_place(text)
    assert f"not '{text}'" in str(error.value)


def test_a_busy_port_is_one_sentence_that_names_another() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            FailureError, match=f"another program listens there; .*--page 127.0.0.1:{port + 1}"
        ):
            free_port("127.0.0.1", port)


def test_a_host_of_others_is_one_sentence() -> None:
    with pytest.raises(FailureError, match=r"served on 192\.0\.2\.7:9080: that host is not this machine's"):
        free_port("192.0.2.7", 9080)


def test_port_0_becomes_one_that_is_free() -> None:
    assert free_port("127.0.0.1", 0) > 0


@pytest.mark.parametrize(
    ("host", "alone"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False)]
)
def test_whoever_others_reach_asks_for_a_token(host: str, *, alone: bool) -> None:
    assert is_loopback(host) is alone
    if host != "::1":  # not every machine has IPv6
        assert bool(page_options(host, 0).token) is not alone


def test_the_address_holds_the_token_and_a_host_that_a_tablet_can_reach() -> None:
    assert PageOptions(port=9081).url == "http://127.0.0.1:9081/"
    assert PageOptions(host="::1").url == "http://[::1]:9080/"
    shown = PageOptions(host="0.0.0.0", token="abc").url
    assert "0.0.0.0" not in shown
    assert shown.endswith(":9080/?token=abc")


def test_the_code_is_drawn_with_the_address_below() -> None:
    assert drawn_code("http://stage:9080/?token=x").splitlines()[-1] == "http://stage:9080/?token=x"


def test_without_its_packages_the_page_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed()
    monkeypatch.setattr(page_process, "find_spec", lambda name: None if name == "uvicorn" else object())
    with pytest.raises(FailureError, match="pip install 'twobar\\[page\\]'") as error:
        check_installed()
    assert str(error.value) == NOT_INSTALLED
