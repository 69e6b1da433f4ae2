"""A headless Chromium for the page's tests; without one they are skipped, each with the reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--hide-scrollbars", "--force-device-scale-factor=1",
)  # fmt: skip


class Browser:
    """A driver, with what the tests of a page ask of it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self._seen: list[dict[str, Any]] = []

    def open(self, port: int, path: str = "/") -> None:
        self.driver.get(f"http://127.0.0.1:{port}{path}")

    def run(self, script: str, *values: Any) -> Any:
        return self.driver.execute_script(script, *values)

    def find(self, selector: str) -> Any:
        return self.wait(f"document.querySelector({json.dumps(selector)})")

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0]).textContent", selector))

    def count(self, selector: str) -> int:
        return int(self.run("return document.querySelectorAll(arguments[0]).length", selector))

    def click(self, selector: str) -> None:
        self.find(selector).click()

    def wait(self, expression: str, seconds: float = 15) -> Any:
        """The value of a JavaScript expression as soon as it is true."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, seconds, poll_frequency=0.02).until(
            lambda driver: driver.execute_script(f"return {expression}"), expression
        )

    def ask(self, question: str) -> None:
        from selenium.webdriver.common.keys import Keys

        box = self.find("#question")
        box.clear()
        box.send_keys(question, Keys.ENTER)

    def emulate(
        self, *, width: int = 1280, height: int = 900, dark: bool = False, phone: bool = False,
        languages: str = "en-US",
    ) -> None:  # fmt: skip
        command = self.driver.execute_cdp_cmd
        agent = self.run("return navigator.userAgent")
        command("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": languages})
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        command("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        command("Emulation.setEmulatedMedia", {"features": features})

    def requested(self) -> list[str]:
        """Addresses that the browser asked for since the start, from its own performance log."""
        for entry in self.driver.get_log("performance"):
            self._seen.append(json.loads(entry["message"])["message"])
        return [
            event["params"]["request"]["url"] for event in self._seen if event["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """Messages of the console: broken scripts, and whatever the Content-Security-Policy refused."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    pytest.importorskip("selenium", reason="the browser tests need selenium: pip install selenium")
    if CHROMIUM is None or CHROMEDRIVER is None:
        pytest.skip("the browser tests need Chromium and its driver: apt install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Browser]:
    page = Browser(chromium)
    page.emulate()
    page.requested()
    page.complaints()
    page._seen.clear()
    yield page
    chromium.get("about:blank")
    own = ("http://127.0.0.1:", "blob:http://127.0.0.1:", "about:blank", "data:")  # data: the icon of a field for days
    assert [url for url in page.requested() if not url.startswith(own)] == []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
