"""The file that keeps what language models used on this machine: one JSON line per call.

Owns: writing a line and reading them back. Does not own: where the file is (`settings`), nor what is
made of it (`operations/usage`). It holds times, models, verbs and numbers, and no word of a prompt.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memos_cli.providers.meter import Usage


@dataclass
class Ledger:
    """The file at `path`; made, readable by its owner alone, with the first line."""

    path: Path
    problem: str = field(default="", init=False)
    """Why a line could not be written. An answer that was paid for is worth more than its bill, so
    the call goes on."""

    def write(self, model: str, verb: str, usage: Usage) -> None:
        """Append one call. Several processes may: a line is one write at the end of the file."""
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": model,
            "verb": verb,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "cost": usage.cost,
        } | ({"estimated": True} if usage.estimated else {})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, json.dumps(line).encode() + b"\n")
            finally:
                os.close(descriptor)
        except OSError as error:
            self.problem = f"The usage was not written to {self.path}: {error.strerror or error}."


@dataclass(frozen=True)
class Entry:
    """One call."""

    at: datetime
    model: str
    verb: str
    usage: Usage


def entries(path: Path) -> Iterator[Entry | None]:
    """Every call in the file, oldest first; None for a line that cannot be read, such as one torn by
    a power cut. Raises OSError, other than for a file that is not there."""
    try:
        file = path.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    with file:
        for line in file:
            if line.strip():
                yield _entry(line)


def _entry(line: str) -> Entry | None:
    try:
        row: dict[str, Any] = json.loads(line)
        cost = row["cost"]
        usage = Usage(
            int(row["prompt_tokens"]),
            int(row["completion_tokens"]),
            None if cost is None else float(cost),
            bool(row.get("estimated")),
        )
        return Entry(
            datetime.fromisoformat(row["at"]).astimezone(UTC), str(row["model"]), str(row["verb"]), usage
        )
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
