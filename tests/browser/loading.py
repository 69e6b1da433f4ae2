"""What a page load costs: bytes on the wire as the browser counts them, first paint, how soon passages are drawn."""

from __future__ import annotations

import json
from typing import Any

from tests.browser.driving import Browser

#: Notes when the bytes of the "passages" event came to the page's script, and when the passages had been drawn: the
#: frame after the list changed is begun when that change has been laid out and painted.
WATCH = """
(() => {
  const read = ReadableStreamDefaultReader.prototype.read;
  ReadableStreamDefaultReader.prototype.read = async function () {
    const part = await read.call(this);
    if (typeof part.value === "string" && part.value.includes("event: passages")) window.cameAt = performance.now();
    return part;
  };
  addEventListener("DOMContentLoaded", () => {
    const list = document.getElementById("passages");
    new MutationObserver(() => {
      if (!list.childElementCount || window.drawnAt) return;
      requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => { window.drawnAt = performance.now(); };
        channel.port2.postMessage(null);
      });
    }).observe(list, {childList: true});
  });
})();
"""


def forget_all(browser: Browser) -> None:
    """A browser that was never here."""
    browser.driver.get("about:blank")
    browser.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    browser.requested()
    browser._seen.clear()


def wire_bytes(browser: Browser) -> tuple[int, int]:
    """Bytes that came over the wire since `forget_all`, heads and bodies, and the number of requests."""
    browser.requested()
    sizes = [e["params"]["encodedDataLength"] for e in browser._seen if e["method"] == "Network.loadingFinished"]
    return round(sum(sizes)), len(sizes)


def first_paint_ms(browser: Browser) -> float:
    """From the start of the navigation to the first text on the screen."""
    entry = "performance.getEntriesByName('first-contentful-paint')[0]"
    browser.wait(entry)
    return float(browser.run(f"return {entry}.startTime"))


def watch(browser: Browser) -> str:
    """Put `WATCH` into every page from now on; the result takes it out again (`unwatch`)."""
    return str(browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})["identifier"])


def unwatch(browser: Browser, identifier: str) -> None:
    browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", {"identifier": identifier})


def drawn_after_ms(browser: Browser) -> float:
    """From the event to the drawn passages, of the question asked last."""
    browser.wait("window.drawnAt")
    found: Any = json.loads(browser.run("return JSON.stringify([window.cameAt, window.drawnAt])"))
    return float(found[1] - found[0])
