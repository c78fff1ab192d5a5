"""`memos update`, `archive`, `unarchive`, `pin`, `unpin`, `purge`, `undo`: changes to memories that are there.

Owns: what each of them means as a `Change`. Does not own: how a change is written (`cube/cube`).
Every one computes its change under the write lock, from current versions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from memos_cli.cube.cube import valid_end
from memos_cli.errors import BadInput, ChangeNotFound, MemoryNotFound, NothingToUndo, UndoConflict
from memos_cli.operations import dependents
from memos_cli.operations.browse import EXCERPTS, excerpt, find
from memos_cli.operations.insights import is_insight, losing
from memos_cli.operations.preferences import Learned, by_rule, learn, told_in
from memos_cli.operations.versions import Edited, next_version
from memos_cli.reader.annotate import fields_of
from memos_cli.reader.language import language_of
from memos_cli.schema import (
    Added,
    Change,
    ChangeResult,
    Closing,
    MemoryItem,
    Refinement,
    RelationKind,
    Status,
    Undone,
    is_blank,
    now,
)
from memos_cli.session import TextVectors
from memos_cli.stores.facts import is_learned
from memos_cli.stores.nearness import content_hash
from memos_cli.stores.table import quoted

if TYPE_CHECKING:
    import numpy as np

    from memos_cli.session import Session

SHOWN = (Status.ACTIVATED, Status.RESOLVING)


def update(session: Session, id: str, text: str, *, said_at: datetime | None = None) -> ChangeResult:
    """Give a memory a new text; the old version stays, its validity closed.

    `said_at`: since when the new text is true (default: now). The same text changes nothing.
    Raises MemoryNotFound, BadInput.
    """
    if is_blank(text):
        raise BadInput(
            source="the new text", reason="it is empty", hint=f"To hide the memory: `memos archive {id}`."
        )
    vectors = TextVectors(session)
    vectors.complete([text])
    with session.cube.writing("update"):
        vectors.complete([text])
        old = find(session, id)
        if old.memory == text:
            return ChangeResult(change=None, ids=(), notes=("It says that already; nothing changed.",))
        new = next_text(old, text, said_at)
        since = new.valid_from or now()
        change = Change(verb="update", actor=session.actor, time=now())
        learned = _learned(session, old, new, change, vectors)
        followed = [*dependents.reworded(session, {old.id: since}), *_unlearned(session, old, learned)]
        edits: list[Edited] = [(old, new, valid_end(old, since)), *followed]
        puts = (*learned.puts, *(new for _, new, _ in edits))
        fresh = {item.row: vectors[item.memory] for item in (new, *learned.puts) if item.memory in vectors}
        closings = tuple(Closing(id=old.id, row=old.row, valid_to=end) for old, _, end in edits)
        done = session.cube.commit(
            change.but(
                puts=puts,
                closings=(*learned.closings, *closings),
                vectors=kept_vectors(session, followed) | fresh,
            )
        )
        ids = tuple(new.id for _, new, _ in edits)
        return ChangeResult(change=change.id, ids=ids, notes=(*_followed(followed), *done.notes))


def _learned(
    session: Session, old: MemoryItem, new: MemoryItem, change: Change, vectors: TextVectors
) -> Learned:
    """The preferences that a new text tells of; none where a preference is reworded itself."""
    if not session.settings.preferences or is_learned(old):
        return Learned(change)
    learned = learn(session, told_in([new], by_rule), change, vectors)
    vectors.complete(item.memory for item in learned.puts)
    return learned


def _unlearned(session: Session, old: MemoryItem, learned: Learned) -> list[Edited]:
    """Preferences that only the old text told of."""
    alone = dependents.learned_alone(session, {old.id})
    gone = [one for one in alone if one.id not in learned.held]
    return [(one, next_version(one, status=Status.ARCHIVED), None) for one in gone]


def next_text(old: MemoryItem, text: str, said_at: datetime | None) -> MemoryItem:
    """The next version of `old` with another text, true from `said_at` on (default: now)."""
    since = said_at or now()
    return next_version(
        old,
        memory=text,
        content_hash=content_hash(text),
        language=language_of(text),
        **fields_of(old.but(memory=text), said_at or old.said_at or since),
        said_at=said_at or old.said_at,
        valid_from=since,
        valid_to=None,
        status=Status.ACTIVATED if old.status is Status.DELETED else old.status,
        # Its facts were drawn from the old text.
        refinement=Refinement.NONE if old.refinement is Refinement.NONE else Refinement.QUEUED,
    )


def archive(session: Session, ids: Sequence[str]) -> ChangeResult:
    """Hide memories from search and list, and preferences that were learned from them alone.

    Raises MemoryNotFound before anything is changed."""
    return _set_status(session, "archive", ids, Status.ARCHIVED)


def unarchive(session: Session, ids: Sequence[str]) -> ChangeResult:
    """Show archived (or undone) memories again, and archived preferences that were learned from them.

    Raises MemoryNotFound before anything is changed."""
    return _set_status(session, "unarchive", ids, Status.ACTIVATED)


def _set_status(session: Session, verb: str, ids: Sequence[str], status: Status) -> ChangeResult:
    with session.cube.writing(verb):
        found = {item.id: item for item in (find(session, id) for id in ids)}
        edits: list[Edited] = [
            (old, next_version(old, status=status), None)
            for old in found.values()
            if old.status is not status
        ]
        notes = tuple(f"{i.id} is {status} already." for i in found.values() if i.status is status)
        going = {old.id: old for old, _, _ in edits}
        follow = dependents.archived_with if status is Status.ARCHIVED else dependents.unarchived_with
        facts = follow(session, going)
        edits += facts
        return commit_edits(session, verb, edits, kept_vectors(session, edits), (*notes, *_followed(facts)))


def _followed(followed: Sequence[MemoryItem | Edited]) -> tuple[str, ...]:
    """What is said of the facts, preferences and insights that follow their memories."""
    pairs = [(one, None) if isinstance(one, MemoryItem) else one[:2] for one in followed]
    # An insight that lost one of several memories is still there.
    gone = [a for a, b in pairs if b is None or a.status is not b.status or not is_insight(a)]
    if not gone:
        return ()
    what = "1 memory" if len(gone) == 1 else f"{len(gone)} memories"
    return (f"{what} drawn from it went with it.",)


def pin(session: Session, ids: Sequence[str]) -> ChangeResult:
    """Keep memories where they are: no capacity moves or archives them.

    Raises MemoryNotFound before anything is changed."""
    return _set_pinned(session, "pin", ids, pinned=True)


def unpin(session: Session, ids: Sequence[str]) -> ChangeResult:
    """Take pins off again. Raises MemoryNotFound before anything is changed."""
    return _set_pinned(session, "unpin", ids, pinned=False)


def _set_pinned(session: Session, verb: str, ids: Sequence[str], *, pinned: bool) -> ChangeResult:
    with session.cube.writing(verb):
        found = {item.id: item for item in (find(session, id) for id in ids)}
        edits: list[Edited] = [
            (old, next_version(old, pinned=pinned), None)
            for old in found.values()
            if old.pinned is not pinned
        ]
        said = "is pinned already" if pinned else "is not pinned"
        notes = tuple(f"{i.id} {said}." for i in found.values() if i.pinned is pinned)
        return commit_edits(session, verb, edits, kept_vectors(session, edits), notes)


def purge(session: Session, ids: Sequence[str], dry_run: bool = False) -> ChangeResult:
    """Remove memories for good: from the table, its history and every index, verified in the files.

    With them go preferences that were ever learned from one of them, since they have its words.

    Raises MemoryNotFound before anything is changed; IntegrityError when a file still holds the text.
    """
    from memos_cli.cube.check import verify_purged

    with session.cube.writing("purge"):
        found = {item.id: item for item in (find(session, id) for id in ids)}
        gone, left = dependents.purged_with(session, found)
        found |= {fact.id: fact for fact in gone}
        if dry_run:
            notes = (*_followed(gone), "Nothing was purged (--dry-run).")
            return ChangeResult(change=None, ids=tuple(found), notes=notes)
        # A purge is a change of its own, so what stays lets go of what is purged before.
        commit_edits(session, "purge", left, kept_vectors(session, left))
        texts = [i.memory for i in session.cube.table.items(f"id IN ({quoted(found)})")]
        change = Change(verb="purge", actor=session.actor, purges=tuple(found))
        result = session.cube.commit(change)
        left_over = verify_purged(session.cube, set(found), texts)
        return ChangeResult(
            change=change.id, ids=tuple(found), notes=(*result.notes, *left_over, *_followed(gone))
        )


def undo(session: Session, change: str | None = None, dry_run: bool = False) -> ChangeResult:
    """Take a change back, by a change that restores what was before it (so it can be undone too).

    `None`: the newest change. Raises ChangeNotFound, NothingToUndo, UndoConflict when a later
    change touched one of its memories.
    """
    from memos_cli.operations.outline import is_node

    with session.cube.writing("undo"):
        target = change or _newest_change(session)
        opened = session.cube.table.items(f"change = {quoted([target])}")
        if not opened:
            raise ChangeNotFound(id=target)
        if any(item.verb == "purge" for item in opened):
            raise NothingToUndo(reason="a purge cannot be undone, its text is gone")
        standing = _standing(session, target, opened)
        _refuse_later(target, [item for item in opened if item.id not in standing])
        edits = [
            _restored(session, target, item, standing.get(item.id, item))
            for item in opened
            if item.known_to is None or item.id in standing
        ]
        gone = {old.id for old, new, _ in edits if old.status in SHOWN and new.status not in SHOWN}
        edited = {old.id for old, _, _ in edits}
        edits += [edit for edit in losing(session, gone) if edit[0].id not in edited]
        if dry_run:
            notes = ("Nothing was undone (--dry-run).",)
            done = ChangeResult(change=None, ids=tuple(e[0].id for e in edits), notes=notes)
        else:
            done = commit_edits(session, "undo", edits, kept_vectors(session, edits))
        return done.but(
            nodes=tuple(old.id for old, _, _ in edits if is_node(old)),
            undone=Undone(change=target, verb=opened[0].verb, time=opened[0].known_from),
            back=_only((new, old) for old, new, _ in edits),
            gone=_only((old, new) for old, new, _ in edits),
        )


def _only(pairs: Iterable[tuple[MemoryItem, MemoryItem]]) -> tuple[Added, ...]:
    """Of pairs of versions, the first few whose first is shown and whose second does not say the same."""
    differ = (
        a
        for a, b in pairs
        if a.status in SHOWN and not (b.status in SHOWN and a.content_hash == b.content_hash)
    )
    return tuple(excerpt(item.id, item.memory) for item in islice(differ, EXCERPTS))


def _newest_change(session: Session) -> str:
    rows = session.cube.table.arrow("known_to IS NULL", ["change", "known_from"]).to_pylist()
    if not rows:
        raise NothingToUndo(reason="the cube is empty")
    return str(max(rows, key=lambda r: (r["known_from"], r["change"]))["change"])


def _standing(session: Session, target: str, opened: list[MemoryItem]) -> dict[str, MemoryItem]:
    """Current versions, by id, of memories that were only filed elsewhere in the tree since `target`
    opened them: that is no reason to refuse."""
    later = {i.id: i for i in opened if i.known_to is not None and i.closed_by != target}
    if not later:
        return {}
    current = session.cube.table.items(f"id IN ({quoted(later)}) AND known_to IS NULL")
    said = [name for name in _CONTENT if name != "parent"]
    return {
        now_.id: now_
        for now_ in current
        if all(getattr(now_, name) == getattr(later[now_.id], name) for name in said)
    }


def _refuse_later(target: str, opened: list[MemoryItem]) -> None:
    for item in opened:
        if item.known_to is not None and item.closed_by != target:
            raise UndoConflict(
                id=target, reason=f"memory {item.id} was changed after it", later=item.closed_by
            )


def _restored(session: Session, target: str, item: MemoryItem, standing: MemoryItem) -> Edited:
    """`standing`, the memory's current version, and the next one as it was before `item`."""
    if item.predecessor is None:
        return standing, next_version(standing, status=Status.DELETED), None
    before, first = _before(session, target, item)
    if before is None:  # the change itself made the memory, and went on to update it
        return standing, next_version(standing, status=Status.DELETED), None
    fields = {name: getattr(before, name) for name in _CONTENT}
    if _closed(before, first):
        fields["valid_to"] = None
    return standing, next_version(standing, **fields), None


def _closed(before: MemoryItem, first: MemoryItem) -> bool:
    """Whether it was the change that opened `first` that said since when `before` is no longer true."""
    if first.valid_from and before.valid_to == valid_end(before, first.valid_from):
        return True
    if first.status is not Status.ARCHIVED:
        return False
    # A fact that goes with its words, or that a later fact ended.
    ended = {r.target for r in first.relations if r.kind == RelationKind.UPDATED_BY}
    return first.valid_to is None or ended > {
        r.target for r in before.relations if r.kind == RelationKind.UPDATED_BY
    }


def _before(session: Session, target: str, item: MemoryItem) -> tuple[MemoryItem | None, MemoryItem]:
    """The version that stood before the change, which may have made several of one memory, and the
    first of these."""
    first = item
    while first.predecessor is not None:
        found = session.cube.table.items(f"row = {quoted([first.predecessor])}")
        if not found:  # an import brought the memory without its history
            return None, first
        if found[0].change != target:
            return found[0], first
        first = found[0]
    return None, first


_CONTENT = tuple(
    name
    for name in MemoryItem.__struct_fields__
    if name
    not in {
        "id", "row", "version", "predecessor", "known_from", "known_to", "created_at",
        "change", "verb", "actor", "closed_by",
    }
)  # fmt: skip
"""Fields that a version says of the memory, as against those that say which version it is."""


def kept_vectors(session: Session, edits: Sequence[Edited]) -> dict[str, np.ndarray]:
    """Vectors of the next versions: those that stand with a version of the same text.

    The row that an edit leaves, or the one that it restores, has them; nothing is embedded again.
    """
    cube = session.cube
    if cube.column is None or not edits:
        return {}
    hashes = {new.content_hash for _, new, _ in edits}
    ids = quoted({old.id for old, _, _ in edits})
    known: dict[tuple[str, str], np.ndarray] = {}
    for tail in cube.table.tails(f"id IN ({ids}) AND content_hash IN ({quoted(hashes)})", cube.column):
        known.update({(i.id, i.memory): tail.vectors[i.row] for i in tail.items if i.row in tail.vectors})
    return {new.row: known[new.id, new.memory] for _, new, _ in edits if (new.id, new.memory) in known}


def commit_edits(
    session: Session,
    verb: str,
    edits: Sequence[Edited],
    vectors: dict[str, np.ndarray],
    notes: tuple[str, ...] = (),
) -> ChangeResult:
    """Under the lock: make edits one change. Raises what `MemCube.commit` raises."""
    if not edits:
        return ChangeResult(change=None, ids=(), notes=notes)
    change = Change(
        verb=verb,
        actor=session.actor,
        puts=tuple(new for _, new, _ in edits),
        closings=tuple(Closing(id=old.id, row=old.row, valid_to=end) for old, _, end in edits),
        vectors=vectors,
    )
    result = session.cube.commit(change)
    return ChangeResult(
        change=change.id, ids=tuple(new.id for _, new, _ in edits), notes=(*notes, *result.notes)
    )


Edit = Callable[[MemoryItem], MemoryItem]
__all__ = [
    "MemoryNotFound",
    "archive",
    "commit_edits",
    "kept_vectors",
    "next_text",
    "next_version",
    "pin",
    "purge",
    "unarchive",
    "undo",
    "unpin",
    "update",
]
