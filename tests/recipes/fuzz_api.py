"""Send requests made out of the OpenAPI schema to a service of its own, and count what does not hold.

    python -m tests.recipes.fuzz_api [--cases 5000] [--seed 0]

The service runs over the real parts in a temporary folder, with a manual of three pages and no model: half of the
requests go to one with a kiosk, half to one with a curator's desk and settings. Exits with 1 where a reply is 500 or is
not as described; needs the package schemathesis.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from ragedge.server.settings import ServerSettings
from tests.server.clients import serving
from tests.server.fuzzing import Outcome, fuzz, real_service, with_desk
from tests.server.keyed import with_kiosk


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()
    outcome = Outcome()
    with tempfile.TemporaryDirectory() as name, real_service(Path(name)) as service:
        folder = Path(name)
        for dressed, settings in (
            (service, with_kiosk(folder, ServerSettings())),
            (with_desk(service, folder), ServerSettings()),
        ):
            with serving(dressed, settings) as port:
                outcome.add(fuzz(port, options.cases // 2, number=options.seed))
    for line in outcome.failures:
        print(line)
    statuses = ", ".join(f"{count:,} x {status}" for status, count in sorted(outcome.statuses.items()))
    print(f"{outcome.cases:,} requests to {len(outcome.operations)} operations in {time.monotonic() - started:.0f} s")
    never = ", ".join(name for name in sorted(outcome.operations) if not outcome.successes[name])
    print(f"never answered with 2xx: {never or 'none'}")
    print(f"replies: {statuses}; failures: {len(outcome.failures)}")
    return 1 if outcome.failures or not outcome.cases else 0


if __name__ == "__main__":
    sys.exit(main())
