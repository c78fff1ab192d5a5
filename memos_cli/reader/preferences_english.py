"""The words by which people say in English what they like and what not.

Owns: the patterns, and where a topic ends. Does not own: which sentences are read (`preferences`).

Each pattern stands at the beginning of a clause, after nothing but a word such as 'honestly': what
comes after 'Tom thinks', 'what', 'maybe' or 'I never said' is nobody's preference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from memos_cli.reader.preference_words import LIKED, LOVED, SHOWN, UNBEARABLE, Found

_OPENERS = (
    r"(?:(?:well|yes|yeah|yep|no|nope|oh|ah|hey|hi|ok|okay|honestly|actually|personally|also|and|but|so|because|as|plus|however"
    r"|though|although|really|wow|haha|lol|thanks|btw|by the way|to be honest|in general|generally|at home|in fact|of course"
    r"|these days|since|while|cause|'cause|for me|me too|same here|then|besides)[\s,]+){0,3}"
)
_VERY = (
    r"(?:(?:really|absolutely|always|truly|just|also|mostly|generally|especially|particularly|tend to|do|still|personally"
    r"|strongly|highly|deeply|greatly|definitely|quite|totally|simply|genuinely|actually|honestly|certainly|even|both|so|kinda|usually|only|normally|typically"
    r"|(?:have|'ve) always|much)\s+){0,3}"
)
_AM = r"(?:\s*(?:'m|am|'ve been|have been|'ve always been|have always been))"
_FOND = (
    r"(?:(?:a\s+)?(?:(?:big|huge|great|massive|real|die-hard|lifelong|total|such a)\s+){0,2}(?:a\s+)?fan of|into|fond of|keen on"
    r"|passionate about|obsessed with|crazy about|mad about|hooked on|addicted to|a sucker for|partial to|nuts about)"
)
_AGAINST = (
    r"(?:hate|dislike|detest|loathe|despise|abhor|(?:can't|cannot|can not)\s+(?:stand|bear|tolerate|abide))"
)
_NOT = r"(?:don't|do not|didn't use to|never)"
_SOMEWHAT = r"(?:(?:really|particularly|much|especially|actually|even|personally)\s+){0,2}"
_FAVOURITE = r"favou?rite"
_USED = r"(?:order|book|choose|pick|buy|use|take|drink|eat|wear|listen to|watch|fly with|go for|opt for|stick to|stick with)"

_KEEPS_TO = r"vegetarian|vegan|pescatarian|teetotal(?:er|ler)?"
_ANY_MORE = r"(?=.*\bany\s?(?:more|longer)\b)"
_OVER = rf"(?:no longer|not{_ANY_MORE})"
_GAVE_UP = r"i(?:'ve|\s+have)?\s+(?:recently\s+|finally\s+|completely\s+)?(?:stopped|quit|gave up|given up)"
_USED_TO = (
    r"i\s+used\s+to\s+(?:really\s+)?(?:love|like|enjoy|adore|be\s+into)\s+(?P<t>[^,;]+?),?\s+but\s+(?:now\s+)?(?:not\s+(?:so\s+much\s+)?any\s?(?:more|longer)"
    r"|i\s+(?:no longer\s+do|(?:don't|do not)(?:\s+(?:like|love|enjoy)(?:\s+(?:it|them|that))?)?\s+any\s?(?:more|longer)))"
)

_CLAUSE_END = r"(?=\s*(?:[,;:.!?()—–]|\s(?:but|because|since|so|although|though|and\s+(?:i|it|we|my))\b|$))"
_THAN = r"(?:over|rather\s+than|instead\s+of|more\s+than|better\s+than)"
_WAYS = (
    r"(?:way|ways|trips?|flights?|trains?|visits?|access|answers?|talking|listening|going|travel\w*|moving|driving|flying"
    r"|returning|responding|writing|speaking|sticking|close|next|due)"
)
"""What "to" follows otherwise than in a comparison: "I prefer going to the cinema"."""
_COMPARED = (
    rf"i\s+{_VERY}(?:like|love|enjoy|prefer)\s+(?P<t>(?!to\b)[^,;:.]+?)\s+{_THAN}\s+[^,;:.]+?{_CLAUSE_END}",
    rf"i\s+{_VERY}prefer\s+(?P<t>(?!to\b)(?![^,;:.]*?\b{_WAYS}\s+to\b)(?:the\s+|my\s+)?[\w+#'-]+(?:\s+(?!to\b)[\w+#'-]+)?(?<!ing))\s+to\s+[^,;:.]+?{_CLAUSE_END}",
    rf"i\s+{_VERY}prefer\s+(?P<t>[\w-]+ing(?:\s+\w+)?)\s+to\s+\w+ing\b[^,;:.]*?{_CLAUSE_END}",
)
"""'I prefer R over Python for statistics': what it is compared with and for what is part of what is said."""

_ADJECTIVES = "short|shorter|brief|briefer|concise|detailed|long|longer|plain|simple|formal|informal|direct|clear|polite|friendly|complete|full|few|simpler"
_LANGUAGES = (
    "english|german|french|spanish|italian|portuguese|dutch|swedish|norwegian|danish|finnish|icelandic|polish|czech|russian"
    "|ukrainian|turkish|greek|hungarian|romanian|chinese|mandarin|japanese|korean|arabic|hebrew|hindi|latin|catalan|croatian"
)
_MANNER = rf"(?:(?:british|american|swiss|simple|plain|easy|brazilian)\s+)?(?:{_LANGUAGES})|(?:a\s+)?(?:{_ADJECTIVES}|bullet)(?:\s+(?:and\s+\w+\s+)?\w+)?|prose|detail|bullets|one sentence|lower ?case"
_REPLY = r"(?:answer|reply|respond|write|speak|talk)(?:\s+(?:to\s+)?(?:me|us)|\s+(?:all\s+|every\s+|my\s+)+(?:questions?|messages?)|\s+back)?(?:\s+(?:always|only))?"
_ANSWERS = r"(?:answers?|replies|reply|responses?|explanations?|messages?|summaries|texts)"
_ASKED = r"(?:(?:please|always|from now on,?)\s+){1,3}"
_REQUESTS = (
    rf"{_ASKED}{_REPLY}\s+in\s+(?P<t>{_MANNER})(?=\s*(?:[,;.!?]|$|\s(?:from|always|please|when|if|unless|and|or|to|for)\b))",
    rf"{_REPLY}\s+in\s+(?P<t>{_MANNER})(?=[^.;]*,?\s(?:please|always|from now on|in future)\b)",
    rf"(?:{_ASKED})?(?:keep|make)\s+(?:all\s+)?(?:your|the)\s+{_ANSWERS}\s+(?:always\s+)?(?:as\s+)?(?P<t>{_ADJECTIVES})\b",
    rf"{_ASKED}(?:be|stay|keep\s+it)\s+(?:more\s+)?(?P<t>{_ADJECTIVES})(?=\s*(?:$|[,;.!]|in\s+your\b|with\s+me\b|when\s+you\b))",
)
"""How somebody wants to be answered, which is asked for once and meant for ever."""
_WANTED = (
    r"i\s+(?:always|usually|generally|only|normally)\s+want\s+(?!to\b)(?P<t>.+)",
    r"i\s+want\s+(?!to\b)(?P<t>[^,;]+?)(?:\s*,?\s*always\s*$|\s+(?:when|whenever)\b[^;]*\balways\s*$)",
)

_RULES: tuple[tuple[str, int, float, bool], ...] = (
    *((pattern, 1, LIKED, True) for pattern in (*_COMPARED, *_REQUESTS, *_WANTED)),
    (_USED_TO, -1, LIKED, True),
    (r"i\s+no\s+longer\s+(?:eat|drink|smoke)\s+(?P<t>.+)", -1, SHOWN, False),
    (rf"{_GAVE_UP}\s+(?:liking|enjoying|loving)\s+(?P<t>.+)", -1, LIKED, True),
    (
        rf"{_GAVE_UP}\s+(?:eating|drinking|smoking|ordering|wearing|watching|listening\s+to)\s+(?P<t>.+)",
        -1,
        SHOWN,
        False,
    ),
    (
        rf"{_GAVE_UP}\s+(?P<t>(?!(?:\w+ing(?<!smoking)(?<!drinking)(?<!vaping)(?<!gambling)|my|the|our|his|her|this|that|a|an|it|on|at|in|as|there"
        r"|hope|school|university|college|uni|work|office|because|when|after|before|two|three|last|and|to)\b)[\w'-]+(?:\s+[\w'-]+){0,3}?)"
        r"(?=\s*(?:[,;:.!?]|$)|\s(?:for|last|this|in|at|on|to|because|when|after|since|and|but|with|two|three|a|years?|months?|\d+|completely"
        r"|entirely|altogether|again|now|already|yesterday|recently)\b)",
        -1,
        SHOWN,
        False,
    ),
    (rf"i{_AM}\s+no\s+longer\s+{_VERY}{_FOND}\s+(?P<t>.+)", -1, LIKED, True),
    (
        r"i(?:'ve\s+|\s+have\s+|\s+)(?:gone|went)\s+off\s+(?!(?:to|on|with|for|at|in|and|the|my|road|script|topic|grid|piste)\b)(?P<t>.+)",
        -1,
        LIKED,
        True,
    ),
    (r"i(?:'ve)?\s+(?:have\s+)?(?:fell|fallen)\s+out\s+of\s+love\s+with\s+(?P<t>.+)", -1, LIKED, True),
    # What is over is not the opposite: whoever hates it no longer may not love it yet.
    (
        rf"i\s+(?:no\s+longer|(?:don't|do not){_ANY_MORE})\s+(?:hate|dislike|detest|loathe|avoid)\s+(?P<t>.+)",
        1,
        SHOWN,
        False,
    ),
    (rf"i{_AM}\s+{_OVER}\s+(?:\w+\s+)?allergic\s+to\s+(?P<t>.+)", 1, SHOWN, False),
    (rf"i{_AM}\s+(?:not|no\s+longer)\s+(?:a\s+)?(?:strict\s+)?(?P<t>{_KEEPS_TO})\b", -1, SHOWN, True),
    (rf"{_GAVE_UP}\s+being\s+(?:a\s+)?(?P<t>{_KEEPS_TO})\b", -1, SHOWN, True),
    (rf"i\s+{_VERY}(?:love|adore|cherish|(?:have|'ve) always (?:loved|adored))\s+(?P<t>.+)", 1, LOVED, True),
    (r"i've\s+always\s+(?:loved|adored|liked|enjoyed|preferred)\s+(?P<t>.+)", 1, LOVED, True),
    (rf"i\s+{_VERY}prefer\s+(?:not\s+to|to\s+avoid)\s+(?P<t>.+)", -1, LIKED, True),
    (rf"i\s+{_VERY}(?:like|enjoy|prefer)\s+(?P<t>.+)", 1, LIKED, True),
    (rf"i\s+{_VERY}refuse\s+to\s+(?P<t>.+)", -1, LOVED, True),
    (r"i\s+have\s+(?:a|an)\s+(?:\w+\s+)?aversion\s+to\s+(?P<t>.+)", -1, LOVED, True),
    (
        rf"i{_AM}\s+(?:not\s+(?:really\s+|at all\s+)?interested|uninterested)\s+in\s+(?P<t>.+)",
        -1,
        LIKED,
        True,
    ),
    (rf"i\s+{_VERY}(?:need|have)\s+to\s+avoid\s+(?P<t>.+)", -1, LOVED, True),
    (rf"i{_AM}\s+{_VERY}{_FOND}\s+(?P<t>.+)", 1, LOVED, True),
    (rf"i{_AM}\s+not\s+{_VERY}(?:too\s+|a\s+)?(?:{_FOND})\s+(?P<t>.+)", -1, LIKED, True),
    (
        rf"i've\s+never\s+(?:been\s+{_FOND}|(?:really\s+)?(?:liked|enjoyed|loved|cared for))\s+(?P<t>.+)",
        -1,
        LIKED,
        True,
    ),
    (
        rf"i(?:'ve)?\s+(?:gotten|got|grown)\s+{_VERY}(?:into|fond of|keen on|hooked on)\s+(?P<t>.+)",
        1,
        LOVED,
        True,
    ),
    (r"i've\s+always\s+(?:hated|disliked|detested|loathed|avoided)\s+(?P<t>.+)", -1, LOVED, True),
    (rf"i\s+{_VERY}{_AGAINST}\s+(?P<t>.+)", -1, LOVED, True),
    (
        rf"i\s+{_SOMEWHAT}(?:don't|do not|no longer)\s+{_SOMEWHAT}(?:like|enjoy|care for|love)\s+(?P<t>.+)",
        -1,
        LIKED,
        True,
    ),
    (r"i'd\s+(?:much\s+)?rather\s+(?:have\s+)?(?P<t>.+?)\s+than\s+.+", 1, LIKED, True),
    (rf"i{_AM}\s+(?:(?!not\b|no\b)\w+\s+)?allergic\s+to\s+(?P<t>.+)", -1, UNBEARABLE, True),
    (r"i\s+have\s+(?:a|an)\s+(?:\w+\s+)?allergy\s+to\s+(?P<t>.+)", -1, UNBEARABLE, True),
    (r"i\s+have\s+(?:a|an)\s+(?:severe\s+|bad\s+)?(?P<t>\w+)\s+allergy", -1, UNBEARABLE, True),
    (rf"i{_AM}\s+(?P<t>lactose|gluten|dairy)[ -]intolerant", -1, UNBEARABLE, True),
    (r"i\s+(?:can't|cannot|don't|do not)\s+(?:eat|drink|smoke)\s+(?P<t>.+)", -1, UNBEARABLE, True),
    (
        rf"i(?:{_AM}\s+trying|\s+{_VERY}try)\s+to\s+(?:avoid|stay away from|steer clear of)\s+(?P<t>.+)",
        -1,
        LIKED,
        True,
    ),
    (rf"i\s+{_VERY}(?:avoid|stay away from|steer clear of)\s+(?P<t>.+)", -1, LIKED, True),
    (
        rf"i{_AM}\s+(?:a\s+)?(?:strict\s+)?(?P<t>{_KEEPS_TO})\b",
        1,
        SHOWN,
        False,
    ),
    (rf"i\s+(?:always|usually|normally|mostly|typically)\s+{_USED}\s+(?P<t>.+)", 1, SHOWN, False),
    (rf"i\s+never\s+{_USED}\s+(?P<t>.+)", -1, SHOWN, False),
    (r"there's\s+nothing\s+i\s+(?:like|love|enjoy)\s+more\s+than\s+(?P<t>.+)", 1, LOVED, True),
    (
        rf"my\s+(?:all-time\s+|absolute\s+|personal\s+)?{_FAVOURITE}\s+(?P<about>(?:[\w-]+\s+){{0,4}}?)"
        r"(?:is|are|has always been|have always been|has to be|would be)\s+(?:definitely\s+|probably\s+|still\s+)?(?P<t>.+)",
        1,
        LOVED,
        True,
    ),
    (
        rf"(?P<t>[^,;:]+?)\s+(?:is|are|has always been)\s+(?:definitely\s+|still\s+)?my\s+(?:all-time\s+|absolute\s+)?{_FAVOURITE}"
        r"(?:\s+(?P<about>[\w-]+(?:\s+[\w-]+){0,2}))?",
        1,
        LOVED,
        True,
    ),
    (rf"(?P<t>[^,;:]+?)\s+(?:is|are)\s+(?:something|what)\s+i\s+{_AGAINST}\b.*", -1, LOVED, True),
    (
        r"(?P<t>[^,;:]+?)\s+(?:is|are)\s+(?:something|what)\s+i\s+(?:really\s+)?(?:love|enjoy)\b.*",
        1,
        LOVED,
        True,
    ),
    (r"please\s+always\s+(?:use|answer in|reply in|write in|keep to|include)\s+(?P<t>.+)", 1, LIKED, True),
    (
        r"(?:please\s+)?(?:don't|do not|never)\s+(?:ever\s+)?(?:use|include|suggest|recommend)\s+(?P<t>.+)",
        -1,
        LIKED,
        True,
    ),
    (r"please\s+avoid\s+(?:using\s+)?(?P<t>.+)", -1, LIKED, True),
    (
        r"(?:please\s+)?(?:always\s+)?give\s+me\s+(?P<t>(?:short|brief|concise|detailed|long|simple|honest|direct|plain)(?:er)?\s+"
        r"(?:answers|replies|responses|explanations))",
        1,
        LIKED,
        True,
    ),
)

_TOPIC_END = (
    r"\s*[,;:.!?()—–]|\s+-\s|\s+(?:but|because|since|so|when|whenever|while|although|though|if|unless|except|even|these days|nowadays"
    r"|at all|by the way|instead|rather than|more than|better than|over|than|as well|too|a lot|very much|so much|the most|the best"
    r"|any\s?more|any longer|now(?=\s*(?:$|[,;.!]))|from now on|nowadays|currently|always(?=\s*(?:$|[,;.!]))|lately|right now|at the moment|especially|and (?:i|it|we|my|he|she|they|that|have|usually|always|prefer|love|hate|like|dislike|enjoy)|which|who|as (?:i|it|a|they)"
    r"|(?P<unsaid>it|them|like (?:this|that|these|those)))\b"
)
_HANGING = r"(?:^|\s)(?:to|on|of|in|for|with|at|from|by|through|about|a|an|the|and|or|my|this|that|take|enjoy|find|make|making|keep)$"
"""Last words of a topic that lacks its object."""
_ADJECTIVE = r"[\w-]+(?:al|ful|ive|ous|ward|less|able|ible|tech|ed|ant|ent|ish)$"

_NO_TOPIC = (
    r"(?:it|that|this|these|those|you|your|yours|him|her|his|them|their|its|us|me|how|what|when|where|why|who|which|if|whether|everything"
    r"|(?:any|every)(?:one|body|thing)|something|someone|nothing|all|both|one|none|some|being able|hearing|seeing you|the (?:idea|way"
    r"|fact|sound|look|thought)|the (?:new|same|first|last|old|other)(?:\s+(?:ones?|things?|time|day|look|idea|way))?\s*$|to (?:bother|say|admit|ask|interrupt|break|tell|be|miss|hear|see|think|know|disappoint"
    r"|disagree|complain|brag|point)|not|up|down|still|straight|too|so|very|much|more|most|today|tomorrow|tonight|now|until|after|before|at|in|on|for|with|from"
    r"|there|here|and|or|is|are|my (?:wife|husband|son|daughter|kids?|children|mom|mum|mother|dad|father|family|friends?|brothers?|sisters?"
    r"|girlfriend|boyfriend|partner|parents))\b"
)
_NO_CLAUSE = r"\b(?:if|unless|wish|imagine|suppose|pretend|whether|would have|used to)\b"
_WAS_LIKED = r"\bi used to\b.*\bbut\b.*\b(?:any\s?more|any longer|no longer)\b"
"""What was liked once and is not now, which 'used to' does not make a clause of the past."""
_LONGEST_TOPIC = 8
"""Words of a topic at most."""


def find(sentence: str, offset: int) -> Iterator[Found]:
    """The preferences that one sentence states, `offset` being its place in the text."""
    plain = sentence.replace("’", "'").lower()
    if _compiled(_NO_CLAUSE).search(plain) and not _compiled(_WAS_LIKED).search(plain):
        return
    for start, end in _clauses(plain):
        yield from _in_clause(plain, start, end, offset)


def _clauses(sentence: str) -> Iterator[tuple[int, int]]:
    """Where a clause may begin; each runs to the sentence's end, since its topic ends where it ends."""
    for match in _compiled(r"^|[,;:—–(]\s*|\s-+\s|\s(?=(?:but|and|so|because|since|while)\s)").finditer(
        sentence
    ):
        yield match.end(), len(sentence)


def _in_clause(sentence: str, start: int, end: int, offset: int) -> Iterator[Found]:
    for pattern, polarity, strength, explicit in _rules():
        if (match := pattern.match(sentence, start, end)) is None:
            continue
        first, last = _topic(sentence, *match.span("t"))
        if first < last and not _compiled(_NO_TOPIC).match(sentence, first, last):
            about = match.groupdict().get("about")
            began = match.start("said")
            ends = max(last, match.end() if match.end("t") < match.end() else last)
            ends = _over().match(sentence, ends, end).end()  # type: ignore[union-attr]
            yield Found(
                offset + first,
                offset + last,
                offset + began,
                offset + ends,
                polarity,
                strength,
                explicit,
                about.strip() or None if about else None,
            )
        return


def _topic(sentence: str, first: int, last: int) -> tuple[int, int]:
    """The place of a topic: up to the first word that ends it, and of a bounded length."""
    cut = _compiled(_TOPIC_END).search(sentence, first, last)
    if cut and cut["unsaid"]:
        return first, first  # 'working on it', 'scents like this': what, is said elsewhere
    end = cut.start() if cut else last
    if cut and cut[0].strip() == "," and _compiled(_ADJECTIVE).search(sentence[first:end]):
        return _topic_of_adjectives(sentence, first, last)
    first = _compiled(r"(?:any\s+(?:(?:form|kind|type)s?\s+of\s+)?)?").match(sentence, first).end()  # type: ignore[union-attr]
    topic = sentence[first:end].rstrip(" -'\"")
    whole = len(topic.split()) <= _LONGEST_TOPIC and not _compiled(_HANGING).search(topic)
    return (first, first + len(topic)) if whole else (first, first)


def _topic_of_adjectives(sentence: str, first: int, last: int) -> tuple[int, int]:
    """'straightforward, traditional methods': the noun comes after the comma."""
    match = _compiled(r"[\w-]+(?:, [\w-]+){1,2}(?: [\w-]+){1,3}(?=\s*$|[.;!])").match(sentence, first, last)
    # Several words that end in an adjective lack their noun: 'to exercise with traditional, …'.
    return match.span() if match else (first, first)


@cache
def _over() -> re.Pattern[str]:
    """What follows that says that it was otherwise."""
    return re.compile(r"(?:\s+(?:any\s?more|any\s+longer|now)(?=\s*(?:$|[,;.!])))?")


@cache
def _rules() -> tuple[tuple[re.Pattern[str], int, float, bool], ...]:
    return tuple((re.compile(rf"\s*{_OPENERS}(?P<said>{pattern})"), *rest) for pattern, *rest in _RULES)  # type: ignore[misc]


@cache
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source)
