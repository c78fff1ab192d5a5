"""Questions to the keyword index: filters, BM25, and the lookup of stored rows.

Owns: one committed state of the index open for reading, what filters mean in it, how a parsed
query is ranked, and the numbers that fusion needs. Does not own: what a word is
(`stores/analysis`), what a row holds (`stores/keyword_rows`), the files (`stores/keyword_index`).
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import neg
from typing import TYPE_CHECKING

import msgspec

from memos_cli.errors import ProjectionDamaged
from memos_cli.schema import Filters, MemoryItem, Status
from memos_cli.stores import analysis
from memos_cli.stores.facts import LEARNED, LIVE, Facts
from memos_cli.stores.keyword_index import FACTS, MARKER, WINDOWS, Pointer, Stamp
from memos_cli.stores.keyword_rows import EARLIEST, LATEST, micros, named

_decoder = msgspec.json.Decoder(MemoryItem)

if TYPE_CHECKING:
    import tantivy
    from tantivy import DocAddress, Query


MANY = 20_000
"""Rows from which on the old copies of a few count for nothing; counting that many takes a millisecond."""

COMMON, FEW, MOST = 0.02, 5, 1_000
"""A name that more rows hold than this share of all leads nowhere, unless FEW hold it; nor does one that
more than MOST hold, whose rows would take longer to go through than the whole search."""

_INDEXED = {"content": "freq", "exact": "position", **dict.fromkeys(WINDOWS, "freq")}
"""What the index keeps of a term beside the rows it is in."""


Scores = dict[int, float]
"""BM25 by ordinal, best first; equal ones by ordinal."""


@dataclass(frozen=True)
class KeywordHits:
    """What BM25 found, and the numbers fusion needs.

    `own` are the rows that hold the words themselves, `windows` those turns whose neighbourhood
    does, by field; scores are BM25 (Lucene's form, k1 1.2, b 0.75). `total` is the number of rows
    that pass the filters, whether they match or not, `turns` how many of them are turns.
    `coverage` is, of the idf mass of the query's distinct terms, the largest share that one
    visible row holds (an unseen term counts ln(1 + (N + .5) / .5)). `mean_tokens` is the mean
    number of content tokens of a row, 0.0 where nothing matched. `terms` are the query's terms as
    the index knows them.
    """

    own: Scores
    total: int
    terms: list[str]
    coverage: float = 0.0
    mean_tokens: float = 0.0
    turns: int = 0
    windows: dict[str, Scores] = field(default_factory=dict)
    view: View | None = field(default=None, repr=False, compare=False)
    addresses: dict[int, DocAddress] = field(default_factory=dict, repr=False, compare=False)
    """Where the hits lie in `view`."""

    @property
    def ordinals(self) -> list[int]:
        """The rows that hold the words themselves, best first."""
        return list(self.own)

    @property
    def scores(self) -> list[float]:
        """Their BM25 scores."""
        return list(self.own.values())


class View:
    """One committed state of the index, open for reading; never changes."""

    def __init__(self, pointer: Pointer, stamp: Stamp, index: tantivy.Index) -> None:
        from tantivy import Query

        self.pointer = pointer
        self.stamp = stamp
        self.schema = index.schema
        self._term_query = Query.term_query  # an import in `term`, which runs for every band, would tell
        self.searcher = index.searcher()
        marker = Query.term_query(self.schema, "ordinal", MARKER)
        found = self.searcher.fast_field_values("revision", self.best(marker, 2))
        if len(found) != 1 or not isinstance(found[0], int):
            raise ProjectionDamaged(store="keyword", reason="it does not say what it has absorbed")
        self.marked = found[0]
        self.total = self.searcher.num_docs - 1
        self._mean: dict[str, float] = {}
        self._carrying: dict[str, int] = {}

    @property
    def revision(self) -> int:
        moved = self.pointer.moved
        return moved[1] if moved and moved[0] == self.marked else self.marked

    def term(self, field_name: str, value: str | int) -> Query:
        return self._term_query(
            self.schema, field_name, value, index_option=_INDEXED.get(field_name, "basic")
        )

    def best(self, query: Query, limit: int) -> list[DocAddress]:
        return [address for _, address in self.searcher.search(query, limit, count=False).hits]

    def newest(self, query: Query, limit: int, *, oldest: bool = False) -> list[DocAddress]:
        """Rows by ordinal, descending, or ascending where the oldest are wanted."""
        from tantivy import Order

        limit = min(limit, self.total)
        if limit < 1:
            return []
        order = Order.Asc if oldest else Order.Desc
        found = self.searcher.search(query, limit, count=False, order_by_field="ordinal", order=order)
        return [address for _, address in found.hits]

    def by_time(self, query: Query, limit: int) -> list[DocAddress]:
        """Rows by when they were said, the newest first; those of one instant in no order."""
        from tantivy import Order

        limit = min(limit, self.total)
        if limit < 1:
            return []
        found = self.searcher.search(query, limit, count=False, order_by_field="time", order=Order.Desc)
        return [address for _, address in found.hits]

    def times(self, addresses: list[DocAddress]) -> list[int]:
        """When rows were said, in microseconds."""
        return self.searcher.fast_field_values("time", addresses)  # type: ignore[return-value]

    def at_time(self, query: Query, micros: int) -> Query:
        """The rows of `query` that were said at one instant."""
        from tantivy import Occur, Query

        return Query.boolean_query([(Occur.Must, query), (Occur.Must, self._range("time", micros, micros))])

    def count(self, query: Query) -> int:
        return int(self.searcher.search(query, 1, count=True).count)  # type: ignore[attr-defined]

    def all(self, query: Query) -> list[DocAddress]:
        count = self.count(query)
        return self.best(query, count) if count else []

    def any_of(self, field_name: str, values: Sequence[str | int]) -> list[DocAddress]:
        """Rows that hold any of `values`; a few hundred clauses at a time."""
        chunks = (values[start : start + 256] for start in range(0, len(values), 256))
        return [address for chunk in chunks for address in self.all(self._alternatives(field_name, chunk))]

    def best_of(self, field_name: str, values: Sequence[str], limit: int) -> list[DocAddress]:
        return self.best(self._alternatives(field_name, values), limit)

    def _alternatives(self, field_name: str, values: Sequence[str | int]) -> Query:
        # Clauses, not a term set: the engine makes an automaton of a set, at ten times the cost.
        return _any([self.term(field_name, value) for value in values])

    def ordinals(self, addresses: list[DocAddress]) -> list[int]:
        return self.searcher.fast_field_values("ordinal", addresses)  # type: ignore[return-value]

    def rows(self, ordinals: Sequence[int]) -> list[tuple[int, MemoryItem]]:
        """The rows with these ordinals and their items, in no order; unknown ones are left out."""
        found = self.lying(ordinals)
        return list(zip(self.ordinals(found), map(self.item, found), strict=True))

    def lying(self, ordinals: Sequence[int]) -> list[DocAddress]:
        """Where the rows with these ordinals lie, in no order; each lies in one place, so nothing is counted."""
        wanted = [o for o in dict.fromkeys(ordinals) if o != MARKER]
        chunks = (wanted[start : start + 256] for start in range(0, len(wanted), 256))
        return [a for chunk in chunks for a in self.best(self._alternatives("ordinal", chunk), len(chunk))]

    def turns(self, talk: int, first: int = 0, last: int = (1 << 31) - 1) -> Iterator[tuple[int, MemoryItem]]:
        """The current turns of a conversation at the places `first` to `last`, with their ordinals."""
        from tantivy import Occur, Query

        both = [self.term("terms", f"talk:{talk}"), self._range("position", max(first, 0), last)]
        found = self.all(Query.boolean_query([(Occur.Must, query) for query in both]))
        return zip(self.ordinals(found), map(self.item, found), strict=True)

    def last_position(self, talk: int) -> int:
        """The highest place of a conversation's current turns; -1 where there is none."""
        query = self.term("terms", f"talk:{talk}")
        found = self.searcher.search(query, 1, count=False, order_by_field="position").hits
        return int(found[0][0]) if found else -1

    def facts(self, addresses: list[DocAddress]) -> list[Facts]:
        """What ranking asks of these rows."""
        columns = [self.searcher.fast_field_values(name, addresses) for name in (*FACTS, "time")]
        return list(map(Facts._make, zip(*columns, strict=True)))

    def frequency(self, term: str) -> int:
        """How many rows carry a raw term."""
        return int(self.searcher.doc_freq("terms", term))

    def carrying(self, term: str) -> int:
        """The same without rows that were written again since, whose old copies the engine counts until
        it merges them; from MANY rows on with them, since counting would cost more than it tells."""
        if self.total >= MANY:
            return self.frequency(term)
        if term not in self._carrying:
            self._carrying[term] = self.count(self.term("terms", term)) if self.frequency(term) else 0
        return self._carrying[term]

    def segment_ordinals(self, place: int, rows: int) -> list[int]:
        """Ordinals in one segment of `rows` rows, deleted ones too."""
        from tantivy import DocAddress

        return self.ordinals([DocAddress(place, row) for row in range(rows)])

    def item(self, address: DocAddress) -> MemoryItem:
        """The stored row. Raises ProjectionDamaged where there is none, or one that is no memory."""
        try:
            stored = self.searcher.doc(address).get_first("item")
            return _decoder.decode(stored)  # type: ignore[arg-type]
        except (ValueError, TypeError) as error:
            # What the engine and the parser say of it is no sentence for a person.
            raise ProjectionDamaged(store="keyword", reason="a memory stored in it is not whole") from error

    def idf(self, frequency: int) -> float:
        n = max(self.total, frequency)
        return math.log(1 + (n - frequency + 0.5) / (frequency + 0.5))

    def mean_tokens(self, field_name: str, term: str) -> float:
        """Mean number of tokens of a row in a field, as BM25 of any `term` in the index uses it."""
        if field_name not in self._mean:
            query = self.term(field_name, term)
            parts = [json.loads(query.explain(self.searcher, self.best(query, 1)[0]).to_json())]
            for part in parts:
                parts.extend(part.get("details", ()))
            mean = next(part["value"] for part in parts if part["description"].startswith("avgdl"))
            # The engine counts the marker among the rows.
            self._mean[field_name] = mean * (self.total + 1) / self.total
        return self._mean[field_name]

    def restriction(self, filters: Filters, marked: str | None = None) -> Query:
        """`filters`, and a raw term that rows must carry as well, as a query that gives no score."""
        from tantivy import Occur, Query

        clauses = [(Occur.Must, clause) for clause in (*self._times(filters), *self._names(filters))]
        if marked is not None:
            clauses.append((Occur.Must, self.term("terms", marked)))
        if filters.learned is not None and (filters.learned or self.frequency(LEARNED)):
            clauses.append((Occur.Must if filters.learned else Occur.MustNot, self.term("terms", LEARNED)))
        whole = clauses[0][1] if len(clauses) == 1 else Query.boolean_query(clauses)
        return Query.const_score_query(whole, 0.0)

    def visible(self, filters: Filters) -> int:
        """How many rows a search without any filter but `learned` sees.

        Without learned ones: all less those, an intersection of short lists.
        """
        from tantivy import Occur, Query

        everything = self.carrying("live")
        if filters.learned is None or not self.frequency(LEARNED):
            return everything
        both = [(Occur.Must, self.term("terms", name)) for name in ("live", LEARNED)]
        learned = self.count(Query.boolean_query(both))
        return learned if filters.learned else everything - learned

    def _times(self, filters: Filters) -> Iterator[Query]:
        """When: what the row says of validity and knowledge, and its status then."""
        statuses = frozenset(filters.statuses) - {Status.PURGED}
        past = filters.as_of is not None or filters.known_at is not None
        if not past and statuses == LIVE:
            yield self.term("terms", "live")
        else:
            if not past:
                yield self.term("terms", "current")
            if filters.statuses:
                yield self._alternatives("terms", [f"status:{s}" for s in sorted(statuses)])
        if filters.as_of is not None:
            yield from self._holding("valid", micros(filters.as_of))
        if filters.known_at is not None:
            yield from self._holding("known", micros(filters.known_at))
        if filters.since is not None or filters.until is not None:
            since = EARLIEST if filters.since is None else micros(filters.since)
            yield self._range("time", since, LATEST if filters.until is None else micros(filters.until))

    def _holding(self, name: str, moment: int) -> Iterator[Query]:
        yield self._range(f"{name}_from", EARLIEST, moment)
        yield self._range(f"{name}_to", moment + 1, LATEST)

    def _range(self, name: str, low: int, high: int) -> Query:
        from tantivy import FieldType, Query

        return Query.range_query(self.schema, name, FieldType.Integer, low, high)

    def _names(self, filters: Filters) -> Iterator[Query]:
        for name, values in (
            ("kind", filters.kinds),
            ("level", filters.levels),
            ("visibility", filters.visibility),
            ("tag", filters.tags),
            ("user", filters.users),
            ("session", filters.sessions),
            ("agent", filters.agents),
            ("source", filters.sources),
        ):
            if values:
                yield self._alternatives("terms", [named(name, str(value)) for value in values])


def _any(queries: Sequence[Query]) -> Query:
    from tantivy import Occur, Query

    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])


class _Wanted(msgspec.Struct):
    """What a query asks for: scored alternatives with the weight of each distinct one, and musts."""

    view: str
    terms: list[str]
    alternatives: list[Query] = msgspec.field(default_factory=list)
    weighted: list[tuple[Query, float]] = msgspec.field(default_factory=list)
    unseen: float = 0.0
    musts: list[Query] = msgspec.field(default_factory=list)
    seen: tuple[str, str] | None = None
    """Field and term of something that is in the index."""


def ranked_search(
    view: View, query: analysis.ParsedQuery, filters: Filters, limit: int, *, windows: bool = False
) -> KeywordHits:
    """The first `limit` rows for `query` among those that `filters` let through."""
    wanted = _wanted(view, query)
    limit = min(limit, view.total)
    plain = filters == Filters(learned=filters.learned)
    restriction = view.restriction(filters)
    total = view.visible(filters) if plain else view.count(restriction)
    # How many turns there are is no matter of the words: fusion asks it where none is found, too.
    turns = _turns(view, restriction, plain) if windows else 0
    nothing = KeywordHits({}, total, wanted.terms, turns=turns)
    if limit < 1 or not (wanted.alternatives or wanted.musts):
        return nothing
    addresses: dict[int, DocAddress] = {}
    own = _scored(view, _ranked(wanted.alternatives, wanted.musts, restriction), limit, addresses)
    if not own:
        return nothing
    return KeywordHits(
        own=own,
        total=total,
        terms=wanted.terms,
        coverage=_coverage(view, wanted, restriction),
        mean_tokens=view.mean_tokens(*wanted.seen) if wanted.seen else 0.0,
        turns=turns,
        windows=_windows(view, query.terms, wanted.musts, restriction, limit, addresses) if turns else {},
        view=view,
        addresses=addresses,
    )


def _scored(view: View, query: Query, limit: int, addresses: dict[int, DocAddress]) -> Scores:
    """Scores of the first `limit` rows; where they lie goes into `addresses`."""
    hits = view.searcher.search(query, limit, count=False).hits
    if not hits:
        return {}
    scores, found = zip(*hits, strict=True)
    ordinals = view.ordinals(list(found))
    addresses.update(zip(ordinals, found, strict=True))
    # The engine breaks ties by where a row happens to lie.
    return {ordinal: -score for score, ordinal in sorted(zip(map(neg, scores), ordinals, strict=True))}


def mentions(view: View, names: Sequence[tuple[str, ...]], filters: Filters, limit: int) -> dict[int, float]:
    """Rows that are no turns and hold one of `names`, and how rare the rarest of those is, 0 to 1.

    A name is as rare as its rarest word, which costs nothing to know. Names that too many hold are passed over.
    """
    from tantivy import Occur, Query

    most = min(max(COMMON * view.total, FEW), MOST)
    held = []
    for name in names:
        frequency = min(view.searcher.doc_freq("exact", word) for word in name)
        if 0 < frequency <= most:
            rarity = 1 - math.log(frequency) / math.log(max(view.total, 2))
            held.append(Query.const_score_query(_phrase(view, analysis.Phrase(name)), rarity))
    if not held:
        return {}
    clauses = [
        (Occur.Must, view.restriction(filters)),
        (Occur.MustNot, view.term("terms", "turn")),
        (Occur.Must, Query.disjunction_max_query(held)),
    ]
    return _scored(view, Query.boolean_query(clauses), min(limit, view.total), {})


def _turns(view: View, restriction: Query, plain: bool) -> int:
    from tantivy import Occur, Query

    everywhere = view.carrying("turn")
    if plain or not everywhere:
        return everywhere
    both = [restriction, view.term("terms", "turn")]
    return view.count(Query.boolean_query([(Occur.Must, query) for query in both]))


def _windows(
    view: View,
    terms: Sequence[str],
    musts: Sequence[Query],
    restriction: Query,
    limit: int,
    addresses: dict[int, DocAddress],
) -> dict[str, Scores]:
    """Turns by the words around them. The musts, which are quoted, stay with the row itself."""
    found = {}
    for name in WINDOWS:
        present = [view.term(name, term) for term in terms if view.searcher.doc_freq(name, term)]
        if present:
            found[name] = _scored(view, _ranked(present, musts, restriction), limit, addresses)
    return found


def _wanted(view: View, query: analysis.ParsedQuery) -> _Wanted:
    """Queries for what was typed; without content terms the exact words stand in."""
    by_content = bool(query.terms) or not query.words
    wanted = _Wanted("content" if by_content else "exact", list(query.terms if by_content else query.words))
    _want_terms(view, wanted)
    for prefix in query.prefixes:
        _want_prefix(view, wanted, prefix)
    wanted.musts = [_phrase(view, phrase) for phrase in query.phrases]
    wanted.alternatives += [_phrase(view, phrase) for phrase in query.identifiers]
    return wanted


def _want_terms(view: View, wanted: _Wanted) -> None:
    frequencies = {term: view.searcher.doc_freq(wanted.view, term) for term in dict.fromkeys(wanted.terms)}
    for term, frequency in frequencies.items():
        if not frequency:
            wanted.unseen += view.idf(0)
            continue
        wanted.weighted.append((view.term(wanted.view, term), view.idf(frequency)))
        wanted.seen = (wanted.view, term)
    wanted.alternatives += [view.term(wanted.view, term) for term in wanted.terms if frequencies[term]]


def _want_prefix(view: View, wanted: _Wanted, prefix: str) -> None:
    """Words that begin with `prefix`, all together one term of the query."""
    from tantivy import Query

    wanted.terms.append(f"{prefix}*")
    begun = view.searcher.terms_with_prefix("exact", prefix)
    if not begun:
        wanted.unseen += view.idf(0)
        return
    wanted.seen = wanted.seen or ("exact", begun[0][0])
    frequency = min(view.total, sum(n for _, n in begun))
    found = _beginning(view, prefix)
    wanted.weighted.append((found, view.idf(frequency)))
    wanted.alternatives.append(Query.const_score_query(found, view.idf(frequency)))


def _beginning(view: View, prefix: str) -> Query:
    from tantivy import Query

    return Query.regex_query(view.schema, "exact", f"{re.escape(prefix)}.*")


def _phrase(view: View, phrase: analysis.Phrase) -> Query:
    """A phrase of one word is that word; the engine panics at one-word phrases."""
    from tantivy import Query

    if len(phrase.words) == 1:
        return _beginning(view, phrase.words[0]) if phrase.open else view.term("exact", phrase.words[0])
    if phrase.open:
        # Not the engine's phrase prefix: it tries fifty words and gives up.
        patterns: list[str | tuple[int, str]] = [re.escape(word) for word in phrase.words]
        return Query.regex_phrase_query(view.schema, "exact", [*patterns[:-1], f"{patterns[-1]}.*"])
    return Query.phrase_query(view.schema, "exact", [*phrase.words])


def _ranked(alternatives: Sequence[Query], musts: Sequence[Query], restriction: Query) -> Query:
    from tantivy import Occur, Query

    clauses = [(Occur.Must, query) for query in [restriction, *musts]]
    if alternatives:
        clauses.append((Occur.Should if musts else Occur.Must, _any(alternatives)))
    return Query.boolean_query(clauses)


def _coverage(view: View, wanted: _Wanted, restriction: Query) -> float:
    """The largest share of the query's idf mass that one visible row holds.

    Over all rows rather than the first hits: the engine needs a tenth of a millisecond for it.
    """
    from tantivy import Occur, Query

    mass = sum(weight for _, weight in wanted.weighted) + wanted.unseen
    if not wanted.weighted or not mass:
        return 0.0
    held = _any([Query.const_score_query(query, weight) for query, weight in wanted.weighted])
    musts = [(Occur.Must, Query.const_score_query(q, 0.0)) for q in wanted.musts]
    whole = Query.boolean_query([(Occur.Must, restriction), (Occur.Must, held), *musts])
    best = view.searcher.search(whole, 1, count=False).hits
    return min(1.0, best[0][0] / mass) if best else 0.0
