"""Rows of the keyword index: what a memory becomes there, and the commit that writes them.

Owns: the fields and terms of a row and how a tail is written. Does not own: the files
(`stores/keyword_index`), nor how the fields are asked (`stores/keyword_query`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memos_cli.schema import MemoryItem, Status, Tail
from memos_cli.stores import analysis, nearness
from memos_cli.stores.keyword_index import HEAP, MARKER, open_index, writing

if TYPE_CHECKING:
    import tantivy

BULK_HEAP = 100_000_000
EARLIEST = -(2**62)
LATEST = 2**62
"""Microseconds that stand for "always was" and "still is"."""

LIVE = frozenset({Status.ACTIVATED, Status.RESOLVING})
"""Statuses that a search sees unless told otherwise; one term names them in the index."""

# Not strftime, whose names depend on the machine's locale.
_MONTH_NAMES = "January February March April May June July August September October November December"
_MONTHS = _MONTH_NAMES.split()
_LONGEST_NAME = 512
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def commit(path: Path, batches: Iterable[tuple[Tail, bool]], revision: int, bulk: bool = False) -> None:
    """Write all rows and the marker in one commit; with each tail stands whether it is all new."""
    index = open_index(path)
    index.register_tokenizer("content", analysis.content_analyzer())
    index.register_tokenizer("exact", analysis.exact_analyzer())
    with writing(index, BULK_HEAP if bulk else HEAP) as writer:
        for tail, fresh in batches:
            _write_rows(writer, index.schema, tail, fresh)
        _write_marker(writer, index.schema, revision)
        writer.commit()


def _write_marker(writer: tantivy.IndexWriter, schema: tantivy.Schema, revision: int) -> None:
    from tantivy import Document

    writer.delete_documents_by_term("ordinal", MARKER)
    writer.add_document(Document.from_dict({"ordinal": MARKER, "revision": revision}, schema))


def _write_rows(writer: tantivy.IndexWriter, schema: tantivy.Schema, tail: Tail, fresh: bool) -> None:
    from tantivy import Document

    for item, ordinal in zip(tail.items, tail.ordinals, strict=True):
        if not fresh:
            writer.delete_documents_by_term("ordinal", ordinal)
        if item.status == Status.PURGED:
            # The rewrite that removes the text may be cut short; until it is done, hide it.
            writer.delete_documents_by_term("terms", f"id:{item.id}")
            continue
        writer.add_document(Document.from_dict(_fields(item, ordinal), schema))


def _fields(item: MemoryItem, ordinal: int) -> dict[str, Any]:
    return {
        "ordinal": ordinal,
        "time": micros(item.time),
        "valid_from": EARLIEST if item.valid_from is None else micros(item.valid_from),
        "valid_to": LATEST if item.valid_to is None else micros(item.valid_to),
        "known_from": micros(item.known_from),
        "known_to": LATEST if item.known_to is None else micros(item.known_to),
        "content": [analysis.content_text(text) for text in _content_of(item)],
        "exact": [analysis.exact_text(text) for text in _words_of(item)],
        "terms": _terms(item),
        "band": list(nearness.bands(item.memory)) if item.known_to is None else [],
        "item": _encode()(item, exclude_defaults=True),
    }


def _words_of(item: MemoryItem) -> list[str]:
    return [item.memory, *([item.key] if item.key else []), *item.tags]


def _content_of(item: MemoryItem) -> list[str]:
    """What BM25 ranks: as `_words_of`, and who said it when, as far as the text does not begin so."""
    words = _words_of(item)
    if item.speaker and not item.memory.startswith(item.speaker):
        words.append(item.speaker)
    if item.said_at is not None:
        words.append(f"{item.said_at.day} {_MONTHS[item.said_at.month - 1]} {item.said_at.year}")
    return words


def _terms(item: MemoryItem) -> list[str]:
    # Joined, not formatted: enumerations format in Python, and this runs for every row.
    terms = [
        "id:" + item.id,
        "kind:" + item.kind,
        "level:" + item.level,
        "status:" + item.status,
        "visibility:" + item.visibility,
        *(named("tag", tag) for tag in item.tags),
        *_sources(item),
    ]
    if item.user_id is not None:
        terms.append(named("user", item.user_id))
    if item.session_id is not None:
        terms.append(named("session", item.session_id))
    if item.agent_id is not None:
        terms.append(named("agent", item.agent_id))
    if item.known_to is None:
        terms += _terms_of_current(item)
    return terms


def _terms_of_current(item: MemoryItem) -> list[str]:
    terms = ["current", "now:" + item.id, "hash:" + hash_of(item)]
    if item.status in LIVE:
        terms.append("live")
    if item.external_id is not None:
        terms.append(named("ext", item.external_id))
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


def hash_of(item: MemoryItem) -> str:
    """The content hash an item is found by."""
    return item.content_hash or nearness.content_hash(item.memory)


def micros(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


@cache
def _encode() -> Any:
    """The model's JSON writer that gives bytes; a third of the time of `model_dump_json().encode()`."""
    MemoryItem.model_rebuild()
    return MemoryItem.__pydantic_serializer__.to_json
