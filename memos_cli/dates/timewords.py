"""The words of a question that speak of time, as a string of tags.

Owns: cutting a text into words and telling what each may mean in a phrase about time, in English
and Chinese. Does not own: the phrases (`timephrases`) nor the calendar (`timespans`).

Each word becomes one tag, one character long, so that a phrase is a regular expression over tags
(`pattern`) and scanning stays linear. A word that could be no time is OTHER; numbers with anything
attached (2023B, 1.2.3, $2023, 555-2023) are OTHER too.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

_NAMES = """
    OTHER COMMA STOP QUANTITY OWNER EVERY MORE HALF
    MONTH SHY_MONTH CMONTH YEAR CYEAR DATE YEARMONTH NUM NUMBER ORD DOM WEEKDAY ITS_WEEKDAY CWEEKDAY
    WEEKSDAY SEASON CSEASON HOLIDAY CHOLIDAY OFFSET DAYPART PART UNIT WEEKEND CWEEKEND PERIOD
    LAST PAST NEXT THIS EARLIER LATER AGO BACK A THE FEW OTHERDAY OTHERDAYS RECENT
    IN WITHIN ON AT FOR OF SINCE BEFORE AFTER UNTIL BY BETWEEN AND FROM TO AS AROUND ABOUT
    EARLY BEGINNING BIT YEARPART SINCE_POST START_POST AROUND_POST AFTER_POST
    WEEKENDS POINT WEAK
"""
TAG = {name: chr(0xE000 + place) for place, name in enumerate(_NAMES.split())}
"""One character of the private use area for each kind of word."""


class Token(NamedTuple):
    """One word: its tag, what it says, and where it stands in the text."""

    tag: str
    value: Any
    start: int
    end: int


DAY, WEEK, MONTH, YEAR, HOUR, MINUTE = "day", "week", "month", "year", "hour", "minute"
MORNING, NOON, AFTERNOON, EVENING, NIGHT, DAWN = "morning", "noon", "afternoon", "evening", "night", "dawn"
SPRING, SUMMER, AUTUMN, WINTER = range(4)
COUPLE, FEW, SEVERAL = (2, 2), (2, 6), (3, 9)

_MONTHS = (
    "january jan, february feb, march mar, april apr, may, june jun, july jul, august aug, "
    "september sep sept, october oct, november nov, december dec"
)
_WEEKDAYS = "monday mon, tuesday tue tues, wednesday wed, thursday thu thur thurs, friday fri, saturday sat, sunday sun"
_SHORT_DAYS = frozenset(["mon", "tue", "tues", "wed", "thu", "thur", "thurs", "fri", "sat", "sun"])
_NUMBERS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth"
_QUANTITIES = (
    "people words steps miles km meters metres feet dollars euros pounds pieces copies users rows lines pages items "
    "times calories kcal points guests followers subscribers members students employees photos books stars votes "
    "commits files questions songs games cards cars euro percent degrees friends participants attendees tickets"
)
_HOLIDAYS = {"christmas": "christmas", "xmas": "christmas", "easter": "easter", "halloween": "halloween"}
_HOLIDAYS |= {"thanksgiving": "thanksgiving"}
_SINGLE: dict[str, tuple[str, str]] = {
    "OWNER": ("my your his her their our its", ""),
    "EVERY": ("every each per", ""),
    "MORE": ("more most how as", ""),
    "HALF": ("half", ""),
    "LAST": ("last previous", ""),
    "PAST": ("past", ""),
    "NEXT": ("next coming", ""),
    "THIS": ("this", ""),
    "EARLIER": ("earlier", ""),
    "LATER": ("later", ""),
    "AGO": ("ago", ""),
    "BACK": ("back", ""),
    "A": ("a an", ""),
    "THE": ("the", ""),
    "OTHERDAY": ("other", ""),
    "RECENT": ("recently lately recent", ""),
    "WITHIN": ("within", ""),
    "ON": ("on", ""),
    "AT": ("at", ""),
    "FOR": ("for", ""),
    "OF": ("of", ""),
    "SINCE": ("since", ""),
    "BEFORE": ("before", ""),
    "AFTER": ("after", ""),
    "UNTIL": ("until till", ""),
    "BY": ("by", ""),
    "BETWEEN": ("between", ""),
    "AND": ("and &", ""),
    "FROM": ("from", ""),
    "TO": ("to through thru - – — ~", ""),
    "AROUND": ("around circa near roughly approximately", ""),
    "ABOUT": ("about", ""),
    "WEEKEND": ("weekend", ""),
    "WEEKENDS": ("weekends", ""),
}
_VALUED: dict[str, dict[str, Any]] = {
    "IN": {"in": "in", "during": "during", "throughout": "during", "over": "over"},
    "SEASON": {"spring": SPRING, "summer": SUMMER, "autumn": AUTUMN, "fall": AUTUMN, "winter": WINTER},
    "OFFSET": {"yesterday": -1, "today": 0, "tomorrow": 1},
    "DAYPART": {"tonight": (0, NIGHT)},
    "PART": {part: part for part in (MORNING, AFTERNOON, EVENING, NIGHT)},
    "FEW": {"few": FEW, "couple": COUPLE, "several": SEVERAL, "some": FEW},
    "EARLY": {"early": 0, "mid": 1, "late": 2},
    "BEGINNING": {"beginning": 0, "start": 0, "middle": 1, "end": 2},
    "HOLIDAY": _HOLIDAYS,
}
_UNITS = {unit + plural: unit for unit in (DAY, WEEK, MONTH, YEAR, HOUR, MINUTE) for plural in ("", "s")}
_UNITS |= {"nights": DAY}

# A run without spaces: words, numbers and whatever is glued to them, so that 2023B stays one piece.
_PHRASES = {
    "new year's eve": "new_years_eve",
    "new year's day": "new_years_day",
    "christmas eve": "christmas_eve",
    "christmas day": "christmas_day",
    "boxing day": "boxing_day",
    "valentine's day": "valentine",
    "independence day": "independence",
    "fourth of july": "independence",
    "4th of july": "independence",
    "good friday": "good_friday",
    "easter sunday": "easter_sunday",
    "easter monday": "easter_monday",
    "chinese new year": "spring_festival",
    "lunar new year": "spring_festival",
    "spring festival": "spring_festival",
    "mid-autumn festival": "mid_autumn",
    "st patrick's day": "patrick",
}
_CHINESE_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_CHINESE_HOLIDAYS = {
    "春节": "spring_festival",
    "中秋": "mid_autumn",
    "端午": "dragon_boat",
    "元旦": "new_years_day",
    "圣诞": "christmas",
    "平安夜": "christmas_eve",
    "情人节": "valentine",
    "国庆": "national",
    "劳动节": "labour",
    "五一": "labour",
    "儿童节": "children",
    "教师节": "teachers",
    "妇女节": "women",
    "万圣节": "halloween",
    "感恩节": "thanksgiving",
}
_CHINESE_PARTS = {"凌晨": DAWN, "清晨": MORNING, "早上": MORNING, "早晨": MORNING, "上午": MORNING}
_CHINESE_PARTS |= {"中午": NOON, "下午": AFTERNOON, "傍晚": EVENING, "晚上": NIGHT, "夜里": NIGHT}
_CHINESE_PARTS |= {
    "半夜": NIGHT,
    "深夜": NIGHT,
    "晚间": NIGHT,
    "早": MORNING,
    "晨": MORNING,
    "晚": NIGHT,
    "夜": NIGHT,
}
_CHINESE_OFFSETS = {"大前": -3, "前": -2, "昨": -1, "今": 0, "明": 1, "后": 2, "大后": 3}
_CHINESE_YEARS = {"大前": -3, "前": -2, "去": -1, "今": 0, "本": 0, "明": 1, "后": 2}
_CHINESE_UNITS = {"天": DAY, "日": DAY, "周": WEEK, "星期": WEEK, "礼拜": WEEK, "月": MONTH, "年": YEAR}
_CHINESE_UNITS |= {"小时": HOUR, "钟头": HOUR, "分钟": MINUTE}
_WHICH = {"上": -1, "下": 1, "这": 0, "本": 0}
_CHINESE_WORDS = {
    **dict.fromkeys(("以来", "至今"), "SINCE_POST"),
    **dict.fromkeys(("开始", "起"), "START_POST"),
    **dict.fromkeys(("左右", "前后"), "AROUND_POST"),
    **dict.fromkeys(("之前", "以前", "前"), "AGO"),
    **dict.fromkeys(("之后", "以后", "后"), "AFTER_POST"),
    **dict.fromkeys(("到", "至"), "TO"),
    **dict.fromkeys(("自从", "自", "从"), "FROM"),
    **dict.fromkeys(("和", "与"), "AND"),
    **dict.fromkeys(("过去", "近"), "PAST"),
    "的": "OF",
    "每": "EVERY",
}
_BITS = {"初": 0, "上旬": 0, "中旬": 1, "底": 2, "末": 2, "下旬": 2}

_DAY_NAME = (
    r"(?:一(?![起直共些样块次家个位场边定般]|下(?!午))|二(?![手次个])|[三四五六](?![次个人天年月岁])"
    r"|日(?![常本程记历报语])|天(?!气))"
)
_LATIN = r"[A-Za-z0-9_$€£¥%#@&+/\\.:'’\-\u00c0-\u024f]+"
_CHINESE = rf"""
  (?P<cyear>\d{{4}}年(?![级代历]))
 |(?P<cmonth>(?<![\d个几两十百第.])(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月(?![饼球亮光台嫂经薪票嫩色牙夜天])份?)
 |(?P<cday>(?<![/第])(?:3[01]|[12]\d|0?[1-9])(?:日(?![游内间元本])|号(?![楼线馆门机车房店厅院桌室柜位球选文路段站台仓铺床人公病电])))
 |(?P<cdays>(?<=月)(?:3[01]|[12]\d|0?[1-9]|三十一?|二?十[一二三四五六七八九]?|[一二三四五六七八九])[日号])
 |(?P<cweeksday>(?<![地楼天以之马身路早晚])(?P<w1>上{{1,3}}|下{{1,3}}|[这本])(?:个)?(?:周|星期|礼拜)(?:周|星期|礼拜)?(?P<w2>{_DAY_NAME}))
 |(?P<cperiod>(?<![地楼天以之马身路])(?P<p1>上{{1,3}}|下{{1,3}}|[这本])一?个?(?P<p2>周末|周(?![年期岁边围到密折])|星期|礼拜|月(?![台光亮球饼])))
 |(?P<cweekday>(?<![一每两几单双首])(?:周|星期|礼拜)(?P<d2>{_DAY_NAME}))
 |(?P<cweekend>周末)
 |(?P<coffset>(?:大前|前(?<![目之以眼]前)|昨|今|明|大?后(?<![以之今]后))(?:天(?![气空花津文然才性]|努力|培养|因素|形成|环境|教育|训练|习得|免疫)|(?<=[昨今明])日(?![本语常])))
 |(?P<cdaypart>(?P<a1>[昨今明]|前(?<![目之以眼]前))(?P<a2>早(?!已)|晨|晚(?![辈年])|夜)上?)
 |(?P<cyearrel>(?:大?前(?<![目之以]前)|去|今|本|明|后(?<![以之]后))年(?![龄纪轻度级]|多大|几岁|\d+岁)(?P<ybit>[初底末])?)
 |(?P<yearpart>年[初底末](?!尾))
 |(?P<monthpart>(?<!\d)月[初底末](?!尾))
 |(?P<cpart>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜|深夜|晚间)
 |(?P<fewago>前(?:几|些|两)天|前(?:阵子|段时间|段日子|些日子|一阵子|阵)|[这近](?:几|两|些)天)
 |(?P<past>(?:过去|最近|近(?<![附靠临最]近))的?(?=(?:\d{{1,3}}|[一二两三四五六七八九十半几]{{1,3}})个?(?:天|日|周|星期|礼拜|月|年|小时|分钟)))
 |(?P<recent>最近(?!一[次回场条封位]|一个(?![月星礼小])|的?(?:地铁|车站|医院|超市|路|店|地方|机场|银行|加油站|餐厅|商场|公交|距离))|近来|近期|近日)
 |(?P<cnumber>(?:\d{{1,3}}|[一二两三四五六七八九十]{{1,3}}|半|好?几)(?=个?(?:天|日|周|星期|礼拜|月|年|小时|钟头|分钟)(?!级)))
 |(?P<cunit>(?<=[\d一二两三四五六七八九十半几])个?(?P<u2>天|日|周|星期|礼拜|月|年|小时|钟头|分钟))
 |(?P<cseason>[春夏秋冬][天季])
 |(?P<choliday>春节|(?:中秋|端午|圣诞|元旦)节?|平安夜|情人节|劳动节|儿童节|教师节|妇女节|万圣节|感恩节|(?:国庆|(?<!十)五一)(?:节|期间|假期|长假|黄金周|那天|的时候|当天))
 |(?P<bit>(?<=[年月])(?:[上中下]旬|初(?![中次学恋心步期])|底(?![下部层线])|末(?!尾)))
 |(?P<cword>以来|至今|开始|左右|前后|之前|以前|前(?![面边台途妻夫端往进提任辈景女男])|之后|以后|后(?![来面边悔果台续勤备])|起(?![来床飞点])|自从|[从自到至和与的每])
"""

_PLAIN = rf"""
  (?P<latin>{_LATIN})
 |(?P<dash>[–—~～])
 |(?P<comma>[,、，])
 |(?P<stop>[^\w\s])
 |(?P<other>[^\W\s])
"""
_PHRASE = (
    r"\b(?:new year['’]s (?:eve|day)|christmas (?:eve|day)|boxing day|valentine['’]s day|independence day"
    r"|(?:fourth|4th) of july|good friday|easter (?:sunday|monday)|(?:chinese|lunar) new year|spring festival"
    r"|mid-autumn festival|st\.? patrick['’]s day)\b"
)
_HAN = re.compile(r"[\u4e00-\u9fff]")


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source, re.VERBOSE if source.startswith("\n") else re.IGNORECASE)


def _lexer(text: str) -> re.Pattern[str]:
    """Chinese words are looked for only where there are any: the lexer of English is ten times faster."""
    return _compiled(_CHINESE + " |" + _PLAIN.lstrip() if _HAN.search(text) else _PLAIN)


@cache
def _words() -> dict[str, tuple[str, Any]]:
    words: dict[str, tuple[str, Any]] = {}
    for name, (group, _) in _SINGLE.items():
        words |= dict.fromkeys(group.split(), (TAG[name], None))
    for name, values in _VALUED.items():
        words |= {word: (TAG[name], value) for word, value in values.items()}
    words |= dict.fromkeys(_QUANTITIES.split(), (TAG["QUANTITY"], None))
    words |= {word: (TAG["UNIT"], unit) for word, unit in _UNITS.items()}
    words |= {word: (TAG["NUMBER"], n) for n, word in enumerate(_NUMBERS.split(), 1)}
    words |= {word: (TAG["ORD"], n) for n, word in enumerate(_ORDINALS.split(), 1)}
    for name, groups, start in (("MONTH", _MONTHS, 1), ("WEEKDAY", _WEEKDAYS, 0)):
        for n, group in enumerate(groups.split(", "), start):
            words |= dict.fromkeys(group.split(), (TAG[name], n))
    words["as"] = (TAG["AS"], None)
    return words


def words_tagged(*names: str) -> frozenset[str]:
    """The words of Latin script that may have one of these tags, `MONTH` for `SHY_MONTH` and the like."""
    tags = {TAG[name] for name in names}
    return frozenset(word for word, (tag, _) in _words().items() if tag in tags)


@cache
def pattern(phrase: str) -> re.Pattern[str]:
    """A regular expression over tags, written with their names: 'NUM OF? MONTH'."""
    return re.compile(re.sub(r"[A-Z_]+", lambda m: TAG[m[0]], phrase).replace(" ", ""))


def needed(phrase: str) -> frozenset[str]:
    """Tags without which a phrase cannot match; a few of them, cheap to ask for first."""
    for part in (
        r"\(\?[=!<][^()]*\)",
        r"\(\?:[^()]*\)[?*]?",
        r"\(\?:[^()]*\)[?*]?",
        r"\[[^\]]*\][?*]?",
        r"[A-Z_]+[?*]",
    ):
        phrase = re.sub(part, " ", phrase)
    return frozenset() if "|" in phrase else frozenset(TAG[name] for name in re.findall(r"[A-Z_]+", phrase))


def tokens(text: str, year: int) -> list[Token]:
    """The words of `text` in order; `year` is the present one, for 去年 and 明年."""
    found: list[Token] = []
    done = 0
    lower = text.lower()
    if any(word in lower for word in _PHRASE_WORDS):
        for match in _compiled(_PHRASE).finditer(text):
            found += _words_of(text, done, match.start(), year, found)
            name = match[0].lower().replace("’", "'").replace(".", "")
            found.append(Token(TAG["HOLIDAY"], _PHRASES[name], *match.span()))
            done = match.end()
    return found + _words_of(text, done, len(text), year, found)


_PHRASE_WORDS = ("day", " eve", "july", "new year", "festival")


def _words_of(text: str, start: int, end: int, year: int, before: list[Token]) -> list[Token]:
    found: list[Token] = []
    words, stop, nothing, cased = _words(), TAG["STOP"], (TAG["OTHER"], None), (TAG["MONTH"], TAG["WEEKDAY"])
    for match in _lexer(text).finditer(text, start, end):
        kind = match.lastgroup or "other"
        if kind == "latin":
            word = match[0]
            known = words.get(word.lower(), nothing if word.isalpha() else None)
            if known and known[0] not in cased:
                found.append(Token(known[0], known[1], *match.span()))
            else:
                first = found[-1].tag == stop if found else not before
                found += _latin(word, match.start(), first)
        elif kind in _MARKS:
            found.append(Token(_MARKS[kind], None, *match.span()))
        else:
            found += _chinese(kind, match, year)
    return found


_MARKS = {"dash": TAG["TO"], "comma": TAG["COMMA"], "stop": TAG["STOP"], "other": TAG["OTHER"]}


def _latin(chunk: str, start: int, first: bool) -> list[Token]:
    """The tokens of a run without spaces; `first`: it begins a sentence."""
    body = chunk.rstrip(".:'’")
    if not body:
        return [Token(TAG["STOP"], None, start, start + len(chunk))]
    lead = len(body) - len(body.lstrip("'’"))
    body = body[lead:]
    start += lead
    end = start + len(body)
    low = body.lower()
    if (known := _words().get(low)) is not None:
        return [Token(*_cased(known, body, first), start, end), *_full_stop(chunk, low, end)]
    parts = _hyphened(body, start) if "-" in body else None
    return [*(parts or [_odd(body, low, start, end, lead == 1)]), *_full_stop(chunk, low, end)]


def _full_stop(chunk: str, low: str, end: int) -> list[Token]:
    ends = chunk.endswith(":") or (chunk.endswith(".") and not (low in _words() and len(low) < 5))
    return [Token(TAG["STOP"], None, end, end)] if ends else []


def _cased(known: tuple[str, Any], body: str, first: bool) -> tuple[str, Any]:
    """What a known word is, given its case: 'may' is a verb, 'Sat' a day, 'mar' no month."""
    tag, value = known
    if tag == TAG["MONTH"]:
        if body.lower() in ("may", "march", "mar") and (first or not body[0].isupper()):
            return TAG["SHY_MONTH"], value
    elif tag == TAG["WEEKDAY"] and body.lower() in _SHORT_DAYS and not body[0].isupper():
        return TAG["OTHER"], None
    return tag, value


_ORDINAL = re.compile(r"(?:([1-9])|[12]\d|3[01])(?:st|nd|rd|th)", re.IGNORECASE)
_ISO_DATE = re.compile(r"((?:19|20)\d\d)([-/.])(\d{1,2})\2(\d{1,2})(?:T[\d:.+Z]*)?")
_ISO_MONTH = re.compile(r"((?:19|20)\d\d)-(0[1-9]|1[0-2])")
_NAMED_DATE = re.compile(r"(\d{1,2})-([a-z]{3,9})-((?:19|20)\d\d)")


def _odd(body: str, low: str, start: int, end: int, short: bool = False) -> Token:
    """A number, a date, somebody's, or a word of no interest."""
    if body.isascii() and body.isdecimal():
        return Token(*(_short_year(int(body)) if short and len(body) == 2 else _number(body)), start, end)
    if low.endswith(("'s", "’s")):
        return Token(*_possessive(low[:-2]), start, end)
    if _ORDINAL.fullmatch(body):
        return Token(TAG["ORD"], int(body[:-2]), start, end)
    if match := _ISO_DATE.fullmatch(body):
        return Token(TAG["DATE"], (int(match[1]), int(match[3]), int(match[4])), start, end)
    if match := _ISO_MONTH.fullmatch(body):
        return Token(TAG["YEARMONTH"], (int(match[1]), int(match[2])), start, end)
    if match := _NAMED_DATE.fullmatch(low):
        tag, month = _words().get(match[2], ("", None))
        if tag == TAG["MONTH"]:
            return Token(TAG["DATE"], (int(match[3]), month, int(match[1])), start, end)
    return Token(TAG["OTHER"], None, start, end)


def _short_year(value: int) -> tuple[str, Any]:
    """'22 is 2022, '69 and later are of the century before (POSIX's rule for two digits)."""
    return TAG["YEAR"], value + (2000 if value < 69 else 1900)


def _number(body: str) -> tuple[str, Any]:
    value = int(body) if len(body) < 6 else -1
    if len(body) == 4 and 1900 <= value < 2100:
        return TAG["YEAR"], value
    if len(body) <= 2 and 1 <= value <= 31:
        return TAG["NUM"], value
    return (TAG["NUMBER"], value) if 0 < value < 10_000 else (TAG["OTHER"], None)


_NO_OWNERS = frozenset(
    [
        "what",
        "who",
        "where",
        "when",
        "how",
        "it",
        "that",
        "there",
        "here",
        "he",
        "she",
        "let",
        "which",
        "this",
    ]
)


def _possessive(base: str) -> tuple[str, Any]:
    if base in _NO_OWNERS:
        return TAG["OTHER"], None
    tag, value = _words().get(base, ("", None))
    if tag == TAG["WEEKDAY"] and base not in _SHORT_DAYS:
        return TAG["ITS_WEEKDAY"], value
    if tag in (TAG["OFFSET"], TAG["UNIT"], TAG["DAYPART"], TAG["PART"], TAG["WEEKEND"], TAG["SEASON"]):
        return tag, value
    return TAG["OWNER"], None


def _hyphened(body: str, start: int) -> list[Token] | None:
    """'mid-May', '3-5', 'May-June', '2020-2022' as their parts; None: it is one word."""
    left, _, right = body.partition("-")
    if not left or not right or "-" in right:
        return None
    if _ISO_MONTH.fullmatch(body):
        return None
    place = start + len(left)
    pair = [_half(left, start), _half(right, place + 1)]
    first, second = pair[0].tag, pair[1].tag
    dated = (TAG["MONTH"], TAG["YEAR"], TAG["SEASON"])
    if first == TAG["EARLY"] and second in dated:
        return pair
    alike = first == second and first in (*dated, TAG["WEEKDAY"], TAG["NUM"], TAG["ORD"])
    return [pair[0], Token(TAG["TO"], None, place, place + 1), pair[1]] if alike else None


def _half(word: str, start: int) -> Token:
    known = _words().get(word.lower())
    if known is None:
        return _odd(word, word.lower(), start, start + len(word))
    return Token(*_cased(known, word, False), start, start + len(word))


def chinese_number(word: str) -> int:
    """二十三 → 23; digits pass."""
    if word.isdecimal():
        return int(word)
    tens, ten, ones = word.rpartition("十")
    if not ten:
        return _CHINESE_DIGITS[word] if len(word) == 1 else -1
    return 10 * _CHINESE_DIGITS.get(tens, 1) + _CHINESE_DIGITS.get(ones, 0)


def _chinese(kind: str, match: re.Match[str], year: int) -> list[Token]:
    start, end = match.span()
    name, value = _READERS[kind](match, year)
    if name == "RECENT" and "离" in match.string[max(0, start - 6) : start]:
        name = "OTHER"  # 离我最近的 is the nearest, not the latest
    found = [Token(TAG[name], value, start, end)]
    if kind == "cyearrel" and match["ybit"]:
        found.append(Token(TAG["BIT"], _BITS[match["ybit"]], end - 1, end))
        found[0] = Token(TAG[name], value, start, end - 1)
    return found


def _weeks(which: str) -> int:
    return _WHICH[which[0]] * len(which) if which[0] in "上下" else 0


def _weekday(char: str) -> int:
    return "一二三四五六日天".index(char[0]) % 7 if char[0] != "天" else 6


def _read_day(match: re.Match[str], _: int) -> tuple[str, Any]:
    after_month = match.string[max(0, match.start() - 1) : match.start()] in ("月", "份")
    return ("NUM" if after_month else "DOM"), chinese_number(match[0][:-1])


def _read_number(match: re.Match[str], _: int) -> tuple[str, Any]:
    if match[0].endswith("几"):
        return "FEW", FEW
    return ("HALF", None) if match[0] == "半" else ("NUMBER", chinese_number(match[0]))


def _read_period(match: re.Match[str], _: int) -> tuple[str, Any]:
    unit = "weekend" if match["p2"] == "周末" else _CHINESE_UNITS[match["p2"]]
    return "PERIOD", (unit, _weeks(match["p1"]))


def _read_holiday(match: re.Match[str], _: int) -> tuple[str, Any]:
    return "CHOLIDAY", next(v for k, v in _CHINESE_HOLIDAYS.items() if match[0].startswith(k))


def _read_few_ago(match: re.Match[str], _: int) -> tuple[str, Any]:
    if match[0][0] in "这近":
        return "OTHERDAYS", (0, 4)
    return "OTHERDAYS", ((2, 7) if match[0].endswith("天") else (5, 60))


_READERS: dict[str, Any] = {
    "cyear": lambda m, y: ("CYEAR", int(m[0][:4])) if 1900 <= int(m[0][:4]) < 2100 else ("OTHER", None),
    "cmonth": lambda m, y: ("CMONTH", chinese_number(m[0].split("月")[0])),
    "cday": _read_day,
    "cdays": _read_day,
    "cweeksday": lambda m, y: ("WEEKSDAY", (_weeks(m["w1"]), _weekday(m["w2"]))),
    "cperiod": _read_period,
    "cweekday": lambda m, y: ("CWEEKDAY", _weekday(m["d2"])),
    "cweekend": lambda m, y: ("CWEEKEND", None),
    "coffset": lambda m, y: ("OFFSET", _CHINESE_OFFSETS[m[0][:-1]]),
    "cdaypart": lambda m, y: ("DAYPART", (_CHINESE_OFFSETS[m["a1"]], _CHINESE_PARTS[m["a2"]])),
    "cyearrel": lambda m, y: ("CYEAR", y + _CHINESE_YEARS[m[0].split("年")[0]]),
    "yearpart": lambda m, y: ("YEARPART", (YEAR, _BITS[m[0][1]])),
    "monthpart": lambda m, y: ("YEARPART", (MONTH, _BITS[m[0][1]])),
    "cpart": lambda m, y: ("PART", _CHINESE_PARTS[m[0]]),
    "fewago": _read_few_ago,
    "past": lambda m, y: ("PAST", None),
    "recent": lambda m, y: ("RECENT", None),
    "cnumber": _read_number,
    "cunit": lambda m, y: ("UNIT", _CHINESE_UNITS[m["u2"]]),
    "cseason": lambda m, y: ("CSEASON", "春夏秋冬".index(m[0][0])),
    "choliday": _read_holiday,
    "bit": lambda m, y: ("BIT", _BITS[m[0]]),
    "cword": lambda m, y: (_CHINESE_WORDS[m[0]], None),
}


_FULL_WIDTH = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), 0xFF0D, 0xFF0F, 0xFF1A)} | {
    0x3000: " "
}
_QUOTED = r"\"[^\"\n]{1,200}\"|“[^”\n]{1,200}”|《[^》\n]{1,200}》|「[^」\n]{1,200}」"


def without_quotations(text: str) -> str:
    """Full-width digits made plain, quotations blotted out; every character stays in its place.

    What stands in quotation marks is a title or someone's words ("Summer 2023"), no time of the text's own.
    """
    plain = text if text.isascii() else text.translate(_FULL_WIDTH)
    blotted = _compiled(_QUOTED).sub(lambda quoted: ";" * len(quoted[0]), plain)
    return plain if blotted.strip("; .?!") == "" else blotted
