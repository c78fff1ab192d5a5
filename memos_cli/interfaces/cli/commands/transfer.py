"""`memos export` and `memos import`: memories as JSON lines."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from memos_cli.errors import BadFilter, BadInput, NotPermitted, StorageError, UsageError
from memos_cli.interfaces.cli import documents, options
from memos_cli.interfaces.cli.output import Fields
from memos_cli.interfaces.cli.shell import shell_of

STDIN = Path("-")


def export(
    ctx: typer.Context,
    file: Annotated[str | None, typer.Argument(metavar="FILE", hidden=True)] = None,
    to: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write there; stdout when left out.")
    ] = None,
    vectors: Annotated[bool, typer.Option("--vectors", help="Give each memory's vectors too.")] = False,
    history: Annotated[bool, typer.Option("--history", help="Give closed versions too.")] = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="JSON lines, as is the case anyway.")] = False,
) -> None:
    """Write memories as JSON lines.

    Every field is there, so that `memos import` gives the same memories. With --json one
    document holds them all.
    """
    from memos_cli.operations.transfer import export as exported

    if file is not None:  # the first thing that people try
        raise UsageError(
            detail="`memos export` takes no FILE by itself.",
            hint=f"Write it with `memos export --output {quote(file)}` or `memos export > {quote(file)}`.",
        )
    shell = shell_of(ctx)
    filters = options.filters_of(ctx)
    with shell.open() as session:
        lines = exported(session, filters=filters, vectors=vectors, history=history)
        if to is not None:
            count = _save(lines, to)
            shell.out.emit(
                {"exported": count, "file": str(to)}, Fields([("exported", count), ("file", str(to))])
            )
        elif shell.out.json and not jsonl:
            shell.out.emit({"items": list(lines)})
        else:
            shell.out.stream(lines)


def import_memories(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="JSON lines; `-` or none reads standard input.")
    ] = STDIN,
    on_conflict: Annotated[
        str | None,
        typer.Option(
            "--on-conflict",
            metavar="HOW",
            help="Same id, other text: newer, keep or replace; skipped when left out.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Import nothing; say what would happen.")
    ] = False,
) -> None:
    """Read memories from JSON lines.

    Only `memory` is required in a line. Lines that cannot be used are named and skipped, the
    rest goes in: the exit code is 1 then.
    """
    from memos_cli.location import is_vacant
    from memos_cli.operations.transfer import import_lines, sift

    shell = shell_of(ctx)
    how = _conflict(on_conflict)
    with _lines(file) as given:
        lines: Iterable[bytes | str] = given
        result = None
        if is_vacant(shell.ref.path):  # no cube is made for lines none of which can be stored
            lines, result = sift(given)
        if result is None:
            with shell.open_to_add(dry_run=dry_run) as session, shell.out.progress() as progress:
                result = import_lines(session, lines, on_conflict=how, dry_run=dry_run, progress=progress)
    document = documents.dump(result)
    shell.out.emit(document, Fields([("imported", result.imported), ("known", result.known)]))
    if not shell.out.machine:
        for one in result.skipped:
            shell.out.error_line(f"Skipped line {one.line}: {one.reason}")
    if result.skipped:
        raise typer.Exit(1)


def _conflict(word: str | None) -> str | None:
    known = ("newer", "keep", "replace")
    if word is not None and word not in known:
        raise BadFilter(value=repr(word), field="way to settle a conflict", known=", ".join(known))
    return word


@contextmanager
def _lines(file: Path) -> Iterator[Iterable[bytes]]:
    """The file's lines as bytes: a line that is not UTF-8 is that line's trouble, not the file's."""
    if file == STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError(detail="There is nothing to import.", hint="Give a FILE, or pipe JSON lines in.")
        yield sys.stdin.buffer
        return
    try:
        opened = file.open("rb")
    except OSError as error:
        raise BadInput(source=file, reason=error.strerror or str(error)) from error
    with opened:
        yield opened


def _save(lines: Iterable[Any], to: Path) -> int:
    """Write JSON lines to a file that appears whole or not at all; returns how many."""
    if to.is_dir():
        raise StorageError(path=to, reason="it is a folder", hint="Name a file in it.")
    half = to.with_name(f".{to.name}.{os.getpid()}")
    count = 0
    try:
        with half.open("w", encoding="utf-8") as file:
            for line in lines:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                count += 1
        half.replace(to)
    except PermissionError as error:
        raise NotPermitted(
            detail=f"{to} cannot be written", hint="Check the folder's permissions."
        ) from error
    except OSError as error:
        raise StorageError(path=to, reason=error.strerror or str(error)) from error
    finally:
        half.unlink(missing_ok=True)
    return count
