"""The desk as people see it: no violation of WCAG 2.2 AA by axe-core, nothing wider than the screen, and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.accessibility import check
from tests.browser.desks import IN_FOLDER, ROWS, desk, open_desk
from tests.browser.test_screenshots import shoot

VIEWS: dict[str, dict[str, Any]] = {
    "desk": {},
    "desk-dark": {"dark": True},
    "desk-phone": {"width": 320, "height": 740, "phone": True},
    "desk-arabic": {"languages": "ar"},
    "desk-4k": {"width": 3840, "height": 2160},
}


@pytest.mark.parametrize("view", VIEWS)
def test_every_tab_is_accessible_and_fits_the_screen(browser: Any, tmp_path: Path, view: str) -> None:
    browser.emulate(**VIEWS[view])
    with desk(tmp_path, models=("granite-1b",)) as here:

        def look(name: str) -> None:
            check(browser)
            assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), name
            shoot(browser, f"{view}-{name}")

        open_desk(browser, here.port)
        browser.wait(f"{ROWS} === {IN_FOLDER}")
        look("documents")
        survey = next(info.id for info in here.index.documents() if info.path == "survey.pdf")
        open_desk(browser, here.port, f"#documents/{survey}")
        browser.wait("document.getElementById('desk-remove')")
        look("document")
        open_desk(browser, here.port, "#system")
        browser.wait("document.querySelectorAll('#desk-log li').length > 1")
        look("system")
