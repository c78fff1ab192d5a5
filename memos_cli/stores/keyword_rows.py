"""Rows of the keyword index: what a memory becomes there, and the commit that writes them.

Owns: the fields and terms of a row and how rows are written. Does not own: the files
(`stores/keyword_index`), which rows a change concerns (`stores/keyword_windows`), nor how the
fields are asked (`stores/keyword_query`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from memos_cli.schema import MemoryItem, Refinement, RelationKind, Status
from memos_cli.stores import analysis, nearness
from memos_cli.stores.facts import (
    LEARNED,
    LIVE,
    PINNED,
    UNOWNED,
    is_learned,
    labels_of,
    marks_of,
    speaker_number,
    talk_of,
)
from memos_cli.stores.keyword_index import HEAP, MARKER, open_index, writing
from memos_cli.stores.keyword_windows import Row, content_of, words_of
from memos_cli.stores.subjects import subject_of

if TYPE_CHECKING:
    import tantivy

BULK_HEAP = 100_000_000
EARLIEST = -(2**62)
LATEST = 2**62
"""Microseconds that stand for "always was" and "still is"."""

QUEUED = "refine:queued"
"""The term of memories in use that wait for their refinement."""

_LONGEST_NAME = 512
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def commit(path: Path, batches: Iterable[Iterable[Row]], revision: int, bulk: bool = False) -> None:
    """Write all rows and the marker in one commit."""
    index = open_index(path)
    index.register_tokenizer("content", analysis.content_analyzer())
    index.register_tokenizer("exact", analysis.exact_analyzer())
    with writing(index, BULK_HEAP if bulk else HEAP) as writer:
        for batch in batches:
            _write_rows(writer, index.schema, batch)
        _write_marker(writer, index.schema, revision)
        writer.commit()


def _write_marker(writer: tantivy.IndexWriter, schema: tantivy.Schema, revision: int) -> None:
    from tantivy import Document

    writer.delete_documents_by_term("ordinal", MARKER)
    writer.add_document(Document.from_dict({"ordinal": MARKER, "revision": revision}, schema))


def _write_rows(writer: tantivy.IndexWriter, schema: tantivy.Schema, rows: Iterable[Row]) -> None:
    from tantivy import Document

    for row in rows:
        if not row.fresh:
            writer.delete_documents_by_term("ordinal", row.ordinal)
        if row.item.status == Status.PURGED:
            # The rewrite that removes the text may be cut short; until it is done, hide it.
            for term in (now_of(row.item.id), past_of(row.item.id)):
                writer.delete_documents_by_term("terms", term)
            continue
        writer.add_document(Document.from_dict(_fields(row), schema))


def _fields(row: Row) -> dict[str, Any]:
    item = row.item
    fields = {
        "ordinal": row.ordinal,
        "time": micros(item.time),
        "valid_from": EARLIEST if item.valid_from is None else micros(item.valid_from),
        "valid_to": LATEST if item.valid_to is None else micros(item.valid_to),
        "known_from": micros(item.known_from),
        "known_to": LATEST if item.known_to is None else micros(item.known_to),
        "content": [analysis.content_text(text) for text in content_of(item)],
        "exact": [analysis.exact_text(text) for text in words_of(item)],
        "terms": _terms(item),
        "band": list(nearness.bands(item.memory)) if item.known_to is None else [],
        "item": _encoder.encode(item),
    }
    # Every row has every fact: a column that lacks some would give None for them.
    fields |= {
        "talk": talk_of(item),
        "position": -1 if item.position is None else item.position,
        "speaker": speaker_number(item.speaker),
        "marks": marks_of(item, row.terms),
    }
    return fields | row.windows


def _terms(item: MemoryItem) -> list[str]:
    # Joined, not formatted: enumerations format in Python, and this runs for every row.
    terms = [
        "kind:" + item.kind,
        "level:" + item.level,
        "status:" + item.status,
        "visibility:" + item.visibility,
        *(named("tag", tag) for tag in item.tags),
        *_sources(item),
    ]
    terms.append(UNOWNED if item.user_id is None else named("user", item.user_id))
    if is_learned(item):
        terms.append(LEARNED)
    if item.session_id is not None:
        terms.append(named("session", item.session_id))
    if item.agent_id is not None:
        terms.append(named("agent", item.agent_id))
    if item.known_to is None:
        terms += _terms_of_current(item)
        if talk := talk_of(item):
            terms += [
                "turn",
                f"talk:{talk}",
                *(named("speaker", label.casefold()) for label in labels_of(item.speaker)),
            ]
    else:
        terms += [past_of(item.id), former_hash(hash_of(item))]
    return terms


def _terms_of_current(item: MemoryItem) -> list[str]:
    terms = ["current", now_of(item.id), hash_term(hash_of(item))]
    if item.status in LIVE:
        terms.append("live")
        from memos_cli.stores.claims import terms_of  # reading claims is no matter of a search

        terms += terms_of(item)
        if item.refinement is Refinement.QUEUED:
            terms.append(QUEUED)
    terms += [named("refines", id) for id in item.rests_on]
    terms += [holds(edge.target) for edge in item.relations if edge.kind == RelationKind.HOLDS]
    if item.parent is not None:
        terms.append(under(item.parent))
    if item.pinned:
        terms.append(PINNED)
    if item.external_id is not None:
        terms.append(named("ext", item.external_id))
    if is_learned(item):
        terms.append("subject:" + subject_of(item))
    return terms


def _sources(item: MemoryItem) -> set[str]:
    """What a source is known by: type, path, file name, url, role."""
    names = {name for s in item.sources for name in (s.type, s.path, s.url, s.role) if name}
    names |= {re.split(r"[/\\]", s.path)[-1] for s in item.sources if s.path}
    return {named("source", name) for name in names if name}


def named(name: str, value: str) -> str:
    """The raw term of one field's value."""
    # The engine drops terms over 64 KiB without a word; long ones stand as their hash.
    if len(value) > _LONGEST_NAME:
        value = "#" + hashlib.blake2b(value.encode("utf-8", "replace"), digest_size=16).hexdigest()
    return f"{name}:{value}"


def now_of(id: str) -> str:
    """The raw term of the current version of a memory, or of one in some billions more: who looks it up reads
    the ids of what is found."""
    return "now:" + _short(id)


def past_of(id: str) -> str:
    """The raw term of the versions before, by which a purge finds them."""
    return "past:" + _short(id)


def holds(id: str) -> str:
    """The raw term of the concept that holds this turn."""
    return "holds:" + _short(id)


def under(id: str) -> str:
    """The raw term of what is filed under this concept or topic."""
    return "under:" + _short(id)


def _short(id: str) -> str:
    """48 bits of an id. A term that one row alone has costs the index by its length; of a UUID the last
    digits are by chance."""
    if len(id) == _UUID and id[-_TAIL - 1] == "-":
        return id[-_TAIL:]
    return hashlib.blake2b(id.encode("utf-8", "replace"), digest_size=_TAIL // 2).hexdigest()


_UUID, _TAIL = 36, 12
"""Characters of a UUID, and of its last group."""


def former_hash(digest: str) -> str:
    """The same of the versions before."""
    return "was:" + digest[:_TAIL]


def hash_term(digest: str) -> str:
    """The raw term of a content hash: 48 bits of it, so that what is found must be compared."""
    return "hash:" + digest[:_TAIL]


def hash_of(item: MemoryItem) -> str:
    """The content hash an item is found by."""
    return item.content_hash or nearness.content_hash(item.memory)


@lru_cache(maxsize=64)
def micros(moment: datetime) -> int:
    """Microseconds since 1970; the rows of a change share most of their times."""
    return (moment - _EPOCH) // _MICROSECOND


_encoder = msgspec.json.Encoder()
