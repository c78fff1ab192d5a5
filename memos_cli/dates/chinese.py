"""Chinese words that speak of time.

Owns: the expression that finds them, since Chinese words are not parted, and what each of them says. Does not
own: the tags (`tags`), cutting a text into runs (`timewords`).
"""

from __future__ import annotations

import re
from typing import Any

from memos_cli.dates.tags import (
    AFTERNOON,
    DAWN,
    DAY,
    EVENING,
    FEW,
    FIRST_DAY,
    HOUR,
    LAST_DAY,
    MINUTE,
    MONTH,
    MORNING,
    NIGHT,
    NOON,
    TAG,
    WEEK,
    YEAR,
    Token,
)

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
    "十一": "national",
    "除夕": "lunar_eve",
    "年三十": "lunar_eve",
    "大年三十": "lunar_eve",
    "元宵": "lantern",
    "清明": "qingming",
    "七夕": "qixi",
    "重阳": "double_ninth",
    "母亲节": "mothers",
    "父亲节": "fathers",
    "双十一": "singles",
    "双11": "singles",
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
_CHINESE_UNITS |= {"季度": "quarter"}
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
_BITS = {
    "初": 0,
    "上旬": 0,
    "中旬": 1,
    "底": 2,
    "末": 2,
    "下旬": 2,
    "第一天": FIRST_DAY,
    "最后一天": LAST_DAY,
}

_DAY_NAME = (
    r"(?:一(?![起直共些样块次家个位场边定般]|下(?!午))|二(?![手次个])|[三四五六](?![次个人天年月岁])"
    r"|日(?![常本程记历报语])|天(?!气))"
)
CHINESE = rf"""
  (?P<cdecade>(?<![太很挺超\d])(?P<dcent>(?:上个?|二十|20)世纪|(?:18|19|20)(?=\d0))?(?P<dten>[1-9]0|[二三四五六七八九]十|一十)年代(?![风感]))
 |(?P<cquarter>第?(?P<q>[一二三四1-4])季度)
 |(?P<cyearhalf>(?<![马以早晚路身])[上下]半年)
 |(?P<cpassing>再过(?=(?:\d{{1,3}}|[一二两三四五六七八九十几]{{1,3}})个?(?:天|日|周|星期|礼拜|月|年|小时))|还有(?=(?:\d{{1,3}}|[一二两三四五六七八九十]{{1,3}})个?(?:天|周|星期|礼拜|月|年)就))
 |(?P<cyear>\d{{4}}年(?![级代历]))
 |(?P<cmonth>(?<![\d个几两十百第.])(?:1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月(?![饼球亮光台嫂经薪票嫩色牙夜天])份?)
 |(?P<cday>(?<![/第])(?:3[01]|[12]\d|0?[1-9])(?:日(?![游内间元本])|号(?![楼线馆门机车房店厅院桌室柜位球选文路段站台仓铺床人公病电])))
 |(?P<cdays>(?<=月)(?:3[01]|[12]\d|0?[1-9]|三十一?|二?十[一二三四五六七八九]?|[一二三四五六七八九])[日号])
 |(?P<cweeksday>(?<![地楼天以之马身路早晚])(?P<w1>上{{1,3}}|下{{1,3}}|[这本])(?:个)?(?:周|星期|礼拜)(?:周|星期|礼拜)?(?P<w2>{_DAY_NAME}))
 |(?P<cperiod>(?<![地楼天以之马身路])(?P<p1>上{{1,3}}|下{{1,3}}|[这本])一?个?(?P<p2>周末|周(?![年期岁边围到密折])|星期|礼拜|季度|月(?![台光亮球饼])))
 |(?P<cweekday>(?<![一每两几单双首])(?:周|星期|礼拜)(?P<d2>{_DAY_NAME}))
 |(?P<cweekend>周末)
 |(?P<coffset>(?:大前|前(?<![目之以眼]前)|大?后(?<![以之今]后))天(?![气空花津文然性]|天(?!气)|努力|培养|因素|形成|环境|教育|训练|习得|免疫)
   |(?:(?:大前|前|大?后)儿个|(?:昨|(?<!当)今|(?<![聪文光证说声发表透鲜])明)儿个?)(?![子女童科歌媳孙])
   |(?:昨|(?<!当)今|(?<![聪文光证说声发表透鲜])明)(?:天|日(?![本语常])))
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
 |(?P<choliday>春节|除夕|大?年三十(?!年)|七夕|(?:元宵|清明|重阳|母亲|父亲)节|清明(?=那天|当天|假期|期间|前后)|双十一|双11|(?:中秋|端午|圣诞|元旦)节?|平安夜|情人节|劳动节|儿童节|教师节|妇女节|万圣节|感恩节|(?<=[去今前明后]年)(?:五一|十一)(?![月日号点级班楼中个岁万百千人])|(?:国庆|(?<!十)五一)(?:节|期间|假期|长假|黄金周|那天|的时候|当天))
 |(?P<bit>(?<=[年月代])(?:的?(?:第一天|最后一天)|[上中下]旬|初(?![中次学恋心步期])|底(?![下部层线])|末(?!尾)))
 |(?P<cword>以来|至今|开始|左右|前后|之前|以前|(?<=[天周月年])前(?=提[的交出起])|前(?![面边台途妻夫端往进提任辈景女男])|之后|以后|后(?![来面边悔果台续勤备])|起(?![来床飞点])|自从|[从自到至和与的每])
"""


def chinese_number(word: str) -> int:
    """二十三 → 23; digits pass."""
    if word.isdecimal():
        return int(word)
    tens, ten, ones = word.rpartition("十")
    if not ten:
        return _CHINESE_DIGITS[word] if len(word) == 1 else -1
    return 10 * _CHINESE_DIGITS.get(tens, 1) + _CHINESE_DIGITS.get(ones, 0)


def chinese_tokens(kind: str, match: re.Match[str], year: int) -> list[Token]:
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


_FEAST = re.compile(r"的?(?!春节|中秋|端午|元旦|圣诞|国庆)[\u4e00-\u9fff]{2,3}节(?![目约省奏假课气点日])")


def _read_year(match: re.Match[str], year: int) -> tuple[str, Any]:
    """去年: but before a feast that is not known, like 去年火把节, it tells no more than the year of it."""
    feast = _FEAST.match(match.string, match.end())
    if feast and not any(name in feast[0] for name in _CHINESE_HOLIDAYS):
        return "OTHER", None
    return "CYEAR", year + _CHINESE_YEARS[match[0].split("年")[0]]


def _read_decade(match: re.Match[str], _: int) -> tuple[str, Any]:
    """八十年代, 2010年代, 上世纪二十年代; 二十年代 alone may be of either century."""
    tens, century = match["dten"], match["dcent"]
    ten = int(tens[0]) if tens[0].isdecimal() else _CHINESE_DIGITS[tens[0]]
    if century is None and ten < 3:
        return "OTHER", None
    return "CDECADE", (int(century) if century and century.isdecimal() else 19) * 100 + 10 * ten


_READERS: dict[str, Any] = {
    "cyear": lambda m, y: ("CYEAR", int(m[0][:4])) if 1900 <= int(m[0][:4]) < 2100 else ("OTHER", None),
    "cmonth": lambda m, y: ("CMONTH", chinese_number(m[0].split("月")[0])),
    "cday": _read_day,
    "cdays": _read_day,
    "cweeksday": lambda m, y: ("WEEKSDAY", (_weeks(m["w1"]), _weekday(m["w2"]))),
    "cperiod": _read_period,
    "cweekday": lambda m, y: ("CWEEKDAY", _weekday(m["d2"])),
    "cweekend": lambda m, y: ("CWEEKEND", None),
    "coffset": lambda m, y: ("OFFSET", _CHINESE_OFFSETS[m[0].rstrip("天日儿个")]),
    "cdaypart": lambda m, y: ("DAYPART", (_CHINESE_OFFSETS[m["a1"]], _CHINESE_PARTS[m["a2"]])),
    "cyearrel": _read_year,
    "cdecade": _read_decade,
    "cquarter": lambda m, y: ("QTR", chinese_number(m["q"])),
    "cyearhalf": lambda m, y: ("YEARHALF", "上下".index(m[0][0])),
    "cpassing": lambda m, y: ("PASSING", None),
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
    "bit": lambda m, y: ("BIT", _BITS[m[0].lstrip("的")]),
    "cword": lambda m, y: (_CHINESE_WORDS[m[0]], None),
}
