"""Times that statements name: sets of sentences in English and Chinese, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from memos_cli.dates.statement import told
from memos_cli.dates.tense import Tense, statement_tense
from memos_cli.reader.events import event, event_fields
from memos_cli.schema import Precision

SETS = Path(__file__).parent / "data" / "dates"
SAID = datetime(2023, 5, 8, 13, 56, tzinfo=UTC)  # a Monday


class Case(NamedTuple):
    said: datetime
    when: str
    text: str

    @property
    def whens(self) -> list[str]:
        """The answers that are right: several where a phrase may be read in several ways."""
        return self.when.split(" ; ")


def _cases(name: str) -> Iterator[Case]:
    said = SAID
    for line in (SETS / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("@"):
            said = datetime.fromisoformat(line[2:])
        elif line:
            when, text = line.split(" | ", 1)
            yield Case(said, when, text)


def _meant(when: str) -> tuple[datetime, datetime, Precision] | None:
    if when == "-":
        return None
    when, _, said_precision = when.partition(" ")
    first, _, last = when.partition("/")
    start, _, precision = _stretch(first)
    return start, _stretch(last or first)[1], Precision(said_precision) if said_precision else precision


def _stretch(iso: str) -> tuple[datetime, datetime, Precision]:
    year, *rest = (int(part) for part in iso.split("-"))
    if not rest:
        return datetime(year, 1, 1), datetime(year + 1, 1, 1), Precision.YEAR
    month = rest[0]
    if len(rest) == 1:
        return datetime(year, month, 1), datetime(year + month // 12, month % 12 + 1, 1), Precision.MONTH
    day = datetime(year, month, rest[1])
    return day, day + timedelta(days=1), Precision.DAY


def _read(case: Case) -> tuple[datetime, datetime, Precision] | None:
    found = event(told(case.text, case.said.replace(tzinfo=None)))
    return (found.start, found.end, found.precision) if found else None


@pytest.mark.parametrize("name", ["en", "zh", "en_held_out", "zh_held_out"])
def test_times_are_read_right_or_not_at_all(name: str) -> None:
    cases = list(_cases(name))
    right = [case for case in cases if _read(case) == _meant(case.when)]
    wrong = [case for case in cases if _read(case) not in (None, _meant(case.when))]
    resolved = sum(_read(case) is not None for case in cases)
    assert len(cases) >= (160 if "held" not in name else 60)
    assert sum(case.when != "-" for case in cases) >= (120 if "held" not in name else 40)
    assert len(right) / len(cases) >= 0.95, [case for case in cases if case not in right]
    assert not wrong, f"{len(wrong)} of {resolved}: {wrong}"


@pytest.mark.parametrize(
    ("name", "cases", "right"),
    [
        ("en_blind", 160, 0.98),
        ("zh_blind", 170, 0.98),
        ("en_blind_2", 85, 0.97),
        ("zh_blind_2", 90, 0.93),
        ("en_blind_3", 61, 0.93),
        ("zh_blind_3", 63, 0.95),
    ],
)
def test_times_of_the_blind_sets(name: str, cases: int, right: float) -> None:
    """The sets that were written without a look at the grammar, after it was mended for what they showed; the
    first runs stand in `tests/data/dates/README.md`. Wrong is worse than unresolved, and rarer."""
    found = [(case, _read(case), [_meant(when) for when in case.whens]) for case in _cases(name)]
    wrong = [case for case, read, meant in found if read not in (None, *meant)]
    assert len(found) >= cases
    assert sum(read in meant for _, read, meant in found) / len(found) >= right, [
        case for case, read, meant in found if read not in meant
    ]
    assert len(wrong) <= 1, wrong


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("The film ran in the nineties.", datetime(1990, 1, 1), datetime(2000, 1, 1)),
        ("It was built in the early 1960s.", datetime(1960, 1, 1), datetime(1963, 1, 1)),
        ("上世纪二十年代末建的", datetime(1927, 1, 1), datetime(1930, 1, 1)),
        ("We grew in 2022Q3.", datetime(2022, 7, 1), datetime(2022, 10, 1)),
        ("2022年第一季度亏损", datetime(2022, 1, 1), datetime(2022, 4, 1)),
        ("She came back a fortnight ago.", datetime(2023, 4, 21), datetime(2023, 4, 28)),
        ("He left three Sundays ago.", datetime(2023, 4, 23), datetime(2023, 4, 24)),
        ("We met on Thursday, no wait, last Friday.", datetime(2023, 5, 5), datetime(2023, 5, 6)),
        ("昨天，不对，前天到的", datetime(2023, 5, 6), datetime(2023, 5, 7)),
        ("Easter Monday last year we hiked.", datetime(2022, 4, 18), datetime(2022, 4, 19)),
        ("昨儿夜里下雪了", datetime(2023, 5, 7), datetime(2023, 5, 8)),
        ("大前儿个到的", datetime(2023, 5, 5), datetime(2023, 5, 6)),
        ("去年最后一天跨年了", datetime(2022, 12, 31), datetime(2023, 1, 1)),
        ("上个月第一天入职的", datetime(2023, 4, 1), datetime(2023, 4, 2)),
        ("去年十一在老家", datetime(2022, 10, 1), datetime(2022, 10, 8)),
        ("The lease runs out on the 28th.", datetime(2023, 5, 28), datetime(2023, 5, 29)),
    ],
)
def test_rules_that_the_blind_sets_asked_for(text: str, start: datetime, end: datetime) -> None:
    found = event(told(text, SAID.replace(tzinfo=None)))
    assert found
    assert (found.start, found.end) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        "It was in the nineties outside, a terrible heat.",
        "这首歌太八十年代了",
        "二十年代的老房子",
        "I met a man in his sixties.",
        "He ate a quarter of the cake last.",
        "We saw Next Friday and laughed.",
        "I bought a cat named June.",
        "I arrived on Thursday, scratch that.",
        "去年火把节那天我没去",
        "I get paid on the 25th.",
        "前儿子和后儿媳",
        "这是合作的前提",
    ],
)
def test_what_only_looks_like_them_names_nothing(text: str) -> None:
    assert told(text, SAID.replace(tzinfo=None)) == ()


def test_a_time_is_not_taken_back_by_an_apology() -> None:
    assert told("I came home yesterday, sorry for the noise.", SAID.replace(tzinfo=None))


def test_an_event_has_its_fields_and_its_text_stays() -> None:
    fields, times = event_fields("I went to a support group yesterday.", SAID)
    assert fields == {
        "event_start": datetime(2023, 5, 7, tzinfo=UTC),
        "event_end": datetime(2023, 5, 8, tzinfo=UTC),
        "event_precision": Precision.DAY,
    }
    assert times == []


def test_of_several_times_the_main_clause_has_the_event() -> None:
    fields, times = event_fields("Since we moved last year, I met her twice, and yesterday we ate out.", SAID)
    assert fields["event_start"] == datetime(2023, 5, 7, tzinfo=UTC)
    assert [time["text"] for time in times] == ["last year", "yesterday"]
    assert times[0] | {"text": ""} == {
        "text": "",
        "start": "2022-01-01",
        "end": "2023-01-01",
        "precision": "year",
    }


def test_a_chronicle_has_no_one_event() -> None:
    text = "In 1914 it began. In 1916 I was born. In 1918 it ended. In 1939 it began again."
    fields, times = event_fields(text, SAID)
    assert fields == {}
    assert len(times) == 4


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("I was born on 3 May 1990.", datetime(1990, 5, 3, tzinfo=UTC)),
        ("I was born in July 1998.", datetime(1998, 7, 1, tzinfo=UTC)),
        ("女儿出生于2022年5月14日。", datetime(2022, 5, 14, tzinfo=UTC)),
        ("I met Bob yesterday.", None),
        ("We moved in July.", None),
        ("去年我们搬了家。", None),
    ],
)
def test_without_a_time_of_saying_only_full_dates_count(text: str, start: datetime | None) -> None:
    assert event_fields(text, None)[0].get("event_start") == start


def test_a_time_at_the_edge_of_the_calendar_is_none() -> None:
    assert event_fields("9000 years ago there was ice here.", SAID)[0] == {}
    assert event_fields("I met Bob yesterday.", datetime(1, 1, 1, tzinfo=UTC))[0] == {}


def test_a_long_text_is_read_in_time() -> None:
    text = "on Friday I went, last week, " * 4_000
    assert len(told(text, SAID.replace(tzinfo=None))) < 1_000


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("I went home", Tense.PAST),
        ("we'll have paid", Tense.FUTURE),
        ("I'm so excited for the show", Tense.PRESENT),
        ("they're coming over", Tense.FUTURE),
        ("he usually cooked", Tense.HABIT),
        ("I put it there", Tense.PAST),
        ("it is cold", Tense.PRESENT),
        ("我去了北京", Tense.PAST),
        ("我要去北京", Tense.FUTURE),
        ("这里太适合画画了", Tense.PRESENT),
        ("他就要结婚了", Tense.FUTURE),
        ("我每天跑步", Tense.HABIT),
    ],
)
def test_the_tense_of_a_clause(text: str, meant: Tense) -> None:
    assert statement_tense(text) is meant
