"""The grammar of plain Chinese statements: sentence → claims.

Owns: the patterns and the words they need. Does not own: what a claim is (`stores/claims`).

Nothing is segmented: a pattern finds its verb between the subject and the value, and what stands
before it must be a definite subject as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from memos_cli.stores.chinese_words import (
    ATTRIBUTES,
    CHANGE,
    DIGITS,
    DISLIKES,
    DWELLINGS,
    ENDS,
    FIXED,
    FREQUENCY,
    HOLDERS,
    IDLE,
    MOVES,
    NAMED,
    NOBODY,
    NUMBER,
    OPPOSITES,
    RECURRING,
    SYNONYMS,
    TIMED_SUBJECT,
    UNIQUE,
    UNSURE,
)
from memos_cli.stores.claims import Claim, Manner
from memos_cli.stores.places import size


class _Sentence(NamedTuple):
    text: str
    changed: bool


@cache
def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


@cache
def _unsure() -> re.Pattern[str]:
    words = "|".join(map(re.escape, sorted(UNSURE.split(), key=len, reverse=True)))
    # Characters that mean something else in longer words: 成都, 三只猫, 太原, 更新, 将军, 理想, 不过敏.
    return re.compile(
        rf"{words}|(?<![成首京])都|(?<![\d一二两三四五六七八九十几])只|太(?![原太阳])|更(?![新改换])|将(?!军)|(?<![思理])想|不过(?!敏)"
    )


def _number(found: re.Match[str]) -> str:
    """一 … 九十九 in digits; two stands as 两 before what is counted."""
    text = found.group().replace("两", "二")
    tens, ten, ones = text.partition("十")
    if not ten:
        return "".join(DIGITS[c] for c in text)
    return (
        str(int(DIGITS.get(tens, "1")) * 10 + int(DIGITS.get(ones, "0")))
        if len(tens) < 2 and len(ones) < 2
        else found.group()
    )


def levelled(text: str) -> str:
    """A text with its numbers in digits and its variants in one spelling, without spaces."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = NUMBER.sub(_number, text)
    text = _re(r"(\d+)号").sub(r"\1日", text)
    for variant, usual in SYNONYMS:
        text = text.replace(variant, usual)
    return _re(r"\s+").sub("", text)


def _sentence(text: str) -> _Sentence | None:
    text = unicodedata.normalize("NFKC", text).strip()
    text = _re(r"[。.!！]$").sub("", text)
    changed = False
    if lead := _re(r"^(更新|更正|纠正|备注|提醒|记住|顺便说一下|其实)[::,,]\s*").match(text):
        changed = lead.group(1) in ("更新", "更正", "纠正")
        text = text[lead.end() :]
    if _re(r"[。?？!！;；“”\"「」『』…\n(（]|\.{3}").search(text) or not text:
        return None
    # "My number has changed, it is …": the first half says only that.
    if half := _re(r"^(.{1,8}?)(?:换|改|变)(?:了|成了新的)?(.{0,6})了?[,,](?:新的?|现在的?)(.+)$").match(
        text
    ):
        changed, text = (
            True,
            f"{half.group(1)}的{half.group(3).removeprefix('是')}"
            if half.group(3).startswith(half.group(2).rstrip("了") or " ")
            else text,
        )
    text = _re(r"([日号])(?:之前|以前)").sub(r"\1前", text)
    plain = text
    for word in CHANGE:
        plain = plain.replace(word, "")
    changed |= plain != text
    for word in IDLE:
        plain = plain.replace(word, "")
    if _unsure().search(plain.replace("最喜欢", "最爱")):
        return None
    return _Sentence(levelled(plain), changed)


def subject(text: str) -> str | None:
    """A definite subject; None for pronouns without bearer, for anybody, and for what is more than one."""
    text = (
        text.removesuffix("的").removesuffix("家")
        if text in ("我的", "我家", "我们家")
        else text.removesuffix("的")
    )
    if (
        not 1 <= len(text) <= 10
        or text.isdigit()
        or NOBODY.search(text)
        or TIMED_SUBJECT.search(text)
        or _re("[不说问他她它想听讲让请]").search(text)
    ):
        return None
    return text


def read(text: str) -> Iterator[Claim]:
    """The claims of a Chinese text. See `stores/claims`."""
    sentence = _sentence(text)
    if sentence is None:
        return
    signs = set(sentence.text)
    for pattern, hints in _PATTERNS:
        if hints.isdisjoint(signs):
            continue
        found = pattern(sentence)
        if found is not None:
            yield from found
            return
    yield from _plain(sentence)


def _claim(s: _Sentence, key: str, manner: Manner, **fields: object) -> Claim:
    made = Claim(key, manner, **fields)  # type: ignore[arg-type]
    return made._replace(changed=made.changed or s.changed)


def _match(pattern: str, s: _Sentence) -> re.Match[str] | None:
    return _re(f"^{pattern}$").match(s.text)


_S = r"(?P<s>.+?)"
_V = r"(?P<v>[^,,的]+?)"


def _due(s: _Sentence) -> list[Claim] | None:
    """By when something has to be done. Of what recurs, and of "the draft", two days may be of two."""
    found = _match(
        rf"{_S}的?(?:要|须|必须|需要?|得)?(?:在|于)?(?P<v>(?:\d{{4}}年)?\d+月\d+日)(?:前|为止)?(?:要|须|必须|需要?)?"
        r"(?:交稿|交付|上交|提交|到期|截止|完成|完工|做完|写完|寄出|交)(?:给(?P<rest>[^,,]+))?",
        s,
    )
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None or who.endswith("了"):
        return []
    domain = "occasion" if RECURRING.search(who) else "due" if UNIQUE.search(who) else "due?"
    rest = (found.group("rest"),) if found.group("rest") else ()
    return [_claim(s, f"{who}的截止日期", Manner.STATE, value=(found.group("v"),), rest=rest, domain=domain)]


def _dwelling(s: _Sentence) -> list[Claim] | None:
    """In what somebody lives, where that is described and not named; beside the town it is in."""
    kinds = "|".join(DWELLINGS)
    found = _match(
        rf"{_S}(?:(?P<moved>搬到|搬进|搬去|搬回)|住在|住进)了?(?P<v>[^,,]{{0,16}}?(?P<kind>{kinds}))(?P<end>里?了)?里?",
        s,
    )
    who = subject(found.group("s")) if found else None
    if not found or who is None or "不" in found.group("s"):
        return None
    moved = bool(found.group("moved"))
    return [
        _claim(
            s, f"{who}|住所", Manner.STATE, value=(found.group("kind"),), rest=(found.group("v"),), domain="dwelling",
            changed=moved or bool(found.group("end")), event=moved,
        )
    ]  # fmt: skip


_PER = "每年|1年|每个?月|1个月|每小时|每天|每晚|每人|每次"
"""For what a price is paid."""


def _per(text: str | None) -> str:
    return (text or "").replace("每个", "每").replace("1个", "每").replace("1年", "每年")


def _home(s: _Sentence) -> list[Claim] | None:
    tail = r"(?P<end>了)?"
    found = _match(
        rf"{_S}(?P<no>不再|不)?(?:住在|定居在|定居于|生活在|搬家到|搬到|搬去|搬回|移居|迁居|迁到)了?{_V}{tail}",
        s,
    )
    if found:
        moved = bool(_re("搬|移居|迁").search(s.text))
        who, prior = found.group("s"), ""
        if origin := _re("^(.+?)从(.+?)$").match(who):
            who, prior = origin.groups()
    else:
        found = _match(rf"{_S}家(?:住)?(?P<no>不)?在{_V}{tail}", s)
        moved, prior, who = False, "", found.group("s") if found else ""
    if not found:
        return None
    named, place = subject(who), _place(found.group("v").removesuffix("了"))
    if named is None or not place:
        return []
    if moved and _re(r"^\d+[楼层]$|^\d+[号]?.{0,4}室$").search(place):
        return [_claim(s, f"{named}|在哪层", Manner.STATE, value=(place,), changed=True)]
    if _re(r"楼$|层$|号$|室$|里$|附近|隔壁|旁|边$|对面|宿舍|酒店|家$").search(place):
        return []
    changed = moved or bool(found.group("no") and "再" in found.group("no")) or bool(found.group("end"))
    return [
        _claim(
            s, f"{named}|住", Manner.STATE, value=(place,), positive=not found.group("no"), changed=changed, event=moved, domain="place",
            prior=(_place(prior),) if prior else (), rest=(),
        )
    ]  # fmt: skip


def _place(text: str) -> str:
    return text.removesuffix("市") if len(text) > 2 else text


def _work(s: _Sentence) -> list[Claim] | None:
    verbs = "(?:工作|上班|任职|就职)"
    for pattern, turn in (
        (rf"{_S}(?P<no>不再|不)?在{_V}{verbs}(?P<end>了)?", 0),
        (rf"{_S}(?P<no>不再|不)?(?:就职于|任职于|供职于){_V}(?P<end>了)?", 0),
        (rf"{_S}(?:跳槽到|跳槽去|入职|加入|去了|换到)了?{_V}(?P<job>{verbs})?(?P<end>了)?", 1),
        (rf"{_S}从{_V}(?:离职|辞职|退休)了?", -1),
        (rf"{_S}(?:离开|辞去)了?{_V}(?:的工作)?了?", -1),
    ):
        found = _match(pattern, s)
        if not found:
            continue
        if "去了" in s.text and not found.groupdict().get("job"):
            continue
        if ("换到" in s.text or "离开" in s.text or "加入" in s.text) and not _re("工作|公司|上班").search(
            s.text
        ):
            continue
        who, firm = subject(found.group("s")), found.group("v").removesuffix("了").removesuffix("公司")
        if (
            who is None
            or not firm
            or size((firm,))
            or _re("^(?:家|外面|这|那|一家|一个|外地|国外|学校|银行|医院)").match(firm)
        ):
            return []
        no = found.groupdict().get("no") or ""
        ended = bool(found.groupdict().get("end"))
        return [
            _claim(
                s, f"{who}|工作", Manner.STATE, value=(firm,), positive=turn >= 0 and not no,
                changed=turn != 0 or "再" in no or ended, event=turn != 0, domain="name",
            )
        ]  # fmt: skip
    return None


def _school(s: _Sentence) -> list[Claim] | None:
    for pattern, changed in (
        (rf"{_S}(?P<no>不)?在{_V}(?:读书|上学|念书|就读|上大学|读大学)(?P<end>了)?", False),
        (rf"{_S}(?P<no>不)?就读于{_V}(?P<end>了)?", False),
        (rf"{_S}(?:转学到|转到|考上|考入)了?{_V}(?P<end>了)?", True),
    ):
        if found := _match(pattern, s):
            who, school = subject(found.group("s")), found.group("v").removesuffix("了")
            if who is None or not _re("大学|学院|中学|小学|高中|一中|附中|学校").search(school):
                return [] if "转到" not in s.text else None
            no = found.groupdict().get("no")
            return [
                _claim(
                    s,
                    f"{who}|上学",
                    Manner.STATE,
                    value=(school,),
                    positive=not no,
                    changed=changed or bool(found.group("end")),
                    domain="name",
                )
            ]
    return None


def _marital(s: _Sentence) -> list[Claim] | None:
    states = {
        "结婚": "婚",
        "已婚": "婚",
        "订婚": "订",
        "离婚": "离",
        "离异": "离",
        "分手": "单",
        "恋爱": "恋",
        "谈恋爱": "恋",
        "交往": "恋",
        "单身": "单",
        "未婚": "单",
    }
    state = "|".join(sorted(states, key=len, reverse=True))
    found = _match(rf"(?P<s>[^和跟与]+?)(?:和|跟|与)(?P<v>[^,,]+?)(?:在)?(?P<st>{state})了?", s)
    if not found:
        found = _match(rf"{_S}(?P<no>不)?是?(?P<st>{state})了?(?P<v>)", s)
    if not found and (
        partner := _match(r"(?P<s>.+?)(?:有|交|找到)了?(?P<v>)(?P<st>男朋友|女朋友|对象)了", s)
    ):
        who = subject(partner.group("s"))
        return [_claim(s, f"{who}|婚恋", Manner.STATE, value=("恋",), changed=True)] if who else []
    if not found:
        return None
    if found.groupdict().get("no"):
        return []
    pair = [subject(found.group("s"))] + ([subject(found.group("v"))] if found.group("v") else [])
    if None in pair:
        return []
    value = (states[found.group("st")],)
    changed = found.group("st") in ("离婚", "结婚", "分手", "订婚") and s.text.endswith("了")
    others = [tuple(o for o in pair if o != one and o) for one in pair]
    return [
        _claim(s, f"{one}|婚恋", Manner.STATE, value=value, rest=tuple(map(str, other)), changed=changed)
        for one, other in zip(pair, others, strict=True)
    ]


def _measured(s: _Sentence) -> list[Claim] | None:
    if found := _match(rf"{_S}(?:今年|满|刚满)?(?P<n>\d{{1,3}})岁了?", s):
        who = subject(found.group("s").removesuffix("今年"))
        return (
            [_claim(s, f"{who}|年龄", Manner.STATE, value=(found.group("n"),), domain="moves")] if who else []
        )
    number = r"(?P<n>\d[\d.,]*)(?P<u>万?(?:元|块钱|块|美元|欧元|日元|英镑))"
    if found := _match(
        rf"{_S}的?(?P<before>{_PER})?的?(?P<a>票价|价格|售价|房租|月租|工资|月薪|费用)?(?P<v>涨到|降到|涨价到|降价到|涨至|降至|卖|售价|要|是|为|改为|改成|调整为|调到)?了?(?P<per>{_PER})?{number}(?P<after>{_PER})?(?P<end>了)?",
        s,
    ):
        who = subject(found.group("s"))
        if who is None:
            return []
        slot = ATTRIBUTES.get(found.group("a") or "价格", "价格")
        unit = found.group("u").replace("块钱", "元").replace("块", "元")
        unit += _per(found.group("before") or found.group("per") or found.group("after"))
        verb = found.group("v") or ""
        return [
            _claim(
                s,
                f"{who}的{slot}",
                Manner.STATE,
                value=(found.group("n"), unit),
                changed=bool(_re("[涨降改调]").search(verb)),
                domain="price",
            )
        ]
    if found := _match(
        rf"{_S}(?:体重|重|身高|高)(?:是|为|有|降到|涨到|减到|增加到)?了?(?P<n>\d[\d.]*)(?P<u>公斤|千克|斤|克|吨|厘米|米|kg|cm)了?",
        s,
    ):
        who = subject(found.group("s"))
        slot = "身高" if "高" in s.text else "重"
        return (
            [
                _claim(
                    s,
                    f"{who}的{slot}",
                    Manner.STATE,
                    value=(found.group("n"), found.group("u").replace("千克", "公斤").replace("kg", "公斤")),
                    domain="number",
                )
            ]
            if who
            else []
        )
    return None


def _counted(s: _Sentence) -> list[Claim] | None:
    found = _match(
        rf"{_S}(?:有|养)了?(?P<n>\d+)(?P<u>[个只条位名台辆本套间口头匹])(?P<what>[^,,的]{{1,6}}?)(?P<end>了)?",
        s,
    )
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None or found.group("n") == "1":
        return []
    return [
        _claim(
            s,
            f"{who}|有几{found.group('what')}",
            Manner.STATE,
            value=(found.group("n"),),
            changed=bool(found.group("end")),
            domain="number",
        )
    ]


def _switched(s: _Sentence) -> list[Claim] | None:
    found = _match(rf"{_S}从{_V}(?:换成|改成|换到|改用|切换到|迁移到|改为)了?(?P<n>[^,,]+?)了?", s)
    if not found:
        return None
    who = subject(found.group("s"))
    if who is None:
        return []
    before = found.group("v")
    keys = tuple(f"{who}{verb}{before}" for verb in ("用", "使用", "喝", "吃", "开", "抽", "坐", "玩"))
    return [_claim(s, f"{who}换成{found.group('n')}", Manner.PLAIN, ended=keys, changed=True)]


_TIME = r"(?:周[一二三四五六日天]|星期[一二三四五六日天]|\d+月|\d+[日点]|\d+:\d\d|上午|下午|[早晚]上|中午)"


def _occasion(s: _Sentence) -> list[Claim] | None:
    found = _match(
        rf"{_S}(?P<how>改到|改在|改期到|推迟到|延期到|延到|提前到|挪到|调到|定在|定于|安排在|在)了?(?P<v>[^,,]+?)了?",
        s,
    )
    if (
        found
        and found.group("how") == "在"
        and _re(r"^\d+[楼层]$|^\d+[号]?.{0,4}室$").match(found.group("v"))
    ):
        who = subject(found.group("s"))
        return (
            [_claim(s, f"{who}|在哪层", Manner.STATE, value=(found.group("v"),), domain="occasion")]
            if who
            else []
        )
    if not found or not _re(f"^每?{_TIME}").match(found.group("v")):
        return None
    if not _re(rf"^每?(?:{_TIME}|[\d:一二三四五六七八九十半整]|日|号|分|年)+$").match(found.group("v")):
        return []
    return _set(
        s,
        found.group("s"),
        found.group("v"),
        changed=found.group("how") not in ("定在", "定于", "安排在", "在"),
    )


def _set(s: _Sentence, what: str, value: str, *, changed: bool) -> list[Claim]:
    if (named := _attribute_name(what)) is not None:
        return [_claim(s, "的".join(named), Manner.STATE, value=(_clock(value),), changed=changed)]
    who = subject(what)
    return (
        [_claim(s, f"{who}|何时", Manner.STATE, value=(_clock(value),), changed=changed, domain="occasion")]
        if who
        else []
    )


def _clock(text: str) -> str:
    return text.replace("星期", "周").replace("周天", "周日")


@cache
def _names() -> dict[str, list[str]]:
    """The names of attributes by their last character, longest first."""
    found: dict[str, list[str]] = {}
    for name in sorted(ATTRIBUTES, key=len, reverse=True):
        found.setdefault(name[-1], []).append(name)
    return found


def _attribute_name(text: str) -> tuple[str, str] | None:
    """("小明", "手机号") of 小明的手机号; None where it names no attribute with one value."""
    if favourite := _re(r"^(.+?)(?:的)?最(?:喜欢|爱)([吃喝看听玩]?)的(.{1,6})$").match(text):
        who = subject(favourite.group(1))
        return (who, f"最喜欢{favourite.group(2)}的{favourite.group(3)}") if who else None
    for name in _names().get(text[-1:], ()):
        if text.endswith(name) and len(text) > len(name):
            owner = text[: -len(name)]
            for fresh in ("新的", "新", "当前的", "当前"):
                owner = owner.removesuffix(fresh) if owner.removesuffix(fresh) else owner
            who = subject(owner)
            if who is None or who.endswith(
                ("旧", "老", "原", "前", "和", "与", "副", "前任", "名誉", "代理", "第1")
            ):
                return None
            return who, ATTRIBUTES[name]
    return None


def _attribute(s: _Sentence) -> list[Claim] | None:
    if found := _match(rf"{_S}(?:是在|是|在)?(?:出生在|出生于|生于){_V}(?:的)?", s) or _match(
        rf"{_S}是?在{_V}出生的?", s
    ):
        who = subject(found.group("s"))
        place = _place(found.group("v"))
        return (
            [_claim(s, f"{who}的出生地", Manner.FIXED, value=(place,), domain="place")]
            if who and not place[0].isdigit()
            else []
        )
    change = "改成|改为|换成|变成|变为|更新为|更新到|更改为|升级到|升级为|升到|涨到|降到|推迟到|延期到|提前到|调整为|调整到|改到|换到"
    found = _match(rf"{_S}(?:已|被)?(?:{change})了?(?P<v>[^,,]+?)了?", s)
    changed = bool(found)
    if not found:
        found = _match(rf"{_S}(?P<no>不)?(?:是|为|叫|:)(?P<v>[^,,]+?)", s)
    if not found:
        return None
    named, value = _attribute_name(found.group("s")), found.group("v")
    if named is None and not changed:  # 绿色是我最喜欢的颜色
        named, value = _attribute_name(found.group("v")), found.group("s")
        if named is not None and subject(value) is None:
            return []
    if named is None or (named[1] in HOLDERS and "叫" not in s.text and not NAMED.match(value)):
        return None
    # 我妈妈叫李梅 says her name; 我妈妈是医生 what she is.
    if named[1] in ("妈妈", "爸爸", "丈夫", "妻子", "男朋友", "女朋友") and "叫" not in s.text:
        return [_claim(s, f"{'的'.join(named)}|是", Manner.PLAIN, rest=(value,))] if not changed else []
    if len(value) > 20 or _re("^(?:一个|一种|个|不|因|没|新的|错)").match(value) or "的" in value:
        return []
    fresh = "新" in found.group("s").replace(value, "")
    manner = Manner.FIXED if named[1] in FIXED else Manner.STATE
    return [
        _claim(
            s, "的".join(named), manner, value=(value,), positive=not found.groupdict().get("no"), changed=changed or fresh,
            domain="moves" if named[1] in MOVES else "",
        )
    ]  # fmt: skip


_NUMERALS = frozenset("0123456789")
_PATTERNS = (
    (_due, frozenset("月")),
    (_dwelling, frozenset("住搬")),
    (_home, frozenset("住居活搬移迁家")),
    (_work, frozenset("作班职槽入去换离辞退")),
    (_school, frozenset("读学书转考")),
    (_marital, frozenset("婚异手爱往身友象")),
    (_measured, _NUMERALS),
    (_counted, _NUMERALS),
    (_switched, frozenset("从")),
    (_occasion, frozenset("到在于")),
    (_attribute, frozenset("生成为到是叫:")),
)
"""What is tried, in this order, each beside characters of which a sentence must have one."""


def _plain(s: _Sentence) -> Iterator[Claim]:
    """Whether something is so: told by the sentence without its one denial, whatever its verb."""
    if (made := _given_up(s) or _disliked(s) or _opposite(s)) is not None or (made := _denied(s)) is not None:
        yield from made


def _given_up(s: _Sentence) -> list[Claim] | None:
    bare = s.text.removesuffix("了").replace("戒了", "戒")
    for ended, was in ENDS.items():
        if bare.endswith(ended):
            who = subject(bare.removesuffix(ended))
            return [_claim(s, who + was, Manner.PLAIN, positive=False, changed=True)] if who else []
    return None


def _disliked(s: _Sentence) -> list[Claim] | None:
    for dislike in DISLIKES:
        who, found, what = s.text.partition(dislike)
        if found and "不" not in s.text:
            known = subject(who) and what
            return (
                [_claim(s, f"{who}喜欢{what}", Manner.PLAIN, positive=False, rest=(dislike,))]
                if known
                else []
            )
    return None


def _opposite(s: _Sentence) -> list[Claim] | None:
    for said, (usual, positive) in OPPOSITES.items():
        if s.text.endswith(said) and (who := subject(s.text.removesuffix(said))):
            return [_claim(s, who + usual, Manner.PLAIN, positive=positive, changed=True)]
    return None


def _denied(s: _Sentence) -> list[Claim] | None:
    """The sentence without its denial, if it has one and somebody definite before it."""
    text, changed = s.text, False
    denials = re.findall("不再|再也不|不|没有|没|未", text)
    if len(denials) > 1 or "," in text or NOBODY.search(text[:3]):
        return None
    if denials:
        changed = "再" in denials[0] or (denials[0] == "不" and text.endswith("了"))
        at = text.index(denials[0])
        if subject(text[:at]) is None:
            return None
        # 没有驾照 denies 有驾照; 没有去过 denies 去过.
        has = denials[0] == "没有" and not _re("^没有[去来到吃喝看过用做学]").match(text[at:])
        text = text[:at] + ("有" if has else "") + text[at + len(denials[0]) :]
    elif text.endswith("了"):
        return None  # something happened, or came to be
    text = text.removesuffix("了")
    if text.endswith("的"):
        text = _re("是(?=.+的$)").sub("", text, count=1).removesuffix("的")
    how = tuple(FREQUENCY.findall(text))
    text = FREQUENCY.sub("", text)
    text = _re("^(.{1,6}?)对(.{1,8})过敏$").sub(r"\1\2过敏", text)
    return [_claim(s, text, Manner.PLAIN, positive=not denials, changed=changed, rest=how)]
