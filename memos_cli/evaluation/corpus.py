"""What a benchmark is to us: corpora of drafts, and questions whose evidence is known.

Owns: these values, reading JSON, and the times that benchmarks write. Does not own: any
benchmark's format (`dialogues`, `passages`), nor how a corpus is asked (`run`).

A draft's first source carries the benchmark's own id of the turn or passage (`message_id`). Where
two drafts turn out to be one memory, that memory keeps both sources, so a hit always names every
piece of evidence it stands for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memos_cli.errors import BadInput
from memos_cli.schema import Draft, Source


@dataclass(frozen=True)
class Question:
    """One question; `gold` maps the ids of its evidence to their grades (1 unless graded)."""

    id: str
    text: str
    gold: dict[str, float]
    category: str = ""
    now: datetime | None = None
    sessions: tuple[str, ...] = ()
    """The sessions that hold the answer."""
    apart: bool = False
    """Not counted in the overall figures."""
    answerable: bool = True
    """False where nothing that is stored answers it, whatever evidence the benchmark names."""


@dataclass(frozen=True)
class Corpus:
    """What goes into one cube, and what is asked of it."""

    name: str
    drafts: tuple[Draft, ...]
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Benchmark:
    """Corpora with their name. `level` says what a hit must match: a unit, or only its session."""

    name: str
    corpora: tuple[Corpus, ...]
    level: str = "unit"
    notes: tuple[str, ...] = field(default=())


def draft(
    id: str,
    text: str,
    *,
    session: str | None = None,
    position: int | None = None,
    speaker: str | None = None,
    role: str | None = None,
    said_at: datetime | None = None,
    **fields: Any,
) -> Draft:
    """A turn when it has a session, else a text; only what is known is stated, as a reader does."""
    source = Source(type="chat" if session else "text", role=role, time=said_at, message_id=id)
    stated = {
        "session_id": session,
        "position": position,
        "speaker": speaker or None,
        "said_at": said_at,
        **fields,
    }
    return Draft(memory=text, sources=(source,), **{k: v for k, v in stated.items() if v is not None})


def unit_id(one: Draft) -> str:
    """The benchmark's id of a draft."""
    return one.sources[0].message_id or ""


def pooled(benchmark: Benchmark, size: int) -> Benchmark:
    """The same questions asked of cubes that hold `size` corpora each, drawn with a fixed seed."""
    import numpy as np

    order = np.random.default_rng(7).permutation(len(benchmark.corpora)).tolist()
    groups = [order[start : start + size] for start in range(0, len(order), size)]
    corpora = tuple(
        _joined([benchmark.corpora[place] for place in group], f"pool {number}")
        for number, group in enumerate(groups, start=1)
    )
    return replace(benchmark, corpora=corpora)


def _joined(parts: list[Corpus], name: str) -> Corpus:
    parts = [_prefixed(part) for part in parts]
    return Corpus(
        name,
        tuple(one for part in parts for one in part.drafts),
        tuple(one for part in parts for one in part.questions),
    )


def _prefixed(corpus: Corpus) -> Corpus:
    """The corpus with its name before every id, so that several can lie in one cube."""

    def own(id: str) -> str:
        return f"{corpus.name}/{id}"

    drafts = tuple(
        one.but(
            session_id=own(one.session_id) if one.session_id else None,
            sources=(one.sources[0].but(message_id=own(unit_id(one))),),
        )
        for one in corpus.drafts
    )
    questions = tuple(
        replace(one, gold={own(id): g for id, g in one.gold.items()}, sessions=tuple(map(own, one.sessions)))
        for one in corpus.questions
    )
    return Corpus(corpus.name, drafts, questions)


# -- files


def unreadable(path: Path, reason: str) -> BadInput:
    """A benchmark's file that cannot be read, with the page that says what each benchmark needs."""
    return BadInput(source=path, reason=reason, hint="See `memos help eval` for the files each one needs.")


def read_json(path: Path) -> Any:
    """A JSON document, or the list of the values of a JSON Lines file.

    Raises:
        BadInput: it is neither, or cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable(path, getattr(error, "strerror", None) or str(error)) from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as whole:
        if path.suffix == ".json" and "\n{" not in text:
            raise unreadable(path, f"it is not JSON: {whole}") from whole
    return [_line(path, number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _line(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        raise unreadable(path, f"line {number} is not JSON: {error}") from error


def json_files(path: Path, pattern: str = "*.json") -> list[Path]:
    """`path` itself, or the files in the folder `path` that match, by name; numbers by their value.

    Raises:
        BadInput: there is none.
    """
    if path.is_file():
        return [path]
    found = sorted(path.glob(pattern), key=lambda file: _natural(file.relative_to(path).as_posix()))
    if not found:
        reason = f"the folder holds no {pattern}" if path.is_dir() else "there is no such file"
        raise unreadable(path, reason)
    return found


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name) if part]


def as_list(value: Any, path: Path) -> list[Any]:
    """A list, or the one value in a list. Raises BadInput for what is neither object nor list."""
    if isinstance(value, dict):
        return [value]
    if not isinstance(value, list):
        raise unreadable(path, "it holds neither a list nor an object")
    return value


def shaped(path: Path, build: Callable[[], Iterable[Corpus]]) -> Iterator[Corpus]:
    """The corpora that `build` gives.

    Raises:
        BadInput: fields are missing, or are not what the format says.
    """
    try:
        yield from build()
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        what = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise unreadable(path, f"it is not in the benchmark's format: {what}") from error


# -- times

_FORMS = (
    "%I:%M %p on %d %B, %Y",  # LoCoMo
    "%Y/%m/%d (%a) %H:%M",  # LongMemEval
    "%B-%d-%Y",  # BEAM
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%d %B %Y",
    "%d %B, %Y",
    "%B %d, %Y",
)
_CHINESE = re.compile(r"(\d{4})年(\d{1,2})月(\d{1,2})日\D*(?:(\d{1,2}):(\d{2}))?")


def moment(written: Any) -> datetime | None:
    """The instant a benchmark wrote, in UTC; None where it wrote none that we can read."""
    if isinstance(written, (int, float)) and not isinstance(written, bool):
        return datetime.fromtimestamp(written / (1000 if written > 1e11 else 1), UTC)
    if not isinstance(written, str) or not written.strip():
        return None
    text = " ".join(written.split())
    if found := _CHINESE.match(text):
        return datetime(*(int(part or 0) for part in found.groups()), tzinfo=UTC)  # type: ignore[arg-type, misc]
    for read in (datetime.fromisoformat, *map(_reader, _FORMS)):
        try:
            time = read(text)
        except ValueError:
            continue
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return None


def _reader(form: str) -> Callable[[str], datetime]:
    return lambda text: datetime.strptime(text, form)
