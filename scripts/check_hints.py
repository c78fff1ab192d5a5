"""Whether reading with hints finds what reading without them finds, text by text.

    python scripts/check_hints.py talks.json notes.txt    every string of JSON files, every line of others

A hint is a word without which a pattern cannot match (`stores/hints`, `dates/signs`); here everything is read
once more with all of them taken for present. Does not own: whether what is found is right.
"""

from __future__ import annotations

import contextlib
import json
import random
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from unittest import mock

from memos_cli.dates import statement
from memos_cli.reader import preferences
from memos_cli.stores import clauses, facts
from memos_cli.stores.chinese import read as chinese
from memos_cli.stores.english import read as english
from memos_cli.stores.english import sentence, state

SAID = datetime(2026, 3, 4, 15, 30)
ODD = [
    " ",
    "_",
    "-",
    "'",
    "’",
    "İ",
    "ı",
    "ſ",
    "\u212a",
    "ﬁ",
    ".",
    ",",
    ":",
    "=",
    "²",
    "٣",
    "２",
    "1",
    "é",
    "日",
    "我",
]
"""What a hint might trip over: letters that fold into others, digits of other scripts, parts of words."""
WORDS = [" May ", " is ", " in ", " not ", " 2023 ", "now", " last ", " two ", " Friday", " was ", " prefer "]


class _Always(frozenset[str]):
    """A set that shares something with whatever it is asked about."""

    def isdisjoint(self, other: object) -> bool:
        return False


@contextlib.contextmanager
def unhinted() -> Iterator[None]:
    """Read as if every hint were there."""
    with contextlib.ExitStack() as patches:
        for module, name, value in (
            (english, "lacks", lambda words, hints: False),
            (sentence, "lacks", lambda words, hints: False),
            (state, "lacks", lambda words, hints: False),
            (clauses, "lacks", lambda words, hints: False),
            (chinese, "_PATTERNS", [(read, _Always()) for read, _ in chinese._PATTERNS]),
            (sentence, "_MARKS", _Always()),
            (state, "longest_subject", lambda text: 10_000),
            (statement, "may_name", lambda text: True),
            (preferences, "_speaks", lambda text: True),
            (facts, "lacks", lambda words, hints: False),
        ):
            patches.enter_context(mock.patch.object(module, name, value))
        yield


READERS: dict[str, Callable[[str], Any]] = {
    "claims": lambda text: tuple(english.read(text)) if len(text) <= 160 else (),
    "clauses": clauses.english,
    "Chinese claims": lambda text: tuple(chinese.read(text)) if len(text) <= 160 else (),
    "times": lambda text: statement.told(text, SAID),
    "preferences": preferences.preferences_in,
    "marks": facts._names_time,
}


def differences(texts: Iterable[str]) -> list[tuple[str, str, Any, Any]]:
    """What is read otherwise with hints: reader, text, with, without."""
    found = []
    for text in texts:
        hinted = {name: read(text) for name, read in READERS.items()}
        with unhinted():
            whole = {name: read(text) for name, read in READERS.items()}
        found += [(name, text, hinted[name], whole[name]) for name in READERS if hinted[name] != whole[name]]
    return found


def spoilt(texts: list[str], count: int, seed: int = 1) -> Iterator[str]:
    """Texts with something odd put in at some places."""
    rng = random.Random(seed)
    short = [text for text in texts if 3 < len(text) < 150]
    for _ in range(count):
        text = rng.choice(short)
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(text) + 1)
            text = text[:place] + rng.choice(ODD + WORDS) + text[place + rng.randint(0, 1) :]
        yield text


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def read_texts(path: Path) -> list[str]:
    """The texts of a file, and their sentences: short ones are judged, whole ones often not."""
    content = path.read_text(encoding="utf-8")
    texts = list(strings(json.loads(content))) if path.suffix == ".json" else content.splitlines()
    sentences = (part for text in texts for part in re.split(r"(?<=[.!?])\s+", text))
    return list(dict.fromkeys([*texts, *sentences]))


def main() -> int:
    texts = [text for name in sys.argv[1:] for text in read_texts(Path(name))]
    found = differences([*texts, *spoilt(texts, len(texts))])
    for name, text, hinted, whole in found:
        sys.stdout.write(f"{name}: {text!r}\n  with hints    {hinted}\n  without hints {whole}\n")
    sys.stdout.write(f"{2 * len(texts)} texts read, {len(found)} otherwise with hints\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
