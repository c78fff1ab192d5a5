"""`memos feedback`: memories corrected, added to or forgotten in plain words."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from memos_cli.errors import TooManyChanges, UsageError
from memos_cli.interfaces.cli import documents, options
from memos_cli.interfaces.cli.output import Plain, clean
from memos_cli.interfaces.cli.shell import Shell, shell_of

if TYPE_CHECKING:
    from memos_cli.operations.feedback import FeedbackResult

SHOWN = 40
"""Changes that are listed for people; `--json` has all."""
_SIGNS = {"update": "~", "add": "+", "archive": "-"}
_DONE = {"update": "changed", "add": "added", "archive": "archived"}


def feedback(
    ctx: typer.Context,
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT", help="What is wrong, further so or to be forgotten; `-` reads standard input."
        ),
    ],
    on: Annotated[
        list[str] | None, typer.Option("--on", metavar="ID", help="This memory is meant; may be repeated.")
    ] = None,
    last: Annotated[
        bool,
        typer.Option(
            "--last", help="Those of the last search are meant, or of the last change if that is newer."
        ),
    ] = False,
    max_changes: Annotated[
        int,
        typer.Option(
            "--max-changes", metavar="N", min=1, help="Memories changed without being asked about, at most."
        ),
    ] = 5,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before overwriting.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; change nothing.")
    ] = False,
) -> None:
    """Correct, add or forget in plain words.

    Shows what changes, asks before anything is overwritten (without a terminal it needs --yes), and
    makes one change that `memos undo` takes back. Filters bound where the memories are looked for. The
    exit code is 1 where something was to be changed and it is not clear what.
    """
    from memos_cli.operations import feedback as verb

    shell = shell_of(ctx)
    words = options.standard_input("the feedback").strip() if text == "-" else text
    words = options.text_of(words, "feedback")
    if on and last:
        raise UsageError(
            detail="--on names the memories, and --last means others.", hint="Give one of the two."
        )
    filters = options.filters_of(ctx)
    if filters.as_of or filters.known_at:
        raise UsageError(
            detail="What was is not changed by feedback.", hint="Leave --as-of and --known-at out."
        )
    asking = _Asking(shell, yes, max_changes)
    with shell.open(write=True) as session:

        def said(named: list[str], last: bool) -> FeedbackResult:
            return verb.feedback(
                session, words, on=named, last=last, filters=filters, max_changes=max_changes,
                dry_run=dry_run, confirm=asking,
            )  # fmt: skip

        result = said(on or [], last)
        asks = result.unsure and not result.changes and not dry_run and shell.out.can_ask
        if asks and (chosen := _chosen(shell, result)):
            result = said([chosen], False)
    _show(shell, result, words, listed=asking.listed)
    if result.unclear:
        raise typer.Exit(1)


@dataclass
class _Asking:
    """Asks a person, or says which option would have answered."""

    shell: Shell
    yes: bool
    limit: int
    listed: bool = False

    def __call__(self, result: FeedbackResult) -> bool:
        count = len(result.changes)
        many = count > self.limit
        if self.yes and not many:
            return True
        if self.shell.out.can_ask:
            for line in _lines(result):
                self.shell.out.note(line)
            self.shell.out.notes(result.notes)
            self.listed = True
            self.shell.insist(
                f"Change {'1 memory' if count == 1 else f'{count} memories'}?", yes=False, required=False
            )
            return True
        if many:
            raise TooManyChanges(count=count, limit=self.limit)
        raise UsageError(
            detail=f"This would overwrite {'a memory' if count == 1 else f'{count} memories'}, and there is no terminal to ask on.",
            hint="Give --yes to go ahead, or --dry-run to see what would change.",
        )


def _chosen(shell: Shell, result: FeedbackResult) -> str | None:
    """The id of the memory that is meant, by a person's choice."""
    for place, one in enumerate(result.unsure, 1):
        shell.out.note(f"{place}. {documents.beginning(one.memory, 100)}")
    place_ = shell.out.choose("Which one is meant? (a number, or Enter for none)", len(result.unsure))
    return result.unsure[place_ - 1].id if place_ else None


def _show(shell: Shell, result: FeedbackResult, words: str, *, listed: bool) -> None:
    lines = [] if listed else _lines(result)
    shell.out.emit(
        documents.dump(result), *([Plain("".join(f"{line}\n" for line in lines))] if lines else [])
    )
    if shell.out.machine:
        return
    if not listed:
        shell.out.notes(result.notes)
    shell.out.note(_sentence(result))
    if result.unsure:
        also = "It may mean these too" if result.changes else "It may mean one of these"
        shell.out.note(f"{also}; name it with --on ID:")
        shell.out.notes(f"  {one.id}  {documents.beginning(one.memory, 80)}" for one in result.unsure[:SHOWN])
        said = shlex.quote(documents.beginning(words, 80))
        shell.out.note(
            f"Next: memos feedback {said} --on {result.unsure[0].id if len(result.unsure) == 1 else 'ID'}"
        )


def _lines(result: FeedbackResult) -> list[str]:
    """`~` another text, `+` a new memory, `-` one that goes."""
    lines: list[str] = []
    for one in result.changes[:SHOWN]:
        before, after = (documents.beginning(text or "", 300) for text in (one.before, one.after))
        change = f"{before} → {after}" if before and after else before or after
        if one.before == one.after:
            change = f"{before} ({one.reason})"
        lines.append(clean(f"{_SIGNS[one.action]} {change}"))
    left = len(result.changes) - SHOWN
    return [*lines, f"  … and {left} more"] if left > 0 else lines


def _sentence(result: FeedbackResult) -> str:
    said = f"{result.judgement.capitalize()}: {result.reason}."
    if result.dry_run:
        return f"{said} Nothing was changed (--dry-run)."
    if result.change is None:
        return said
    stale = f" {len(result.stale)} summaries are to be told anew." if len(result.stale) > 1 else ""
    stale = " 1 summary is to be told anew." if len(result.stale) == 1 else stale
    counts = Counter(str(one.action) for one in result.changes)
    done = ", ".join(f"{counts[name]} {word}" for name, word in _DONE.items() if counts[name])
    return f"{said} {done}.{stale} Change {result.change}."
