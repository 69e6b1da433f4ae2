"""Measure the page in a headless Chromium: bytes on the wire, first paint, and how soon passages are drawn.

    python -m tests.recipes.page_report [--loads 20]

The service runs in this process over stand-ins (no search, no model), so the figures are those of server and page:
24 passages of 2,400 characters come at once, as many as a question brings at most. Each load is that of a browser that
was never here (cache emptied); "again" is one with its cache. Needs chromium and its driver.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ragedge.contracts import Chunk, Hit, PageSpan
from ragedge.server.settings import KioskSettings, ServerSettings, Service
from tests.browser.driving import CHROMEDRIVER, CHROMIUM, Browser, open_wire, start_chromium
from tests.browser.kiosks import EXHIBITS
from tests.browser.loading import drawn_after_ms, first_paint_ms, forget_all, unwatch, watch, wire_bytes
from tests.browser.scenes import LOG, QUESTION, TEXT_ID, full_index, manual_events, service_of
from tests.server.clients import serving
from tests.server.fakes import make_passages

PASSAGES, CHARS = 24, 2_400
SETTINGS = ServerSettings(questions=(QUESTION,), kiosk=KioskSettings(EXHIBITS))
PAGES = ("/", "/kiosk", "/docs")


def long_service(folder: Path) -> Service:
    """Many long passages, and a short answer."""
    index = full_index(folder)
    hits = []
    for number in range(PASSAGES):
        text = LOG[number * 700 : number * 700 + CHARS]
        span = (PageSpan(1, number * 700, number * 700 + CHARS),)
        hits.append(
            Hit(Chunk(f"{TEXT_ID}-{number:05d}", TEXT_ID, "log.txt", number, text, span, ("Log",), 500), 1.0, "Log")
        )
    return service_of(index, [replace(make_passages(tuple(hits), QUESTION), evidence=()), *manual_events(index)[1:]])


def loads(browser: Browser, port: int, path: str, count: int) -> None:
    """First paint and bytes of one page."""
    first, again, sizes = [], [], []
    for _ in range(count):
        forget_all(browser)
        browser.open(port, path)
        first.append(first_paint_ms(browser))
        _settle(browser, path)
        sizes.append(wire_bytes(browser))
        browser.open(port, path)
        again.append(first_paint_ms(browser))
    size, requests = max(sizes)
    print(f"{path:8} {size / 1000:6.1f} kB in {requests} requests; first paint {_line(first)}, again {_line(again)}")


def draws(browser: Browser, port: int, count: int) -> None:
    """From the event to the drawn passages."""
    times = []
    identifier = watch(browser)
    for _ in range(count):
        browser.open(port)
        _settle(browser, "/")
        browser.ask(QUESTION)
        times.append(drawn_after_ms(browser))
    unwatch(browser, identifier)
    print(f"{PASSAGES} passages of {CHARS:,} characters drawn after their event: {_line(times)}")


def _settle(browser: Browser, path: str) -> None:
    if path == "/":
        browser.wait("document.querySelectorAll('.pill').length >= 4")
    elif path == "/kiosk":
        browser.wait("document.querySelector('#attract-words span')")
    browser.wait("document.readyState === 'complete'")


def _line(times: Sequence[float]) -> str:
    ordered = sorted(times)
    high = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return f"{statistics.median(ordered):.0f} ms (95 % within {high:.0f}, at most {ordered[-1]:.0f}; n {len(ordered)})"


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loads", type=int, default=20)
    options = parser.parse_args()
    if CHROMIUM is None or CHROMEDRIVER is None:
        print("this needs chromium and its driver: apt install chromium chromium-driver", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as folder, open_wire() as wire:
        driver = start_chromium(Path(folder) / "chromium", wire)
        try:
            browser = Browser(driver, wire)
            browser.emulate()
            with serving(long_service(Path(folder) / "index"), SETTINGS) as port:
                for path in PAGES:
                    loads(browser, port, path, options.loads)
                draws(browser, port, options.loads)
            version = driver.capabilities["browserVersion"]
        finally:
            driver.quit()
    print(f"Chromium {version}, {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
