"""Write the generated documents of all sample corpora, or with `--check` only compare them with the files.

Exit code 0: written (or all equal); 1: `--check` found a difference, each named on its own line.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from corpora.make.catalogue import CORPORA

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m corpora.make", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    check = parser.parse_args(arguments).check
    differing = 0
    for name, documents in CORPORA.items():
        folder = ROOT / name / "documents"
        files = documents()
        for path, content in sorted(files.items()):
            target = folder / path
            if target.is_file() and target.read_bytes() == content:
                continue
            differing += 1
            print(f"{'differs' if check else 'wrote'}: corpora/{name}/documents/{path}")
            if not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        print(f"{name}: {len(files)} generated files")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
