"""``python -m callmon`` is ``callmon``."""

import sys

from callmon.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
