"""Entry point of `memos`, `memoskit` and `python -m memos_cli`."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from typing import NoReturn

INTERRUPTED = 130


def main() -> None:
    """Run the command line; an interruption while modules load ends like any other."""
    # Modules that load make objects by the ten thousand, and none of them is garbage: to look through them
    # again and again, and once more at the end, took a sixth of a keyword search.
    gc.set_threshold(*_SELDOM)
    try:
        from memos_cli.interfaces.cli.app import main as run

        run()
    except KeyboardInterrupt:
        _leave()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            _leave()
        raise
    finally:
        gc.freeze()


_SELDOM = (50_000, 10, 10)
"""When the garbage collector runs: Python's own first threshold is 700 objects."""


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
