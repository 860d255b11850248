"""Who may come in: names of this machine, its own pages, and whoever shows the token."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from live.ipc.page_process import PageOptions
from live.page.access import UNASKED, WRONG_HOST, WRONG_ORIGIN, Access

HERE = "http://127.0.0.1:9080"


def client(base: str = HERE, **options: object) -> TestClient:
    async def page(_request: object) -> PlainTextResponse:
        return PlainTextResponse("in")

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("in")
        await socket.close()

    app = Starlette(routes=[Route("/", page), WebSocketRoute("/live", live)])
    return TestClient(Access(app, PageOptions(**options)), base_url=base)  # type: ignore[arg-type]


@pytest.mark.parametrize("base", [HERE, "http://localhost:9080", "http://[::1]:9080", "http://localhost"])
def test_this_machine_comes_in_by_any_of_its_names(base: str) -> None:
    assert client(base).get("/").text == "in"


@pytest.mark.parametrize(
    "base", ["http://evil.example:9080", "http://192.168.1.9:9080", "http://127.0.0.1.evil.example"]
)
def test_a_name_that_was_made_to_point_here_is_refused(base: str) -> None:
    answer = client(base).get("/")
    assert (answer.status_code, answer.text) == (403, f"{WRONG_HOST}\n")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9081"])
def test_the_page_of_somebody_else_is_refused_for_knobs_too(origin: str) -> None:
    answer = client().get("/", headers={"origin": origin})
    assert (answer.status_code, answer.text) == (403, f"{WRONG_ORIGIN}\n")
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client().websocket_connect("/live", headers={"origin": origin, "host": "127.0.0.1:9080"}),
    ):
        pass
    assert refused.value.reason == WRONG_ORIGIN


def test_its_own_page_speaks_to_it() -> None:
    with client().websocket_connect("/live", headers={"origin": HERE, "host": "127.0.0.1:9080"}) as socket:
        assert socket.receive_text() == "in"


def test_who_shows_the_token_once_stays_in_and_it_leaves_the_address() -> None:
    visitor = client("http://192.168.1.9:9080", host="0.0.0.0", token="geheim")
    assert visitor.get("/").text == f"{UNASKED}\n"
    assert visitor.get("/?token=wrong").status_code == 403
    first = visitor.get("/?token=geheim", follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=strict" in first.headers["set-cookie"]
    assert visitor.get("/").text == "in"
    with visitor.websocket_connect(
        "/live", headers={"host": "192.168.1.9:9080", "cookie": "twobar-9080=geheim"}
    ) as socket:
        assert socket.receive_text() == "in"


def test_without_the_token_there_is_no_socket() -> None:
    visitor = client("http://192.168.1.9:9080", host="0.0.0.0", token="geheim")
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        visitor.websocket_connect("/live", headers={"host": "192.168.1.9:9080"}),
    ):
        pass
    assert refused.value.reason == UNASKED


def test_in_the_network_a_foreign_name_is_refused_even_with_the_token() -> None:
    visitor = client("http://evil.example", host="0.0.0.0", token="geheim")
    assert visitor.get("/?token=geheim").text == f"{WRONG_HOST}\n"


def test_nothing_from_elsewhere_is_ever_loaded_into_the_page() -> None:
    policy = client().get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe" not in policy  # compiled WebAssembly is no script of somebody else's
