"""Which memories a feedback can be about: those that are named, those just seen, else what the cube finds.

Owns: the search for candidates within the scope of the command line, and what `--last` means. Does not
own: which of the candidates is meant (`feedback_rules`), nor the list of what was just shown
(`cube/recent`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from memos_cli.cube.recent import read_shown
from memos_cli.errors import EmbedderMismatch, NothingSeen, ProviderError, UnknownEmbedder
from memos_cli.operations.browse import EVERYTHING, find, log
from memos_cli.operations.outline import is_node
from memos_cli.operations.search import ordinary
from memos_cli.operations.wording import holds
from memos_cli.schema import Draft, Filters, Kind, MemoryItem
from memos_cli.stores.claims import sought
from memos_cli.stores.facts import LIVE, NOBODY, evidence_of, is_learned, is_turn
from memos_cli.stores.table import quoted

if TYPE_CHECKING:
    from memos_cli.cube.cube import View
    from memos_cli.session import Session

NEAREST = 20
"""Memories that the vectors find which are looked at."""
BY_WORDS = 100
"""Memories that the words find which are looked at."""
STRUCTURED = frozenset({Kind.TOOL_SCHEMA, Kind.TOOL_TRAJECTORY, Kind.SKILL})
"""Kinds whose texts are for programs; feedback changes them only where they are named."""
_EVERY = Filters()
_CLAIMING = (None, Kind.USER, Kind.PREFERENCE, Kind.INSIGHT)


@dataclass
class Scope:
    """Where one feedback looks. `named` are meant, all of them; `among` are those one of which is meant."""

    session: Session
    filters: Filters
    named: tuple[MemoryItem, ...] = ()
    among: tuple[MemoryItem, ...] = ()
    notes: list[str] = field(default_factory=list)

    @property
    def given(self) -> tuple[MemoryItem, ...]:
        """The memories that were pointed at, if any were."""
        return self.named or self.among

    @property
    def owner(self) -> dict[str, str]:
        """Whose a new memory is: the one user and agent that the filters name."""
        users, agents = self.filters.users, self.filters.agents
        named = {
            "user_id": users[0] if len(users) == 1 else None,
            "agent_id": agents[0] if len(agents) == 1 else None,
        }
        return {name: value for name, value in named.items() if value}

    def near(self, text: str) -> list[MemoryItem]:
        """Memories that may have to do with a text: those that were pointed at, else what is found."""
        if self.given:
            return list(self.given)
        view = self.session.cube.view(vectors=self.session.embeds)
        found = {item.id: item for item in self._claiming(view, text)}
        filters = ordinary(view, self.filters)
        for place, keywords in enumerate(view.keywords):
            stale = view.hidden if place == 0 and not view.whole else frozenset()
            ordinals = [o for o in keywords.search(text, filters, BY_WORDS).ordinals if o not in stale]
            rows = keywords.items(ordinals)
            found |= {rows[o].id: rows[o] for o in ordinals if o in rows and rows[o].id not in view.gone}
        for item in self._close(view, text, filters):
            found.setdefault(item.id, item)
        return [item for item in found.values() if item.known_to is None and item.kind not in STRUCTURED]

    def _claiming(self, view: View, text: str) -> list[MemoryItem]:
        """Memories on the matter of a statement, of whichever kind, that share no word with it."""
        owners = [self.owner] + [{"user_id": user} for user in self.filters.users]
        drafts = [Draft(memory=text, kind=kind, **owner) for kind in _CLAIMING for owner in owners]  # type: ignore[arg-type]
        terms = [term for draft in drafts for term in sought(draft)]
        found = [i for items in view.keywords[-1].claiming(terms).values() for i in items] if terms else []
        inside = self._inside(view, {i.id for i in found})
        return [i for i in found if i.id in inside and i.status in LIVE]

    def _close(self, view: View, text: str, filters: Filters) -> list[MemoryItem]:
        if not view.vectors:
            return []
        try:
            vector = self.session.embedder.embed_query(text)
        except (ProviderError, EmbedderMismatch, UnknownEmbedder) as error:
            self.notes.append(f"memories were looked for by their words alone: {error.message}")
            return []
        hits = view.vectors[-1].search(vector, filters, NEAREST)
        rows = view.keywords[-1].items([int(o) for o in hits.ordinals])
        return [item for item in rows.values() if item.id not in view.gone and item.status in LIVE]

    def holding(self, words: str, *, speakers: bool = False) -> list[MemoryItem]:
        """Every memory in scope whose text or title holds these words, topics and concepts too; with
        `speakers`, those said by somebody of that name as well."""

        def fits(item: MemoryItem) -> bool:
            return _says(item, words) or (speakers and said_by(item, words))

        if self.given:
            return [item for item in self.given if fits(item)]
        longest = max(words.lower().split(), key=len)
        like = longest.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("'", "''")
        statuses = ", ".join(f"'{status}'" for status in sorted(LIVE))
        said = f" OR lower(speaker) LIKE '%{like}%'" if speakers else ""
        condition = f"known_to IS NULL AND status IN ({statuses}) AND (lower(memory) LIKE '%{like}%' OR lower(key) LIKE '%{like}%'{said})"
        found = [i for i in self.session.cube.table.items(condition) if fits(i)]
        inside = self._inside(self.session.cube.view(vectors=False), {i.id for i in found})
        return [i for i in found if i.id in inside and i.kind not in STRUCTURED]

    def _inside(self, view: View, ids: set[str]) -> set[str]:
        """Those of the ids whose memories the filters let through."""
        if self.filters == _EVERY or not ids:
            return ids
        inside: set[str] = set()
        for keywords in view.keywords:
            passing = set(keywords.filter_only(self.filters, EVERYTHING))
            inside |= {id for id, (ordinal, _) in keywords.current(list(ids)).items() if ordinal in passing}
        return inside


def leading(items: Sequence[MemoryItem], *, turns: bool = False) -> list[MemoryItem]:
    """Those of the items that do not follow another one of them anyway, as a refined fact or a learned
    preference does; one that follows a turn counts, unless `turns` do."""
    ids = {item.id for item in items if turns or not is_turn(item)}
    return [
        item for item in items if not (evidence_of(item) if is_learned(item) else set(item.rests_on)) & ids
    ]


def _says(item: MemoryItem, words: str) -> bool:
    return holds(item.memory, words) or holds(item.key or "", words)


def said_by(item: MemoryItem, name: str) -> bool:
    """Whether the speaker's label holds the name; a role ("user") is none."""
    label = item.speaker or ""
    return label.casefold() not in NOBODY and holds(label, name)


def scope_of(session: Session, on: Sequence[str], last: bool, filters: Filters) -> Scope:
    """The scope that `--on`, `--last` and the filters give. Raises MemoryNotFound, NothingSeen."""
    scope = Scope(session, filters)
    if on:
        scope.named = tuple({item.id: item for item in (find(session, id) for id in on)}.values())
    elif last:
        items = _last(session)
        if not items:
            raise NothingSeen
        scope.named, scope.among = (items, ()) if len(items) == 1 else ((), items)
    return scope


def _last(session: Session) -> tuple[MemoryItem, ...]:
    """What was seen last: the hits of the last search, or what the last change left, whichever is newer."""
    shown = read_shown(session.cube.layout)
    changes = log(session, limit=1).changes
    if shown and (not changes or shown.time >= changes[0].time):
        ids = shown.ids
    elif changes:
        rows = session.cube.table.arrow(f"change = {quoted([changes[0].id])}", ["id"]).to_pylist()
        ids = tuple(dict.fromkeys(str(row["id"]) for row in rows))
    else:
        return ()
    found = session.cube.table.items(f"id IN ({quoted(ids)}) AND known_to IS NULL") if ids else []
    there = {item.id: item for item in found if item.status in LIVE}
    items = leading([there[id] for id in ids if id in there], turns=True)
    return tuple([item for item in items if not is_node(item)] or items)
