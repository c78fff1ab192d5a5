"""Turns among their neighbours in the keyword index: windows, facts, speakers; added one by one as built anew.

Does not cover BM25, filters and the projection's contract (`test_keywords`), nor what ranking makes
of windows (`test_pipeline`).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from memos_cli.schema import Filters, Level, MemoryItem, Source, Status, Tail
from memos_cli.stores import keyword_windows
from memos_cli.stores.facts import (
    ASKS,
    ASSISTANT,
    COUNTED,
    TIMED,
    TURN,
    USER,
    Facts,
    labels_of,
    marks_of,
    number_of,
    speaker_number,
    talk_of,
)
from memos_cli.stores.keyword_index import WINDOWS
from memos_cli.stores.keyword_windows import CROWD, WIDEST
from memos_cli.stores.keywords import Keywords

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ANY = Filters(statuses=tuple(set(Status) - {Status.PURGED}))


def turn(text: str, position: int | None, session: str = "s", **facts: object) -> MemoryItem:
    given = {"speaker": "Ann", "known_from": T0, **facts}
    return MemoryItem(memory=text, session_id=session, position=position, **given)  # type: ignore[arg-type]


def tail(*items: MemoryItem, seq: int) -> Tail:
    return Tail(items, tuple(seq << 24 | place for place in range(len(items))), fresh=True)


def rebuilt(path: Path, *batches: Tail) -> Keywords:
    keywords = Keywords(path)
    keywords.rebuild(batches, 1)
    return keywords


@pytest.fixture
def index(tmp_path: Path) -> Keywords:
    return rebuilt(tmp_path / "keywords")


def windows_of(keywords: Keywords, term: str) -> dict[str, set[int]]:
    """Ordinals whose window holds a content term, by field: what the index itself says."""
    view = keywords._view()
    return {name: set(view.ordinals(view.all(view.term(name, term)))) for name in WINDOWS}


def places_of(keywords: Keywords, term: str, field: str) -> list[int | None]:
    """Places of the turns whose window holds a term."""
    found = keywords.items(sorted(windows_of(keywords, term)[field]))
    return sorted(item.position for item in found.values())  # type: ignore[type-var]


# --- windows by hand ---------------------------------------------------------------------------


def test_windows_reach_two_and_six_places(index: Keywords) -> None:
    index.absorb(tail(*(turn(f"word{p}", p) for p in range(20)), seq=2), 2)
    assert places_of(index, "word10", "near") == list(range(8, 13))
    assert places_of(index, "word10", "wide") == list(range(4, 17))
    assert places_of(index, "word0", "near") == [0, 1, 2]
    assert places_of(index, "word19", "wide") == list(range(13, 20))


def test_places_count_and_not_turns(index: Keywords) -> None:
    index.absorb(tail(*(turn(f"word{p}", p) for p in (0, 2, 5, 11, 30)), seq=2), 2)
    assert places_of(index, "word2", "near") == [0, 2]
    assert places_of(index, "word5", "near") == [5]
    assert places_of(index, "word5", "wide") == [0, 2, 5, 11]
    assert places_of(index, "word30", "wide") == [30]


def test_conversations_do_not_mix(index: Keywords) -> None:
    index.absorb(
        tail(
            turn("apple", 1, "s"),
            turn("pear", 2, "t"),
            turn("plum", 2, "s", user_id="ann"),
            turn("fig", 2, "s", user_id="bob"),
            turn("quince", 3, "s"),
            seq=2,
        ),
        2,
    )
    for word in ("pear", "plum", "fig"):
        assert windows_of(index, word) == dict.fromkeys(WINDOWS, windows_of(index, word)["near"])
        assert len(windows_of(index, word)["wide"]) == 1
    assert places_of(index, "appl", "near") == places_of(index, "quinc", "wide") == [1, 3]


@pytest.mark.parametrize(
    "item",
    [
        MemoryItem(memory="apple"),
        MemoryItem(memory="apple", session_id="s", position=2),
        MemoryItem(memory="apple", session_id="s", position=2, sources=(Source(type="chat"),)),
        MemoryItem(memory="apple", speaker="Ann", position=2),
        turn("apple", None),
        turn("apple", 2, level=Level.TOPIC),
        turn("apple", 2, status=Status.ARCHIVED),
        turn("apple", 2, known_to=T0),
    ],
    ids=["note", "nobody", "no role", "no session", "no place", "topic", "archived", "closed"],
)
def test_what_is_no_current_turn_has_no_window_and_is_in_none(index: Keywords, item: MemoryItem) -> None:
    index.absorb(tail(turn("pear", 1), item, turn("plum", 3), seq=2), 2)
    assert talk_of(item) == 0
    assert windows_of(index, "appl") == {"near": set(), "wide": set()}
    assert places_of(index, "pear", "near") == [1, 3]
    hits = index.search("apple", ANY, windows=True)
    assert all(not scores for scores in hits.windows.values())


def test_a_role_makes_a_turn_too(index: Keywords) -> None:
    said = MemoryItem(memory="apple", session_id="s", position=2, sources=(Source(role="user"),))
    index.absorb(tail(said, turn("pear", 3), seq=2), 2)
    assert places_of(index, "appl", "near") == [2, 3]


def test_windows_hold_who_said_it_when_and_what_it_is_tagged(index: Keywords) -> None:
    said = turn("apple", 1, speaker="Melanie", said_at=datetime(2023, 5, 8, tzinfo=UTC), tags=("orchard",))
    index.absorb(tail(said, turn("pear", 2), seq=2), 2)
    for term in ("melani", "may", "2023", "orchard"):
        assert places_of(index, term, "near") == [1, 2], term


def test_of_many_turns_on_one_place_the_newest_count(index: Keywords, tmp_path: Path) -> None:
    """Whichever way they came: in one batch, one by one, or in an index made anew."""
    answers = [turn(f"answer{i}", 1) for i in range(CROWD + 3)]
    turns = [turn("question", 0), *answers]
    for seq, item in enumerate(turns, 2):
        index.absorb(tail(item, seq=seq), seq)
    index.absorb(tail(turn("after", 2), seq=20), 20)
    once = rebuilt(tmp_path / "once")
    once.absorb(tail(*turns, turn("after", 2), seq=2), 2)
    anew = rebuilt(tmp_path / "anew", tail(*turns, turn("after", 2), seq=2))
    for keywords in (index, once, anew):
        for i in range(len(answers)):
            places = places_of(keywords, f"answer{i}", "near")
            # The answers stand at place 1 themselves, and see only the newest of their like as well.
            assert (places != []) is (i >= 3), (i, places)
            assert ({0, 2} <= set(places)) is (i >= 3)


def test_windows_are_scored_and_musts_stay_with_the_turn(index: Keywords) -> None:
    index.absorb(tail(turn("apple pie", 0), turn("of course", 1), seq=2), 2)
    hits = index.search("apple", ANY, windows=True)
    assert list(hits.own) == [2 << 24]
    assert set(hits.windows) == {"near", "wide"}
    assert set(hits.windows["near"]) == {2 << 24, 2 << 24 | 1}
    assert hits.turns == 2
    assert index.search("apple", ANY).windows == {}
    quoted = index.search('"apple pie"', ANY, windows=True)
    assert set(quoted.windows["near"]) == set(quoted.own) == {2 << 24}


def test_filters_hold_for_windows(index: Keywords) -> None:
    index.absorb(tail(turn("apple", 0, tags=("a",)), turn("pear", 1), turn("plum", 2, tags=("a",)), seq=2), 2)
    hits = index.search("apple", Filters(tags=("a",)), windows=True)
    assert set(hits.windows["wide"]) == {2 << 24, 2 << 24 | 2}
    assert (hits.total, hits.turns) == (2, 2)


# --- which rows are written --------------------------------------------------------------------


@pytest.fixture
def written(index: Keywords, monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Places of the rows that each commit of the index wrote."""
    from memos_cli.stores import keywords

    commits: list[list[int]] = []
    real = keyword_windows.rows

    def watched(*arguments: object, **named: object) -> Iterable[keyword_windows.Row]:
        found = list(real(*arguments, **named))  # type: ignore[arg-type]
        commits.append(sorted(-1 if row.item.position is None else row.item.position for row in found))
        return found

    monkeypatch.setattr(keywords, "rows", watched)
    return commits


def test_only_neighbours_are_written_again(index: Keywords, written: list[list[int]]) -> None:
    index.absorb(tail(*(turn(f"word{p}", p) for p in range(0, 100, 2)), seq=2), 2)
    others = [turn(f"word{p}", p, "t") for p in range(100)]
    index.absorb(tail(*others, MemoryItem(memory="note"), seq=3), 3)
    written.clear()
    index.absorb(tail(turn("late", 41), seq=4), 4)
    assert written.pop() == [36, 38, 40, 41, 42, 44, 46]
    index.absorb(tail(turn("last", 100), seq=5), 5)
    assert written.pop() == [94, 96, 98, 100]
    index.absorb(tail(turn("far", 1000), seq=6), 6)
    assert written.pop() == [1000]
    index.absorb(tail(MemoryItem(memory="note"), seq=7), 7)
    assert written.pop() == [-1]


def test_a_closed_turn_leaves_the_windows_around_it(index: Keywords, written: list[list[int]]) -> None:
    turns = [turn(f"word{p}", p) for p in range(30)]
    index.absorb(tail(*turns, seq=2), 2)
    closed = turns[10].but(known_to=T0 + timedelta(days=1))
    new = turn("other", 10, id=closed.id, version=2)
    written.clear()
    index.absorb(Tail((closed, new), (2 << 24 | 10, 3 << 24)), 3)
    assert written.pop() == sorted([*range(4, 17), 10])
    assert windows_of(index, "word10") == {"near": set(), "wide": set()}
    assert places_of(index, "other", "near") == [8, 9, 10, 11, 12]
    archived = turns[20].but(known_to=T0 + timedelta(days=1))
    hidden = turn("word20", 20, id=archived.id, version=2, status=Status.ARCHIVED)
    index.absorb(Tail((archived, hidden), (2 << 24 | 20, 4 << 24)), 4)
    assert windows_of(index, "word20") == {"near": set(), "wide": set()}
    assert places_of(index, "word21", "near") == [19, 21, 22, 23]


def test_folding_keeps_windows(index: Keywords, written: list[list[int]]) -> None:
    """Rows that join a later commit so that segments stay few are written with all their windows."""
    for p in range(25):
        index.absorb(tail(turn(f"word{p}", p), seq=p + 2), p + 2)
    folded = [places for places in written if len(places) > 1 + WIDEST]
    assert folded != [], "no commit folded anything"
    for p in range(25):
        for field, reach in WINDOWS.items():
            expected = [q for q in range(25) if abs(q - p) <= reach]
            assert places_of(index, f"word{p}", field) == expected, (p, field)


# --- one by one as built anew ------------------------------------------------------------------


class Table:
    """The cube's table in plain Python: rows by ordinal, written as `MemCube.commit` writes them."""

    def __init__(self, seed: int) -> None:
        self.pick = random.Random(seed)
        self.rows: dict[int, MemoryItem] = {}
        self.seq = 1
        self.clock = T0

    def some_turn(self, **facts: object) -> MemoryItem:
        """Places thick enough that turns share some, and are inserted between others."""
        pick = self.pick
        words = " ".join(f"word{pick.randrange(60)}" for _ in range(pick.randrange(1, 5)))
        if pick.random() < 0.15:
            return MemoryItem(memory=words, known_from=self.clock, tags=("word7",))
        given = {"user_id": pick.choice([None, "ann"]), "speaker": pick.choice(["Ann", "Bob", None])}
        session = pick.choice(["s1", "s2", "s3"])
        return turn(words, pick.choice([None, *range(30)]), session, **given | facts)

    def put(self, *items: MemoryItem, fresh: bool = True) -> Tail:
        self.seq += 1
        self.clock += timedelta(seconds=1)
        made = tail(*items, seq=self.seq)
        self.rows |= dict(zip(made.ordinals, items, strict=True))
        return Tail(made.items, made.ordinals, fresh=fresh)

    def current(self) -> list[int]:
        return [o for o, item in self.rows.items() if item.known_to is None]

    def replace(self, count: int) -> Tail:
        """Close some rows; most get another version: other words, another place, or archived."""
        chosen = self.pick.sample(self.current(), min(count, len(self.current())))
        new = []
        for ordinal in sorted(chosen):
            old = self.rows[ordinal]
            self.rows[ordinal] = old.but(known_to=self.clock)
            if (other := self._other(old)) is not None:
                new.append(other)
        closed = sorted(chosen)
        put = self.put(*new, fresh=False)
        return Tail((*(self.rows[o] for o in closed), *put.items), (*closed, *put.ordinals))

    def _other(self, old: MemoryItem) -> MemoryItem | None:
        some = self.some_turn()
        changes: dict[str, object] = self.pick.choice(
            [
                {"memory": some.memory},
                {"status": self.pick.choice([Status.ARCHIVED, Status.ACTIVATED, Status.RESOLVING])},
                {"position": some.position, "session_id": some.session_id},
                {},
            ]
        )
        if not changes:
            return None
        facts = {n: getattr(old, n) for n in old.__struct_fields__ if n not in ("row", "known_to")}
        return MemoryItem(**facts | changes | {"version": old.version + 1, "known_from": self.clock})

    def purge(self) -> Tail:
        """As the cube purges: the tombstone alone remains, and indexes are made anew."""
        ordinal = self.pick.choice(self.current())
        gone = self.rows[ordinal].id
        self.rows = {o: item for o, item in self.rows.items() if item.id != gone}
        return self.put(MemoryItem(id=gone, memory="", status=Status.PURGED, known_from=self.clock))

    def tails(self, size: int) -> list[Tail]:
        ordered = sorted(self.rows)
        parts = [ordered[start : start + size] for start in range(0, len(ordered), size)]
        return [Tail(tuple(self.rows[o] for o in part), tuple(part), fresh=True) for part in parts]


def same_windows(one: Keywords, other: Keywords) -> None:
    for term in [*(f"word{i}" for i in range(60)), "ann", "bob"]:
        assert windows_of(one, term) == windows_of(other, term), term
    assert one.all_ordinals() == other.all_ordinals()


@pytest.mark.parametrize("seed", range(5))
def test_an_index_that_grew_finds_what_one_made_anew_finds(tmp_path: Path, seed: int) -> None:
    table = Table(seed)
    grown = rebuilt(tmp_path / "grown")
    for step in range(33):
        what = table.pick.choices(["one", "batch", "replace", "purge", "nothing"], (8, 3, 5, 0.5, 1))[0]
        if what == "one":
            change = table.put(table.some_turn())
        elif what == "batch":
            change = table.put(*(table.some_turn() for _ in range(table.pick.randrange(2, 25))))
        elif what == "replace" and table.rows:
            change = table.replace(table.pick.randrange(1, 4))
        elif what == "purge" and table.rows:
            grown.absorb(table.purge(), table.seq)
            grown.rebuild(table.tails(1000), table.seq)
            continue
        else:
            change = Tail((), ())
        grown.absorb(change, table.seq)
        if step % 11 == 10:
            grown.absorb(change, table.seq)  # it may come twice
            same_windows(grown, rebuilt(tmp_path / f"anew{step}", *table.tails(1000)))
    assert len(table.current()) > 25


@pytest.mark.parametrize("size", [1, 7, 40])
def test_conversations_that_straddle_batches_are_whole(tmp_path: Path, size: int) -> None:
    table = Table(size)
    for _ in range(10):
        table.put(*(table.some_turn() for _ in range(12)))
    table.replace(10)
    whole = rebuilt(tmp_path / "whole", *table.tails(1000))
    same_windows(rebuilt(tmp_path / "parts", *table.tails(size)), whole)
    assert sum(len(windows_of(whole, f"word{i}")["wide"]) for i in range(60)) > 300


def test_a_purged_turn_is_in_no_window_once_the_index_is_made_anew(index: Keywords) -> None:
    victim = turn("secret", 1)
    before, after = turn("before", 0), turn("after", 2)
    index.absorb(tail(before, victim, after, seq=2), 2)
    tombstone = MemoryItem(id=victim.id, memory="", status=Status.PURGED)
    index.absorb(tail(tombstone, seq=3), 3)
    assert index.search("secret", ANY, windows=True).own == {}
    index.rebuild([Tail((before, after, tombstone), (2 << 24, 2 << 24 | 2, 3 << 24))], 3)
    assert windows_of(index, "secret") == {"near": set(), "wide": set()}


# --- facts -------------------------------------------------------------------------------------


def marks(text: str = "A word.", terms: int = 1, **facts: object) -> int:
    return marks_of(turn(text, 1, **facts), terms)


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        ("I like tea.", 0),
        ("Do you like tea?", ASKS),
        ("你喜欢茶吗？", ASKS),
        ('She asked: "Do you?"', ASKS),
        ("You like it (don't you?)", ASKS),
        ("Do you like tea? ", ASKS),
        ("Do you? I do.", 0),
        ("I went there yesterday.", TIMED),
        ("It was in 2019", TIMED),
        ("since MARCH", TIMED),
        ("room 2119, 12019 people", 0),
        ("yesterdays", 0),
        ("我昨天去了", TIMED),
        ("3月去的", TIMED),
        ("Where were you last week?", ASKS | TIMED),
    ],
)
def test_marks_of_a_text(text: str, bits: int) -> None:
    assert marks(text, 0) == TURN | bits


def test_marks_of_a_role() -> None:
    def role(name: str | None, speaker: str | None) -> int:
        return marks(sources=(Source(role=name),), speaker=speaker, terms=0) & ~TURN

    assert role("user", None) == role("user", "Ann") == role(None, "user") == USER
    assert role("assistant", None) == role("assistant", "user") == role(None, "assistant") == ASSISTANT
    assert role(None, "Ann") == role("system", "user") == 0


def test_marks_count_terms_and_belong_to_turns_alone() -> None:
    assert [marks(terms=n) & COUNTED for n in (0, 3, 15, 16, 400)] == [0, 3, 15, 15, 15]
    assert marks_of(MemoryItem(memory="When was it, yesterday?"), 5) == 0
    assert {TURN, USER, ASSISTANT, ASKS, TIMED} == {16, 32, 64, 128, 256}


def test_marks_hold_the_days_of_an_event() -> None:
    def event(**fields: object) -> tuple[datetime, datetime] | None:
        bits = marks_of(MemoryItem(memory="A word.", **fields), 3)  # type: ignore[arg-type]
        return Facts(0, 0, 0, bits, 0).event

    day, next_day = datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC)
    assert event() is None
    assert event(event_start=day, event_end=next_day) == (day, next_day)
    assert event(event_start=day) == (day, next_day)
    assert event(event_start=day.replace(hour=9), event_end=day.replace(hour=10)) == (day, next_day)
    year = datetime(1901, 1, 1, tzinfo=UTC), datetime(1902, 1, 1, tzinfo=UTC)
    assert event(event_start=year[0], event_end=year[1]) == year
    assert event(event_start=datetime(1066, 10, 14, tzinfo=UTC)) is None
    assert event(event_start=datetime(2900, 1, 1, tzinfo=UTC)) is None
    assert event(event_start=next_day, event_end=day) is None
    assert marks(event_start=day, event_end=next_day) & 511 == marks()


def test_facts_come_with_the_hits(index: Keywords) -> None:
    said = datetime(2024, 3, 1, 12, tzinfo=UTC)
    items = (
        turn("Where did the apple land?", 0, speaker="Ann Lee", said_at=said, user_id="u"),
        turn("Under the tree, yesterday.", 1, speaker="assistant", user_id="u"),
        MemoryItem(memory="an apple", known_from=T0, created_at=T0),
        turn("an apple", 5, known_to=T0 + timedelta(days=1), created_at=T0),
    )
    index.absorb(tail(*items, seq=2), 2)
    ordinals = [2 << 24 | i for i in range(4)]
    hits = index.search("apple", ANY, windows=True)
    found = index.facts(hits, [*ordinals, 9 << 24])
    assert set(found) == set(ordinals)
    question, answer, note, closed = (found[o] for o in ordinals)
    assert question.talk == answer.talk == talk_of(items[0]) != 0
    assert (question.position, answer.position, note.position, closed.position) == (0, 1, -1, 5)
    assert question.speaker == speaker_number("Ann") == number_of("ann")
    assert (answer.speaker, note.speaker) == (0, 0)
    assert question.time == int(said.timestamp() * 1e6)
    assert note.time == int(T0.timestamp() * 1e6)
    assert question.marks == TURN | ASKS | question.terms
    assert (question.terms, answer.terms) == (2, 3)
    assert answer.marks & ~COUNTED == TURN | ASSISTANT | TIMED
    assert (note.marks, note.talk, note.turn) == (0, 0, False)
    assert (closed.talk, closed.turn) == (0, True)
    # The same without the hits' own knowledge of where rows lie.
    later = Keywords(index.directory)
    assert later.facts(hits, ordinals) == found


# --- speakers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("Caroline", ["Caroline"]),
        ("Caroline Smith", ["Caroline Smith", "Caroline"]),
        (" 小明 ", ["小明"]),
        ("J Smith", ["J Smith"]),
        ("user", []),
        ("Assistant", []),
        ("User 1", ["User 1"]),
        ("  ", []),
        (None, []),
    ],
)
def test_labels_of_a_speaker(label: str | None, names: Sequence[str]) -> None:
    assert list(labels_of(label)) == names
    assert (speaker_number(label) == 0) is (not names)


def test_a_speaker_has_one_number() -> None:
    assert speaker_number("Caroline Smith") == speaker_number("caroline") == speaker_number("CAROLINE")
    numbers = [number_of(name) for name in ("a", "b", "", "小明", "al\udcff")]
    assert len(set(numbers)) == 5
    assert all(0 < n < 1 << 63 for n in numbers)


def test_speakers_are_those_who_have_a_current_turn(index: Keywords) -> None:
    index.absorb(
        tail(
            turn("one", 0, speaker="Caroline Smith"),
            turn("two", 1, speaker="user"),
            turn("three", 2, speaker="Gone", known_to=T0),
            MemoryItem(memory="four", speaker="Author"),
            seq=2,
        ),
        2,
    )
    asked = ["Smith", "Caroline", "Caroline Smith", "user", "Gone", "Author", "", "x" * 70_000]
    assert index.speakers(asked) == ["Caroline", "Caroline Smith"]
    assert index.speakers([]) == []


def test_next_position_follows_the_last_turn(index: Keywords) -> None:
    index.absorb(
        tail(turn("one", 4), turn("two", 9, user_id="ann"), turn("three", 11, known_to=T0), seq=2), 2
    )
    assert index.next_position("s", None) == 5
    assert index.next_position("s", "ann") == 10
    assert index.next_position("other", None) == 0


def test_talks_are_read_in_a_range(index: Keywords) -> None:
    index.absorb(tail(*(turn(f"word{p}", p) for p in range(12)), turn("x", 5, "t"), seq=2), 2)
    view = index._view()
    talk = talk_of(turn("", 0))
    assert sorted(item.position for _, item in view.turns(talk, -3, 2)) == [0, 1, 2]  # type: ignore[type-var]
    places = [item.position for _, item in sorted(view.turns(talk))]
    assert all(b - a == 1 for a, b in pairwise(places))  # type: ignore[operator]
    assert len(places) == 12
