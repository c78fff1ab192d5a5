"""The main clause of a statement that says more than one thing: "Biscuit weighs 4.1 kg; she lost 700 g".

Owns: where such a text is cut, English and Chinese, and whether what is left over stands or falls with the
main clause. Does not own: reading the clause (`stores/english`, `stores/chinese`), nor what
may follow from a claim that is one of two (`stores/verdicts`).

What is left over must not take the main clause back: after "Anna lives in Oslo" neither "or so I heard" nor
"until June" nor "but now in Bergen" may come. Where a word is there that may do so, there is no main clause.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from memos_cli.stores.hints import lacks, words_in
from memos_cli.stores.wordlist import word_set


class Clauses(NamedTuple):
    main: str
    beside: str
    """What else the text says."""
    bound: bool
    """Whether that is about the main clause alone (its reason, its payment), and over when it is over."""
    narrow: bool = False
    """Whether that may say when or how far the main clause holds ("but only …", "where she …")."""
    reason: bool = False
    """Whether that gives a reason without a pause, so that a denial may be meant of the reason."""


_HINTS = word_set("because due thanks after for")
"""Of the cuts without a mark."""
_CUT = re.compile(
    r"; ?|, (?P<bound>because|due to|thanks to|since|which|paid|payable|including|excluding|mostly for|mainly for)(?= )"
    r"|, (?P<open>so|who|whose|and (?:he|she|it|they|we|I|that|this|his|her|its|their|there|my|our))(?= )"
    r"|, (?P<narrow>but|where|while)(?= )"
    r"| (?P<reason>because|due to|thanks to|after (?:\w+ing$|the \w+$))(?= |$)"
    r"| (?P<season>for the (?:winter|summer|season)$)"
)
_BESIDE = re.compile(
    r"^(?P<who>(?:[A-Z][\w'-]*\.? )*[A-Z][\w'-]*), (?P<what>(?:the|an?|my|our|his|her|who|whose) [^,;]+), "
    r"(?=(?:is|are|has|lives|works|costs|weighs) )"
)
"""What stands between a name and its verb: "Mr. Osei, the beekeeper of plot 22, is …"."""
_NEVER = frozenset('?!"“”«»\n()[]{}|<>*#…')
"""Marks of what is no plain statement, in either clause."""
_TAKES_BACK = re.compile(
    r"\b(?:if|would|could|might|(?-i:may)|maybe|perhaps|probably|possibly|likely|seems?|seemed|apparently|supposedly"
    r"|allegedly|hopes?|hopefully|thinks?|thought|believes?|believed|says?|said|told|tells|claims?|claimed|hears?|heard"
    r"|guess(?:es)?|supposes?|assumes?|expects?|rumou?rs?|rumou?red|until|till|unless|wish(?:es)?|plans?|planned|will"
    r"|going to|for now|temporarily|sometimes|today|tonight|tomorrow|now|currently|move[ds]?|moving|change[ds]?"
    r"|switched|instead|unsure|not sure|doubts?|jok(?:e|es|ing)|kidding|no longer|false|wrong|untrue|lies?|lied|swears?|swore|used to"
    r"|except|only|on (?:week|satur|sun)\w+|understood|true|made (?:it|that|this) up|invent\w*|propos\w*|suggest\w*|pretend\w*|official\w*|at least|in theory"
    r"|according|spends?"
    r"|(?:in|the|every|each) (?:spring|summer|autumn|winter|novel|story|film|game|play|book|dream))\b|^(?:or|no|not)\b",
    re.IGNORECASE,
)
_NARROWS = re.compile(
    r"\b(?:also|too|as well|besides|in addition|additionally|second|third|side|spare|volunteer\w*|unpaid|part[- ]time|trial"
    r"|interim|temporary|still|ke(?:eps?|pt)|other|another|both|starts?|starting|begins?|beginning|from|as an?|paper|profile"
    r"|was|were|(?:19|20)\d\d|correction|no|not|never|some|most|half|often|usually|so)\b|n't\b",
    re.IGNORECASE,
)
"""Beside one of these the main clause may hold in part or together with what it seems to replace."""
_SAME_MATTER = re.compile(
    r"^(?:and )?(?:(?:he|she|it|they|his|her|its|their|the)\b|that is final$)", re.IGNORECASE
)
"""How a clause begins that goes on about the matter. "My sister swears it is" does not, nor "I made that up"."""
_BIDDEN = re.compile(r"\btold (?:him|her|me|us|them) (?:not )?to\b")
"""What somebody was told to do is no hearsay."""


def english(text: str) -> Clauses | None:
    """The main clause of an English text, as a text; None where there is none beside another."""
    text = text.strip()
    text = text[:-1] if text[-1:] in ".!" else text
    comma = "," in text
    if not comma and ";" not in text and lacks(words_in(text), _HINTS):
        return None
    if not _NEVER.isdisjoint(text):
        return None
    text = text.replace("’", "'")
    between = _BESIDE.match(text) if comma else None
    if between:
        text = f"{between.group('who')} {text[between.end() :]}"
    cut = _CUT.search(text)
    if not cut and not between:
        return None
    main, after = (text[: cut.start()], text[cut.start() :].lstrip(";, ")) if cut else (text, "")
    beside = f"{between.group('what')} {after}".strip() if between else after
    kind = cut.lastgroup if cut else None
    taken_back = kind != "season" and _TAKES_BACK.search(_BIDDEN.sub("", beside))
    if not beside or ". " in beside or taken_back:
        return None
    bound = kind in ("bound", "reason", "season") and not between and ";" not in beside
    return Clauses(main, beside, bound, narrow=_is_narrow(kind, after, beside), reason=kind == "reason")


def _is_narrow(kind: str | None, after: str, beside: str) -> bool:
    """See `Clauses.narrow`; `after` is what stands behind the cut of that kind."""
    if kind == "narrow" or _NARROWS.search(beside):
        return True
    if kind in ("bound", "reason", "season") or not after or after.startswith(("who ", "whose ")):
        return False
    return not _SAME_MATTER.match(after)


_TAKES_BACK_ZH = re.compile(
    "但|不过|只|如果|要是|可能|也许|或|大概|好像|似乎|估计|恐怕|说|讲|(?<!别)告诉|以为|觉得|认为|猜|应该|打算|计划|准备|希望|想|暂时|临时"
    "|直到|除非|曾|周末|有时|偶尔|今天|明天|明年|下个?月|下周|现在|目前|如今|后来|搬|换|改|不再|[吗呢吧]|每年[春夏秋冬]|[春夏秋冬]天[在住去回]|小说|电影|玩笑|骗|有人|网上|提议|建议|传|编的|瞎|错|假|不确定|除了|以外|平时"
)
_NARROWS_ZH = re.compile(
    "[我他她谁人]|也|还|没|原|开始|起$|第[二三]|另|以前|之前|兼|仍|谈|商量|义务|实习|试用|不(?!变)"
)
_REASON_ZH = re.compile("^(?:是?因为|由于|为了)")
_CUT_ZH = re.compile("[,;]")
_ODD_ZH = re.compile('[。?!“”"「」『』…\n(]')


def chinese(text: str) -> Clauses | None:
    """The main clause of a Chinese text: what stands before its first comma."""
    text = unicodedata.normalize("NFKC", text).strip()
    text = text[:-1] if text[-1:] in "。.!" else text
    cut = _CUT_ZH.search(text)
    if not cut:
        return None
    main, beside = text[: cut.start()], text[cut.end() :]
    if not beside or _ODD_ZH.search(beside) or _TAKES_BACK_ZH.search(beside):
        return None
    bound = bool(_REASON_ZH.match(beside)) and not _CUT_ZH.search(beside)
    return Clauses(main, beside, bound, narrow=bool(_NARROWS_ZH.search(beside)), reason=True)
