"""The one module that prints: JSON documents, lines for pipes, tables for people, errors, progress.

Owns: stdout and stderr, what is safe to send to a terminal, and when colours and bars
appear. Does not own: which facts a document holds (`documents`) or what a command does.

stdout carries the answer and nothing else; notes, questions, progress and errors go to
stderr. With `--json` the answer is one document, with `--jsonl` one document a line. On a
terminal people get tables; a pipe gets stable tab-separated lines without decoration.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import msgspec

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from memos_cli.errors import MemosError

Progress = Callable[[str, int, "int | None"], None]
Cell = str | int | float | bool | None

PROGRESS_AFTER = 1.0
"""Seconds of silence before a progress bar appears."""
PROGRESS_EVERY = 0.1
"""Seconds between two drawings of it."""


class Table(NamedTuple):
    """Rows under named columns; `wide` names the column that takes the free width on a terminal.

    A pipe gets every column; a terminal gets those that hold something, and of one column its values."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    wide: str = ""
    empty: str = ""
    """Said on stderr when there are no rows."""
    title: str = ""
    """Shown on a terminal only."""
    headed: bool = False
    """Whether a pipe gets the columns' names too: where they depend on the options."""


class Fields(NamedTuple):
    """Names with values; those without a value are left out."""

    pairs: Sequence[tuple[str, Any]]


class Entry(NamedTuple):
    """One found or listed memory: its text, the facts under it, and the cells of its line in a pipe."""

    lead: str
    text: str
    facts: Sequence[str]
    cells: Sequence[Cell]
    reasons: Sequence[str] = ()
    """Why it is here, one to a line; for people only, since `cells` says it to a pipe."""


class Entries(NamedTuple):
    """A list of memories."""

    entries: Sequence[Entry]
    empty: str = ""


class Markdown(NamedTuple):
    """A page of `memos help`."""

    text: str


class Plain(NamedTuple):
    """Lines of text, printed as they are."""

    text: str


class Leaf(NamedTuple):
    """One line of a tree: its text, facts beside it, its id, and what is below."""

    text: str
    facts: str
    id: str
    below: Sequence[Leaf] = ()


class Tree(NamedTuple):
    """Lines below each other: branches for a terminal, `depth, text, facts, id` for a pipe."""

    leaves: Sequence[Leaf]


View = Table | Fields | Entries | Markdown | Plain | Tree


class Each:
    """The entries of a list in a document that may be long: made while they are written.

    An answer over a whole file would otherwise stand in memory several times."""

    def __init__(self, make: Callable[[], Iterable[Any]]) -> None:
        self.make = make


class Output(msgspec.Struct):
    """Where a command says what it found. One per process; the flags of the command line shape it."""

    json: bool = False
    jsonl: bool = False
    quiet: bool = False
    color: str = "auto"
    _consoles: dict[str, Console] = msgspec.field(default_factory=dict)

    @property
    def machine(self) -> bool:
        """Whether stdout is to be read by a program (`--json` or `--jsonl`)."""
        return self.json or self.jsonl

    def emit(self, document: Any, *views: View, lines: Iterable[Any] | None = None) -> None:
        """Print one answer: the document with `--json`, its `lines` with `--jsonl`, else the views."""
        if self.jsonl and lines is not None:
            self.stream(lines)
        elif self.machine:
            self._document(document)
        else:
            for view in views:
                self._show(view)

    def stream(self, documents: Iterable[Any]) -> None:
        """Print one JSON document a line, as they come."""
        for document in documents:
            _write(sys.stdout, _dumps(document) + "\n")

    def note(self, text: str) -> None:
        """Say something beside the answer, on stderr; `-q` silences it."""
        if not self.quiet:
            _write(sys.stderr, f"{clean(text)}\n")

    def notes(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.note(text)

    def error_line(self, text: str) -> None:
        """Name one failed part of a command on stderr; `-q` does not silence it."""
        _write(sys.stderr, f"{clean(text)}\n")

    def error(self, error: MemosError, **beside: Any) -> None:
        """Render a known error: one or two plain lines on stderr, with `--json` its document on stdout,
        with what a program shall know besides."""
        if self.machine:
            self._document({**error.document(), **beside})
            return
        _write(sys.stderr, f"Error: {clean(error.message)}\n")
        if error.next_step:
            _write(sys.stderr, f"  {clean(error.next_step)}\n")

    def failure(self, code: str, message: str, hint: str = "") -> None:
        """Render what is not one of our errors: a wrong command line, an interruption, a defect."""
        if self.machine:
            self._document({"error": {"code": code, "message": message, "hint": hint}})
            return
        lines = [message if code == "interrupted" else f"Error: {message}", hint and f"  {hint}"]
        _write(sys.stderr, "".join(f"{clean(line)}\n" for line in lines if line))

    def confirm(self, question: str) -> bool:
        """Ask on the terminal (on stderr, so that stdout stays the answer's)."""
        import typer

        return typer.confirm(clean(question), err=True)

    def choose(self, question: str, count: int) -> int | None:
        """Ask on the terminal for a number from 1 to `count`; None: none of them."""
        import typer

        answer = typer.prompt(clean(question), default="", show_default=False, err=True).strip()
        return int(answer) if answer.isdecimal() and 1 <= int(answer) <= count else None

    @property
    def can_ask(self) -> bool:
        """Whether a person is there to answer: both ends are a terminal and no machine reads stdout."""
        return _is_terminal(sys.stdin) and _is_terminal(sys.stderr) and not self.machine

    @contextmanager
    def progress(self) -> Iterator[Progress | None]:
        """A `(stage, done, total)` callable that draws a bar on stderr once a second has passed.

        None when nobody watches: stderr is no terminal, or `-q`.
        """
        if self.quiet or not _is_terminal(sys.stderr):
            yield None
            return
        bar = _Bar(self)
        try:
            yield bar
        finally:
            bar.close()

    def console(self, stream: str = "stdout") -> Console:
        """The rich console of `stdout` or `stderr`."""
        if stream not in self._consoles:
            from rich.console import Console

            flags: dict[str, Any] = {"always": {"force_terminal": True}, "never": {"no_color": True}}.get(
                self.color, {}
            )
            self._consoles[stream] = Console(
                stderr=stream == "stderr", highlight=False, soft_wrap=False, **flags
            )
        return self._consoles[stream]

    def _document(self, document: Any) -> None:
        indent = 2 if self.json and _is_terminal(sys.stdout) else None
        for piece in _pieces(document, indent):
            _write(sys.stdout, piece)
        _write(sys.stdout, "\n")

    def _show(self, view: View) -> None:
        if isinstance(view, (Table, Entries)) and not (
            view.rows if isinstance(view, Table) else view.entries
        ):
            if view.empty:
                self.note(view.empty)
        elif _is_terminal(sys.stdout) or (self.color == "always" and not isinstance(view, Plain)):
            self._draw(view)
        else:
            _write(sys.stdout, _plain(view))

    def _draw(self, view: View) -> None:
        if isinstance(view, Plain) or (isinstance(view, Table) and len(view.columns) == 1):
            _write(sys.stdout, _plain(view))
            return
        console = self.console()
        if isinstance(view, Markdown):
            from rich.markdown import Markdown as RichMarkdown

            console.print(RichMarkdown(view.text), width=min(console.width, 100))
        elif isinstance(view, Table):
            console.print(_rich_table(view))
        elif isinstance(view, Fields):
            console.print(_rich_fields(view))
        elif isinstance(view, Tree):
            console.print(_rich_tree(view))
        else:
            for entry in view.entries:
                console.print(_rich_entry(entry))


class _Bar:
    """A progress bar that stays away from short work.

    A timer draws it, so that a long first step which reports nothing yet is not taken for a
    hang; from then on it follows what is reported.
    """

    def __init__(self, output: Output) -> None:
        import threading

        self.output = output
        self.drawn = 0.0
        self.bar: Any = None
        self.tasks: dict[str, Any] = {}
        self.last: tuple[str, int, int | None] = ("working", 0, None)
        self.lock = threading.Lock()
        self.timer = threading.Timer(PROGRESS_AFTER, self._appear)
        self.timer.daemon = True
        self.timer.start()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        self.last = (stage, done, total)
        instant = time.monotonic()
        finished = total is not None and done >= total
        if self.bar is not None and (finished or instant - self.drawn >= PROGRESS_EVERY):
            self.drawn = instant
            with self.lock:
                self._draw(stage, done, total)

    def _appear(self) -> None:
        with self.lock:
            if not self.timer.finished.is_set():
                self.bar = self._start()
                self._draw(*self.last)

    def _draw(self, stage: str, done: int, total: int | None) -> None:
        if stage not in self.tasks:
            for task in [self.tasks.pop("working")] if "working" in self.tasks else []:
                self.bar.remove_task(task)
            self.tasks[stage] = self.bar.add_task(clean(stage), total=total, said="")
        said = f"{done / total:.0%}" if total else f"{done:,}" * bool(done)
        self.bar.update(self.tasks[stage], completed=done, total=total, said=said)

    def _start(self) -> Any:
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            console=self.output.console("stderr"),
            transient=True,
        )
        bar.start()
        return bar

    def close(self) -> None:
        self.timer.cancel()
        with self.lock:
            if self.bar is not None:
                self.bar.stop()


def clean(text: str) -> str:
    """`text` without what could drive a terminal: control characters and direction overrides.

    A memory may come from anywhere, and an escape sequence in it must not reach the
    terminal. Tab and newline stay. JSON output needs none of this: it escapes by itself.
    """
    return text.translate(_UNSAFE)


_UNSAFE = dict.fromkeys(
    (*range(9), *range(11, 32), *range(127, 160), *range(8234, 8239), *range(8294, 8298)), "�"
)


def one_line(text: str) -> str:
    """`text` in one line: every run of white space becomes one space."""
    return " ".join(clean(text).split())


class Unwritable(Exception):
    """stdout takes no more: its disk is full, or it is no place to write to."""


def prepare_streams() -> None:
    """Let neither a character that stdout or stderr cannot encode stop a command, nor a closed stream.

    A closed one is opened on the null device: else the next file that is opened, one of the cube's,
    would get its number and whatever anybody prints.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def finish() -> None:
    """Write out what is buffered, so that a full disk or a closed pipe is noticed here.

    Raises BrokenPipeError, Unwritable.
    """
    with noticing():
        sys.stdout.flush()


def abandon(stream: TextIO) -> None:
    """Stop writing to a stream that takes no more; the interpreter's own last flush stays quiet too."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def is_plain() -> bool:
    """Whether stdout is read by something else than a terminal."""
    return not _is_terminal(sys.stdout)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _write(stream: TextIO, text: str) -> None:
    """Raises BrokenPipeError and Unwritable for stdout; what cannot be said on stderr stays unsaid."""
    if stream is not sys.stderr:
        with noticing():
            stream.write(text)
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        abandon(stream)


@contextmanager
def noticing() -> Iterator[None]:
    """Raises BrokenPipeError and Unwritable where stdout takes no more."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritable(error.strerror or str(error)) from error


def _pieces(document: Any, indent: int | None) -> Iterator[str]:
    """A document's JSON, the entries of an `Each` one after another where nobody wants it indented."""
    if not isinstance(document, dict) or not any(isinstance(value, Each) for value in document.values()):
        yield _dumps(document, indent)
        return
    if indent is not None:
        made = {name: list(v.make()) if isinstance(v, Each) else v for name, v in document.items()}
        yield _dumps(made, indent)
        return
    for place, (name, value) in enumerate(document.items()):
        yield f"{', ' if place else '{'}{_dumps(name)}: "
        if not isinstance(value, Each):
            yield _dumps(value)
            continue
        yield "["
        for number, entry in enumerate(value.make()):
            yield f"{', ' if number else ''}{_dumps(entry)}"
        yield "]"
    yield "}"


def _dumps(document: Any, indent: int | None = None) -> str:
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") not in ("utf8", "utf8sig")
    return json.dumps(document, ensure_ascii=ascii_only, indent=indent, allow_nan=False)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4f}"
    return one_line(str(value))


def _tsv(rows: Iterable[Sequence[Any]]) -> str:
    return "".join("\t".join(_cell(cell) for cell in row) + "\n" for row in rows)


def _plain(view: View) -> str:
    if isinstance(view, (Plain, Markdown)):
        return view.text if view.text.endswith("\n") else view.text + "\n"
    if isinstance(view, Table):
        return _tsv([view.columns, *view.rows] if view.headed else view.rows)
    if isinstance(view, Entries):
        return _tsv(entry.cells for entry in view.entries)
    if isinstance(view, Tree):
        return _tsv(_flattened(view.leaves, 0))
    return _tsv(_present(view))


def _present(view: Fields) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in view.pairs if value not in (None, "", (), [], {})]


def _rich_table(view: Table) -> RenderableType:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(box=SIMPLE_HEAD, title=view.title or None, title_justify="left", pad_edge=False)
    numeric = {
        place
        for place in range(len(view.columns))
        if all(isinstance(row[place], (int, float, type(None))) for row in view.rows)
    }
    filled = [
        place for place in range(len(view.columns)) if any(row[place] not in (None, "") for row in view.rows)
    ]
    for place, name in ((place, view.columns[place]) for place in filled):
        table.add_column(
            name,
            justify="right" if place in numeric else "left",
            ratio=1 if name == view.wide else None,
            overflow="fold",
            # An id is there to be copied.
            no_wrap=name == "id" or (name != view.wide and place in numeric),
        )
    for row in view.rows:
        table.add_row(*(Text(_cell(row[place])) for place in filled))
    return table


def _rich_fields(view: Fields) -> RenderableType:
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _present(view):
        grid.add_row(name, Text(_for_eyes(value)))
    return grid


def _for_eyes(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return clean(value) if isinstance(value, str) else _cell(value)


def _flattened(leaves: Iterable[Leaf], depth: int) -> Iterator[tuple[Any, ...]]:
    for leaf in leaves:
        yield depth, leaf.text, leaf.facts, leaf.id
        yield from _flattened(leaf.below, depth + 1)


def _rich_tree(view: Tree) -> RenderableType:
    from rich.text import Text
    from rich.tree import Tree as RichTree

    root = RichTree("", hide_root=True, guide_style="dim")

    def grow(above: RichTree, leaves: Iterable[Leaf], depth: int) -> None:
        for leaf in leaves:
            line = Text(one_line(leaf.text), style="bold" if depth == 0 else "")
            if leaf.facts:
                line.append(f" {one_line(leaf.facts)}", style="dim")
            grow(above.add(line), leaf.below, depth + 1)

    grow(root, view.leaves, 0)
    return root


def _rich_entry(entry: Entry) -> RenderableType:
    from rich.table import Table as RichTable
    from rich.text import Text

    grid = RichTable.grid(padding=(0, 1))
    grid.add_column(justify="right", no_wrap=True, min_width=5, style="bold cyan")
    grid.add_column(overflow="fold")
    grid.add_row(Text(entry.lead), Text(clean(entry.text)))
    grid.add_row("", Text(" · ".join(one_line(fact) for fact in entry.facts if fact), style="dim"))
    for reason in entry.reasons:
        grid.add_row("", Text(clean(reason), style="cyan"))
    return grid
