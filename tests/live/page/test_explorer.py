"""The explorer's routes: one request after another in a process of its own, which may die."""

import json
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from live.errors import FailureError
from live.page import studio
from live.page.explorer import GONE, LARGEST_BODY, VERBS, Explorer


class Pool(Executor):
    """What stands for the process: notes what it is to do, and answers or breaks."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.done: list[Any] = []

    def submit(self, call: Any, /, *arguments: object, **options: object) -> "Future[Any]":
        self.done.append(call)
        future: Future[Any] = Future()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)
        return future


def client(*answers: object) -> tuple[TestClient, Pool]:
    pool = Pool(*answers)
    explorer = Explorer("lead", pool=lambda: pool)
    return TestClient(Starlette(routes=explorer.routes())), pool


def test_every_verb_is_something_that_the_studio_does() -> None:
    for verb, kind in VERBS.items():
        parameters = getattr(studio, verb).__annotations__
        assert {*kind.__struct_fields__} == {*parameters} - {"return"}, verb


def test_a_request_is_worked_on_with_the_pages_own_model_or_the_one_it_names() -> None:
    visitor, pool = client(b'{"z":[]}', b"{}")
    assert visitor.post("/explore/draw", json={"number": 3}).json() == {"z": []}
    visitor.post("/explore/sheet", json={"model": "keys"})
    verb, model, fields = pool.done[0].args
    assert (verb, model) == ("draw", "lead")
    assert fields == {"number": 3, "seed": 0, "temperature": 0.0}
    assert pool.done[1].args[:2] == ("sheet", "keys")


@pytest.mark.parametrize(
    ("verb", "body", "status"),
    [
        ("draw", "{}", 422),
        ("draw", "nonsense", 422),
        ("draw", '{"number": 1, "unknown": 2}', 422),
        ("drow", "{}", 404),
        ("opening", json.dumps({"name": "x", "data": "A" * LARGEST_BODY}), 413),
    ],
)
def test_a_wrong_request_is_one_sentence(verb: str, body: str, status: int) -> None:
    visitor, pool = client()
    answer = visitor.post(f"/explore/{verb}", content=body)
    assert answer.status_code == status
    assert answer.json()["text"]
    assert pool.done == []


def test_a_fault_of_the_model_is_its_sentence() -> None:
    visitor, _ = client(FailureError("model 'x' could not be loaded: it is empty"))
    answer = visitor.post("/explore/sheet", json={})
    assert (answer.status_code, answer.json()["text"]) == (422, "model 'x' could not be loaded: it is empty")


def test_a_process_that_died_is_started_again_once() -> None:
    visitor, pool = client(BrokenProcessPool(), b"{}", BrokenProcessPool(), BrokenProcessPool())
    assert visitor.post("/explore/sheet", json={}).status_code == 200
    answer = visitor.post("/explore/sheet", json={})
    assert (answer.status_code, answer.json()["text"]) == (500, GONE)
    assert len(pool.done) == 4
