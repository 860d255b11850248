"""The command `explore`: what is wrong is told before anything is loaded."""

import pytest

from live.errors import FailureError, UsageError
from live.ipc import page_process
from live.page.explore import explorer_options


def test_a_port_alone_or_a_whole_place() -> None:
    assert explorer_options("lead", "", 0, start_nanos=5).host == "127.0.0.1"
    options = explorer_options("lead", "0.0.0.0:0", None, start_nanos=5)
    assert (options.host, options.engine, options.model, options.ready) == ("0.0.0.0", None, "lead", True)
    assert options.token


@pytest.mark.parametrize(
    ("model", "page", "words"), [("leed", "", "did you mean 'lead'"), ("lead", "a b", "takes HOST:PORT")]
)
def test_a_slip_is_one_sentence(model: str, page: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        explorer_options(model, page, None, start_nanos=0)


def test_without_its_packages_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_process, "find_spec", lambda _name: None)
    with pytest.raises(FailureError, match="pip install"):
        explorer_options("lead", "", 0, start_nanos=0)
