"""Times as people and files write them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos_cli.errors import BadTime
from memos_cli.reader.times import absolute_time, parse_time

NOW = datetime(2026, 3, 31, 12, 0, 5, tzinfo=UTC)  # a Tuesday

ABSOLUTE = {
    "2026-03-14": "2026-03-14T00:00",
    "2026-3-4": "2026-03-04T00:00",
    "20260314": "2026-03-14T00:00",
    "20260314T0930": "2026-03-14T09:30",
    "2026-W11-6": "2026-03-14T00:00",
    "2026-03-14 09:30": "2026-03-14T09:30",
    "  2026-03-14T09:30:15.25Z ": "2026-03-14T09:30:15.250",
    "2026-03-14T09:30+08:00": "2026-03-14T01:30",
    "2026-03-14 09:30 +0800": "2026-03-14T01:30",
    "2026-03-14 09:30 UTC": "2026-03-14T09:30",
    "2026-03-14 09:30 utc+2": "2026-03-14T07:30",
    "2026-03-14 09:30 Europe/Berlin": "2026-03-14T08:30",
    "2026-07-14 09:30 America/New_York": "2026-07-14T13:30",
    "2026/03/14": "2026-03-14T00:00",
    "2023/05/20 (Sat) 02:21": "2023-05-20T02:21",
    "14 March 2026": "2026-03-14T00:00",
    "the 14th of March 2026": "2026-03-14T00:00",
    "March 14, 2026": "2026-03-14T00:00",
    "mar. 14th, 2026 5pm": "2026-03-14T17:00",
    "March 14 2026 at 12:05 a.m.": "2026-03-14T00:05",
    "1:56 pm on 8 May, 2023": "2023-05-08T13:56",
    "Sat, 14 Mar 2026 09:30:00 +0000": "2026-03-14T09:30",
    "14-Mar-2026": "2026-03-14T00:00",
    "14.03.2026": "2026-03-14T00:00",
    "25/12/2025": "2025-12-25T00:00",
    "12/25/2025": "2025-12-25T00:00",
    "03/03/2026": "2026-03-03T00:00",
    "2026-03": "2026-03-01T00:00",
    "March 2026": "2026-03-01T00:00",
    "2026": "2026-01-01T00:00",
    "2026年3月14日": "2026-03-14T00:00",
    "2026年3月14日 9:30": "2026-03-14T09:30",
    "2026年3月14日下午3点半": "2026-03-14T15:30",
    "２０２６年３月１４日": "2026-03-14T00:00",
    "2024年04月01日 周一 08:30": "2024-04-01T08:30",
    "1710408600": "2024-03-14T09:30",
    "1710408600123": "2024-03-14T09:30:00.123",
}
RELATIVE = {
    "now": "2026-03-31T12:00:05",
    "today": "2026-03-31T00:00",
    "today 9:30": "2026-03-31T09:30",
    "9:30": "2026-03-31T09:30",
    "Yesterday": "2026-03-30T00:00",
    "yesterday at 9:30 pm": "2026-03-30T21:30",
    "yesterday at noon": "2026-03-30T12:00",
    "the day before yesterday": "2026-03-29T00:00",
    "tomorrow": "2026-04-01T00:00",
    "two days ago": "2026-03-29T00:00",
    "two days ago at 9am": "2026-03-29T09:00",
    "a couple of weeks ago": "2026-03-17T00:00",
    "last week": "2026-03-24T00:00",
    "last month": "2026-02-28T00:00",
    "last year": "2025-03-31T00:00",
    "13 months ago": "2025-02-28T00:00",
    "3 hours ago": "2026-03-31T09:00:05",
    "20 minutes ago": "2026-03-31T11:40:05",
    "in two days": "2026-04-02T00:00",
    "monday": "2026-03-30T00:00",
    "last tuesday": "2026-03-24T00:00",
    "next tuesday": "2026-04-07T00:00",
    "next friday": "2026-04-03T00:00",
    "14 April": "2025-04-14T00:00",
    "14 March": "2026-03-14T00:00",
    "29 feb": "2024-02-29T00:00",
    "yesterday 9:00 +02:00": "2026-03-30T07:00",
    "昨天": "2026-03-30T00:00",
    "昨天晚上8点": "2026-03-30T20:00",
    "前天": "2026-03-29T00:00",
    "三天前": "2026-03-28T00:00",
    "十五天前": "2026-03-16T00:00",
    "二十天前": "2026-03-11T00:00",
    "两小时前": "2026-03-31T10:00:05",
    "上周": "2026-03-24T00:00",
    "上周三": "2026-03-25T00:00",
    "上个月": "2026-02-28T00:00",
    "3月14日": "2026-03-14T00:00",
    "去年3月14日": "2025-03-14T00:00",
}
REFUSED = [
    *("", "  ", "soon", "never", "31 Feb 2026", "2026-02-30", "2026-13-01", "30 feb", "25:00", "13pm"),
    *(
        "03/04/2026",
        "yesterday 25:00",
        "2026-03-14 24:00",
        "99999 years ago",
        "in 99999 months",
        "-5 days ago",
    ),
    *("9999999999999999", "0001-01-01T00:00+23:00", "2026-03-14 09:30 Nowhere/City", "../../etc/passwd"),
    *("2026-03-14 and more", "x" * 10_000, "2026-03-14\0", "days ago", "0.5 days ago", "'; drop table"),
]


@pytest.mark.parametrize(("text", "wanted"), (ABSOLUTE | RELATIVE).items())
def test_reads(text: str, wanted: str) -> None:
    assert parse_time(text, NOW) == datetime.fromisoformat(wanted).replace(tzinfo=UTC)
    assert parse_time(text, NOW).tzinfo is UTC


@pytest.mark.parametrize(("text", "wanted"), ABSOLUTE.items())
def test_files_may_say_the_same(text: str, wanted: str) -> None:
    assert absolute_time(text) == datetime.fromisoformat(wanted).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", RELATIVE)
def test_a_file_s_time_never_depends_on_today(text: str) -> None:
    with pytest.raises(BadTime):
        absolute_time(text)


@pytest.mark.parametrize("text", REFUSED)
def test_refuses(text: str) -> None:
    with pytest.raises(BadTime) as caught:
        parse_time(text, NOW)
    assert caught.value.exit_code == 2
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "value", [1710408600, 1710408600.0, 1710408600_000, 1710408600_000_000, 1.7104086e18]
)
def test_unix_times_of_any_fineness(value: float) -> None:
    assert absolute_time(value) == datetime(2024, 3, 14, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e30, -1e30])
def test_numbers_that_are_no_time(value: float) -> None:
    with pytest.raises(BadTime):
        absolute_time(value)


def test_words_count_from_the_day_it_is_in_utc() -> None:
    late_in_new_york = datetime(2026, 3, 30, 22, 0, tzinfo=timezone(timedelta(hours=-5)))
    assert parse_time("today", late_in_new_york) == datetime(2026, 3, 31, tzinfo=UTC)


@given(st.text(max_size=60) | st.from_regex(r"[0-9/:.\-+ tzapm年月日前天周]{1,30}", fullmatch=True))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with suppress(BadTime):
        assert parse_time(text, NOW).tzinfo is UTC


@given(st.datetimes(min_value=datetime(1000, 1, 1), max_value=datetime(2999, 1, 1)))
@settings(max_examples=100, deadline=None)
def test_iso_comes_back(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)
    assert parse_time(moment.isoformat(), NOW) == moment
    assert parse_time(moment.strftime("%-d %B %Y %H:%M"), NOW) == moment.replace(second=0, microsecond=0)
