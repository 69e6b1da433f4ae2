"""The browser of the page's tests; without one they are skipped, each with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.driving import CHROMEDRIVER, CHROMIUM, Browser, Wire, open_wire, start_chromium


@pytest.fixture(scope="session")
def wire() -> Iterator[Wire]:
    with open_wire() as opened:
        yield opened


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory, wire: Wire) -> Iterator[Any]:
    pytest.importorskip("selenium", reason="the browser tests need selenium: pip install selenium")
    if CHROMIUM is None or CHROMEDRIVER is None:
        pytest.skip("the browser tests need Chromium and its driver: apt install chromium chromium-driver")
    driver = start_chromium(tmp_path_factory.mktemp("chromium"), wire)
    yield driver
    driver.quit()
    assert wire.lines == [], "something left the browser between or after the tests"
    assert Browser.total > 0


@pytest.fixture
def browser(chromium: Any, wire: Wire) -> Iterator[Browser]:
    page = Browser(chromium, wire)
    page.emulate()
    page.requested()
    page.complaints()
    page._seen.clear()
    yield page
    chromium.get("about:blank")
    assert page.foreign() == []
    assert page.dialogs() == []
    Browser.total += len(page.requested())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
