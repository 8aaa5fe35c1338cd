"""``python -m rbsuite`` is the command ``rbsuite``."""

from __future__ import annotations

from rbsuite.cli import main

if __name__ == "__main__":
    main()
