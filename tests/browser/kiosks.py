"""Kiosks for tests: a service with an exhibit, and what a visitor's touches do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ragedge.exhibits import Exhibit, Exhibits
from ragedge.server.settings import KioskSettings, ServerSettings, Service
from tests.browser.scenes import full_index, manual_events, service_of
from tests.server.clients import serving

EXHIBIT = Exhibit(
    "G7", {"en": "The generator", "de": "Der Generator", "ar": "المولّد"}, ("manuals/*",),
    {"en": ("How tight are the bolts?", "Who ran it?"), "de": ("Wie fest sitzen die Schrauben?",),
     "ar": ("ما عزم شدّ البراغي؟", "من شغّله؟")},
)  # fmt: skip
EXHIBITS = Exhibits({"en": ("When are you open?",)}, {EXHIBIT.id: EXHIBIT})
SHOWN = "document.getElementById('sources').childElementCount > 0"


def kiosk_service(folder: Path, events: list[object] | None = None) -> Service:
    index = full_index(folder)
    return service_of(index, manual_events(index) if events is None else events)


@contextmanager
def kiosk(browser: Any, service: Service, *, exhibit: str = "", start: bool = True, **settings: Any) -> Iterator[int]:
    """The browser before the kiosk; with `start`, touched once."""
    wanted = KioskSettings(**{"exhibits": EXHIBITS, "idle_seconds": 600.0, **settings})
    with serving(service, ServerSettings(title="Ask the museum", kiosk=wanted)) as port:
        browser.open(port, f"/kiosk?exhibit={exhibit}" if exhibit else "/kiosk")
        browser.wait("document.body.dataset.state === 'attract' && document.querySelector('#languages button')")
        browser.wait("document.querySelector('#attract-words span')")
        if start:
            browser.click("#attract")
        yield port
        browser.driver.get("about:blank")


def press(browser: Any, *keys: str) -> None:
    """Keys of the keyboard on the screen, by their letter or name."""
    for key in keys:
        browser.run(
            "[...document.querySelectorAll('#keyboard button')].find((b) => b.dataset.key === arguments[0]).click()",
            key,
        )
