"""The keyword projection: words, ranking, filters, lookups, and what survives kills and damage."""

import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memos_cli.errors import IntegrityError, MemosError, NotPermitted, ProjectionDamaged, StorageFull
from memos_cli.schema import (
    Filters,
    Kind,
    Level,
    MemoryItem,
    Precision,
    Relation,
    Source,
    Status,
    Tail,
    Visibility,
)
from memos_cli.stores import analysis
from memos_cli.stores import keywords as module
from memos_cli.stores.analysis import Phrase, content_terms, exact_terms, parse
from memos_cli.stores.keyword_fold import chosen
from memos_cli.stores.keywords import Keywords
from memos_cli.stores.nearness import content_hash

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ANY = Filters(statuses=tuple(set(Status) - {Status.PURGED}))


def ordinal(seq: int, place: int = 0) -> int:
    return seq << 24 | place


def tail(*items: MemoryItem, seq: int, fresh: bool = True) -> Tail:
    return Tail(items, tuple(ordinal(seq, i) for i in range(len(items))), fresh=fresh)


def texts(*memories: str) -> list[MemoryItem]:
    return [MemoryItem(memory=m) for m in memories]


@pytest.fixture
def index(tmp_path: Path) -> Keywords:
    keywords = Keywords(tmp_path / "keywords")
    keywords.rebuild([], 1)
    return keywords


def found(keywords: Keywords, query: str, filters: Filters = ANY) -> list[str]:
    hits = keywords.search(query, filters)
    items = keywords.items(hits.ordinals)
    return [items[o].memory for o in hits.ordinals]


# --- words -----------------------------------------------------------------------------------


def test_content_terms_are_folded_stemmed_and_without_stop_words():
    assert content_terms("The naïve CAFÉS were running, weren't they?") == ["naiv", "cafe", "run", "weren"]
    assert content_terms("What would you do about it?") == []
    assert content_terms("ＡＢＣ") == ["abc"]


def test_unspaced_scripts_become_pairs():
    assert content_terms("我喜欢tea和茶") == ["我喜", "喜欢", "tea", "和茶"]
    assert content_terms("茶") == ["茶"]
    assert exact_terms("喜欢茶") == ["喜欢", "欢茶", "茶"]


def test_indic_words_stay_whole():
    assert len(content_terms("नमस्ते दुनिया")) == 2


def test_query_parts():
    query = parse('"New York" dat* **bold** 茶')
    assert query.phrases == (Phrase(("new", "york")),)
    assert query.prefixes == ("dat", "茶")
    assert query.terms == ("new", "york", "bold")
    query = parse("foo_bar-12 anna@example.org plain")
    assert query.identifiers == (Phrase(("foo", "bar", "12")), Phrase(("anna", "example", "org")))
    assert query.phrases == ()


@pytest.mark.parametrize(
    ("text", "is_condition"),
    [
        ('"New York"', True),
        ('Who was it in "New York"?', True),
        ('museum opening "New York"', True),
        ('museum opening hours "New York"', False),
        ('Who directed the film that "New York" is a song of?', False),
        ('"New York" “New York” «New York» is where we were', True),
        ("谁去过“New York”", True),
        ("我们去年夏天在“New York”看了什么", False),
    ],
)
def test_what_is_quoted_in_a_question_is_no_condition(text, is_condition):
    query = parse(text)
    assert set(query.phrases) == ({Phrase(("new", "york"))} if is_condition else set())
    assert query.identifiers == ()
    assert {"new", "york"} <= set(query.terms)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_parse_takes_any_text(text):
    parse(text)


# --- ranking ---------------------------------------------------------------------------------


def reference_bm25(documents: list[list[str]], query: list[str]) -> list[float]:
    """Lucene's BM25, k1 1.2, b 0.75, with one empty document more: the index's marker."""
    n, mean = len(documents) + 1, sum(map(len, documents)) / (len(documents) + 1)
    counts = [Counter(d) for d in documents]
    scores = []
    for count, document in zip(counts, documents, strict=True):
        score = 0.0
        for term in query:
            df = sum(term in c for c in counts)
            idf = math.log(1 + (n - df + 0.5) / (df + 0.5))
            tf = count[term]
            score += idf * 2.2 * tf / (tf + 1.2 * (0.25 + 0.75 * len(document) / mean)) if tf else 0
        scores.append(score)
    return scores


def test_scores_are_bm25(index):
    rnd = random.Random(3)
    vocabulary = [f"word{i}" for i in range(40)]
    documents = [rnd.choices(vocabulary, k=rnd.randint(3, 30)) for _ in range(150)]
    index.absorb(tail(*texts(*map(" ".join, documents)), seq=2), 2)
    for _ in range(20):
        query = rnd.choices(vocabulary, k=4)
        expected = reference_bm25(documents, query)
        hits = index.search(" ".join(query), ANY)
        assert dict(zip(hits.ordinals, hits.scores, strict=True)) == pytest.approx(
            {ordinal(2, i): s for i, s in enumerate(expected) if s}, rel=1e-4
        )
        assert hits.scores == sorted(hits.scores, reverse=True)
        assert hits.own == dict(zip(hits.ordinals, hits.scores, strict=True))
        assert hits.total == 150
        assert hits.mean_tokens == pytest.approx(sum(map(len, documents)) / 150, rel=1e-4)


def test_coverage_is_the_best_share_of_idf_mass(index):
    index.absorb(tail(*texts("apple pear", "apple fig", "plum", "apple"), seq=2), 2)

    def idf(df: int) -> float:
        return math.log(1 + (4 - df + 0.5) / (df + 0.5))

    mass = idf(3) + idf(1) + idf(0)
    hits = index.search("apple apple pear mango", ANY)
    assert hits.coverage == pytest.approx((idf(3) + idf(1)) / mass, rel=1e-5)
    assert index.search("apple", ANY).coverage == pytest.approx(1)
    assert index.search("mango", ANY) == module.KeywordHits({}, 4, ["mango"])


def test_total_counts_what_passes_the_filters(index):
    hidden = MemoryItem(memory="apple", status=Status.ARCHIVED)
    closed = MemoryItem(memory="apple", known_to=T0)
    of_ann = MemoryItem(memory="plum", user_id="ann")
    index.absorb(tail(hidden, closed, of_ann, *texts("apple", "fig"), seq=2), 2)
    for query in ("apple", "mango", ""):
        assert index.search(query, Filters()).total == 3, query
        assert index.search(query, Filters(users=("ann",))).total == 1, query
        assert index.search(query, Filters(statuses=(Status.ARCHIVED,))).total == 1, query
    assert index.search("apple", Filters()).turns == 0


def test_rows_that_are_written_again_count_once(index):
    """The engine itself counts their old copies too, until it merges them."""
    inflated = 0
    for seq in range(2, 22):
        turn = MemoryItem(memory="apple", session_id="s", speaker="Ann", position=seq)
        index.absorb(tail(turn, seq=seq), seq)
        hits = index.search("apple", Filters(), windows=True)
        assert (hits.total, hits.turns, len(hits.own)) == (seq - 1, seq - 1, seq - 1)
        inflated += index._view().frequency("turn") > seq - 1
    assert inflated > 5


def test_coverage_looks_only_at_what_is_visible(index):
    hidden = MemoryItem(memory="apple pear", status=Status.ARCHIVED)
    index.absorb(tail(hidden, *texts("apple", "fig"), seq=2), 2)
    assert index.search("apple pear", Filters()).coverage < 0.6
    assert index.search("apple pear", ANY).coverage == pytest.approx(1)


def test_equal_scores_keep_the_order_of_the_table(index):
    for seq in (2, 3, 4):
        index.absorb(tail(*texts("same words", "same words"), seq=seq), seq)
    ordinals = index.search("words", ANY).ordinals
    assert ordinals == sorted(ordinals)


def test_what_a_query_finds(index):
    index.absorb(
        tail(
            MemoryItem(
                memory="Caroline visited New York with foo_bar-12", tags=("Travel plans",), key="Trip"
            ),
            MemoryItem(memory="York has a new museum. Write to anna.b@example.org", speaker="Melanie"),
            MemoryItem(memory="我喜欢喝绿茶，也喜欢咖啡"),
            MemoryItem(memory="The Who played The Real Me", said_at=datetime(2024, 5, 8, tzinfo=UTC)),
            seq=2,
        ),
        2,
    )
    trip, museum, tea, band = (index.items([ordinal(2, i)])[ordinal(2, i)].memory for i in range(4))
    for query, expected in {
        "visiting": [trip],
        '"new york"': [trip],
        '"york new"': [],
        '"new york" museum': [trip],
        "“new york”": [trip],
        "foo_bar-12": [trip],
        "bar": [trip],
        "anna.b@example.org": [museum],
        "travels": [trip],
        "trip": [trip],
        "Melanie": [museum],
        "may 2024": [band],
        "who": [band],
        '"the who"': [band],
        '"who the"': [],
        "vis*": [trip],
        "VIS*": [trip],
        "绿茶": [tea],
        "茶": [tea],
        "啡": [tea],
        '"喜欢喝"': [tea],
        '"绿茶，也"': [tea],
        '"喝喜欢"': [],
        '"茶"': [tea],
        '"咖啡"': [tea],
        '"museum. 茶"': [],
        "museum museums": [museum],
        "nothing-of-the-kind": [],
        "": [],
        "\"\" '' * ? 😊": [],
    }.items():
        assert found(index, query) == expected, query
    assert found(index, "new york museum")[0] == museum


def test_open_phrases_are_complete(index):
    """A lone character may go on in more ways than the engine's phrase prefix would try."""
    many = [f"green 茶{chr(0x4E00 + i)}" for i in range(120)]
    index.absorb(tail(*texts(*many, "green 绿茶"), seq=2), 2)
    assert sorted(found(index, '"green 茶"')) == sorted(many)


def test_query_syntax_is_only_text(index):
    index.absorb(tail(*texts("alpha beta", "gamma"), seq=2), 2)
    for query in (
        "alpha NOT beta",
        "+alpha -beta",
        "content:alpha",
        "terms:live alpha",
        "alpha^100",
        "alpha~2",
        "[alpha TO beta]",
        "(alpha",
        'alpha"',
        "/alpha.*/",
        "alpha\\",
        "al\udcffpha alpha",
        "* alpha",
        "alpha\x00beta",
    ):
        assert "alpha beta" in found(index, query), query
    assert found(index, "*") == found(index, ".*") == found(index, "live") == found(index, "a.*b*") == []


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(max_size=60))
def test_search_takes_any_text(index, text):
    if index.revision == 1:
        index.absorb(tail(*texts("alpha beta", "我喜欢茶"), seq=2), 2)
    hits = index.search(text, ANY)
    assert len(hits.ordinals) == len(hits.scores) <= 2
    assert 0 <= hits.coverage <= 1


def test_very_long_words_texts_and_queries(index):
    giant = "x" * 70_000
    index.absorb(
        tail(MemoryItem(memory=giant + " end " + "y " * 200_000, user_id=giant, tags=(giant,)), seq=2), 2
    )
    assert index.search("end", Filters(users=(giant,), tags=(giant,))).ordinals == [ordinal(2)]
    assert index.search("end", Filters(users=(giant + "x",))).ordinals == []
    assert index.search("end " * 50_000, ANY).ordinals == [ordinal(2)]
    assert index.items([ordinal(2)])[ordinal(2)].user_id == giant


# --- filters ---------------------------------------------------------------------------------


def admits(filters: Filters, item: MemoryItem) -> bool:
    """The contract's words, in Python."""
    when, known = filters.as_of, filters.known_at
    if known is not None and not (
        item.known_from <= known and (item.known_to is None or item.known_to > known)
    ):
        return False
    if when is not None and not (
        (item.valid_from is None or item.valid_from <= when)
        and (item.valid_to is None or item.valid_to > when)
    ):
        return False
    if known is None and when is None and item.known_to is not None:
        return False
    names = {n for s in item.sources for n in (s.type, s.path, s.url, s.role)}
    names |= {Path(s.path).name for s in item.sources if s.path}
    return (
        item.status in filters.statuses
        and (not filters.kinds or item.kind in filters.kinds)
        and (not filters.levels or item.level in filters.levels)
        and (not filters.tags or bool(set(item.tags) & set(filters.tags)))
        and (not filters.users or item.user_id in filters.users)
        and (not filters.sessions or item.session_id in filters.sessions)
        and (not filters.agents or item.agent_id in filters.agents)
        and (not filters.visibility or item.visibility in filters.visibility)
        and (not filters.sources or bool(names & set(filters.sources)))
        and (filters.since is None or item.time >= filters.since)
        and (filters.until is None or item.time <= filters.until)
    )


def random_item(rnd: random.Random) -> MemoryItem:
    def perhaps(make):
        return make() if rnd.random() < 0.5 else None

    def moment() -> datetime:
        return T0 + rnd.randint(0, 20) * DAY

    return MemoryItem(
        memory=rnd.choice(["red apple", "green pear", "red pear"]),
        kind=rnd.choice(list(Kind)[:3]),
        level=rnd.choice(list(Level)),
        status=rnd.choice(list(Status)[:4]),
        tags=tuple(rnd.sample(["a", "b", "C", "a b"], rnd.randint(0, 2))),
        user_id=perhaps(lambda: rnd.choice(["alice", "bob"])),
        session_id=perhaps(lambda: rnd.choice(["s1", "s2"])),
        agent_id=perhaps(lambda: "agent"),
        visibility=rnd.choice(list(Visibility)),
        sources=tuple(
            rnd.sample(
                [Source(type="chat", role="user"), Source(type="file", path="/in/notes.md"), Source(url="u")],
                1,
            )
        ),
        said_at=perhaps(moment),
        created_at=moment(),
        valid_from=perhaps(moment),
        valid_to=perhaps(moment),
        known_from=moment(),
        known_to=perhaps(moment),
    )


def random_filters(rnd: random.Random) -> Filters:
    options = {
        "kinds": (Kind.WORKING, Kind.LONG_TERM),
        "levels": (Level.FACT,),
        "tags": ("a", "a b"),
        "users": ("alice",),
        "sessions": ("s1", "s2"),
        "agents": ("agent", "none"),
        "visibility": (Visibility.PUBLIC,),
        "statuses": rnd.choice([(Status.ARCHIVED,), (Status.DELETED, Status.ACTIVATED), (Status.PURGED,)]),
        "sources": (rnd.choice(["user", "notes.md", "/in/notes.md", "u", "file"]),),
        "since": T0 + 5 * DAY,
        "until": T0 + 15 * DAY,
        "as_of": T0 + 10 * DAY,
        "known_at": T0 + 8 * DAY,
    }
    return Filters(**{name: options[name] for name in rnd.sample(sorted(options), rnd.randint(0, 3))})


def test_filters_are_exact(index):
    rnd = random.Random(11)
    items = {ordinal(2, i): random_item(rnd) for i in range(300)}
    index.absorb(Tail(tuple(items.values()), tuple(items), fresh=True), 2)
    seen = 0
    for _ in range(150):
        filters = random_filters(rnd)
        expected = [o for o, item in reversed(items.items()) if admits(filters, item)]
        assert index.filter_only(filters, 1000) == expected, filters
        assert index.filter_only(filters, 5) == expected[:5]
        assert index.count(filters) == len(expected)
        red = {o for o in expected if "red" in items[o].memory}
        assert set(index.search("red", filters).ordinals) == red, filters
        seen += len(expected)
    assert seen > 1000


def test_filters_keep_their_edges(index):
    index.absorb(
        tail(MemoryItem(memory="x", said_at=T0, valid_from=T0, valid_to=T0 + DAY, known_from=T0), seq=2), 2
    )
    micro = timedelta(microseconds=1)
    for filters, count in (
        (Filters(since=T0, until=T0), 1),
        (Filters(since=T0 + micro), 0),
        (Filters(until=T0 - micro), 0),
        (Filters(as_of=T0), 1),
        (Filters(as_of=T0 - micro), 0),
        (Filters(as_of=T0 + DAY), 0),
        (Filters(as_of=T0 + DAY - micro), 1),
        (Filters(known_at=T0), 1),
        (Filters(known_at=T0 - micro), 0),
        (Filters(statuses=()), 1),
        (Filters(statuses=(Status.PURGED,)), 0),
        (Filters(users=("user:x' OR 1=1 --",)), 0),
    ):
        assert index.count(filters) == count, filters


# --- rows ------------------------------------------------------------------------------------


FULL = MemoryItem(
    id="i-1",
    row="r-1",
    memory="Everything is said: “quotes”, 中文, \n new lines\t and tabs too",
    kind=Kind.PREFERENCE,
    level=Level.TOPIC,
    language="en",
    key="the key",
    tags=("one", "two"),
    speaker="Ann",
    position=0,
    sources=(Source(type="chat", role="user", time=T0, start=0, end=5), Source()),
    external_id="ext",
    status=Status.RESOLVING,
    version=3,
    predecessor="r-0",
    said_at=T0 + timedelta(microseconds=1),
    event_start=T0,
    event_end=T0,
    event_precision=Precision.DAY,
    valid_from=T0,
    valid_to=T0,
    known_from=T0,
    created_at=T0,
    change="c",
    verb="add",
    actor="me",
    closed_by="d",
    confidence=0,
    visibility=Visibility.PUBLIC,
    user_id="u",
    session_id="s",
    agent_id="a",
    relations=(Relation(kind="k", target="t", weight=0.1),),
    parent="p",
    refines="q",
    stale=True,
    pinned=True,
    topic="t",
    strength=0.3333333333333333,
    content_hash="h",
    info={"deep": {"list": [1, 2.5, None, True, "x"]}, "": ""},
)


@pytest.mark.parametrize("item", [FULL, MemoryItem(memory="plain"), MemoryItem(memory="")])
def test_items_come_back_whole(index, item):
    index.absorb(tail(item, seq=2), 2)
    assert index.items([ordinal(2), ordinal(9), -1]) == {ordinal(2): item}
    assert index.items([ordinal(2)])[ordinal(2)] == item


def test_closing_replaces_the_row(index):
    old = MemoryItem(id="m", memory="lives in Rome", external_id="e", known_from=T0)
    index.absorb(tail(old, *texts("other"), seq=2), 2)
    assert index.current(["m", "unknown"]) == {"m": (ordinal(2), old)}
    closed = old.but(known_to=T0 + DAY)
    new = MemoryItem(id="m", memory="lives in Oslo", version=2, external_id="e", known_from=T0 + DAY)
    index.absorb(Tail((closed, new), (ordinal(2), ordinal(3))), 3)
    assert index.current(["m"]) == {"m": (ordinal(3), new)}
    assert index.by_external("e", None) == (ordinal(3), new)
    assert found(index, "lives") == ["lives in Oslo"]
    assert found(index, "lives", Filters(known_at=T0)) == ["lives in Rome"]
    assert index.all_ordinals() == {ordinal(2), ordinal(2, 1), ordinal(3)}
    assert index.search("lives", ANY).total == 2


def test_external_ids_belong_to_a_user(index):
    of_bob = MemoryItem(memory="one", external_id="e", user_id="bob")
    of_nobody = MemoryItem(memory="two", external_id="e")
    index.absorb(tail(of_bob, of_nobody, seq=2), 2)
    assert index.by_external("e", "bob") == (ordinal(2), of_bob)
    assert index.by_external("e", None) == (ordinal(2, 1), of_nobody)
    assert index.by_external("e", "alice") is None
    assert index.by_external("f", None) is None


def test_hashes_find_current_memories(index):
    items = [
        MemoryItem(memory="I like tea"),
        MemoryItem(memory="i  LIKE tea", status=Status.ARCHIVED),
        MemoryItem(memory="I like tea", known_to=T0),
        MemoryItem(memory="other words", content_hash=content_hash("I like tea")),
    ]
    index.absorb(tail(*items, seq=2), 2)
    wanted = content_hash("I like tea")
    assert index.by_hash([wanted, "0" * 32]) == {
        wanted: [
            (items[0].id, Status.ACTIVATED),
            (items[1].id, Status.ARCHIVED),
            (items[3].id, Status.ACTIVATED),
        ]
    }
    assert index.with_hash([wanted]) == [items[0], items[1], items[3]]
    assert index.by_hash([]) == {}


def test_near_texts_are_candidates(index):
    items = texts(
        "I love hiking in the mountains.", "The cat sat on the mat", "I really love hiking in mountains"
    )
    closed = MemoryItem(memory="I love hiking in the mountains", known_to=T0)
    index.absorb(tail(*items, closed, seq=2), 2)
    near = index.near("i love hiking in the MOUNTAINS")
    assert {i.id for i in near} == {items[0].id, items[2].id}
    assert index.near("nothing like it at all") == []
    assert [len(n) for n in index.near_many(["The cat sat on the mat!", "x", "x y z"])] == [1, 0, 0]
    assert index.near_many([]) == []


def test_purged_memories_are_hidden_at_once(index):
    victim = MemoryItem(id="v", memory="secret")
    index.absorb(tail(victim, *texts("kept"), seq=2), 2)
    index.absorb(tail(MemoryItem(id="v", memory="", status=Status.PURGED), seq=3), 3)
    assert index.revision == 3
    assert found(index, "secret kept") == ["kept"]
    assert index.count(Filters(statuses=tuple(Status))) == 1
    assert index.current(["v"]) == {}
    index.absorb(tail(MemoryItem(id="v", memory="came again"), seq=4), 4)
    assert found(index, "again") == ["came again"]


# --- the projection's contract ---------------------------------------------------------------


def test_missing_until_rebuilt(tmp_path):
    keywords = Keywords(tmp_path / "keywords")
    assert keywords.revision is None
    for use in (lambda: keywords.search("x", ANY), lambda: keywords.absorb(Tail((), ()), 1)):
        with pytest.raises(ProjectionDamaged):
            use()
    keywords.rebuild(iter([tail(*texts("one"), seq=1), tail(*texts("two", "three"), seq=2)]), 7)
    assert keywords.revision == Keywords(tmp_path / "keywords").revision == 7
    assert keywords.all_ordinals() == {ordinal(1), ordinal(2), ordinal(2, 1)}
    assert keywords.damage() == []


def test_empty_tails_only_move_the_revision(index):
    index.absorb(tail(*texts("one"), seq=2), 2)
    files = {p.name for p in index.directory.glob("g-*/*")}
    index.absorb(Tail((), ()), 3)
    index.absorb(Tail((), ()), 5)
    assert index.revision == Keywords(index.directory).revision == 5
    assert {p.name for p in index.directory.glob("g-*/*")} == files
    index.absorb(tail(*texts("two"), seq=6), 6)
    assert index.revision == 6
    assert index.all_ordinals() == {ordinal(2), ordinal(6)}


@pytest.mark.parametrize("fresh", [True, False])
def test_a_tail_may_come_again(index, fresh):
    again = tail(*texts("one", "two"), seq=2, fresh=fresh)
    for _ in range(3):
        index.absorb(again, 2)
    assert index.count(ANY) == 2
    assert found(index, "one") == ["one"]
    assert index.revision == 2


def test_other_schema_counts_as_missing(index, monkeypatch):
    monkeypatch.setattr("memos_cli.stores.keyword_index.SCHEMA", "0")
    assert Keywords(index.directory).revision is None
    with pytest.raises(ProjectionDamaged, match="schema"):
        Keywords(index.directory).search("x", ANY)


def spoil_pointer(directory: Path, data: bytes) -> None:
    (directory / "CURRENT").write_bytes(data)


def spoil_meta(directory: Path, data: bytes) -> None:
    (meta,) = directory.glob("g-*/meta.json")
    meta.write_bytes(data)


def spoil_segment(directory: Path, data: bytes) -> None:
    for file in directory.glob("g-*/*.idx"):
        file.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "data"),
    [
        *product(
            [spoil_pointer, spoil_meta, spoil_segment],
            [b"", b"\x00" * 100, b"{}", b'{"schema": "1", "dir": "../../etc", "moved": null}', b"[1"],
        )
    ],
)
def test_damage_is_no_revision_and_no_emptiness(index, spoil, data):
    index.absorb(tail(*texts("one"), seq=2), 2)
    spoil(index.directory, data)
    keywords = Keywords(index.directory)
    assert keywords.revision is None
    with pytest.raises(ProjectionDamaged):
        keywords.search("one", ANY)
    with pytest.raises(IntegrityError):
        keywords.absorb(tail(*texts("two"), seq=3), 3)
    keywords.rebuild([tail(*texts("one"), seq=2)], 2)
    assert keywords.revision == 2
    assert found(keywords, "one") == ["one"]


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"id": 1}',
        b'{"memory": "a", "kind": "b"}',
        b'{"memory": "a", "x": 1}',
    ],
)
def test_a_stored_memory_that_cannot_be_read_is_told_in_one_sentence(index, stored):
    from tantivy import Document

    from memos_cli.stores.keyword_index import HEAP, open_index, writing

    index.absorb(tail(*texts("one"), seq=2), 2)
    (generation,) = index.directory.glob("g-*")
    opened = open_index(generation)
    opened.register_tokenizer("content", analysis.content_analyzer())
    opened.register_tokenizer("exact", analysis.exact_analyzer())
    with writing(opened, HEAP) as writer:
        writer.delete_documents_by_term("ordinal", ordinal(2))
        writer.add_document(Document.from_dict({"ordinal": ordinal(2), "item": stored}, opened.schema))
        writer.commit()
    with pytest.raises(ProjectionDamaged) as error:
        Keywords(index.directory).items([ordinal(2)])
    assert error.value.message == "The keyword index cannot be read: a memory stored in it is not whole."


def test_the_words_of_the_engine_do_not_reach_the_user(index):
    from memos_cli.stores.keyword_index import engine

    for raised in (ValueError("Schema error: 'x'\n  at src/y.rs"), OSError("odd\nlines"), OSError(5, "z")):
        with pytest.raises(ProjectionDamaged) as error, engine(index.directory):
            raise raised
        assert "\n" not in error.value.message
        assert str(raised) not in error.value.message
        assert error.value.__cause__ is raised
    assert len(list(index.directory.iterdir())) == 2


def test_missing_segment_files_are_damage(index):
    index.absorb(tail(*texts("one"), seq=2), 2)
    for file in index.directory.glob("g-*/*.store"):
        file.unlink()
    assert Keywords(index.directory).revision is None


def test_checksums_find_a_flipped_bit(index):
    index.absorb(tail(*texts(*(f"memory number {i}" for i in range(200))), seq=2), 2)
    assert index.damage() == []
    victim = max(index.directory.glob("g-*/*.store"), key=lambda p: p.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 3] ^= 1
    victim.write_bytes(data)
    assert index.damage() == [victim.name]


def test_rebuild_takes_the_place_of_anything(tmp_path):
    (tmp_path / "keywords").write_text("a file")
    keywords = Keywords(tmp_path / "keywords")
    assert keywords.revision is None
    keywords.rebuild([], 1)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    (keywords.directory / "g-link").symlink_to(outside)
    (keywords.directory / "rubbish").mkdir()
    keywords.rebuild([tail(*texts("one"), seq=2)], 2)
    assert (outside / "precious").exists()
    assert sorted(p.name[:2] for p in keywords.directory.iterdir()) == ["CU", "g-"]


def test_a_failed_rebuild_leaves_the_old_index(index):
    index.absorb(tail(*texts("one"), seq=2), 2)

    def batches():
        yield tail(*texts("two"), seq=3)
        raise StorageFull(path="the table")

    with pytest.raises(StorageFull):
        index.rebuild(batches(), 3)
    assert Keywords(index.directory).revision == 2
    assert found(index, "one two") == ["one"]
    assert len(list(index.directory.iterdir())) == 2
    index.rebuild([tail(*texts("two"), seq=3)], 3)
    assert found(index, "one two") == ["two"]
    assert len(list(index.directory.iterdir())) == 2


def test_what_a_killed_rebuild_left_goes_with_the_next_commit(index):
    (index.directory / "g-0").mkdir()
    (index.directory / "CURRENT.new").write_text("torn")
    index.absorb(tail(*texts("one"), seq=2), 2)
    assert len(list(index.directory.iterdir())) == 2
    assert Keywords(index.directory).revision == 2


def test_other_processes_commits_are_seen(index):
    reader = Keywords(index.directory)
    assert reader.revision == 1
    index.absorb(tail(*texts("one"), seq=2), 2)
    assert found(reader, "one") == ["one"]
    index.absorb(Tail((), ()), 3)
    assert reader.revision == 3
    index.rebuild([tail(*texts("two"), seq=2)], 4)
    assert found(reader, "one two") == ["two"]
    assert reader.revision == 4


def test_rubbish_of_a_killed_commit_is_cleared(index, tmp_path):
    """The name of a deletion file is foreseeable, and the engine refuses to write over one."""
    item = MemoryItem(id="m", memory="one")
    index.absorb(tail(item, *texts("two", "three"), seq=2), 2)
    closing = Tail((item.but(known_to=T0),), (ordinal(2),))
    twin = Keywords(Path(shutil.copytree(index.directory, tmp_path / "twin")))
    before = {p.name for p in twin.directory.glob("g-*/*")}
    twin.absorb(closing, 3)
    (generation,) = index.directory.glob("g-*")
    left = [p for p in twin.directory.glob("g-*/*.del") if p.name not in before]
    assert left
    for file in left:
        shutil.copy(file, generation / file.name)
        managed = generation / ".managed.json"
        managed.write_text(json.dumps([*json.loads(managed.read_text()), file.name]))
    index.absorb(closing, 3)
    assert index.revision == 3
    assert index.current(["m"]) == {}
    assert index.all_ordinals() == {ordinal(2, i) for i in range(3)}


def test_single_adds_do_not_rewrite_the_index(index):
    base = [MemoryItem(memory=f"base {i}", known_from=T0) for i in range(3000)]
    index.absorb(tail(*base, seq=2), 2)
    largest = max(index.directory.glob("g-*/*.store"), key=lambda p: p.stat().st_size)
    for seq in range(3, 19):
        closed = base[seq].but(known_to=T0 + DAY)
        index.absorb(Tail((closed, *texts(f"single {seq}")), (ordinal(2, seq), ordinal(seq))), seq)
    assert largest.exists()
    assert len(list(index.directory.glob("g-*/*.store"))) < 8
    assert index.all_ordinals() == {ordinal(2, i) for i in range(3000)} | {ordinal(s) for s in range(3, 19)}
    assert index.count(Filters()) == 3000
    assert len(found(index, "single")) == 16


@pytest.mark.parametrize("start", [[], [1000], [9000], [15_000], [100_000], [8000, 1000, 1000]])
def test_folding_rewrites_little(start):
    """Over 2,000 single adds, with the engine's merge of eight small segments played beside it."""
    live, rewritten, merges = list(start), 0, 0
    for _ in range(2000):
        places = chosen(live, 1)
        rewritten += sum(live[p] for p in places)
        live = [n for p, n in enumerate(live) if p not in places] + [1 + sum(live[p] for p in places)]
        small = [n for n in live if n < 10_000]
        if len(small) >= 8:
            merges += 1
            rewritten += sum(small)
            live = [n for n in live if n >= 10_000] + [sum(small)]
    assert sum(live) == sum(start) + 2000
    assert merges <= 1
    assert rewritten < 2000 * 20


def test_large_commits_are_left_to_the_engine():
    assert chosen([10] * 7, 1000) == []


# --- processes -------------------------------------------------------------------------------

ABSORB_FOREVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from memos_cli.schema import MemoryItem, Tail
from memos_cli.stores.keywords import Keywords

T0 = datetime(2026, 1, 1, tzinfo=UTC)
def item(seq, place, closed=False):
    return MemoryItem(id=f"m{seq}-{place}", row=f"r{seq}-{place}", memory=f"memory s{seq}", known_from=T0,
                      created_at=T0, known_to=T0 if closed else None)
def rows(seq):
    closed = [] if seq < 3 else [(item(seq - 1, 0, closed=True), seq - 1 << 24)]
    return closed + [(item(seq, i), seq << 24 | i) for i in range(4)]

keywords = Keywords(Path(sys.argv[1]))
if keywords.revision is None:
    keywords.rebuild([], 1)
while True:
    seq = keywords.revision + 1
    if seq % 7 == 0:
        done = {o: i for s in range(2, seq + 1) for i, o in rows(s)}
        keywords.rebuild([Tail(tuple(done[o] for o in sorted(done)), tuple(sorted(done)))], seq)
    else:
        items, ordinals = zip(*rows(seq))
        keywords.absorb(Tail(items, ordinals, fresh=seq < 3), seq)
    print(seq, flush=True)
"""


def consistent(keywords: Keywords) -> int:
    revision = keywords.revision
    assert revision is not None
    rows = {ordinal(s, i) for s in range(2, revision + 1) for i in range(4)}
    assert keywords.all_ordinals() == rows
    closed = {ordinal(s, 0) for s in range(2, revision)}
    assert {o for o, i in keywords.items(sorted(rows)).items() if i.known_to} == closed
    assert set(keywords.filter_only(Filters(), len(rows) + 1)) == rows - closed
    return revision


def test_kills_leave_it_whole(tmp_path):
    directory = tmp_path / "keywords"
    rnd = random.Random(5)
    reached = 0
    for _ in range(10):
        writer = subprocess.Popen(
            [sys.executable, "-c", ABSORB_FOREVER, str(directory)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        reported = int(writer.stdout.readline())
        time.sleep(rnd.uniform(0, 0.3))
        writer.send_signal(signal.SIGKILL)
        reported = max([reported, *(int(line) for line in writer.stdout.read().split("\n")[:-1])])
        writer.stdout.close()
        writer.wait()
        revision = consistent(Keywords(directory))
        assert Keywords(directory).damage() == []
        assert reported <= revision <= reported + 1
        assert revision > reached
        reached = revision


def test_readers_keep_answering(index):
    """Searches in this process while another absorbs and rebuilds: never an error, never half a state."""
    index.absorb(tail(*texts("seed"), seq=2), 2)
    shutil.rmtree(index.directory)
    writer = subprocess.Popen(
        [sys.executable, "-c", ABSORB_FOREVER, str(index.directory)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    failures: list[Exception] = []
    answered = [0, 0, 0]
    stop = threading.Event()

    def read(place: int, keywords: Keywords) -> None:
        try:
            while not stop.is_set():
                hits = keywords.search("memory", ANY)
                # Each commit adds four memories and closes one of the commit before.
                assert len(hits.ordinals) % 3 == 1, len(hits.ordinals)
                answered[place] += 1
        except (MemosError, AssertionError) as error:
            failures.append(error)

    try:
        assert [int(writer.stdout.readline()) for _ in range(2)] == [2, 3]
        readers = [index, index, Keywords(index.directory)]
        threads = [threading.Thread(target=read, args=(i, k)) for i, k in enumerate(readers)]
        for thread in threads:
            thread.start()
        while int(writer.stdout.readline()) < 15 and not failures:
            pass
        stop.set()
        for thread in threads:
            thread.join()
    finally:
        stop.set()
        writer.kill()
        writer.stdout.close()
        writer.wait()
    assert failures == []
    assert min(answered) > 5


def test_a_search_imports_little(index):
    index.absorb(tail(*texts("one"), seq=2), 2)
    code = (
        "import sys; from pathlib import Path; from memos_cli.schema import Filters;"
        "from memos_cli.stores.keywords import Keywords; k = Keywords(Path(sys.argv[1]));"
        "print(len(k.items(k.search('one', Filters()).ordinals)));"
        "print([m for m in ('numpy', 'pyarrow', 'lance', 'lancedb', 'rensa', 'kuzu', 'simsimd') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(index.directory)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n") == ["1", "[]", ""]


def test_adding_does_not_import_numpy(tmp_path):
    code = (
        "import sys; from pathlib import Path; from memos_cli.schema import MemoryItem, Tail;"
        "from memos_cli.stores.keywords import Keywords; k = Keywords(Path(sys.argv[1]) / 'k');"
        "k.rebuild([Tail((MemoryItem(memory='x'),), (1,))], 1); print(k.near('x')[0].memory);"
        "print([m for m in ('numpy', 'pyarrow', 'lance', 'lancedb') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n") == ["x", "[]", ""]


# --- permissions and space -------------------------------------------------------------------

AS_NOBODY = """
import os, sys, tempfile
from pathlib import Path
from memos_cli.errors import NotPermitted
from memos_cli.schema import Filters, MemoryItem, Tail
from memos_cli.stores.keywords import Keywords
# Nobody may not read every Python: load all that is needed before becoming nobody.
with tempfile.TemporaryDirectory() as d:
    k = Keywords(Path(d) / "k")
    k.rebuild([Tail((MemoryItem(memory="one"),), (1,))], 1)
    k.items(k.search("one", Filters()).ordinals)
os.setgid(65534); os.setuid(65534)
k = Keywords(Path(sys.argv[1]))
print(k.revision, k.search("one", Filters()).ordinals)
for write in (lambda: k.absorb(Tail((MemoryItem(memory="x"),), (9 << 24,)), 9), lambda: k.rebuild([], 9),
              lambda: k.absorb(Tail((), ()), 9)):
    try:
        write()
    except NotPermitted:
        print("not permitted")
print(k.revision)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_read_only_index_is_read(index):
    index.absorb(tail(*texts("one"), seq=2), 2)
    for path in index.directory.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in [p for p in index.directory.parents if p != p.parent and p.owner() == Path.home().owner()]:
        path.chmod(path.stat().st_mode | 0o055)
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, str(index.directory)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert done.stdout.split("\n") == [f"2 [{ordinal(2)}]", *["not permitted"] * 3, "2", ""], done.stderr


ON_A_FULL_DISK = """
import sys
from pathlib import Path
from memos_cli.errors import StorageFull
from memos_cli.schema import Filters, MemoryItem, Tail
from memos_cli.stores.keywords import Keywords
k = Keywords(Path(sys.argv[1]) / "keywords")
k.rebuild([], 1)
seq = 1
try:
    while True:
        items = tuple(MemoryItem(memory=f"memory {seq} {i} " + "word " * 50) for i in range(200))
        k.absorb(Tail(items, tuple(seq + 1 << 24 | i for i in range(200)), fresh=True), seq + 1)
        seq += 1
except StorageFull:
    assert Keywords(k.directory).revision == seq, (Keywords(k.directory).revision, seq)
    assert k.count(Filters()) == (seq - 1) * 200
    print("full")
"""


def test_a_full_disk_is_named_and_harms_nothing(tmp_path):
    script = f'mount -t tmpfs -o size=2m none "{tmp_path}" && exec "$0" -c "$1" "{tmp_path}"'
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode:
        pytest.skip("user namespaces are forbidden here")
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", script, sys.executable, ON_A_FULL_DISK],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert done.stdout == "full\n", done.stderr


def test_errors_of_the_engine_have_names(tmp_path):
    from memos_cli.stores.keyword_index import engine

    for raised, expected in (
        (
            ValueError('IoError { io_error: Os { code: 28, kind: StorageFull, message: "No space left" } }'),
            StorageFull,
        ),
        (OSError(122, "Disk quota exceeded"), StorageFull),
        (ValueError("Permission denied (os error 13)"), NotPermitted),
        (PermissionError(13, "Permission denied"), NotPermitted),
        (ValueError("Data corrupted"), ProjectionDamaged),
    ):
        with pytest.raises(expected), engine(tmp_path):
            raise raised
    with pytest.raises(KeyError), engine(tmp_path):
        raise KeyError("a fault of ours stays what it is")
