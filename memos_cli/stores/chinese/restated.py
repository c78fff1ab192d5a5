"""Chinese sentences that say the same with the time in another place: 上个月妈妈做了手术, 妈妈上个月做了手术.

Owns: what is levelled for that comparison, and the terms by which two such sentences find each other. Does not
own: what a sentence claims (the other files of this folder).

Every character of one must stand in the other, in the same order once the one time that it names is taken out.
"""

from __future__ import annotations

from functools import lru_cache

from memos_cli.stores.chinese.sentence import compiled, levelled

_LONGEST = 60
_DAY = r"(?:今天|昨天|前天|明天|后天|昨晚|今晚|明晚|今早|明早)"
_OF = r"(?:[上下这本每]?个?(?:周|星期|礼拜)[一二三四五六日天]|[上下这本每]个?(?:周末?|星期|礼拜|月|季度)|[去今明前后每]年|每天|每晚|周末)"
_HOUR = r"(?:凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里)?\d{0,2}(?:点(?:半|\d+分?)?)?"
_DATE = r"(?:\d{4}年)?\d{1,2}月(?:\d{1,2}日)?"
_TIME = rf"(?:{_DATE}|{_DAY}|{_OF}){_HOUR}(?!第)"
_TELLING = "[说讲问听想让请叫]|告诉|觉得|以为|认为|知道|记得|决定|答应|同意|发现|看见"
"""A verb that has another sentence behind it, of which the time may be."""


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[str, str] | None:
    """(the sentence without its time, the time or nothing); None for what is more than one plain sentence."""
    plain = text.strip().rstrip("。.！!")
    if not 4 <= len(plain) <= _LONGEST or compiled(r"[。？?；;：:…\n“”「」（(]|[.!！](?!\d)").search(plain):
        return None
    plain = levelled(plain).replace("我们家", "我家").replace("每个", "每").replace("个月", "月")
    plain = compiled(r"(?<=[我你])的(?=[\u4e00-\u9fff])").sub("", plain)
    times = list(compiled(_TIME).finditer(plain))
    if times and compiled(_TELLING).search(plain):
        return plain, ""
    if len(times) != 1:
        return compiled("[,，、]").sub("", plain) if not times else plain, ""
    rest = plain[: times[0].start()] + plain[times[0].end() :]
    if times[0].group().startswith("每"):
        rest = rest.replace("都", "", 1)
    return compiled("[,，、]").sub("", rest), times[0].group()


def restated(one: str, other: str) -> bool:
    """Whether two sentences differ in the place of their time at most."""
    a, b = _parts(one), _parts(other)
    return a is not None and a == b and len(a[0]) > 2


def core(text: str) -> str | None:
    """What sentences that say the same so have in common."""
    parts = _parts(text)
    return None if parts is None or len(parts[0]) < 3 else f"{parts[0]}@{parts[1]}"
