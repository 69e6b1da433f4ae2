"""`python -m ragedge`."""

import sys

from ragedge.cli import main

if __name__ == "__main__":
    sys.exit(main())
