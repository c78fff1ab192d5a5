"""The one seam to the parsers of other people: pypdf, python-docx, the HTML parser.

Owns: keeping them quiet, and turning whatever they raise on damaged input into BadInput.
Does not own: what is done with what they read.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from memos_cli.errors import BadInput

_LOUD = ("pypdf", "docx")


@contextmanager
def foreign(name: str, doing: str) -> Iterator[None]:
    """Run a parser in silence; its exceptions become BadInput 'cannot {doing}: …' on `name`."""
    levels = {logger: logging.getLogger(logger).level for logger in _LOUD}
    try:
        for logger in _LOUD:
            logging.getLogger(logger).setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (BadInput, MemoryError):
        raise
    # Damaged input makes these libraries raise nearly anything, from KeyError to RecursionError.
    except Exception as exc:
        raise BadInput(source=name, reason=f"cannot {doing}: {_said(exc)}") from exc
    finally:
        for logger, level in levels.items():
            logging.getLogger(logger).setLevel(level)


def _said(exc: Exception) -> str:
    if isinstance(exc, RecursionError):
        return "it is nested too deeply"
    first = str(exc).strip().split("\n", 1)[0].rstrip(".")[:160]
    return f"{first} ({type(exc).__name__})" if first else type(exc).__name__
