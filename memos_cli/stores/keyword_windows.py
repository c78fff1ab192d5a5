"""A turn among its neighbours: what the windows of the keyword index hold, and which rows a change touches.

Owns: which rows a commit of the index writes, with the terms of each one's windows. Does not own:
how they are written (`stores/keyword_rows`), nor what a term is (`stores/analysis`).

A question and its answer stand in two turns, and only together do they hold the words one asks
for. So a turn is found by the words around it too: `near` has the terms of the turns up to 2
places away in the same conversation, `wide` up to 6 (retrieval.md: recall@10 on LoCoMo .787
without, .833 with both). A new turn therefore changes the windows of at most 6 turns on either
side, which are written again with it, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING

import msgspec

from memos_cli.schema import MemoryItem, Tail
from memos_cli.stores import analysis
from memos_cli.stores.facts import is_turn, talk_of
from memos_cli.stores.keyword_index import WINDOWS

if TYPE_CHECKING:
    from memos_cli.stores.keyword_query import View

WIDEST = max(WINDOWS.values())

CROWD = 3
"""Turns of one place that count, the newest: an answer may be given again, but not a thousand times."""

_MONTH_NAMES = "January February March April May June July August September October November December"
# Not strftime, whose names depend on the machine's locale.
_MONTHS = _MONTH_NAMES.split()


NONE = Tail((), ())


class Row(msgspec.Struct, frozen=True):
    """A row to write: its windows by field (terms with spaces between), and whether it is new."""

    ordinal: int
    item: MemoryItem
    windows: dict[str, str]
    terms: int = 0
    """Content terms of its text."""
    fresh: bool = False


def words_of(item: MemoryItem) -> list[str]:
    """What a memory is searched by: text, key and tags."""
    return [item.memory, *([item.key] if item.key else []), *item.tags]


def content_of(item: MemoryItem) -> list[str]:
    """What BM25 ranks: as `words_of`, and who said it when, as far as the text does not begin so."""
    words = words_of(item)
    if item.speaker and not item.memory.startswith(item.speaker):
        words.append(item.speaker)
    if item.said_at is not None:
        words.append(f"{item.said_at.day} {_MONTHS[item.said_at.month - 1]} {item.said_at.year}")
    return words


def rows(view: View | None, tail: Tail, again: Tail, *, fresh: bool) -> Iterator[Row]:
    """Rows to write for `tail`, for those neighbours in `view` whose windows it changes, and for
    `again`, whose rows are there already and have to be written once more as they are.

    `fresh` promises that no row of `tail` is in the index.
    """
    coming = dict(zip(tail.ordinals, tail.items, strict=True))
    known = {o: i for o, i in zip(again.ordinals, again.items, strict=True) if o not in coming}
    talks = _Talks()
    for ordinal, item in coming.items():
        talks.put(ordinal, item, changed=True)
    for ordinal, item in known.items():
        talks.put(ordinal, item, changed=False)
    if view is not None:
        talks.look_up(view, closed=[i for i in tail.items if i.known_to is not None])
    touched = {o: i for o, i in talks.touched() if o not in coming}
    for ordinal, item in coming.items():
        yield talks.row(ordinal, item, fresh=fresh)
    for ordinal, item in {**known, **touched}.items():
        yield talks.row(ordinal, item, fresh=False)


class Straddling:
    """Conversations whose turns come in more than one batch, so that windows at the seam lack some."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}
        self.found: set[int] = set()

    def watch(self, batches: Iterable[Tail]) -> Iterator[Tail]:
        """The batches, as they come."""
        for place, tail in enumerate(batches):
            for talk in {talk_of(item) for item in tail.items} - {0}:
                if self._first.setdefault(talk, place) != place:
                    self.found.add(talk)
            yield tail

    def whole(self, view: View) -> Iterator[Tail]:
        """Each of them whole, from the index."""
        for talk in sorted(self.found):
            turns = sorted(view.turns(talk))
            yield Tail(tuple(item for _, item in turns), tuple(ordinal for ordinal, _ in turns))


class _Talks:
    """Turns by conversation and place."""

    def __init__(self) -> None:
        self._places: dict[int, dict[int, dict[int, MemoryItem]]] = {}
        """Talk → position → ordinal → turn: several may share a place (an answer given twice)."""
        self._changed: dict[int, set[int]] = {}
        self._terms: dict[int, tuple[str, int]] = {}
        """Each turn's content terms with spaces between, since it stands in the windows of a dozen others, and
        how many of them are its text's."""

    def put(self, ordinal: int, item: MemoryItem, *, changed: bool) -> None:
        if not (talk := talk_of(item)):
            return
        assert item.position is not None
        self._places.setdefault(talk, {}).setdefault(item.position, {})[ordinal] = item
        if changed:
            self._changed.setdefault(talk, set()).add(item.position)

    def look_up(self, view: View, closed: Iterable[MemoryItem]) -> None:
        """Add the neighbours that are in the index. `closed`: rows that are no turns any more."""
        for item in closed:
            if talk := talk_of(item.but(known_to=None)):
                assert item.position is not None
                self._changed.setdefault(talk, set()).add(item.position)
        mine = {o for places in self._places.values() for turns in places.values() for o in turns}
        gone = {item.row for item in closed}
        for talk in self._places.keys() | self._changed.keys():
            at = self._places.get(talk, {}).keys() | self._changed.get(talk, set())
            # Twice the reach: the windows of a touched neighbour reach that much further.
            for ordinal, item in view.turns(talk, min(at) - 2 * WIDEST, max(at) + 2 * WIDEST):
                if ordinal not in mine and item.row not in gone:
                    self.put(ordinal, item, changed=False)

    def touched(self) -> Iterator[tuple[int, MemoryItem]]:
        """Turns within reach of a changed place."""
        for talk, changed in self._changed.items():
            for position, turns in self._places.get(talk, {}).items():
                if any(position + step in changed for step in range(-WIDEST, WIDEST + 1)):
                    yield from turns.items()

    def row(self, ordinal: int, item: MemoryItem, *, fresh: bool) -> Row:
        talk = talk_of(item)
        if not talk:
            return Row(
                ordinal, item, {}, len(analysis.content_terms(item.memory)) if is_turn(item) else 0, fresh
            )
        assert item.position is not None
        places = self._places[talk]
        windows = {}
        for name, reach in WINDOWS.items():
            near = (places.get(item.position + step, {}) for step in range(-reach, reach + 1))
            turns = [pair for there in near for pair in sorted(there.items())[-CROWD:]]
            windows[name] = " ".join(filter(None, [self._of(*pair)[0] for pair in turns]))
        return Row(ordinal, item, windows, self._of(ordinal, item)[1], fresh)

    def _of(self, ordinal: int, item: MemoryItem) -> tuple[str, int]:
        if ordinal not in self._terms:
            first, *others = map(analysis.content_terms, content_of(item))
            self._terms[ordinal] = " ".join(chain(first, *others)), len(first)
        return self._terms[ordinal]
