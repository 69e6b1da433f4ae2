"""axe-core over the page in the browser: what it finds against WCAG 2.2, levels A and AA.

The script comes with the PyPI package axe-playwright-python, which is installed for tests alone and without what it
depends on; nothing of it but the script is used. Rules: axe-core's tags of WCAG 2.0, 2.1 and 2.2.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_RUN = """
  const done = arguments[arguments.length - 1];
  axe.run(document, {runOnly: {type: "tag", values: arguments[0]}, resultTypes: ["violations", "passes"]}).then(
    (found) => done({
      violations: found.violations.map(
        (rule) => `${rule.id}: ${rule.nodes.map((n) => n.target + " " + n.failureSummary).join(" | ")}`),
      passes: found.passes.map((rule) => rule.id),
    }),
    (error) => done({violations: [String(error)], passes: []}),
  );
"""


def axe_script() -> str:
    """axe-core as source; skips the test where it is not installed."""
    found = importlib.util.find_spec("axe_playwright_python")
    path = (
        Path(found.submodule_search_locations[0]) / "axe.min.js" if found and found.submodule_search_locations else None
    )
    if path is None or not path.is_file():
        pytest.skip("axe-core is not installed: pip install --no-deps axe-playwright-python")
    return path.read_text(encoding="utf-8")


def check(browser: Any) -> None:
    """Nothing against the rules on the page as it is now; fails also when nothing was looked at."""
    browser.run(axe_script())  # by the driver, which the page's policy does not bind
    browser.driver.set_script_timeout(60)
    found = browser.driver.execute_async_script(_RUN, TAGS)
    assert found["violations"] == []
    assert "color-contrast" in found["passes"] and len(found["passes"]) >= 8, found["passes"]
