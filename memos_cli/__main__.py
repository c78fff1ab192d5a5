"""Entry point of `memos`, `memoskit` and `python -m memos_cli`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> None:
    """Run the command line; an interruption while modules load ends like any other."""
    try:
        from memos_cli.interfaces.cli.app import main as run

        run()
    except KeyboardInterrupt:
        _leave()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _leave()
        raise


def _leave() -> NoReturn:
    """End after an interruption, everything of ours being closed by now.

    Threads of the engines may be at work still. To join them takes long, and a second SIGINT or a thread
    that comes back into a dying interpreter aborts the process, with a core dump in place of the exit code.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none at all
            stream.flush()
    os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
