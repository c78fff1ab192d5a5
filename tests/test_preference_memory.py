"""Preference memory on real cubes: learning, merging, contradiction, history, and beside a search's hits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from memos_cli.operations import add, browse, edit, preferences, search
from memos_cli.operations.feedback import feedback
from memos_cli.operations.preferences import by_rule
from memos_cli.reader.preferences import preferences_in
from memos_cli.schema import Draft, Filters, Kind, MemoryItem, Origin, Query, Source, Status

JAN, FEB, MAR = (datetime(2025, month, 1, tzinfo=UTC) for month in (1, 2, 3))


def say(session, *texts: str, **more: object):
    return add.add(session, [Draft(memory=text, **more) for text in texts]).preferences  # type: ignore[arg-type]


def listed(session, *topics: str, **filters: object):
    return preferences.preferences(session, Filters(**filters), topics).preferences  # type: ignore[arg-type]


def beside(session, text: str, **query: object) -> list[str]:
    return [h.item.memory for h in search.search(session, Query(text=text, **query)).preferences]  # type: ignore[arg-type]


def taste(topic: str, polarity: int = 1, **more: object) -> preferences.Reader:
    """A reader that finds one preference in everything: the memory's own words about `topic`."""

    def read(item: MemoryItem) -> Sequence[Draft]:
        return [Draft(memory=item.memory, topic=topic, info={"polarity": polarity}, strength=0.5, **more)]  # type: ignore[arg-type]

    return read


# -- learning


@pytest.mark.parametrize(
    ("text", "topic", "polarity"),
    [("I love jazz.", "jazz", 1), ("I can't stand crowds.", "crowds", -1), ("我不喜欢吃辣。", "吃辣", -1)],
)
def test_what_is_said_is_learned_in_the_same_change(session, text: str, topic: str, polarity: int) -> None:
    result = add.add(session, [Draft(memory=text, user_id="ana", session_id="s", speaker="Ana")])
    (one,) = listed(session)
    assert (one.topic, one.polarity, one.user_id, one.speaker) == (topic, polarity, "ana", "Ana")
    assert [e.id for e in one.evidence] == [result.added[0].id]
    assert one.evidence[0].memory == text
    assert result.preferences[0].what == "new"
    assert browse.get(session, one.id).change == result.change
    assert browse.get(session, one.id).session_id is None, "it outlives the session"
    edit.undo(session)
    assert browse.list_memories(session, Filters()).total == 0


def test_what_is_not_liked_any_more_is_the_same_topic(session) -> None:
    assert [
        one.what for one in say(session, "I love jazz.", "Jazz is fine. I don't like jazz any more.")
    ] == ["changed"]
    assert [(one.topic, one.polarity) for one in listed(session)] == [("jazz", -1)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("I'm vegetarian since 2020.", "I'm not vegetarian any more."),
        ("Anna has been vegetarian since 2020.", "Anna is no longer vegetarian."),
        ("我从2020年开始吃素。", "我不吃素了。"),
    ],
)
def test_what_held_since_a_year_and_is_over_is_an_update(session, before: str, after: str) -> None:
    (was,) = add.add(session, [Draft(memory=before)]).added
    (update,) = add.add(session, [Draft(memory=after)]).updated
    assert (update.id, update.relation) == (was.id, "update")
    kept = add.add(session, [Draft(memory="I'm not tired any more.")])
    assert len(kept.added) == 1


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("I don't hate jazz any more.", ("jazz", 1, 0.4)),
        ("I'm not allergic to nuts anymore.", ("nuts", 1, 0.4)),
        ("I used to love jazz, but not anymore.", ("jazz", -1, 0.7)),
        ("I went off coffee.", ("coffee", -1, 0.7)),
        ("I quit drinking coffee.", ("coffee", -1, 0.4)),
        ("我再也不喜欢爵士乐了。", ("爵士乐", -1, 0.7)),
        ("我以前喜欢爵士乐，现在不喜欢了。", ("爵士乐", -1, 0.7)),
        ("我不再讨厌爵士乐了。", ("爵士乐", 1, 0.4)),
        ("I went off to work.", None),
        ("I used to love jazz.", None),
        ("He stopped liking jazz.", None),
        ("小林搬走了，不再喜欢爵士乐。", None),
    ],
)
def test_what_is_over_is_told_from_what_is_not(text: str, stated: tuple[str, int, float] | None) -> None:
    found = [(one.topic, one.polarity, one.strength) for one in preferences_in(text)]
    assert found == ([] if stated is None else [stated])


@pytest.mark.parametrize(
    ("text", "topic", "words"),
    [
        ("Please answer in short.", "short", "Please answer in short"),
        ("Please keep your answers short.", "short", "Please keep your answers short"),
        ("Please answer in short sentences from now on.", "short sentences", "Please answer in short sentences"),
        ("Always answer me in German, please.", "German", "Always answer me in German"),
        ("I don't like the new canteen food.", "the new canteen food", "I don't like the new canteen food"),
        ("I want window seats when I travel by train, always.", "window seats", "I want window seats when I travel by train, always"),
        ("I prefer R over Python for statistics.", "R", "I prefer R over Python for statistics"),
        ("I prefer Python to R for scripts", "Python", "I prefer Python to R for scripts"),
        ("I prefer walking to driving.", "walking", "I prefer walking to driving"),
        ("I prefer Rust over Go because it is faster.", "Rust", "I prefer Rust over Go"),
        ("I like tea more than coffee.", "tea", "I like tea more than coffee"),
        ("I prefer going to the cinema.", "going to the cinema", "I prefer going to the cinema"),
        ("I prefer trips to Italy.", "trips to Italy", "I prefer trips to Italy"),
        ("I hate coffee now.", "coffee", "I hate coffee now"),
        ("I don't drink coffee any more", "coffee", "I don't drink coffee any more"),
        ("I quit coffee because of the heartburn.", "coffee", "I quit coffee"),
        ("I've given up meat for good.", "meat", "I've given up meat"),
    ],
)  # fmt: skip
def test_a_topic_is_what_is_liked_and_the_words_say_beside_what(text: str, topic: str, words: str) -> None:
    assert [(one.topic, one.evidence) for one in preferences_in(text)] == [(topic, words)]


@pytest.mark.parametrize(
    "text",
    [
        "Please reply in the comments.", "Please write to me in May.", "She always answers in German.", "Can you always answer in German?",
        "I always want to cry.", "I want a coffee now.", "I quit my job.", "I gave up.", "I don't like the old one.", "Keep your voice down.",
    ],
)  # fmt: skip
def test_what_is_asked_or_done_once_is_no_preference(text: str) -> None:
    assert preferences_in(text) == ()


def test_how_to_answer_concerns_every_answer(session) -> None:
    say(session, "Always answer me in German, please.", "Keep your answers short, please.", "I love jazz.")
    assert {one.topic for one in listed(session, tags=("general",))} == {"German", "short"}


def test_who_states_none_and_who_wants_none_has_none(session, open_cube) -> None:
    assert say(session, "Do you love jazz?", "She loves jazz.") == ()
    assert say(session, "I love tea.", sources=(Source(type="chat", role="assistant"),)) == ()
    assert add.add(session, [Draft(memory="I love coffee.")], preferences=False).preferences == ()
    assert say(open_cube(preferences=False), "I love cake.") == ()
    assert listed(session) == ()


def test_a_dry_run_says_what_would_be_learned_and_stores_nothing(session) -> None:
    planned = add.add(session, [Draft(memory="I love jazz.")], dry_run=True)
    assert [one.topic for one in planned.preferences] == ["jazz"]
    assert browse.list_memories(session, Filters()).total == 0


def test_another_reader_goes_through_the_same_seam(session) -> None:
    read = taste("walks", origin=Origin.INFERRED)
    add.add(session, [Draft(memory="Walked to work again.")], preferences=read)
    (one,) = listed(session)
    assert (one.topic, one.origin, one.strength) == ("walks", Origin.INFERRED, 0.5)
    add.add(session, [Draft(memory="I do like my walks.")], preferences=taste("walks"))
    (one,) = listed(session)
    assert (one.memory, one.origin, one.strength) == ("I do like my walks.", Origin.SAID, 0.75)


# -- told again


@pytest.mark.parametrize(
    ("first", "again"),
    [("I love hiking.", "I really love hiking!"), ("我喜欢爬山。", "我特别喜欢爬山。")],
)
def test_told_again_it_gets_stronger_and_keeps_all_evidence(session, first: str, again: str) -> None:
    say(session, first)
    (told,) = add.add(session, [Draft(memory=again)], judge=False).preferences
    (one,) = listed(session)
    assert told.what == "stronger"
    assert one.told == 2
    assert one.changed == 0
    assert [e.memory for e in one.evidence] == [first, again]
    assert one.strength > by_rule(MemoryItem(memory=first))[0].strength
    assert one.strength <= preferences.STRONGEST


def test_what_is_known_in_other_words_counts_once_more_and_the_same_words_do_not(session) -> None:
    say(session, "I love hiking.")
    for _ in range(3):
        again = add.add(session, [Draft(memory="I love hiking!!")])
        assert len(again.known) == 1
        add.add(session, [Draft(memory="I love hiking.")])
    (one,) = listed(session)
    assert one.told == 2


def test_told_again_within_one_batch_it_is_one_version(session) -> None:
    say(session, "I love jazz.", "I like jazz.", "I adore jazz.")
    (one,) = listed(session)
    assert one.told == 3
    assert len(browse.history(session, one.id).versions) == 1


def test_near_duplicates_with_other_topics_are_one_and_different_things_two(open_cube) -> None:
    session = open_cube(depth="naive_text")
    add.add(session, [Draft(memory="long quiet walks along the old river")], preferences=taste("walks"))
    add.add(
        session,
        [Draft(memory="long quiet walks along the old river!!")],
        preferences=taste("rivers"),
        allow_duplicates=True,
    )
    assert [one.told for one in listed(session)] == [2]
    add.add(session, [Draft(memory="long quiet evenings by the fire")], preferences=taste("evenings"))
    assert len(listed(session)) == 2


def test_vectors_have_a_say_in_what_is_near(session) -> None:
    one = "we always have green tea with mint in the garden"
    other = "we always have black tea with mint in the garden"
    add.add(session, [Draft(memory=one)], preferences=taste("green tea"))
    add.add(session, [Draft(memory=other)], preferences=taste("black tea"))
    assert len(listed(session)) == 2


def test_two_people_have_two_preferences(session) -> None:
    say(session, "I love jazz.", user_id="ana")
    say(session, "I hate jazz.", user_id="bob")
    say(session, "I hate jazz.", user_id="ana", speaker="Eve")
    assert sorted((p.user_id, p.speaker or "", p.polarity) for p in listed(session)) == [
        ("ana", "", 1),
        ("ana", "Eve", -1),
        ("bob", "", -1),
    ]
    assert {p.user_id for p in listed(session, users=("bob",))} == {"bob"}


# -- over


STRONG = "I love strong filter coffee in the morning."


@pytest.mark.parametrize(
    ("was", "over"),
    [
        (STRONG, "I quit coffee because of the heartburn."),
        (STRONG, "I don't drink coffee any more."),
        (STRONG, "I no longer drink coffee."),
        ("I enjoy a cup of green tea.", "I no longer like green tea."),
        ("我喜欢早上喝浓咖啡。", "我戒咖啡了。"),
        ("我喜欢早上喝浓咖啡。", "我不喝咖啡了。"),
    ],
)
def test_what_is_over_ends_with_every_kind_of_it(session, was: str, over: str) -> None:
    say(session, was, said_at=JAN)
    (before,) = listed(session)
    told = say(session, over, said_at=MAR)
    assert [(one.what, one.id) for one in told if one.what == "over"] == [("over", before.id)]
    assert [one.polarity for one in listed(session)] == [-1]
    old, new = browse.history(session, before.id).versions
    assert (old.valid_to, new.status, new.memory) == (MAR, Status.ARCHIVED, old.memory)
    assert [p.id for p in listed(session, as_of=FEB)] == [before.id]
    edit.undo(session)
    assert [p.id for p in listed(session)] == [before.id]


def test_what_is_over_ends_no_other_thing_and_nobody_elses(session) -> None:
    say(session, "I love coffee table books.", "I like the smell of bread with coffee.")
    say(session, STRONG, user_id="bob")
    say(session, STRONG, said_at=MAR, speaker="Ana")
    say(session, "I quit coffee.", said_at=JAN, speaker="Ana")
    say(session, "I quit coffee.", "I don't like coffee.")
    assert len([one for one in listed(session) if one.polarity == 1]) == 4


def test_in_one_batch_it_is_history_too(session) -> None:
    drafts = [Draft(memory=STRONG, said_at=JAN), Draft(memory="I quit coffee.", said_at=MAR)]
    add.add(session, drafts)
    assert [p.topic for p in listed(session)] == ["coffee"]
    assert [p.polarity for p in listed(session, as_of=FEB)] == [1]


@pytest.mark.parametrize(
    "text", ["I don't drink coffee any more", "I no longer like coffee", "Forget that I like coffee"]
)
def test_feedback_ends_it(session, text: str) -> None:
    say(session, STRONG)
    feedback(session, text)
    assert STRONG.rstrip(".") not in {p.memory for p in listed(session)}
    (was,) = listed(session, statuses=(Status.ARCHIVED,))
    assert len(browse.history(session, was.id).versions) == 2
    edit.undo(session)
    assert [p.polarity for p in listed(session)] == [1]


# -- told the other way round


@pytest.mark.parametrize(
    ("before", "after", "question"),
    [
        ("I love jazz.", "I hate jazz.", "jazz"),
        ("My favourite color is blue.", "My favourite color is green.", "favourite color"),
        ("我喜欢吃辣。", "我不喜欢吃辣。", "吃辣"),
        ("我最喜欢的颜色是蓝色。", "我最喜欢的颜色是绿色。", "颜色"),
        ("I love jazz.", "I've stopped liking jazz.", "jazz"),
        ("I love jazz.", "I'm no longer into jazz.", "jazz"),
        ("I'm vegetarian since 2020.", "I'm not vegetarian any more.", "vegetarian"),
        ("我喜欢爵士乐。", "我不再喜欢爵士乐了。", "爵士乐"),
        ("我喜欢爵士乐。", "不再喜欢爵士乐", "爵士乐"),
        ("我从2020年开始吃素。", "我不吃素了。", "吃素"),
    ],
)
def test_the_newest_holds_and_the_old_one_is_history(session, before: str, after: str, question: str) -> None:
    say(session, before, said_at=JAN)
    (told,) = say(session, after, said_at=MAR)
    (one,) = listed(session)
    assert told.what == "changed"
    assert one.changed == 1
    assert one.since == MAR
    assert [e.memory for e in one.evidence] == [after]
    old, new = browse.history(session, one.id).versions
    assert old.valid_to == new.valid_from == MAR
    assert [p.memory for p in listed(session, as_of=FEB)] == [old.memory]
    assert [p.memory for p in listed(session, as_of=MAR)] == [new.memory]
    assert beside(session, question) == [new.memory]
    assert beside(session, question, filters=Filters(as_of=FEB)) == [old.memory]
    edit.undo(session)
    assert [p.memory for p in listed(session)] == [old.memory]


def test_within_one_batch_too(session) -> None:
    drafts = [Draft(memory="I love jazz.", said_at=JAN), Draft(memory="I hate jazz.", said_at=MAR)]
    add.add(session, drafts)
    (one,) = listed(session)
    assert (one.polarity, one.changed) == (-1, 1)
    assert [p.polarity for p in listed(session, as_of=FEB)] == [1]
    edit.undo(session)
    assert browse.list_memories(session, Filters()).total == 0, "neither version is left"


def test_what_was_said_earlier_never_overrules_what_was_said_later(session) -> None:
    say(session, "I hate jazz.", said_at=MAR)
    assert say(session, "I love jazz.", said_at=JAN) == ()
    assert [p.polarity for p in listed(session)] == [-1]
    assert browse.list_memories(session, Filters(kinds=(Kind.LONG_TERM,))).total == 2, "the turn is kept"


# -- beside the hits


def test_learned_preferences_are_no_hits_and_what_they_were_read_from_is(session) -> None:
    say(session, "I love jazz.")
    found = search.search(session, Query(text="jazz"))
    assert [h.item.memory for h in found.hits] == ["I love jazz."]
    assert [h.item.memory for h in found.preferences] == ["I love jazz"]
    for mode in ("keyword", "vector"):
        found = search.search(session, Query(text="jazz", mode=mode))  # type: ignore[arg-type]
        assert {h.item.kind for h in found.hits} == {Kind.LONG_TERM}
    asked = Query(text="jazz", filters=Filters(kinds=(Kind.PREFERENCE,)))
    found = search.search(session, asked)
    assert [h.item.memory for h in found.hits] == ["I love jazz"]
    assert found.preferences == ()


def test_one_that_somebody_stored_is_a_hit_like_any_other(session) -> None:
    add.add(session, [Draft(memory="Jonas eats no meat.", kind=Kind.PREFERENCE)])
    found = search.search(session, Query(text="does Jonas eat meat"))
    assert [h.item.memory for h in found.hits] == ["Jonas eats no meat."]
    assert found.preferences == ()


def test_what_does_not_bear_on_the_question_stays_away_but_for_what_concerns_every_answer(session) -> None:
    say(session, "I love jazz.", "Please give me short answers.")
    say(session, "The gate code is 4711.")
    assert beside(session, "gate code") == ["Please give me short answers"]
    assert beside(session, "which jazz concert?") == ["I love jazz", "Please give me short answers"]


def test_the_budget_is_kept(session, open_cube) -> None:
    say(session, *(f"I love {kind} jazz." for kind in ("old", "new", "free", "cool", "slow")))
    costs = [search.tokens(text) for text in beside(session, "jazz", preferences=1000)]
    assert len(costs) == 5
    assert sum(search.tokens(text) for text in beside(session, "jazz", preferences=9)) <= 9
    assert len(beside(session, "jazz", preferences=9)) == 2
    assert beside(session, "jazz", preferences=0) == []
    assert [
        h.item.memory for h in search.search(open_cube(preference_tokens=0), Query(text="jazz")).preferences
    ] == []


def test_a_users_search_sees_that_users_preferences_only(session) -> None:
    say(session, "I love jazz.", user_id="ana")
    say(session, "I hate jazz.", user_id="bob")
    assert beside(session, "jazz", filters=Filters(users=("bob",))) == ["I hate jazz"]
    assert beside(session, "jazz", filters=Filters(users=("bob",), sessions=("other",))) == ["I hate jazz"]


def test_counts_of_facts_do_not_move_for_learned_rows(session) -> None:
    say(session, "I love jazz.", "I love tea.", "The gate code is 4711.")
    keywords = session.cube.view(vectors=False).keywords[0]
    assert keywords.search("jazz", Filters(learned=False)).total == 3
    assert keywords.search("jazz", Filters()).total == 5
    assert keywords.search("jazz", Filters(learned=True)).total == 2


# -- what becomes of them with their evidence


def test_purging_the_evidence_purges_the_preference(session) -> None:
    id = add.add(session, [Draft(memory="I am allergic to peanuts.")]).added[0].id
    (one,) = listed(session)
    assert set(edit.purge(session, [id]).ids) == {id, one.id}
    assert listed(session) == ()
    assert beside(session, "peanuts") == []


def test_archiving_all_of_the_evidence_archives_it_and_unarchiving_brings_it_back(session) -> None:
    first, second = (
        one.id for one in add.add(session, [Draft(memory="I love jazz."), Draft(memory="I like jazz.")]).added
    )
    edit.archive(session, [first])
    assert len(listed(session)) == 1
    edit.archive(session, [second])
    assert listed(session) == ()
    edit.unarchive(session, [first])
    assert len(listed(session)) == 1


def test_a_text_that_is_reworded_teaches_what_it_says_then(session) -> None:
    say(session, "I love oysters.", "I love jazz.", "I love tea.")
    texts = {i.memory: i.id for i in browse.list_memories(session, Filters()).items if i.topic is None}
    edit.update(session, texts["I love oysters."], "I hate oysters.")
    edit.update(session, texts["I love jazz."], "The jazz bar closes at ten.")
    feedback(session, "I hate tea", filters=Filters())
    assert {(one.topic, one.polarity) for one in listed(session)} == {("oysters", -1), ("tea", -1)}
    edit.undo(session)
    assert {(one.topic, one.polarity) for one in listed(session)} == {("oysters", -1), ("tea", 1)}


def test_what_is_no_longer_liked_is_named_by_what_it_was(session) -> None:
    say(session, "I love jazz.", "I love tea.")
    say(session, "I don't like jazz any more.", "I no longer like tea.")
    assert {(one.topic, one.polarity) for one in listed(session)} == {("jazz", -1), ("tea", -1)}


def test_a_listing_by_topic(session) -> None:
    say(session, "I love jazz music.", "I hate crowds.", "My favourite color is blue.")
    assert [p.topic for p in listed(session, "crowds")] == ["crowds"]
    assert [p.topic for p in listed(session, "color")] == ["blue"]
    assert listed(session, "ballet") == ()


def test_an_archived_preference_is_not_shown(session) -> None:
    (told,) = say(session, "I love jazz.")
    edit.archive(session, [told.id])
    assert beside(session, "jazz") == []
    assert [p.id for p in listed(session, statuses=(Status.ARCHIVED,))] == [told.id]
