"""A headless Chromium, driven and recorded.

What the pages ask for is recorded twice: by the browser (its performance log, every address), and on the wire by a
proxy that gets all that is not for this machine and answers nothing. Browsers call their makers by themselves, so on
the wire only names in .example count, which all foreign names in tests are. Each test and the suite's end say: none.
"""

from __future__ import annotations

import json
import shutil
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
    "--hide-scrollbars", "--force-device-scale-factor=1", "--homepage=about:blank",
    "--disable-client-side-phishing-detection",
    "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter,Translate,AutofillServerCommunication",
)  # fmt: skip
OWN = ("http://127.0.0.1:", "blob:http://127.0.0.1:", "https://127.0.0.1:", "about:", "data:")


class Wire(socketserver.ThreadingTCPServer):
    """A proxy that leads nowhere: `lines` are the first lines of what was to be sent to names in .example."""

    daemon_threads = True

    def __init__(self) -> None:
        self.lines: list[str] = []
        super().__init__(("127.0.0.1", 0), _Refusal)


class _Refusal(socketserver.StreamRequestHandler):
    server: Wire

    def handle(self) -> None:
        line = self.rfile.readline(2_000).decode("latin-1").strip()
        if ".example" in line:
            self.server.lines.append(line)


class Browser:
    """A driver, with what the tests of a page ask of it. `total` counts all that the whole suite asked for."""

    total = 0

    def __init__(self, driver: Any, wire: Wire) -> None:
        self.driver = driver
        self.wire = wire
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
        found = []
        for event in self._seen:
            if event["method"] == "Network.requestWillBeSent":
                found.append(event["params"]["request"]["url"])
            elif event["method"] in ("Network.webSocketCreated", "Network.webTransportCreated"):
                found.append(event["params"]["url"])
        return found

    def dialogs(self) -> list[str]:
        """What dialogs said that scripts opened."""
        self.requested()
        return [event["params"]["message"] for event in self._seen if event["method"] == "Page.javascriptDialogOpening"]

    def foreign(self) -> list[str]:
        """Addresses of others that the browser asked for, or would have, since the start."""
        return [url for url in self.requested() if not url.startswith(OWN)] + self.wire.lines

    @contextmanager
    def apart(self) -> Iterator[None]:
        """For a test that shows what would be sent: what is asked for inside is no business of the suite's."""
        try:
            yield
        finally:
            self.driver.get("about:blank")
            self.requested()
            self.complaints()
            self._seen.clear()
            self.wire.lines.clear()

    @contextmanager
    def without_policy(self) -> Iterator[None]:
        """The pages without their Content-Security-Policy: what is not escaped would run."""
        self.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
        try:
            yield
        finally:
            self.driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": False})

    def complaints(self) -> list[str]:
        """Messages of the console: broken scripts, and whatever the Content-Security-Policy refused."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


def start_chromium(folder: Path, wire: Wire) -> Any:
    """A driver, its profile in `folder`; its end is the caller's."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={folder}")
    options.add_argument(f"--proxy-server=http://127.0.0.1:{wire.server_address[1]}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))


@contextmanager
def open_wire() -> Iterator[Wire]:
    """The proxy, running."""
    with Wire() as opened:
        threading.Thread(target=opened.serve_forever, daemon=True).start()
        yield opened
        opened.shutdown()
