"""Every path inside a cube, its format version, and the specification of the format.

Owns: names of files and folders, the list of feature flags, the text of `memos help format`.
Does not own: what is written into the files. No other file spells a path inside a cube.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_type_hints

import msgspec

from memos_cli.schema import FORMAT, FORMAT_VERSION

FEATURES: dict[str, str] = {
    "table-1": "the memory table with the columns of format 1",
}
"""Feature flags: a program that does not know one named in `features_read` must not open the cube."""


class Layout(msgspec.Struct, frozen=True):
    """Paths of one cube."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config.json"

    @property
    def readme(self) -> Path:
        return self.root / "README.md"

    @property
    def table(self) -> Path:
        return self.root / "memories.lance"

    @property
    def keywords(self) -> Path:
        return self.root / "keywords"

    @property
    def vectors(self) -> Path:
        return self.root / "vectors"

    @property
    def graph(self) -> Path:
        return self.root / "graph"

    @property
    def local(self) -> Path:
        return self.root / ".memos"

    @property
    def lock(self) -> Path:
        return self.local / "lock"

    @property
    def reorganizing(self) -> Path:
        """The lock of `memos reorganize`, held while it computes; the write lock only while it commits."""
        return self.local / "reorganizing"

    @property
    def maintaining(self) -> Path:
        """The lock of `memos maintain`."""
        return self.local / "maintaining"

    @property
    def reflecting(self) -> Path:
        """The lock of `memos reflect`."""
        return self.local / "reflecting"

    @property
    def reflected(self) -> Path:
        """Up to when memories were reflected on; see `cube/reflected`."""
        return self.local / "reflected.json"

    @property
    def usage(self) -> Path:
        return self.local / "usage.json"

    @property
    def usage_spool(self) -> Path:
        return self.local / "usage.jsonl"

    @property
    def places(self) -> Path:
        return self.local / "places.jsonl"

    @property
    def shown(self) -> Path:
        """What the last search showed; see `cube/recent`."""
        return self.local / "shown.json"

    @property
    def refining(self) -> Path:
        """Who refines what just now; see `cube/claims`."""
        return self.local / "refining.json"

    @property
    def refining_lock(self) -> Path:
        return self.local / "refining.lock"

    @property
    def staging(self) -> Path:
        return self.local / "staging"

    @property
    def kv(self) -> Path:
        return self.root / "kv"

    @property
    def lora(self) -> Path:
        return self.root / "lora"

    @property
    def skills(self) -> Path:
        return self.root / "skills"


PARTS: tuple[tuple[str, str, str], ...] = (
    ("README.md", "card", "what this directory is and how to read it; the Hub shows it"),
    ("config.json", "canonical", "facts about the cube; no secret, no machine's preference"),
    ("memories.lance/", "canonical", "LanceDB table: one row per version of a memory, vectors included"),
    ("keywords/", "derived", "tantivy index; generations, CURRENT names the live one"),
    (
        "vectors/",
        "derived",
        "int8 and float16 matrices, sign bits, filter columns; a header is the commit point",
    ),
    ("graph/", "derived", "Kùzu generations, never changed once written; CURRENT names the live one"),
    ("kv/<id>.safetensors", "artefact", "KV caches"),
    ("lora/<name>/", "artefact", "adapters in PEFT's own format"),
    ("skills/<name>/SKILL.md", "artefact", "skills in the agent-skills format"),
    (
        ".memos/",
        "local",
        "lock, usage counts, where added files lie, staging; never pushed, may be deleted when nobody writes",
    ),
)


def card(name: str, cube_id: str) -> str:
    """The README.md of a new cube."""
    return (
        f"This directory is a MemCube (format {FORMAT} {FORMAT_VERSION}): memories you own, "
        "readable with `memos search -c . QUESTION` or any LanceDB client.\n\n"
        f"# {name}\n\n"
        "| part | what it is |\n|---|---|\n"
        + "".join(f"| `{path}` | {meaning} |\n" for path, _, meaning in PARTS)
        + f"\nCube id: `{cube_id}`. `memos help format` prints the specification.\n"
    )


def specification() -> str:
    """The specification of the on-disk format, its tables made from the code (Markdown)."""
    from memos_cli.cube.config import CubeConfig
    from memos_cli.schema import relation_kinds
    from memos_cli.stores.rows import COLUMNS

    parts = "".join(f"| `{p}` | {role} | {meaning} |\n" for p, role, meaning in PARTS)
    columns = "".join(f"| `{c.name}` | {c.type} | {c.meaning} |\n" for c in COLUMNS)
    config = "".join(
        f"| `{name}` | {hint.__metadata__[0].description} |\n"
        for name, hint in get_type_hints(CubeConfig, include_extras=True).items()
    )
    features = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in FEATURES.items())
    relations = "".join(
        f"| `{kind}` | {former} | {meaning} |\n" for kind, former, meaning in relation_kinds()
    )
    return _SPECIFICATION.format(
        format=FORMAT,
        version=FORMAT_VERSION,
        parts=parts,
        columns=columns,
        relations=relations,
        config=config,
        features=features,
    )


_SPECIFICATION = """\
# The MemCube format, version {version}

A MemCube is a plain directory. `config.json` and `memories.lance/` are canonical: whoever has
these two has every memory. Everything derived can be deleted and rebuilt (`memos reindex`).

## Parts

| part | role | what it is |
|---|---|---|
{parts}
## config.json

UTF-8 JSON, an object; replaced by renaming, never edited in place. `format` is `{format}`.

| key | meaning |
|---|---|
{config}
A program MUST refuse a cube whose `version` or `features_read` it does not know, and MUST NOT
write to one whose `features_write` it does not know.

| feature | meaning |
|---|---|
{features}
## The table

A Lance dataset (data storage version 2.2, v2 manifest names), opened by any LanceDB client as
table `memories`. One row is one version of one memory; a version is current while `known_to` is
null, and a memory has exactly one current version. Rows are appended, or replaced whole when a
change closes them (`known_to`, `valid_to`, `closed_by`, `seq`); nothing else of a row ever changes.
Times are UTC, microseconds. One change is one commit; commits made by memos carry the transaction
property `memos`.

| column | type | meaning |
|---|---|---|
{columns}| `vector_…` | fixed_size_list<float16> | one column per embedder (its fingerprint in the field's metadata); the first span; null when the row has no vector |
| `vector_…_spans` | list<float16> | further spans of a text longer than the embedder reads, one after the other |

An entry of `relations` has a `kind`, a `target` (the id of another memory) and a `weight`, how sure it
is. The memory whose row has it …

| kind | formerly | meaning |
|---|---|---|
{relations}
A reader MUST take a former name for the present one, and SHOULD keep kinds that it does not know.

A **tombstone** is a row with status `purged`: the id of a memory whose text is gone. A purge drops
all rows of the memory and adds the tombstone in one commit, writes the fragments concerned anew,
removes superseded versions, and rebuilds what is derived.

## Order of a write

1. take the lock (`flock` on `.memos/lock`; the kernel frees it when the process dies)
2. bring projections up to the table, when a killed writer left them behind
3. commit to the table, then fsync its new files and folders: **the commit point**
4. keywords, then vectors, each publishing the table version it has absorbed
5. release the lock; only now is an id reported

A crash before 3 leaves nothing but orphan files. A crash after 3 leaves projections behind, never
ahead; whoever opens the cube next brings them up (a reader without the lock overlays the rows they
lack). A manifest torn by a power loss is set aside as `….torn` by the next writer.

## Derived parts

Each carries the table version it has absorbed and a schema version of its own. Equal to the newest
version in `memories.lance/_versions/`: it may be trusted. Older: the rows with a greater `seq` are
missing. Newer, unreadable or of another schema: it is rebuilt. Never open derived parts of a cube
that came from elsewhere; rebuild them.
"""
