"""One level of the tree, from what stands below it and how it was grouped before.

Owns: placing what is new, making groups of what fits nowhere, dividing groups that grew too big and
dissolving those that shrank. Does not own: what is grouped (facts into concepts, concepts into
topics: the same routine), names, rows.

What is placed stays where it is unless its group is divided or dissolved: a tree that people have
read should not be shuffled each night, and the work is in proportion to what is new.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from memos_cli.organize.communities import communities, graph
from memos_cli.organize.neighbours import Neighbours, nearest

LOOSE = -1
"""The group of what is in none."""


@dataclass(frozen=True)
class Shape:
    """How one level is grouped."""

    k: int
    """Neighbours that count."""
    resolution: float
    full: int
    """Things from which on the resolution is that; fewer fall into fewer groups, with 1 at the least."""
    smallest: int
    """Members under which a group is none."""
    largest: int
    """Members above which a group is looked at again."""
    floor: float
    """Cosine, of centred vectors, to its nearest under which a thing is left out of all groups."""
    agreement: float
    """Share of its neighbours' weight that a group must have to take a new thing in at once."""


CONCEPTS = Shape(k=8, resolution=4.0, full=120, smallest=3, largest=48, floor=0.08, agreement=0.4)
TOPICS = Shape(k=4, resolution=2.0, full=1, smallest=2, largest=24, floor=0.0, agreement=0.4)


def _resolution(shape: Shape, count: int) -> float:
    return max(1.0, shape.resolution * min(1.0, count / shape.full))


def grown(
    vectors: np.ndarray, before: np.ndarray, shape: Shape, known: Neighbours | None = None
) -> np.ndarray:
    """The group (int64) of each row; LOOSE for none. `before` is the group it was in, or LOOSE.

    `vectors` are centred and of length 1. Groups keep their numbers; new ones get higher ones.
    `known` are the neighbours of the rows that are LOOSE before, where somebody has looked them up.
    """
    groups = before.copy()
    _dissolve(groups, shape.smallest if (groups == LOOSE).any() else 2)
    fresh = np.flatnonzero(groups == LOOSE)
    if len(fresh):
        every = len(fresh) == len(vectors)
        found = known
        if found is None or len(found.places) != len(fresh):  # what was dissolved is looked up as well
            found = nearest(vectors if every else vectors[fresh], vectors, shape.k, own=fresh)
        groups[fresh] = _voted(found, groups.copy(), shape, shape.agreement)
        whole = found if every else None
        # As often as it places something: what is placed now draws others, and they should not wait for
        # a next run that nothing else gives work to.
        while _settled(vectors, groups, shape, fresh, found, whole):
            pass
    touched = set(groups[groups != before].tolist()) - {LOOSE}
    for group in sorted(touched):
        _divide(vectors, groups, group, shape)
    return groups


def _settled(
    vectors: np.ndarray,
    groups: np.ndarray,
    shape: Shape,
    fresh: np.ndarray,
    found: Neighbours,
    whole: Neighbours | None,
) -> bool:
    """Put what is in no group yet into new groups, or with most of its neighbours. False: none was."""
    before = int((groups == LOOSE).sum())
    _gather(vectors, groups, shape, whole)
    left = np.flatnonzero(groups[fresh] == LOOSE)
    rest = Neighbours(found.places[left], found.weights[left])
    groups[fresh[left]] = _voted(rest, groups, shape, 0.0)
    return 0 < int((groups == LOOSE).sum()) < before


def _dissolve(groups: np.ndarray, smallest: int) -> None:
    counts = Counter(groups[groups != LOOSE].tolist())
    for group, count in counts.items():
        if count < smallest:
            groups[groups == group] = LOOSE


def _voted(found: Neighbours, groups: np.ndarray, shape: Shape, agreement: float) -> np.ndarray:
    """The group that most of the weight of each row's neighbours is in, if it is enough of it."""
    chosen = np.full(len(found.places), LOOSE, np.int64)
    for row, (places, weights) in enumerate(zip(found.places, found.weights, strict=True)):
        votes: dict[int, float] = {}
        for group, weight in zip(groups[places].tolist(), weights.tolist(), strict=True):
            if group != LOOSE and weight > 0:
                votes[group] = votes.get(group, 0.0) + weight
        if votes and weights[0] >= shape.floor:
            best = min(votes, key=lambda group: (-votes[group], group))
            if votes[best] >= agreement * float(weights.sum()):
                chosen[row] = best
    return chosen


def _gather(vectors: np.ndarray, groups: np.ndarray, shape: Shape, found: Neighbours | None) -> None:
    """Make new groups of what is in none; `found` are the neighbours of all rows, where they are known
    and all rows are in none."""
    pool = np.flatnonzero(groups == LOOSE)
    if len(pool) < shape.smallest:
        return
    if found is None or len(pool) < len(vectors):
        rows = vectors[pool]
        found = nearest(rows, rows, shape.k, own=np.arange(len(pool)))
    near = found.weights[:, 0] >= max(shape.floor, 1e-6) if found.weights.size else np.zeros(len(pool), bool)
    parts = communities(graph(found), _resolution(shape, len(pool)))
    following = int(groups.max(initial=LOOSE)) + 1
    for part in range(int(parts.max(initial=-1)) + 1):
        rows = np.flatnonzero((parts == part) & near)
        if len(rows) >= shape.smallest:
            groups[pool[rows]] = following
            following += 1


def _divide(vectors: np.ndarray, groups: np.ndarray, group: int, shape: Shape) -> None:
    """Divide a group that is too big, as often as that gives parts; its largest part keeps its number."""
    rows = np.flatnonzero(groups == group)
    if len(rows) <= shape.largest:
        return
    inner = vectors[rows] - vectors[rows].mean(axis=0)
    inner /= np.maximum(np.linalg.norm(inner, axis=1, keepdims=True), 1e-9)
    found = nearest(inner, inner, shape.k, own=np.arange(len(rows)))
    parts = communities(graph(found), _resolution(shape, len(rows)))
    sizes = Counter(parts.tolist())
    whole = [part for part, size in sizes.most_common() if size >= shape.smallest]
    if len(whole) < 2:
        return
    centres = np.array([inner[parts == part].mean(axis=0) for part in whole])
    following = int(groups.max()) + 1
    names = {0: group, **{place: following + place - 1 for place in range(1, len(whole))}}
    for row, part in enumerate(parts.tolist()):
        place = whole.index(part) if part in whole else int((centres @ inner[row]).argmax())
        groups[rows[row]] = names[place]
    for name in names.values():
        if name != group or len(whole) > 1:
            _divide(vectors, groups, name, shape)
