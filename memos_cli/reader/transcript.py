"""Chats written down as text: `Anna: hi`, exports of messengers, chats in Markdown.

Owns: telling a transcript from prose, turns with speaker and time. Does not own: chats as JSON
(`chat`), subtitles (`subtitles`), reading a single time (`times`).

A file is a transcript when one of the shapes below opens its turns all through: the speakers
come back, and no field of a form or level of a log is among them. In doubt it is prose, whose
words are kept as well.

    stamped    2026-03-14 09:30 Anna: hi · [14/03/2026, 09:30:15] Anna: hi · 14.03.26, 09:30 - Anna: hi
               [09:30] <anna> hi
    labelled   Anna: hi · Anna (2026-03-14 09:30): hi · 安娜：你好
    bold       **Anna:** hi · **Anna** (09:30): hi
    headings   ### Anna, then what she says
    headed     Anna  10:23 AM, then what she says (copied from Slack)
    nick       <anna> hi

A line that is only a date holds for the turns under it. Of 03/04/2026 the whole file decides
which number is the month; where nothing in it does, the words are kept in info and no time is
given. A time of day without a date is kept in info as well.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple, TextIO

from memos_cli.errors import BadInput, BadTime
from memos_cli.reader.decode import numbered
from memos_cli.reader.split import HELD, says_nothing, spans, without_controls
from memos_cli.reader.times import absolute_time
from memos_cli.schema import Draft, Source

SAMPLE = 1 << 16
"""Characters of a file that are looked at to tell what it is."""

_ROLES = {
    "user": "user human you me prompt 我 用户 你",
    "assistant": "assistant ai bot chatgpt gpt claude gemini copilot model 助手 助理",
    "system": "system 系统",
}
_ROLE_OF = {label: role for role, labels in _ROLES.items() for label in labels.split()}
_OWN_NAMES = frozenset({"chatgpt", "claude", "gemini", "copilot"})
"""Labels that say a role and are a name all the same."""
_FIELDS = (
    "name first last phone tel telephone fax mobile email e-mail mail address street city country zip date time from to cc "
    "bcc subject re title author url link website http https note notes nb todo fixme example examples tip tips warning "
    "caution important hint info step input output summary result results description type status id key value version "
    "license source error errors warn debug trace fatal critical notice severe price total amount quantity age born ingredients "
    "instructions servings directions pros cons figure table chapter section page question answer usage returns raises args "
    "姓名 电话 地址 日期 时间 主题 标题 备注 注意 说明 例如 示例"
)
_NO_SPEAKER = frozenset(_FIELDS.split())
"""Fields of forms, levels of logs and words that begin a remark: no speaker is called so."""
_TIME = (
    r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[ \u202f\xa0]?[AaPp]\.?[Mm]\.?)?(?:\s?(?:Z|UTC|[+-]\d{2}:?\d{2}))?"
)
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_WEEKDAY = r"(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?,?\s+)?"
_DATE = (
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[./-]\d{{1,2}}[./-]\d{{2,4}}|\d{{4}}年\d{{1,2}}月\d{{1,2}}日"
    rf"|{_WEEKDAY}\d{{1,2}}\.? (?:{_MONTHS})[a-z]*\.?,? \d{{4}}|{_WEEKDAY}(?:{_MONTHS})[a-z]*\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}})"
)
_WHEN = rf"(?:{_DATE}(?:(?:,?\s+(?:at\s+|um\s+)?|T){_TIME})?|{_TIME}(?:,?\s+{_DATE})?)"
_WHO = r"(?P<who>[^\W\d_~@+][^:：\n\[\]<>(){}|*]{0,39}?|[+~@][^:：\n\[\]<>(){}|*]{1,39}?)"
_MARKS = "[\u200e\u200f\u202a-\u202c\ufeff]"

_SHAPES: dict[str, re.Pattern[str]] = {
    "stamped": re.compile(
        rf"{_MARKS}*(?:\[\s*(?P<when>{_WHEN})\s*\]|(?P<bare>{_WHEN})(?=[\s,:-]))\s*(?:[-–—]\s+|:\s+|,\s+)?{_MARKS}*"
        rf"(?:<\s*(?P<nick>[^<>\s][^<>]{{0,39}})>\s+|{_WHO}\s*(?::(?:\s+|$)|：\s*))?(?P<text>.*)$"
    ),
    "bold": re.compile(
        rf"(?:[-*+>]\s+)?\*\*{_WHO}\s*(?:[(\[](?P<when>{_WHEN})[)\]])?\s*"
        rf"(?:[:：]\*\*|\*\*\s*(?:[(\[](?P<bare>{_WHEN})[)\]])?\s*[:：])(?:\s+|$)(?P<text>.*)$"
    ),
    "nick": re.compile(r"<(?P<nick>[^<>\s][^<>\n]{0,39})>\s+(?P<text>.+)$"),
    "labelled": re.compile(rf"{_WHO}\s*(?:[(\[](?P<when>{_WHEN})[)\]])?\s*(?::(?:\s+|$)|：\s*)(?P<text>.*)$"),
    "headings": re.compile(
        rf"#{{1,6}}\s+\**{_WHO}\**\s*(?:[-–—(\[,]?\s*(?P<when>{_WHEN})[)\]]?)?\s*[:：]?\s*#*(?P<text>)$"
    ),
    "headed": re.compile(rf"{_WHO}\s+(?:APP\s+)?\[?(?P<when>{_WHEN})\]?(?P<text>)$"),
}
_DAY = re.compile(rf"[\s\-–—=#*_]*(?P<day>{_DATE})[\s\-–—=#*_:]*$")
_NUMERIC = re.compile(r"(\d{1,2})([./-])(\d{1,2})[./-](\d{4}|\d{2})(?!\d)")
_CLOCK = re.compile(_TIME)
_LEADING = 3
"""Lines that may stand before the first turn, a title for instance."""


class Shape(NamedTuple):
    """How the turns of a file open, and which number of 03/04/2026 is the month (None: nobody knows)."""

    name: str
    day_first: bool | None


@dataclass
class _Turn:
    who: str | None
    when: str | None
    start: int
    parts: list[str] = field(default_factory=list)
    size: int = 0

    def add(self, text: str) -> None:
        self.parts.append(text)
        self.size += len(text)


def shape_of(sample: str) -> str | None:
    """The shape of the turns of a transcript; None for what is none."""
    lines = [line.rstrip() for line in sample.splitlines()[:2_000]]
    for name in _SHAPES:
        if _fits(name, lines):
            return name
    return None


def _fits(name: str, lines: list[str]) -> bool:
    pattern = _SHAPES[name]
    written = [line for line in lines if line.strip() and not _DAY.match(line)]
    found = [(place, match) for place, line in enumerate(written) if (match := pattern.match(line))]
    speakers = [_speaker(match) for _, match in found]
    named = [label for label in speakers if label]
    if len(named) < 2 or found[0][0] > _LEADING or any(map(_no_speaker, named)):
        return False
    counts = Counter(label.casefold() for label in named)
    if name == "stamped":
        # A message may take many lines; a log of one program says no name at all in most of them.
        return 2 * len(named) >= len(speakers)
    if all(label in _ROLE_OF for label in counts):
        return len(counts) > 1
    if name == "headed":
        return len(written) >= 2 * len(named)
    paragraphs = sum(1 for before, line in pairwise(["", *lines]) if line.strip() and not before.strip())
    covered = max(len(named) / len(written), len(named) / max(paragraphs, 1)) >= 0.5
    recurring = sum(count for count in counts.values() if count > 1)
    several = 2 <= len(counts) <= max(2, len(named) * 2 // 3) and len(named) >= 3
    if name == "headings":
        return several and covered and recurring == len(named)
    return several and covered and 2 * recurring >= len(named)


def _no_speaker(label: str) -> bool:
    """Whether a label is that of a form's field, or reads like the beginning of a sentence."""
    folded = label.casefold()
    if folded in _ROLE_OF:
        return False
    letter = label.lstrip("~@+ ")[:1]
    return (
        folded in _NO_SPEAKER
        or folded.split()[0] in _NO_SPEAKER
        or len(label.split()) > 4
        or not (letter.isupper() or letter >= "\u3040" or label[0] in "~@+")
    )


def _speaker(match: re.Match[str]) -> str | None:
    groups = match.groupdict()
    label = groups.get("who") or groups.get("nick")
    if label and groups.get("nick"):
        label = label.strip().lstrip("@+%&~ ")
        return label[:1].upper() + label[1:] if label.islower() else label
    return " ".join(label.split()).strip("*_ ") or None if label else None


def read_transcript(text: TextIO, shape: str, name: str, session: str) -> Iterator[Draft]:
    """The turns of `text`, in order, each with the words as they stand there.

    Lines before the first turn are a turn of nobody. Raises BadInput for a file without turns.
    """
    told = Shape(shape, _day_first(text))
    text.seek(0)
    position = 0
    for turn, day in _turns(numbered(text, HELD), _SHAPES[shape]):
        whole = "".join(turn.parts)
        if says_nothing(whole):
            continue
        yield _draft(turn, whole, day, told, name, session, position)
        position += 1
    if not position:
        raise BadInput(source=name, reason="it holds no text")


def _turns(lines: Iterable[tuple[int, str]], pattern: re.Pattern[str]) -> Iterator[tuple[_Turn, str | None]]:
    """Each turn with the day that was last named above it; one that grows beyond `HELD` comes in parts."""
    turn, day = _Turn(None, None, 0), None
    turn_day = day
    for start, line in lines:
        if line.strip() and (named := _DAY.match(line.strip())):
            day = named["day"]
            continue
        opening = pattern.match(line.rstrip())
        label = _speaker(opening) if opening else None
        if opening and (label or opening.groupdict().get("when") or opening.groupdict().get("bare")):
            yield turn, turn_day
            groups = opening.groupdict()
            turn = _Turn(label, groups.get("when") or groups.get("bare"), start + opening.start("text"))
            turn_day = day
            turn.add(opening["text"] + "\n")
            continue
        turn.add(line)
        if turn.size > HELD:
            whole = "".join(turn.parts)
            *pieces, (last, _) = spans(whole, HELD // 2)
            for begin, end in pieces:
                yield _Turn(turn.who, turn.when, turn.start + begin, [whole[begin:end]]), turn_day
            turn = _Turn(turn.who, turn.when, turn.start + last, [whole[last:]], len(whole) - last)
    yield turn, turn_day


def _draft(
    turn: _Turn, whole: str, day: str | None, shape: Shape, name: str, session: str, position: int
) -> Draft:
    words = without_controls(whole).strip("\n").rstrip()
    lead = len(whole) - len(whole.lstrip("\n"))
    role = _ROLE_OF.get(turn.who.casefold()) if turn.who else None
    speaker = turn.who if role is None or (turn.who or "").casefold() in _OWN_NAMES else None
    told = _moment(turn.when, day, shape.day_first)
    unread = " ".join(filter(None, (day, turn.when))) if told is None else ""
    start = turn.start + lead
    source = Source(type="chat", role=role, time=told, path=name, start=start, end=start + len(words))
    return Draft(
        memory=words.lstrip() if shape.name != "headings" else words,
        speaker=speaker,
        said_at=told,
        session_id=session,
        position=position,
        sources=(source,),
        info={"time": unread} if unread else {},
    )


def _moment(when: str | None, day: str | None, day_first: bool | None) -> datetime | None:
    """The instant of a turn, None where its date is missing or could be two."""
    clock = _CLOCK.search(when) if when else None
    own = re.search(_DATE, when) if when else None
    date = own[0] if own else day
    if date is None:
        return None
    date = re.sub(rf"^{_WEEKDAY}", "", date)
    if numeric := _NUMERIC.fullmatch(date):
        written = _iso(numeric, day_first)
    else:
        written = re.sub(r"(?<=\d)(?:st|nd|rd|th)\b|[.,]", "", date)
    if written is None:
        return None
    time = clock[0].replace("\u202f", " ").replace("\xa0", " ") if clock else ""
    try:
        return absolute_time(f"{written} {time}".strip()).astimezone(UTC)
    except BadTime:
        return None


def _iso(numeric: re.Match[str], day_first: bool | None) -> str | None:
    left, sign, right, year = numeric.groups()
    first = True if sign == "." else day_first
    if first is None and left != right:
        return None
    day, month = (left, right) if first else (right, left)
    whole = year if len(year) == 4 else f"20{year}"
    return f"{whole}-{int(month):02}-{int(day):02}"


def _day_first(text: TextIO) -> bool | None:
    """Which number of a date is its day: told by one above 12, else by the order of the turns."""
    text.seek(0)
    seen: list[tuple[int, int, int]] = []
    for line in iter(lambda: text.readline(HELD), ""):
        found = _NUMERIC.search(line, 0, 40)
        if found is None or found[2] == ".":
            continue
        left, right, year = int(found[1]), int(found[3]), int(found[4])
        if left > 12 or right > 12:
            return left > 12
        if not seen or seen[-1] != (left, right, year):
            seen.append((left, right, year))
            del seen[:-5_000]
    by_day = _ascends((year, right, left) for left, right, year in seen)
    by_month = _ascends((year, left, right) for left, right, year in seen)
    return None if by_day == by_month else by_day


def _ascends(dates: Iterable[tuple[int, int, int]]) -> bool:
    return all(before <= after for before, after in pairwise(dates))
