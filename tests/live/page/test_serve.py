"""The page's routes: files, the socket, and the process that serves them."""

import json
import socket
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from live.ipc.page_process import PageOptions
from live.page.broker import Broker
from live.page.serve import STATIC, PageServer, application
from tests.fakes.snapshots import scene


def client() -> TestClient:
    return TestClient(application(PageOptions(), Broker(print)), base_url="http://127.0.0.1:9080")


def test_the_page_and_all_that_it_names_is_there() -> None:
    visitor = client()
    page = visitor.get("/").text
    for name in ("style.css", "main.js", "icon.svg"):
        assert f"/static/{name}" in page
    for path in (path for path in STATIC.rglob("*") if path.is_file()):
        assert visitor.get(f"/static/{path.relative_to(STATIC)}").status_code == 200


def test_nothing_outside_the_static_folder_is_served() -> None:
    for path in ("/static/../serve.py", "/static/%2e%2e/serve.py", "/serve.py"):
        assert client().get(path).status_code == 404


def test_the_script_imports_only_what_is_there() -> None:
    for path in STATIC.rglob("*.js"):
        for line in path.read_text().splitlines():
            if line.startswith("import "):
                target = line.split('"')[1]
                assert target.startswith("."), line
                assert (path.parent / target).is_file(), line


def test_what_is_vendored_is_small_and_has_its_licence() -> None:
    vendor = STATIC / "vendor"
    assert sum(path.stat().st_size for path in vendor.rglob("*") if path.is_file()) < 3_000_000
    notice = (Path(__file__).parents[3] / "NOTICE").read_text()
    for folder in (path for path in vendor.iterdir() if path.is_dir()):
        assert (folder / "LICENSE").is_file()
        assert folder.name in notice


def test_a_browser_gets_the_snapshot_over_the_socket() -> None:
    broker = Broker(print)
    broker.take(scene())
    visitor = TestClient(application(PageOptions(), broker), base_url="http://127.0.0.1:9080")
    with visitor.websocket_connect("/live", headers={"host": "localhost:9080"}) as browser:
        kinds = [json.loads(browser.receive_text())["type"] for _ in range(3)]
    assert kinds == ["Welcome", "EngineState", "Snapshot"]


def test_the_take_is_given_as_it_is_written_so_far(tmp_path: Path) -> None:
    broker = Broker(print)
    visitor = TestClient(application(PageOptions(), broker), base_url="http://127.0.0.1:9080")
    assert visitor.get("/take").status_code == 404
    assert visitor.get("/take").text == "there is no take yet: play something first\n"
    path = tmp_path / "tonight.mid"
    path.write_bytes(b"MThd")
    broker.take(scene(recording=str(path)))
    given = visitor.get("/take")
    assert (given.content, given.headers["content-type"]) == (b"MThd", "audio/midi")
    assert "tonight.mid" in given.headers["content-disposition"]
    path.write_bytes(b"MThd and more")
    broker.take(scene(recording=""))  # it has ended
    assert visitor.get("/take").content == b"MThd and more"


async def test_it_says_when_it_is_ready_and_where(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = PageOptions(port=port, ready=True)
    server = PageServer(options, application(options, Broker(print)))
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    await server.shutdown()
    line = json.loads(capsys.readouterr().out)
    assert (line["ready"], line["url"]) == ("page", f"http://127.0.0.1:{port}/")
