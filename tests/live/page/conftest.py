"""Debian's Chromium, started once for each file that drives the page with it, and pages to open in it."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.page_served import Served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""


@pytest.fixture(scope="module")  # its event loop is in the way of asynchronous tests
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    with api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--no-first-run",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        yield opened
        opened.close()


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    for page in made.pages:
        assert page.faults == []
        page.close()
    made.close()
