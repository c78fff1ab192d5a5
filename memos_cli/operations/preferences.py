"""Preference memory: what people like and do not, learned from what is added, and `memos preferences`.

Owns: what a preference that was told does to those that are held (new, stronger, changed), and the list.
Does not own: reading one from a text (a `Reader`, such as `reader/preferences`), nor which of them a
search shows (`operations/preferred`).

A preference is a memory of kind PreferenceMemory whose `topic` says what it is about, `info.polarity`
whether it is liked (1) or not (-1), `info.slot` of what it is the favourite, `strength` how
sure one can be of it, `origin` whether it was said or inferred, and the tag `general` that it concerns
every answer. Its relations `evidence` lead to the memories that tell
of it, and mark it as learned: one that somebody stored as such has none, is told apart from these, and is
a hit of a search like any other memory. It belongs to one owner: a speaker among the memories of one user and agent. Told again, it gets
stronger; told the other way round, it gets a new version, and the old one's validity is closed. Said to be over
("I quit coffee"), whatever was liked of the kind ("strong filter coffee") ends with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

from memos_cli.cube.cube import valid_end
from memos_cli.operations.browse import EVERYTHING, list_memories
from memos_cli.operations.preferred import GENERAL
from memos_cli.operations.versions import next_version
from memos_cli.reader.language import language_of
from memos_cli.reader.preferences import preferences_in
from memos_cli.schema import (
    Change,
    Closing,
    Draft,
    Filters,
    Kind,
    MemoryItem,
    Origin,
    Preferred,
    Relation,
    RelationKind,
    Source,
    Status,
    Value,
    Visibility,
)
from memos_cli.stores import nearness
from memos_cli.stores.facts import FEEDBACK, LEARNED, LIVE, is_learned
from memos_cli.stores.subjects import narrows, owner_of, stems, subject_of

if TYPE_CHECKING:
    from memos_cli.session import Session, TextVectors

Reader = Callable[[MemoryItem], Sequence[Draft]]
"""The seam for rules and language models alike: a memory, and the preferences that it tells of.

Of each draft `memory`, `topic`, `strength`, `origin`, `language`, `tags`, `confidence` and `info` count; whose it is and when
it was said is the memory's.
"""

Told = tuple[MemoryItem, Draft]
"""A preference, and the memory that tells of it."""

NEAR_WORDS = 0.6
"""Jaccard similarity of shingles from which on two preferences may be one (MemOS's MinHash threshold)."""

NEAR_COSINE = 0.85
"""Cosine that they must have besides, where the cube has vectors."""

NEAR_WORDS_ALONE = 0.8
"""Jaccard similarity that is asked for where it has none."""

STRENGTH = 0.5
"""Strength of a preference whose reader says none."""

STRONGEST = 0.99
CANDIDATES = 20
MOST_EVIDENCE = 50
"""Memories that a preference names as evidence, the newest; `info.told` counts all."""

_FROM = (Kind.LONG_TERM, Kind.USER, Kind.WORKING)
"""Kinds of memory that preferences are read from."""


def told_in(items: Iterable[MemoryItem], read: Reader) -> list[Told]:
    """Every preference that `items` tell of."""
    return [(item, draft) for item in items if item.kind in _FROM for draft in read(item)]


def by_rule(item: MemoryItem) -> list[Draft]:
    """The reader that asks no model: `reader/preferences`."""
    # Who gives a feedback speaks for himself, whatever role it has as a source.
    role = next((source.role for source in item.sources if source.role not in (None, FEEDBACK)), None)
    return [
        Draft(
            memory=one.evidence.strip(),
            topic=one.topic.strip(),
            strength=one.strength,
            origin=Origin.SAID if one.explicit else Origin.INFERRED,
            info={
                "polarity": one.polarity,
                **({"slot": one.about} if one.about else {}),
            },
            tags=(GENERAL,) if _REQUEST.match(one.evidence) else (),
        )
        for one in preferences_in(item.memory, item.speaker, role)
    ]


_OVER = re.compile(
    r"\b(?:no longer|any ?more|any longer|now|quit|stopped|gave up|given up|(?:went|gone) off|(?:fell|fallen) out of love)\b"
    r"|不再|再也不|戒|现在.*不|不.*了$",
    re.IGNORECASE,
)
"""Words of a dislike that say that it was otherwise."""
_REQUEST = re.compile(
    r"\W*(?:please\b|请|(?:always |from now on,? )*(?:answer|reply|respond|write|speak|talk|keep|make)\b)",
    re.IGNORECASE,
)
"""How a wish begins that concerns every answer, whatever it is about: "Please answer in short"."""


# -- learning


@dataclass
class Learned:
    """What preferences come to, as a part of a change."""

    change: Change
    held: dict[str, tuple[MemoryItem | None, MemoryItem]] = field(default_factory=dict)
    """By id: the version in the cube, if any, and the one to be."""
    past: list[MemoryItem] = field(default_factory=list)
    """Versions that this change both makes and closes."""
    what: dict[str, str] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)
    """When those stopped being true that were said to be over."""

    @property
    def puts(self) -> tuple[MemoryItem, ...]:
        return (*self.past, *(item for _, item in self.held.values()))

    @property
    def closings(self) -> tuple[Closing, ...]:
        """Those of the versions in the cube; the validity of one that was contradicted ends."""
        return tuple(
            Closing(id=old.id, row=old.row, valid_to=self._end(old, new))
            for old, new in self.held.values()
            if old is not None
        )

    def _end(self, old: MemoryItem, new: MemoryItem) -> datetime | None:
        if old.id in self.ended:
            return self.ended[old.id]
        first = next((item for item in self.past if item.id == old.id), new)
        if self.what[old.id] != "changed" or first.valid_from is None or not _opposed(old, first):
            return None
        return valid_end(old, first.valid_from)

    def told(self) -> tuple[Preferred, ...]:
        """What to say of them."""
        return tuple(
            Preferred(
                id=id,
                memory=item.memory,
                topic=item.topic,
                strength=item.strength or STRENGTH,
                what=self.what[id],
            )
            for id, (_, item) in self.held.items()
        )


def learn(session: Session, told: Sequence[Told], change: Change, vectors: TextVectors) -> Learned:
    """Under the lock, with the indexes level: what preferences that were told do to those held.

    Writes nothing: `change` says under which id, verb and time the versions will stand. Raises what
    embedding raises.
    """
    learned = Learned(change)
    in_order = sorted(told, key=lambda one: one[0].valid_from or change.time)
    coming = [_item(evidence, draft, change) for evidence, draft in in_order]
    held = _Held.of(session, coming)
    for came in coming:
        found = held.counterpart(session, came, vectors)
        if found is None:
            learned.held[came.id] = (None, came)
            learned.what[came.id] = "new"
            held.take(came)
        else:
            _settle(learned, found, came)
            held.take(learned.held.get(found.id, (found, found))[1])
        if _over(came):
            for item in held.kinds_of(came):
                _end(learned, item, came, came.id if found is None else found.id)
                held.drop(item)
    return learned


def _over(came: MemoryItem) -> bool:
    return _polarity(came) < 0 and bool(_OVER.search(came.memory))


def _end(learned: Learned, held: MemoryItem, came: MemoryItem, told: str) -> None:
    """Archive a preference that is over, unless it was told after what says so; `told` is the one that does."""
    if _earlier(came, held):
        return
    learned.what[held.id] = "over"
    learned.ended[held.id] = end = valid_end(held, came.valid_from or learned.change.time)
    by = Relation(kind=RelationKind.UPDATED_BY, target=told)
    fields = {"status": Status.ARCHIVED, "valid_to": end, "relations": (*held.relations, by)}
    _put(learned, held, fields, past=True)


@dataclass
class _Held:
    """The preferences that those of one change may be the same as, or opposed to: in the cube and new ones."""

    subjects: dict[str, str] = field(default_factory=dict)
    """The id of the preference on a subject."""
    bands: dict[str, list[str]] = field(default_factory=dict)
    """Ids by MinHash band."""
    items: dict[str, MemoryItem] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session, coming: Sequence[MemoryItem]) -> _Held:
        """Those in the cube that share a subject or a MinHash band with one that comes."""
        held = cls()
        keywords = session.cube.keywords
        if coming and keywords.holds(LEARNED):
            near = keywords.near_many([came.memory for came in coming], CANDIDATES)
            for item in [*chain.from_iterable(near), *keywords.on_subjects([subject_of(c) for c in coming])]:
                if is_learned(item) and item.status in LIVE:
                    held.take(item)
            for came in filter(_over, coming):
                found = keywords.search(came.topic or "", Filters(learned=True), CANDIDATES).ordinals
                for item in keywords.items(found).values():
                    if is_learned(item) and item.status in LIVE and item.known_to is None:
                        held.take(item)
        return held

    def drop(self, item: MemoryItem) -> None:
        """Forget a preference that has ended."""
        self.subjects = {subject: id for subject, id in self.subjects.items() if id != item.id}
        self.bands = {band: [id for id in ids if id != item.id] for band, ids in self.bands.items()}
        del self.items[item.id]

    def kinds_of(self, came: MemoryItem) -> list[MemoryItem]:
        """The preferences of the same owner for kinds of what this one says is over."""
        return [
            item
            for item in self.items.values()
            if _polarity(item) > 0
            and not item.info.get("slot")
            and owner_of(item) == owner_of(came)
            and narrows(item.topic or "", came.topic or "")
        ]

    def take(self, item: MemoryItem) -> None:
        """Know a preference, or its next version."""
        self.items[item.id] = item
        self.subjects[subject_of(item)] = item.id
        for band in nearness.bands(item.memory):
            if item.id not in (ids := self.bands.setdefault(band, [])):
                ids.append(item.id)

    def counterpart(self, session: Session, came: MemoryItem, vectors: TextVectors) -> MemoryItem | None:
        """The preference of the same owner that this one says again, or contradicts."""
        if (id := self.subjects.get(subject_of(came))) is not None:
            return self.items[id]
        near = chain.from_iterable(self.bands.get(band, ()) for band in nearness.bands(came.memory))
        for item in (self.items[id] for id in dict.fromkeys(near)):
            mine = owner_of(item) == owner_of(came) and _polarity(item) == _polarity(came)
            if mine and _alike(session, item, came, vectors):
                return item
        return None


def _item(evidence: MemoryItem, draft: Draft, change: Change) -> MemoryItem:
    """The preference as a memory of its own: of the evidence's owner, and outliving its session."""
    own = evidence.visibility is Visibility.SESSION
    return MemoryItem(
        memory=draft.memory,
        kind=Kind.PREFERENCE,
        origin=draft.origin,
        language=draft.language or language_of(draft.memory),
        key=draft.topic,
        tags=draft.tags,
        speaker=evidence.speaker,
        sources=evidence.sources[:1] or (Source(),),
        said_at=evidence.said_at,
        valid_from=evidence.valid_from,
        known_from=change.time,
        created_at=change.time,
        change=change.id,
        verb=change.verb,
        actor=change.actor,
        confidence=draft.confidence,
        visibility=evidence.visibility,
        user_id=evidence.user_id,
        agent_id=evidence.agent_id,
        session_id=evidence.session_id if own else None,
        relations=(Relation(kind=RelationKind.EVIDENCE, target=evidence.id),),
        topic=draft.topic,
        strength=STRENGTH if draft.strength is None else draft.strength,
        content_hash=nearness.content_hash(draft.memory),
        info={**draft.info, "told": 1},
    )


def _polarity(item: MemoryItem) -> int:
    """1 liked, -1 disliked; one that does not say is liked."""
    return -1 if item.info.get("polarity") == -1 else 1


def _opposed(one: MemoryItem, other: MemoryItem) -> bool:
    """Whether two preferences about the same cannot both hold."""
    if _polarity(one) != _polarity(other):
        return True
    return bool(one.info.get("slot")) and stems(one.topic or "") != stems(other.topic or "")


def _alike(session: Session, item: MemoryItem, came: MemoryItem, vectors: TextVectors) -> bool:
    """Near-duplicates: by their words, and by their vectors where there are any."""
    near = nearness.likeness(item.memory, came.memory)
    if not session.embeds:
        return near >= NEAR_WORDS_ALONE
    if near < NEAR_WORDS:
        return False
    vectors.complete((item.memory, came.memory))
    return float(vectors[item.memory][0] @ vectors[came.memory][0]) >= NEAR_COSINE


def _settle(learned: Learned, held: MemoryItem, came: MemoryItem) -> None:
    """Give the preference that is held its next version: stronger, or changed by what came later."""
    if not _opposed(held, came):
        learned.what.setdefault(held.id, "stronger")
        _put(learned, held, _stronger(held, came))
    elif not _earlier(came, held):
        learned.what[held.id] = "changed"
        _put(learned, held, _changed(held, came), past=True)
    # What was said before the opposite is history that came late: the memory that tells of it is kept.


def _earlier(one: MemoryItem, other: MemoryItem) -> bool:
    return one.valid_from is not None and other.valid_from is not None and one.valid_from < other.valid_from


def _put(learned: Learned, held: MemoryItem, fields: dict[str, object], *, past: bool = False) -> None:
    """Make a version with other fields the one to be; `past` keeps the one before, if this change made it."""
    old, newest = learned.held.get(held.id, (held, held))
    if newest is held and old is not held and not past:
        learned.held[held.id] = (old, held.but(**fields))  # the same version, which is not written yet
        return
    new = next_version(held, **fields)
    if old is not held:
        since = new.valid_to or new.valid_from
        end = valid_end(held, since) if since else None
        change = learned.change
        learned.past.append(held.but(known_to=change.time, closed_by=change.id, valid_to=end))
    learned.held[held.id] = (old, new)


def _stronger(held: MemoryItem, came: MemoryItem) -> dict[str, object]:
    """Evidence adds up as independent hints do: the chance that all of them mislead is their product."""
    a, b = held.strength or STRENGTH, came.strength or STRENGTH
    fields: dict[str, object] = {
        "strength": round(min(1 - (1 - a) * (1 - b), STRONGEST), 3),
        "relations": _evidence(held, came),
        "sources": tuple(dict.fromkeys((*held.sources, *came.sources)))[-MOST_EVIDENCE:],
        "info": {**held.info, "told": _times(held) + 1},
    }
    if held.origin is not Origin.SAID and came.origin is Origin.SAID:
        fields |= {"origin": came.origin, **_wording(came)}
    if _earlier(came, held) and not held.info.get("changed"):
        fields |= {"valid_from": came.valid_from, "said_at": came.said_at}
    return fields


def _changed(held: MemoryItem, came: MemoryItem) -> dict[str, object]:
    return {
        **_wording(came),
        "origin": came.origin,
        "strength": came.strength,
        "topic": came.topic,
        "key": came.key,
        "tags": came.tags,
        "relations": came.relations,
        "sources": came.sources,
        "said_at": came.said_at,
        "valid_from": came.valid_from,
        "valid_to": None,
        "info": {**came.info, "told": 1, "changed": int(held.info.get("changed") or 0) + 1},
    }


def _wording(came: MemoryItem) -> dict[str, object]:
    return {
        "memory": came.memory,
        "content_hash": came.content_hash,
        "language": came.language,
        "confidence": came.confidence,
    }


def _evidence(held: MemoryItem, came: MemoryItem) -> tuple[Relation, ...]:
    targets = {relation.target for relation in came.relations}
    others = [r for r in held.relations if r.kind != RelationKind.EVIDENCE or r.target not in targets]
    return (*others, *came.relations)[-MOST_EVIDENCE:]


def _times(item: MemoryItem) -> int:
    return int(item.info.get("told") or 1)


# -- the list


class Evidence(Value, frozen=True, kw_only=True):
    """A memory that tells of a preference; `memory` is None where it is gone or not in use."""

    id: str
    memory: str | None


class Preference(Value, frozen=True, kw_only=True):
    """A preference as `memos preferences` shows it."""

    id: str
    memory: str
    topic: str | None
    polarity: int
    """1 liked, -1 disliked."""
    strength: float
    origin: Origin
    told: int
    """How often it was told."""
    changed: int
    """How often it was the other way round before; `memos history ID` shows it."""
    since: datetime | None
    user_id: str | None
    agent_id: str | None
    speaker: str | None
    pinned: bool
    evidence: tuple[Evidence, ...]


class PreferencesResult(Value, frozen=True, kw_only=True):
    preferences: tuple[Preference, ...]
    total: int
    notes: tuple[str, ...] = ()


def preferences(
    session: Session, filters: Filters, topics: Sequence[str] = (), *, limit: int = 50
) -> PreferencesResult:
    """Preferences that pass the filters, the strongest first; `topics`: about one of these."""
    wanted = [stems(topic) for topic in topics]
    found = list_memories(session, filters.but(kinds=(Kind.PREFERENCE,)), limit=EVERYTHING)
    items = [item for item in found.items if not wanted or any(w <= _named(item) for w in wanted)]
    items.sort(key=lambda item: (-(item.strength or STRENGTH), item.topic or "", item.id))
    shown = items[:limit]
    evidence = _texts(
        session, {r.target for i in shown for r in i.relations if r.kind == RelationKind.EVIDENCE}
    )
    return PreferencesResult(
        preferences=tuple(_shown(item, evidence) for item in shown), total=len(items), notes=found.notes
    )


def _named(item: MemoryItem) -> frozenset[str]:
    return stems(f"{item.topic or item.memory} {item.info.get('slot') or ''}")


def _texts(session: Session, ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for shard in session.cube.view(vectors=False).keywords:
        current = shard.current(list(ids))
        found |= {id: item.memory for id, (_, item) in current.items() if item.status in LIVE}
    return found


def _shown(item: MemoryItem, evidence: dict[str, str]) -> Preference:
    return Preference(
        id=item.id,
        memory=item.memory,
        topic=item.topic,
        polarity=_polarity(item),
        strength=item.strength or STRENGTH,
        origin=item.origin,
        told=_times(item),
        changed=int(item.info.get("changed") or 0),
        since=item.valid_from,
        user_id=item.user_id,
        agent_id=item.agent_id,
        speaker=item.speaker,
        pinned=item.pinned,
        evidence=tuple(
            Evidence(id=r.target, memory=evidence.get(r.target))
            for r in item.relations
            if r.kind == RelationKind.EVIDENCE
        ),
    )
