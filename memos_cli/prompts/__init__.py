"""Prompts: what language models are told, as files of this package.

Owns: finding `NAME.LANGUAGE.md` beside this file, its front matter, and filling its `{{holes}}`.
Does not own: when a prompt is used, nor what becomes of the answer. Adding a file is all that a new
prompt takes: `memos help prompts` shows it.

A file begins with its front matter, `version` (a whole number, raised with every change of the words)
and `purpose` (one line), between two lines `---`. What is put into a hole is never searched for holes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

_FILE = re.compile(r"(?P<name>[a-z0-9_]+)\.(?P<language>[a-z]{2})\.md")
_SHAPE = re.compile(
    r"---\nversion: (?P<version>\d+)\npurpose: (?P<purpose>[^\n]+)\n---\n(?P<text>.+)", re.DOTALL
)
_HOLE = re.compile(r"\{\{(\w+)\}\}")
DEFAULT_LANGUAGE = "en"


@dataclass(frozen=True)
class Prompt:
    """One prompt in one language."""

    name: str
    language: str
    version: int
    purpose: str
    text: str

    @property
    def holes(self) -> frozenset[str]:
        return frozenset(_HOLE.findall(self.text))

    def fill(self, **values: object) -> str:
        """The words with every hole filled. Raises ValueError when a value is missing or has no hole."""
        if values.keys() != self.holes:
            raise ValueError(
                f"the prompt {self.name} takes {sorted(self.holes)}, and {sorted(values)} are given"
            )
        return _HOLE.sub(lambda hole: str(values[hole[1]]), self.text)


def prompt(name: str, language: str = DEFAULT_LANGUAGE) -> Prompt:
    """The prompt `name` in `language` (`en`, `zh`, also `zh-CN`), in English where it has no such file.

    Raises KeyError when there is no such prompt.
    """
    wanted = language.replace("_", "-").partition("-")[0].lower()
    known = _all()
    return known.get((name, wanted)) or known[name, DEFAULT_LANGUAGE]


def prompts() -> tuple[Prompt, ...]:
    """Every prompt in every language, by name."""
    return tuple(_all()[key] for key in sorted(_all()))


@cache
def _all() -> dict[tuple[str, str], Prompt]:
    found = {}
    for entry in resources.files(__name__).iterdir():
        if named := _FILE.fullmatch(entry.name):
            key = named["name"], named["language"]
            found[key] = _read(*key, entry.read_text(encoding="utf-8"))
    return found


def _read(name: str, language: str, content: str) -> Prompt:
    shape = _SHAPE.fullmatch(content)
    if shape is None:
        raise ValueError(f"the prompt {name}.{language}.md has no front matter with version and purpose")
    return Prompt(name, language, int(shape["version"]), shape["purpose"].strip(), shape["text"].strip())
