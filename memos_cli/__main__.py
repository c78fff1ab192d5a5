"""Entry point of `memos`, `memoskit` and `python -m memos_cli`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; an interruption while modules load ends like any other."""
    try:
        from memos_cli.interfaces.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
