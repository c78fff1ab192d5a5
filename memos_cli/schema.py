"""The values that cross rooms: memories, changes, queries, hits and what verbs answer.

Owns: their fields, types and defaults. Does not own: how they lie on disk (`stores/table`
for the table's columns, `cube/layout` for paths), nor any behaviour beyond validation.

Values are msgspec structs: every command, a keyword search of 0.3 s included, makes them, and
importing pydantic and building its validators cost 0.2 s of that. A value made by our own code is
not checked but for what no store could hold; whatever comes from outside (a file, another
program's row, a pulled cube) is read with `msgspec.convert` or `msgspec.json.decode`, which check
every type and bound and raise `msgspec.ValidationError`.
"""

from __future__ import annotations

import math
import os
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Self

import msgspec
from msgspec import Meta

if TYPE_CHECKING:
    import numpy as np

FORMAT = "memcube"
FORMAT_VERSION = 1

DEEPEST = 64
"""Levels of nesting in a free JSON object; JSON writers give up at some hundred."""


class Kind(StrEnum):
    """What sort of memory it is (MemOS's memory types)."""

    WORKING = "WorkingMemory"
    LONG_TERM = "LongTermMemory"
    USER = "UserMemory"
    OUTER = "OuterMemory"
    TOOL_SCHEMA = "ToolSchemaMemory"
    TOOL_TRAJECTORY = "ToolTrajectoryMemory"
    RAW_FILE = "RawFileMemory"
    SKILL = "SkillMemory"
    PREFERENCE = "PreferenceMemory"
    INSIGHT = "InsightMemory"


class Status(StrEnum):
    ACTIVATED = "activated"
    RESOLVING = "resolving"
    ARCHIVED = "archived"
    DELETED = "deleted"
    PURGED = "purged"
    """A tombstone: the id of a memory whose text is gone for good."""


class Level(StrEnum):
    FACT = "fact"
    CONCEPT = "concept"
    TOPIC = "topic"


class Origin(StrEnum):
    SAID = "said"
    INFERRED = "inferred"
    SUMMARY = "summary"


class Visibility(StrEnum):
    PRIVATE = "private"
    PUBLIC = "public"
    SESSION = "session"


class Refinement(StrEnum):
    NONE = "none"
    QUEUED = "queued"
    DONE = "done"


class Reading(StrEnum):
    """What `add` makes of what it reads: see `memos help reading`."""

    FAST = "fast"
    FINE = "fine"
    AUTO = "auto"


class Precision(StrEnum):
    """How exact an event's time is."""

    SECOND = "second"
    MINUTE = "minute"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class Depth(StrEnum):
    """Depth of the text slot: rows with BM25; plus vectors; plus the topic → concept → fact graph."""

    NAIVE = "naive_text"
    GENERAL = "general_text"
    TREE = "tree_text"


class Mode(StrEnum):
    KEYWORD = "keyword"
    VECTOR = "vector"
    HYBRID = "hybrid"


def _utc(value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value
    try:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("the time is out of range") from error


Time = datetime
"""An instant in UTC, microseconds; values turn other zones into UTC, and take a naive datetime as UTC."""

Count31 = Annotated[int, Meta(ge=0, lt=1 << 31)]
Offset = Annotated[int, Meta(ge=0)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Fraction = Annotated[float, Meta(ge=0, le=1)]


def storable(text: str) -> str:
    """The text, if every store and file can hold it; ValueError otherwise."""
    if "\0" in text:
        raise ValueError("it holds a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise ValueError("it is not valid Unicode (a lone surrogate)") from error
    return text


def is_blank(text: str) -> bool:
    """Whether nothing of it can be seen: white space and characters without width alone."""
    return not text.strip() or all(c.isspace() or unicodedata.category(c) == "Cf" for c in text)


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """What every store and every JSON writer can hold: finite numbers, sound text, bounded nesting."""
    level: list[Any] = [value] if value else []
    for _ in range(DEEPEST):
        if not level:
            return value
        inner: list[Any] = []
        for part in level:
            if isinstance(part, str):
                storable(part)
            elif isinstance(part, dict):
                inner += part
                inner += part.values()
            elif isinstance(part, (list, tuple)):
                inner += part
            elif isinstance(part, float) and not math.isfinite(part):
                raise ValueError(f"{part} is no JSON number")
            elif isinstance(part, int) and part.bit_length() > 63:
                raise ValueError("a number does not fit into 64 bits")
        level = inner
    if level:
        raise ValueError(f"it is nested more than {DEEPEST} levels deep")
    return value


def now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)


_last_ms_counter = (0, 0)


def uuid7() -> str:
    """A new UUID of version 7 (RFC 9562 §5.7, method 1): sorts by creation within a process."""
    global _last_ms_counter
    ms = time.time_ns() // 1_000_000
    last_ms, counter = _last_ms_counter
    if ms > last_ms:
        counter = int.from_bytes(os.urandom(2)) & 0x7FF  # top bit free: room to count up
    else:
        ms, counter = last_ms, counter + 1
        if counter > 0xFFF:
            ms, counter = ms + 1, 0
    _last_ms_counter = (ms, counter)
    bits = ms << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | int.from_bytes(os.urandom(8)) >> 2
    h = f"{bits:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every value: frozen, unknown fields refused where it is read from outside."""

    def but(self, **changes: Any) -> Self:
        """The same value with other `changes`. Raises TypeError for a field it has not."""
        return msgspec.structs.replace(self, **changes)


def plain(value: Any) -> Any:
    """A value as plain JSON types, every field of it, times as ISO 8601 in UTC with `Z`.

    The structs' own encoder leaves defaults out, which is right on disk and wrong in an answer.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (Sequence, set, frozenset)) and not isinstance(value, bytes):
        return [plain(entry) for entry in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value if isinstance(value, (int, float, type(None))) else str(value)


def why(error: msgspec.ValidationError) -> str:
    """What is wrong with a document, in one line that begins with the field's name."""
    text, _, place = str(error).partition(" - at `")
    field = place.rstrip("`").removeprefix("$").removeprefix(".")
    return f"{field}: {text}" if field else text


def _put(value: Value, name: str, changed: Any) -> None:
    msgspec.structs.force_setattr(value, name, changed)


def _sound(value: Value, texts: tuple[str, ...], times: tuple[str, ...]) -> None:
    """Texts that every store can hold, and times in UTC; ValueError names the field otherwise."""
    if texts and not _is_plain("".join(filter(None, _fields(texts)(value)))):
        for name in texts:
            if (text := getattr(value, name)) is not None:
                _storable_field(name, text)
    if any(moment is not None and moment.tzinfo is not UTC for moment in _fields(times)(value)):
        for name in times:
            if (moment := getattr(value, name)) is not None:
                try:
                    _put(value, name, _utc(moment))
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from error


def _is_plain(text: str) -> bool:
    """Whether nothing in it needs a closer look: of mostly English memories that is known at once."""
    return text.isascii() and "\0" not in text


@cache
def _fields(names: tuple[str, ...]) -> Callable[[Value], tuple[Any, ...]]:
    """What gives the values of several fields at once; one by one they cost five times as much.

    The last comes twice: of one name alone there would be no tuple.
    """
    return attrgetter(*names, names[-1]) if names else lambda _: ()


def _storable_field(name: str, text: str) -> None:
    try:
        storable(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _finite(name: str, number: float | None) -> None:
    if number is not None and not math.isfinite(number):
        raise ValueError(f"{name}: {number} is no number")


class Source(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Where a memory came from: enough to show it to a person again."""

    type: str = "text"
    """text, chat, file, web, tool, import …"""
    role: str | None = None
    time: Time | None = None
    message_id: str | None = None
    path: str | None = None
    start: Offset | None = None
    """Character offset in the source where the memory's text begins."""
    end: Offset | None = None
    url: str | None = None
    text: str | None = None
    """The words that came, where they differ from the memory's own (a near-duplicate)."""

    def __post_init__(self) -> None:
        _sound(self, ("role", "message_id", "path", "url", "text"), ("time",))


class RelationKind(StrEnum):
    """What a memory is to another one, as its row says. Each member's docstring reads on from
    "the memory whose row has it …"; "the other" is the target.

    These are the kinds that memos writes and acts on. A relation may be of another kind, a caller's
    or another program's own: it is kept, and drawn by `memos graph`.
    """

    def __new__(cls, name: str, meaning: str = "") -> Self:
        member = str.__new__(cls, name)
        member._value_ = name
        member.__doc__ = meaning
        return member

    DUPLICATE = "duplicate", "says the same as the other; both stay"
    SUPERSEDES = "supersedes", "says what holds now, where the other says what held before"
    UPDATED_BY = "updated_by", "says what held until the other, which says what holds since"
    CONTRADICTS = "contradicts", "cannot be true beside the other"
    COMPLEMENTS = "complements", "says a further detail of the same matter as the other"
    CAUSES = "causes", "is why the other came about"
    FOLLOWS = "follows", "happened, or was said, after the other"
    INFERS = "infers", "can be concluded from the other"
    PART_OF = "part_of", "is a part of the other"
    REFINES = "refines", "is a fact that was drawn from the other"
    MENTIONED_IN = "mentioned_in", "is a note, and the other, from which a fact was drawn, says the same"
    HOLDS = "holds", "is a concept, and the other a turn that is filed under it"
    EVIDENCE = "evidence", "is a preference, insight, concept or topic, and the other a ground of it"
    MERGED_FROM = "merged_from", "took in the other, which said the same and was archived"
    MERGED_TO = "merged_to", "was archived, since the other says the same"


_FORMER_KINDS = {
    "update": RelationKind.SUPERSEDES,
    "contradiction": RelationKind.CONTRADICTS,
    "complement": RelationKind.COMPLEMENTS,
}
"""The words of a judgement, which `add` once wrote as kinds."""


def relation_kinds() -> list[tuple[str, str, str]]:
    """Of each kind: its name, its former name or "", and what it says of the memory whose row has it."""
    former = {kind: name for name, kind in _FORMER_KINDS.items()}
    return [(str(kind), former.get(kind, ""), kind.__doc__ or "") for kind in RelationKind]


class Relation(Value, frozen=True, kw_only=True, omit_defaults=True):
    """An edge to another memory, kept in the row of the memory that owns it.

    `kind` is a `RelationKind` or a name of somebody's own; a former name becomes the present one,
    wherever the relation comes from.
    """

    kind: str
    target: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        _sound(self, ("kind", "target"), ())
        _finite("weight", self.weight)
        if (present := _FORMER_KINDS.get(self.kind)) is not None:
            _put(self, "kind", present)


class MemoryItem(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One version of one memory.

    `id` names the memory and stays; `row` names this version. A version is current while
    `known_to` is None. `valid_from`/`valid_to` say when it was true, `known_from`/`known_to`
    when the cube held it.
    """

    id: str = msgspec.field(default_factory=uuid7)
    row: str = msgspec.field(default_factory=uuid7)
    memory: str
    kind: Kind = Kind.LONG_TERM
    origin: Origin = Origin.SAID
    language: str | None = None
    level: Level = Level.FACT
    key: str | None = None
    tags: tuple[str, ...] = ()
    speaker: str | None = None
    position: Count31 | None = None
    """Place in its session (or document), from 0; orders a conversation."""
    sources: tuple[Source, ...] = ()
    external_id: str | None = None
    status: Status = Status.ACTIVATED
    version: Annotated[int, Meta(ge=1, lt=1 << 31)] = 1
    predecessor: str | None = None
    """`row` of the version before this one."""
    said_at: Time | None = None
    event_start: Time | None = None
    event_end: Time | None = None
    event_precision: Precision | None = None
    valid_from: Time | None = None
    valid_to: Time | None = None
    known_from: Time = msgspec.field(default_factory=now)
    known_to: Time | None = None
    created_at: Time = msgspec.field(default_factory=now)
    """When the cube first held the memory: `known_from` of version 1."""
    change: str = ""
    verb: str = ""
    actor: str = ""
    closed_by: str | None = None
    """Id of the change that closed this version."""
    confidence: Percent = 100
    visibility: Visibility = Visibility.PRIVATE
    user_id: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    relations: tuple[Relation, ...] = ()
    parent: str | None = None
    refinement: Refinement = Refinement.NONE
    refines: str | None = None
    stale: bool = False
    pinned: bool = False
    topic: str | None = None
    strength: float | None = None
    content_hash: str = ""
    info: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def rests_on(self) -> tuple[str, ...]:
        """Ids of the memories that a refined fact was drawn from, the main one first."""
        if self.refines is None:
            return ()
        others = (edge.target for edge in self.relations if edge.kind == RelationKind.REFINES)
        return tuple(dict.fromkeys((self.refines, *others)))

    @property
    def time(self) -> datetime:
        """The instant `--since` and `--until` compare: when it was said, else when it was stored."""
        return self.said_at or self.created_at

    def __post_init__(self) -> None:
        _sound(self, _TEXTS, MOMENTS)
        for tag in self.tags:
            _storable_field("tags", tag)
        if self.info:
            _plain(self.info)
        _finite("strength", self.strength)


_TEXTS = (
    "memory",
    "language",
    "key",
    "speaker",
    "external_id",
    "predecessor",
    "closed_by",
    "user_id",
    "session_id",
    "agent_id",
    "parent",
    "refines",
    "topic",
)
MOMENTS = (
    "said_at", "event_start", "event_end", "valid_from", "valid_to", "known_from", "known_to", "created_at",
)  # fmt: skip
"""Fields of a memory that are instants."""


class Draft(Value, frozen=True, kw_only=True):
    """What a reader or a caller hands to `add`: a memory that has no id, version or change yet.

    None in `kind` or `visibility` is "not stated": a new memory gets `MemoryItem`'s own, one that
    is there already (the same external id) keeps what it has.
    """

    memory: str
    kind: Kind | None = None
    origin: Origin = Origin.SAID
    level: Level = Level.FACT
    language: str | None = None
    key: str | None = None
    tags: tuple[str, ...] = ()
    speaker: str | None = None
    position: Count31 | None = None
    sources: tuple[Source, ...] = ()
    external_id: str | None = None
    said_at: Time | None = None
    event_start: Time | None = None
    event_end: Time | None = None
    event_precision: Precision | None = None
    confidence: Percent = 100
    visibility: Visibility | None = None
    user_id: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    relations: tuple[Relation, ...] = ()
    parent: str | None = None
    topic: str | None = None
    strength: float | None = None
    info: dict[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        _sound(self, (), ("said_at", "event_start", "event_end"))
        if self.info:
            _plain(self.info)
        _finite("strength", self.strength)


class Closing(msgspec.Struct, frozen=True):
    """The current version that a change ends: its memory, its row, and when it stopped being
    true (None: its validity stays as it is)."""

    id: str
    row: str
    valid_to: datetime | None = None


class Change(Value, frozen=True):
    """A set of new versions, closings and purges: the only thing that writes.

    `vectors` maps a put's `row` to a float16 array of shape (spans, dimension); rows without
    one get no vector. One `Change` becomes one commit of the table.
    """

    verb: str
    actor: str = ""
    id: str = msgspec.field(default_factory=uuid7)
    time: datetime = msgspec.field(default_factory=now)
    puts: tuple[MemoryItem, ...] = ()
    closings: tuple[Closing, ...] = ()
    purges: tuple[str, ...] = ()
    vectors: Mapping[str, np.ndarray] = msgspec.field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.puts or self.closings or self.purges)


class Tail(msgspec.Struct, frozen=True):
    """Rows a projection has to absorb, whole, ordinals ascending.

    `ordinals` names each row by a number that never changes and only grows from change to
    change (`seq << 24 | place in the change`), so that projections can look rows up by binary
    search. A row may have been absorbed before (it was closed since): absorbing replaces it.
    `vectors` as in `Change`, by `row`. `fresh` promises that no row of it was ever absorbed.
    """

    items: tuple[MemoryItem, ...]
    ordinals: tuple[int, ...]
    vectors: Mapping[str, np.ndarray] = msgspec.field(default_factory=dict)
    fresh: bool = False


class Filters(Value, frozen=True, kw_only=True):
    """Which memories a query may see. Values of one field are alternatives; fields add up."""

    kinds: tuple[Kind, ...] = ()
    levels: tuple[Level, ...] = ()
    tags: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    visibility: tuple[Visibility, ...] = ()
    statuses: tuple[Status, ...] = (Status.ACTIVATED, Status.RESOLVING)
    sources: tuple[str, ...] = ()
    """A source's type (`chat`), path, file name, url or role."""
    since: Time | None = None
    until: Time | None = None
    as_of: Time | None = None
    known_at: Time | None = None
    learned: bool | None = None
    """Preferences that were learned from other memories: only them, or all but them."""

    def __post_init__(self) -> None:
        _sound(self, (), ("since", "until", "as_of", "known_at"))


class Query(Value, frozen=True, kw_only=True):
    """One question to a cube."""

    text: str
    k: Annotated[int, Meta(ge=1, le=10_000)] = 10
    mode: Mode = Mode.HYBRID
    filters: Filters = Filters()
    now: Time | None = None
    """The moment the question is asked at; None: the present."""
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    min_score: Fraction = 0.0
    """Hits with a lower score are left out."""
    explain: bool = False
    without: frozenset[str] = frozenset()
    """Parts of the recall pipeline to leave out (`retrieval/weights.PARTS`)."""
    rerank: str | None = None
    """The reranker that the first hits are shown to (`providers/reranker`); None: none."""
    preferences: Annotated[int, Meta(ge=0)] | None = None
    """Tokens at most of preferences beside the hits; 0: none, None: what the settings say."""

    def __post_init__(self) -> None:
        _sound(self, (), ("now",))


class Route(Value, frozen=True, kw_only=True):
    """One hit's place in one route."""

    rank: int
    score: float


class ToolUse(Value, frozen=True, kw_only=True):
    """How often a tool was called, how often that went well, and how it failed last."""

    calls: int = 0
    successes: int = 0
    failures: int = 0
    """A call that nothing answered is neither a success nor a failure."""
    last_error: str | None = None
    last_failed: Time | None = None


class Hit(Value, frozen=True, kw_only=True):
    """One answer to a query: the memory, its fused score in 0-1, and where each route had it."""

    item: MemoryItem
    score: float
    cube: str = ""
    copies: tuple[str, ...] = ()
    """Ids of further hits that say the same in the same words and are not shown."""
    routes: dict[str, Route] = msgspec.field(default_factory=dict)
    signals: dict[str, float] = msgspec.field(default_factory=dict)
    """What each part of the pipeline gave it, in standard deviations; filled by `--explain`."""
    facts: tuple[str, ...] = ()
    """Ids of refined facts of this memory that were found too; they and it count once."""
    also_in: tuple[str, ...] = ()
    """Of a question to several cubes: the others among whose hits this memory was too."""
    updated_by: str | None = None
    """Id of the hit that says otherwise of the same matter, later; it stands before this one."""
    tool: ToolUse | None = None
    """Of the definition of a tool: how its uses went."""


class Failure(Value, frozen=True, kw_only=True):
    """An error as a value; `code` is the stable name of its class."""

    code: str
    message: str
    hint: str = ""


class FailedCube(Value, frozen=True, kw_only=True):
    """A cube that could not answer while others did."""

    cube: str
    error: Failure


class SearchResult(Value, frozen=True, kw_only=True):
    query: str
    hits: tuple[Hit, ...]
    preferences: tuple[Hit, ...] = ()
    """Preferences that bear on the question, apart from the hits; the score is how closely."""
    notes: tuple[str, ...] = ()
    trace: dict[str, Any] = msgspec.field(default_factory=dict)
    """Numbers of the fusion (gate, weights, list lengths), shown by `--explain`; of several cubes,
    each one's under its name."""
    failed: tuple[FailedCube, ...] = ()
    """Of a question to several cubes: those that could not answer."""


class Added(Value, frozen=True, kw_only=True):
    id: str
    memory: str


class Known(Value, frozen=True, kw_only=True):
    """Something that was already there: `id` is the memory that is there, `memory` what came."""

    id: str
    memory: str
    reason: str


class Updated(Value, frozen=True, kw_only=True):
    id: str
    memory: str
    replaces: str
    """The row of the version that was closed."""
    relation: str = "update"
    reason: str = ""


class Linked(Value, frozen=True, kw_only=True):
    """A memory that was stored by itself and has to do with one that is there: `to` names that one,
    `relation` what the new one is to it."""

    id: str
    memory: str
    to: str
    relation: str
    reason: str


class Preferred(Value, frozen=True, kw_only=True):
    """A preference that what was added tells of, and what became of it."""

    id: str
    memory: str
    topic: str | None
    strength: float
    what: str
    """`new`; `stronger`, told once more; `changed`, the opposite of what was held before; `over`, ended by that."""


class Skipped(Value, frozen=True, kw_only=True):
    source: str
    reason: str


class Fact(Value, frozen=True, kw_only=True):
    """A refined fact in an answer: `refines` is the memory that it was drawn from."""

    id: str
    memory: str
    refines: str
    origin: Origin = Origin.SAID
    confidence: int = 100


class AddResult(Value, frozen=True, kw_only=True):
    change: str | None = None
    added: Sequence[Added] = ()
    updated: Sequence[Updated] = ()
    known: Sequence[Known] = ()
    linked: Sequence[Linked] = ()
    """Some of `added` once more: what each of them is to a memory that is there."""
    skipped: tuple[Skipped, ...] = ()
    archived: tuple[Added, ...] = ()
    """What files that were added again no longer hold, archived because that was asked for."""
    facts: tuple[Fact, ...] = ()
    """What a model drew from them at once (`--read fine`)."""
    queued: int = 0
    """How many of what came wait for their refinement."""
    preferences: tuple[Preferred, ...] = ()
    """Preferences learned from what was added; they are memories too, and not among `added`."""
    notes: tuple[str, ...] = ()


class Undone(Value, frozen=True, kw_only=True):
    """The change that an undo takes back."""

    change: str
    verb: str
    time: Time


class ChangeResult(Value, frozen=True, kw_only=True):
    """What update, archive, unarchive, purge and undo answer."""

    change: str | None
    ids: tuple[str, ...]
    nodes: tuple[str, ...] = ()
    """Of undo: those of `ids` that are topics and concepts."""
    notes: tuple[str, ...] = ()
    undone: Undone | None = None
    back: tuple[Added, ...] = ()
    """Of undo: the first few memories that are shown again, or say again what they said."""
    gone: tuple[Added, ...] = ()
    """Of undo: the first few that are shown no more, or say it no more, with what they said."""


class Problem(Value, frozen=True, kw_only=True):
    """One thing `check` found wrong."""

    store: str
    what: str
    ids: tuple[str, ...] = ()
    hint: str = ""


class CheckResult(Value, frozen=True, kw_only=True):
    ok: bool
    revision: int
    problems: tuple[Problem, ...] = ()
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    notes: tuple[str, ...] = ()


class ChangeEntry(Value, frozen=True, kw_only=True):
    """One line of `memos log`."""

    id: str
    verb: str
    actor: str
    time: Time
    opened: int
    closed: int
    nodes: int = 0
    """How many of the versions that it opened are of topics and concepts."""
    memories: tuple[Added, ...] = ()
    """The first few memories that it touched, with the beginnings of their texts as it left them."""


class EmbedderInfo(Value, frozen=True, kw_only=True):
    """What a cube records of the model that made its vectors: the fingerprint.

    `probe` is the vector of a fixed sentence; vectors of two machines are compared with a
    tolerance, since 8-bit kernels differ between processors (never a hash of floats).
    """

    name: str
    """As typed: `minilm`, `static`, `use`, `onnx:PATH`, `st:ORG/NAME`, `openai:MODEL`, `hash:`."""
    dimension: Annotated[int, Meta(ge=1)]
    normalized: bool = True
    max_tokens: int | None = None
    languages: tuple[str, ...] = ()
    """ISO 639-1 codes the model was trained for; empty: unknown."""
    probe: tuple[float, ...] = ()
