"""The keyword projection: a tantivy index of every version of every memory.

Owns: the projection's contract (revision, absorb, rebuild) and everything one asks it: BM25,
filters, stored items, candidates for duplicates. Its parts stand beside it: the files in
`stores/keyword_index`, the rows in `stores/keyword_rows`, the questions in `stores/keyword_query`,
what keeps single adds cheap in `stores/keyword_fold`.
Does not own: what a word is (`stores/analysis`), when two texts are the same
(`stores/nearness`), fusion with other routes, nor the truth: everything here is made again from
the table.

On disk:

    keywords/
    ├── CURRENT          JSON: schema, dir, and how far empty tails moved the revision on
    └── g-<hex>/         one generation: a tantivy index

A commit of the index makes its rows and a marker document visible together; the marker holds
the table version absorbed. A rebuild writes a new generation and renames CURRENT over the old
one. Crash windows: before a commit nothing changed; after it the marker says so; before the
rename the new generation is rubbish that the next rebuild removes; after it the old one is.
What is left by a kill inside a commit can make the same commit fail with `FileAlreadyExists`
(the name of a deletion file is made of the operation count): the rubbish is collected and the
commit repeated.

Readers take no lock: they hold one searcher, and look at the file system's stamp of CURRENT
and of the index's `meta.json` before each use.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from uuid import uuid4

from memos_cli.errors import NotPermitted, ProjectionDamaged, ProjectionOutdated
from memos_cli.schema import Filters, MemoryItem, RelationKind, Status, Tail
from memos_cli.stores import analysis, nearness
from memos_cli.stores.disk import ensure_directory
from memos_cli.stores.facts import Facts, talk_number
from memos_cli.stores.keyword_fold import folded
from memos_cli.stores.keyword_index import (
    MARKER,
    SCHEMA,
    Pointer,
    collect_garbage,
    create,
    engine,
    intact,
    opened,
    read_pointer,
    remove_others,
    segment_files,
    stamp,
    write_pointer,
)
from memos_cli.stores.keyword_query import KeywordHits, View, mentions, ranked_search
from memos_cli.stores.keyword_recency import latest
from memos_cli.stores.keyword_rows import (
    QUEUED,
    commit,
    former_hash,
    hash_of,
    hash_term,
    holds,
    named,
    now_of,
    past_of,
    under,
)
from memos_cli.stores.keyword_windows import NONE, Straddling, rows

__all__ = ["SCHEMA", "KeywordHits", "Keywords"]


class Keywords:
    """Keyword index in one directory. Opens at first use; one writer at a time (the cube's lock)."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._seen: View | None = None
        self.keeper: object = None
        """Whatever has to live as long as this does: the owner of temporary files."""

    @property
    def revision(self) -> int | None:
        """Table version absorbed; None where it is missing, damaged or of another schema."""
        try:
            return self._view().revision
        except (ProjectionDamaged, NotPermitted):
            return None

    @property
    def outdated(self) -> bool:
        """Whether it was written in another schema, by an older or a later version of memos."""
        try:
            self._view()
        except ProjectionOutdated:
            return True
        except (ProjectionDamaged, NotPermitted):
            return False
        return False

    def absorb(self, tail: Tail, revision: int) -> None:
        """Take in the rows of `tail` and stand at `revision`, in one commit of the index.

        Raises ProjectionDamaged where only a rebuild can help, StorageFull, NotPermitted.
        """
        view = self._view()
        if not tail.items:
            self._advance(view, revision)
            return
        # A tail may come twice: its promise held when it was cut, not after it was absorbed.
        fresh = tail.fresh and revision > view.revision
        path = self.directory / view.pointer.dir
        with engine(path):
            # A rebuild that was killed left its generation; it may be large.
            remove_others(self.directory, path.name)
            batch = list(rows(view, tail, folded(view, path, len(tail.items)), fresh=fresh))
            try:
                commit(path, [batch], revision)
            except ValueError as error:
                if "AlreadyExists" not in str(error):
                    raise
                collect_garbage(path)
                commit(path, [batch], revision)

    def rebuild(self, batches: Iterable[Tail], revision: int) -> None:
        """Make the index anew from `batches` and put it in the old one's place."""
        with engine(self.directory):
            ensure_directory(self.directory)
            pointer = Pointer(f"g-{uuid4().hex}")
            try:
                self._build(self.directory / pointer.dir, batches, revision)
            except BaseException:
                shutil.rmtree(self.directory / pointer.dir, ignore_errors=True)
                raise
            write_pointer(self.directory, pointer)
            self._seen = None
            remove_others(self.directory, pointer.dir)

    def search(self, text: str, filters: Filters, limit: int = 1000, *, windows: bool = False) -> KeywordHits:
        """Rows that hold any term of `text` and all its quoted phrases; with `windows` also turns
        whose neighbours do.

        `text` is what a person types, never query syntax: "quoted words" must stand side by
        side, `word*` finds what begins so, everything else is alternatives. Raises
        ProjectionDamaged.
        """
        view = self._view()
        with engine(self.directory):
            return ranked_search(view, analysis.parse(text), filters, limit, windows=windows)

    def mentioning(self, names: Sequence[tuple[str, ...]], filters: Filters, limit: int) -> dict[int, float]:
        """Rows that are no turns and hold one of `names` word for word, and how rare the rarest of them
        is: 1 for a name that one row holds, towards 0 for what many do. Raises ProjectionDamaged."""
        view = self._view()
        with engine(self.directory):
            return mentions(view, names, filters, limit)

    def facts(self, hits: KeywordHits, ordinals: Sequence[int]) -> dict[int, Facts]:
        """What ranking asks of these rows beside their words; unknown ordinals are left out.

        `hits` knows where most of them lie. Raises ProjectionDamaged.
        """
        view = self._view()
        with engine(self.directory):
            there = hits.addresses if hits.view is view else {}
            known = [o for o in ordinals if o in there]
            found = dict(zip(known, view.facts([there[o] for o in known]), strict=True))
            rest = view.lying([o for o in ordinals if o not in there])
            return found | dict(zip(view.ordinals(rest), view.facts(rest), strict=True))

    def speakers(self, names: Iterable[str]) -> list[str]:
        """Which of `names` are labels of somebody who speaks in this cube."""
        view = self._view()
        with engine(self.directory):
            return [name for name in names if view.frequency(named("speaker", name.casefold()))]

    def next_position(self, session_id: str, user_id: str | None) -> int:
        """The place after the last turn of a session; 0 where there is none."""
        view = self._view()
        with engine(self.directory):
            return view.last_position(talk_number(user_id, session_id)) + 1

    def filter_only(
        self, filters: Filters, limit: int, marked: str | None = None, *, oldest: bool = False
    ) -> list[int]:
        """Ordinals of at most `limit` rows that `filters` let through, newest (or oldest) first.

        `marked`: only those with a mark of `stores/facts`.
        """
        view = self._view()
        with engine(self.directory):
            found = view.newest(view.restriction(filters, marked), limit, oldest=oldest)
            return view.ordinals(found)

    def latest(self, filters: Filters, limit: int, marked: str | None = None) -> list[MemoryItem]:
        """At most `limit` memories that `filters` let through, those said last first (`stores/keyword_recency`);
        `marked` as in `filter_only`."""
        view = self._view()
        with engine(self.directory):
            return latest(view, view.restriction(filters, marked), limit)

    def count(self, filters: Filters, marked: str | None = None) -> int:
        """How many rows `filters` let through; `marked` as in `filter_only`."""
        view = self._view()
        with engine(self.directory):
            if filters.levels and not any(view.frequency(named("level", level)) for level in filters.levels):
                return 0  # mostly: every search asks for topics and concepts, and few cubes have any
            return view.count(view.restriction(filters, marked))

    def holds(self, term: str) -> bool:
        """Whether any row has a raw term, such as a mark of `stores/facts`; a look into the dictionary, a few microseconds."""
        view = self._view()
        with engine(self.directory):
            return view.frequency(term) > 0

    def all_ordinals(self) -> set[int]:
        """Every row the index holds."""
        from tantivy import Query

        view = self._view()
        with engine(self.directory):
            return set(view.ordinals(view.all(Query.all_query()))) - {MARKER}

    def items(self, ordinals: Sequence[int]) -> dict[int, MemoryItem]:
        """The rows with these ordinals, whole; unknown ordinals are left out."""
        view = self._view()
        with engine(self.directory):
            return dict(view.rows(ordinals))

    def current(self, ids: Sequence[str]) -> dict[str, tuple[int, MemoryItem]]:
        """The current version of each memory by id, with its ordinal; unknown ids are left out."""
        view = self._view()
        with engine(self.directory):
            wanted = dict.fromkeys(ids)
            found = view.any_of("terms", [now_of(id) for id in wanted])
            pairs = zip(view.ordinals(found), map(view.item, found), strict=True)
            return {item.id: (ordinal, item) for ordinal, item in pairs if item.id in wanted}

    def by_external(self, external_id: str, user_id: str | None) -> tuple[int, MemoryItem] | None:
        """The current memory that this user's caller named so; None as user means "of no user"."""
        view = self._view()
        with engine(self.directory):
            found = view.any_of("terms", [named("ext", external_id)])
            pairs = zip(view.ordinals(found), map(view.item, found), strict=True)
            mine = [(o, i) for o, i in pairs if (i.external_id, i.user_id) == (external_id, user_id)]
            return max(mine, key=lambda pair: pair[0], default=None)

    def by_hash(self, hashes: Sequence[str]) -> dict[str, list[tuple[str, Status]]]:
        """Ids and statuses of the current memories with each content hash, oldest first."""
        out: dict[str, list[tuple[str, Status]]] = {}
        for item in self.with_hash(hashes):
            out.setdefault(hash_of(item), []).append((item.id, item.status))
        return out

    def with_hash(self, hashes: Sequence[str]) -> list[MemoryItem]:
        """The current memories that have one of these content hashes, oldest first."""
        view = self._view()
        with engine(self.directory):
            wanted = dict.fromkeys(hashes)
            found = view.any_of("terms", list(dict.fromkeys(map(hash_term, wanted))))
            ordered = sorted(zip(view.ordinals(found), range(len(found)), strict=True))
            items = (view.item(found[place]) for _, place in ordered)
            return [item for item in items if hash_of(item) in wanted]

    def formerly(self, hashes: Sequence[str]) -> list[MemoryItem]:
        """The versions with one of these content hashes that another version of their memory followed."""
        view = self._view()
        with engine(self.directory):
            wanted = dict.fromkeys(hashes)
            terms = [t for t in dict.fromkeys(map(former_hash, wanted)) if view.frequency(t)]
            items = (view.item(address) for address in view.any_of("terms", terms))
            return [item for item in items if hash_of(item) in wanted]

    def versions(self, id: str) -> list[MemoryItem]:
        """All versions of a memory, the oldest first; none where it is unknown."""
        view = self._view()
        with engine(self.directory):
            found = map(view.item, view.any_of("terms", [now_of(id), past_of(id)]))
            return sorted((item for item in found if item.id == id), key=lambda item: item.version)

    def claiming(self, terms: Iterable[str], limit: int = 20) -> dict[str, list[MemoryItem]]:
        """The newest `limit` current memories that have each of these terms (`stores/claims`)."""
        view = self._view()
        with engine(self.directory):
            held = [t for t in dict.fromkeys(terms) if view.searcher.doc_freq("terms", t)]
            return {t: [view.item(a) for a in view.newest(view.term("terms", t), limit)] for t in held}

    def holders(self, ids: Sequence[str]) -> dict[str, str]:
        """The concept that holds each of these turns, by id; turns that none holds are left out."""
        view = self._view()
        with engine(self.directory):
            wanted = frozenset(ids)
            concepts = map(view.item, view.any_of("terms", [holds(id) for id in wanted]))
            return {
                edge.target: concept.id
                for concept in concepts
                for edge in concept.relations
                if edge.kind == RelationKind.HOLDS and edge.target in wanted
            }

    def held_by(self, concept: str) -> set[int]:
        """Ordinals of the current notes and turns that are filed under a concept."""
        view = self._view()
        with engine(self.directory):
            named_by = view.any_of("terms", [now_of(concept)])
            turns = [
                e.target for a in named_by for e in view.item(a).relations if e.kind == RelationKind.HOLDS
            ]
            return set(view.ordinals(view.any_of("terms", [under(concept), *map(now_of, turns)])))

    def on_subjects(self, subjects: Sequence[str]) -> list[MemoryItem]:
        """The current learned preferences on any of these subjects (`stores/subjects`)."""
        view = self._view()
        with engine(self.directory):
            found = view.any_of("terms", [f"subject:{one}" for one in dict.fromkeys(subjects)])
            return [view.item(address) for address in found]

    def near(self, text: str, limit: int = 20) -> list[MemoryItem]:
        """Current memories whose text may be near-identical: most shared MinHash bands first."""
        return self.near_many([text], limit)[0]

    def near_many(self, texts: Sequence[str], limit: int = 20) -> list[list[MemoryItem]]:
        """`near` of each text."""
        view = self._view()
        with engine(self.directory):
            held = [_held(view, bands) for bands in nearness.bands_of(texts)]
            found = (view.best_of("band", terms, limit) if terms else [] for terms in held)
            return [[view.item(address) for address in addresses] for addresses in found]

    def queued(self) -> list[int]:
        """Ordinals of the memories that wait for their refinement, the longest waiting first."""
        view = self._view()
        with engine(self.directory):
            return sorted(view.ordinals(view.any_of("terms", [QUEUED])))

    def refined_from(self, ids: Iterable[str]) -> list[MemoryItem]:
        """The current facts that rest on any of these memories, the oldest first; archived ones too."""
        view = self._view()
        with engine(self.directory):
            found = view.any_of("terms", [named("refines", id) for id in dict.fromkeys(ids)])
            pairs = dict(zip(view.ordinals(found), found, strict=True))  # one may rest on several
            return [view.item(pairs[ordinal]) for ordinal in sorted(pairs)]

    def turns(
        self, session_id: str, user_id: str | None, first: int, last: int
    ) -> list[tuple[int, MemoryItem]]:
        """The current turns at the places `first` to `last` of a user's session, in their order."""
        view = self._view()
        with engine(self.directory):
            found = view.turns(talk_number(user_id, session_id), first, last)
            return sorted(found, key=lambda pair: (pair[1].position or 0, pair[0]))

    def damage(self) -> list[str]:
        """Names of the index's files whose content does not match the checksum they carry.

        Reads every byte; for `check`. Raises ProjectionDamaged where it cannot be opened at all.
        """
        path = self.directory / self._view().pointer.dir
        with engine(path):
            return sorted(file.name for file in segment_files(path) if not intact(file))

    def _view(self) -> View:
        """The newest committed state; opened anew only where the files' stamps changed."""
        with engine(self.directory):
            seen = self._seen
            if seen is not None and seen.stamp == stamp(self.directory, seen.pointer.dir):
                return seen
            self._seen = _open(self.directory)
            return self._seen

    def _build(self, path: Path, batches: Iterable[Tail], revision: int) -> None:
        path.mkdir()
        create(path)
        talks = Straddling()
        commit(
            path, (rows(None, tail, NONE, fresh=True) for tail in talks.watch(batches)), revision, bulk=True
        )
        if talks.found:
            view = View(Pointer(path.name), ((0, 0, 0), (0, 0, 0)), opened(path))
            commit(
                path, (rows(None, tail, NONE, fresh=False) for tail in talks.whole(view)), revision, bulk=True
            )

    def _advance(self, view: View, revision: int) -> None:
        if revision == view.revision:
            return
        with engine(self.directory):
            write_pointer(self.directory, Pointer(view.pointer.dir, (view.marked, revision)))


def _held(view: View, bands: Iterable[str]) -> list[str]:
    """Those of `bands` that any row has; mostly none, and a look into the dictionary tells that at a
    fifth of a search."""
    return [band for band in bands if view.searcher.doc_freq("band", band)]


def _open(directory: Path) -> View:
    """The committed state, opened; again from the pointer where a rebuild swapped it meanwhile."""
    for _ in range(20):
        pointer = read_pointer(directory)
        seen = stamp(directory, pointer.dir)
        try:
            if seen is None:
                raise ProjectionDamaged(store="keyword", reason="its files are not there")
            with engine(directory / pointer.dir):
                return View(pointer, seen, opened(directory / pointer.dir))
        except ProjectionDamaged:
            # Only a state that stood still while it was read is known to be damaged.
            if read_pointer(directory) == pointer and stamp(directory, pointer.dir) == seen:
                raise
    raise ProjectionDamaged(store="keyword", reason="it changes faster than it can be read")
