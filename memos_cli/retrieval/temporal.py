"""What a search question says about time, in English and Chinese.

Owns: whether a question asks for a time, whether a text names one, the stretches of time that a
question names, and how near a memory lies to one. Does not own: how questions are taken apart
(`timephrases`), nor what a ranking makes of the answers.

Nothing is guessed: 03/04/2026 could be two days and 2023B is a room, so they name no time. A window
is a hint for ranking, never a filter.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache

import msgspec

from memos_cli.dates.timephrases import stretches
from memos_cli.dates.timewords import without_quotations

_LONGEST = 4_000
"""Characters of a question that are read for windows; more is a pasted document, not a question."""


class Window(msgspec.Struct, frozen=True):
    """A stretch of time that a question names: from `start` up to but not including `end`, in UTC.

    `fuzzy` is the number of days over which relevance halves outside it. `text` is the words that
    named it. An open end is datetime.min or datetime.max.
    """

    start: datetime
    end: datetime
    fuzzy: float
    text: str


def windows(text: str, now: datetime) -> tuple[Window, ...]:
    """Every stretch of time that the question names, in the order of its words.

    `now` is the moment the question is asked at; days are those of its time zone (without one: UTC).
    A month, day or weekday without a year is the last one, or the next one where the question looks
    ahead; where its tense tells neither, or both, a weekday or a holiday gives nothing.
    """
    question = without_quotations(text[:_LONGEST])
    zone = now.tzinfo or UTC
    found: dict[tuple[datetime, datetime], Window] = {}
    for span, first, last in stretches(question, now.replace(tzinfo=None)):
        start, end = _instant(span.start, zone), _instant(span.end, zone)
        if start < end:
            found.setdefault((start, end), Window(start, end, span.fuzzy, text[first:last]))
    return tuple(found.values())


def _instant(moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


def closeness(window: Window, start: datetime, end: datetime | None = None) -> float:
    """How near something lies to a window, from 1 (they touch) down to 0.

    The thing lasts from `start` to `end` (None: it is an instant). Outside the window it is
    2 ** -((gap + ½) / max(fuzzy, ½)), where gap is the days between the two. The half day is there
    because what is dated to a day stands at its midnight: the 8th is not inside the 7th, it scores ½.
    """
    last = max(start, end or start)
    if start < window.end and last >= window.start:
        return 1.0
    gap = window.start - last if last < window.start else start - window.end
    return float(2.0 ** -((gap / timedelta(days=1) + 0.5) / max(window.fuzzy, 0.5)))


_AUXILIARY = "is|are|was|were|will|would|did|do|does|has|have|had|can|could|should|shall|might|must|am|to|isn['’]t|didn['’]t|exactly|precisely"
_UNIT_WORDS = (
    "seconds?|minutes?|hours?|days?|nights?|weeks?|weekends?|months?|years?|decades?|seasons?|mornings?"
)
_ASKS = rf"""
    \bwhen(?:['’](?:s|d|re)\b|\ (?:{_AUXILIARY})\b|\s*[?？]|\s*$)
  | \b(?:know|remember|recall|tell\ (?:me|us)|remind\ (?:me|us)|idea|sure|find\ out|since|until|till|by|and|or|check)
      \ (?:exactly\ |precisely\ )?when\b(?!\ \w+ing\b|\ (?:you|we)\ (?:want|need|like)\b)
  | ^\s*(?:did|has|have|had)\ [^.?!]{{0,60}}\b(?:say|said|mention|mentioned|tell|told)\b[^.?!]{{0,20}}\ when\b
  | \bhow\ (?:long|soon|recently)\b(?!\ (?:is|was|are|were)\ (?:\w+\ ){{1,4}}(?:rope|table|river|road|cable|hair|bridge|snake|list|book|essay|article|dress|garden|wall|fence|line)\b)
  | \bhow\ (?:many|much)\ (?:\w+\ )?(?:{_UNIT_WORDS}|time)\b(?!\ off)
  | \b(?:what|which|whose)(?:['’]s|\ is|\ was|\ were|\ are)?(?:\ (?:the|a|exact|specific|other|calendar))*\ (?:dates?|time|times|{_UNIT_WORDS}|day\ of)\b(?!\ (?:zone|machine|complexity|limit|signature|trip|management))
  | \bwhat(?:['’]s|\ is|\ was|\ are|\ were)(?:\ [\w'’-]+){{0,6}}\ (?:birthday|deadline|deadlines|anniversary|due\ date|date|dates)\b
"""
_ASKS_CHINESE = r"""
    什么时候|什么时间|啥时候|何时|几时|几点|几号|几月|哪一?[天年]|哪个?一?个?月|哪个?(?:星期|礼拜|周)|[周期拜]几|多久|多长时间
  | 多少(?:个?(?:天|日子|年|月|周|星期|礼拜|小时|分钟))
  | (?<![这前好过那十近头后])几个?(?:天|年|月|周|星期|小时|钟头|分钟)(?![以之]?[前后来内里])
  | (?:时间|日期|生日|纪念日|截止日)(?:是|为|在)(?:什么|啥|多少|哪|几)
"""

_MONTHS = "january|february|april|june|july|august|september|october|november|december|jan|feb|apr|aug|sept|oct|nov|dec"
_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_SHY = "may|march"
_SEASON_WORDS = "spring|fall|summer|winter|autumn"
_COUNTS = "a|an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|few|couple\\ of|several|many|\\d{1,4}"
_NAMES_TIME = rf"""
    \b(?:yesterday|today|tonight|tomorrow|ago|recently|lately|weekends?|midnight|o['’]clock|christmas|easter|halloween|thanksgiving|new\ year)\b
  | \b(?:{_DAYS})s?\b | \b(?:{_MONTHS})\b\.?
  | \b(?:in|of|since|by|until|till|last|next|this|early|late|mid|during|before|after|around|from)[\ -](?:{_SHY})\b(?!\ (?:of|as\ well)\b)
  | \b(?:{_SHY})\ (?:the\ )?(?:[12]?\d|3[01]|(?:19|20)\d\d)(?:st|nd|rd|th)?\b(?!\ (?:times|people|more)\b) | \b\d{{1,2}}(?:st|nd|rd|th)?\ (?:of\ )?(?:{_SHY})\b
  | \b(?:last|next|this|previous|past|coming|following)\ (?:week|month|year|night|morning|afternoon|evening|time|decade|century|{_SEASON_WORDS})\b
  | \b(?:in|during|over|until|since|by|before|after)\ the\ (?:{_SEASON_WORDS}|morning|afternoon|evening|night|day)\b
  | \b(?:early|late|mid)[\ -](?:{_SEASON_WORDS})\b | \b(?:in|this|last|next|every|during)\ (?:{_SEASON_WORDS})\b | \b(?:{_SEASON_WORDS})\ (?:of\ )?(?:19|20)\d\d\b
  | \b(?:summer|winter|autumn)\b
  | \b(?:{_COUNTS}|past|last|next)\ (?:\w+\ )?(?:days|weeks|months|years|hours|minutes|decades)\b
  | \b(?:a|an|one|per|each|every|all|the\ (?:other|same|next|first|last)|that|one)\ (?:day|week|month|year|night|morning|hour|evening|afternoon)\b(?!\ care)
  | (?<![\w.,$€£¥\#/-])(?:19|20)\d\d(?![\w%])(?!\.\d) | \b\d{{1,2}}:\d\d\b | \b\d{{1,2}}\ ?[ap]\.?m\b | \bjust\ now\b
  | [昨今明]天|[昨今明]日(?!本)|(?<![目之以眼])前天(?![气空])|(?<![以之今])后天(?!性)|[昨今明]晚|今[早晨]|明早|[去今明]年|(?<![目之以])前年(?!龄)
  | [上下这本]个?(?:周|星期|礼拜|月(?!台))|(?:周|星期|礼拜)[一二三四五六日末天]|周末
  | \d{{1,2}}月|\d{{1,2}}[日号](?![楼线馆门机])|\d{{1,2}}点(?!\d)|\d{{4}}年|(?<![个几])(?:十[一二]?|[一二三四五六七八九])月
  | 最近(?!的)|近来|近期|刚才|刚刚|前几天|前阵子|小时候|[几一两三四五六七八九十\d]个?(?:天|周|星期|礼拜|月|年|小时|分钟)(?:[以之]?[前后]|来|内)?
  | 凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|半夜|[春夏秋冬][天季]|春节|国庆|中秋|元旦|端午|年[初底末]|月[初底末]|以前|从前|当天|那天
"""


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source, re.VERBOSE | re.IGNORECASE)


def asks_when(text: str) -> bool:
    """Whether the question asks for a time: when, how long (ago), what day, how many weeks, 什么时候, 多久.

    A 'when' that only joins two sentences ('what did she say when he left') does not ask.
    """
    words = frozenset(re.findall("[a-z]+", text.lower()))
    return (_may_ask(words) and bool(_compiled(_ASKS).search(text))) or (
        not text.isascii() and bool(_compiled(_ASKS_CHINESE).search(text))
    )


def _may_ask(words: frozenset[str]) -> bool:
    """Whether a question's words are such that `_ASKS` can match: to compile it takes ten milliseconds."""
    return (
        "when" in words
        or ("how" in words and not _set(_HOW).isdisjoint(words))
        or not (_set("what which whose").isdisjoint(words) or _set(_WHAT).isdisjoint(words))
    )


_HOW = "long soon recently many much"
_WHAT = (
    "second seconds minute minutes hour hours day days night nights week weeks weekend weekends month months year years"
    " decade decades season seasons morning mornings time times date dates birthday deadline deadlines anniversary"
)


_SURE = (
    "yesterday today tonight tomorrow ago recently lately weekend weekends midnight christmas easter halloween thanksgiving"
    " monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays"
    " sundays january february april june july august september october november december summer winter autumn"
)
_PERHAPS = (
    "may march spring fall week weeks month months year years day days night morning afternoon evening hour hours minutes"
    " decade decades century time just clock jan feb apr aug sept oct nov dec"
)


@cache
def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def has_time_word(text: str) -> bool:
    """Whether a text names a time or a length of time, so that it might answer a question for one.

    Made for many memories a query: words that settle it are looked up first.
    """
    words = _compiled("[a-z]+|[0-9]+|[\u4e00-\u9fff]").findall(text.lower())
    if not _set(_SURE).isdisjoint(words):
        return True
    if _set(_PERHAPS).isdisjoint(words) and text.isascii() and not any(map(str.isdigit, words)):
        return False
    return bool(_compiled(_NAMES_TIME).search(text))
