"""The frames of English feedback: corrections, wishes to delete, praise, and what is neither.

Owns: the grammar. Does not own: the parts it gives (`feedback`), nor what a statement claims
(`stores/english`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from memos_cli.reader.feedback import Form, Part, bare, opened, parts_of

_SENTENCE = re.compile(r"(?<!\bDr\.)(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bSt\.)(?<!\bNo\.)(?<=[.!?;])\s+")
_END = " .!;,…:-–—"


def _opener(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{words})(?:\s*[,.;:!…–—-]+\s*|\s+(?=\S)|$)", re.IGNORECASE)


def _closed(words: str) -> re.Pattern[str]:
    """Words that open a sentence only before a stop: "no, …" and not "no cats here"."""
    return re.compile(rf"(?:{words})(?:\s*[,.;:!…–—-]+\s*|$)", re.IGNORECASE)


_IT = r"(?:that|this|it|these|those|which)(?:'s|’s| is| was| are| were)"
_NEGATING = (
    _closed(r"(?:no|nope|nah|wrong|incorrect|false|not (?:quite|really|true|right|exactly)|no way)+"),
    _closed(
        rf"{_IT}(?: (?:all|just|still|simply|completely|totally|so))? (?:wrong|incorrect|false|untrue|inaccurate|outdated|a mistake|an error)(?: at all| any ?more)?"
    ),
    _closed(rf"{_IT} not (?:quite |at all |even )?(?:right|true|correct|accurate)(?: at all| any ?more)?"),
    _closed(r"(?:that|this|it) (?:isn|wasn)(?:'t|’t) (?:quite |at all )?(?:right|true|correct|accurate)"),
    _opener(r"no,? (?:that(?:'s|’s)|it(?:'s|’s)) (?:wrong|not (?:right|true|correct))"),
    _opener(
        r"you(?:'ve|’ve| have)? (?:got|had|have|remember(?:ed)?) (?:that|it|this|me|something) (?:all )?wrong"
    ),
    _opener(r"you(?:'re|’re| are) (?:wrong|mistaken)(?: (?:here|there|about (?:that|this|it)))?"),
    _closed(
        r"you(?:'ve|’ve| have)? (?:mixed|messed|jumbled|muddled|confused)(?: up)? (?:the|those|these|my|their|two|both)? ?(?:names?|numbers?|dates?|days?|times?|places?|people|persons?|cities|schools?|rooms?|towns?|streets?|two|things|facts|details)(?: up)?"
    ),
    _opener(
        r"you(?:'ve|’ve| have)? (?:mixed|messed|jumbled|muddled) (?:that|it|this|things|something|them)? ?up"
    ),
    _closed(
        r"wrong (?:name|number|date|day|time|place|address|person|year|city|town|street|price|room|spelling)"
    ),
    _opener(r"i (?:misspoke|made a mistake|got (?:that|it) wrong|was wrong|was mistaken)"),
    _opener(r"(?:a |small |one )*correction"),
    _opener(r"actually|in fact|in reality|rather|to be (?:precise|exact)|more precisely"),
    _opener(r"(?:what )?i (?:really )?(?:meant|mean)(?: (?:is|was|to say))?(?: that)?"),
    _opener(r"let me correct (?:that|this|it|you|myself)|i (?:have|need|want) to correct (?:that|you|this)"),
    _opener(r"(?:please )?(?:correct|fix|change|update) (?:that|this|it)(?: to)?(?=\s*[:,.])"),
    _opener(r"there(?:'s|’s| is) a (?:mistake|typo|error)"),
)
_ADDING = (
    _opener(r"also|and also|in addition|additionally|furthermore|besides|plus"),
    _opener(r"by the way|btw|fyi|for your information|for the record"),
    _opener(r"(?:and )?(?:one more|another|one other) thing"),
    _opener(
        r"(?:please )?(?:note|remember|keep in mind|be aware|know|bear in mind|don(?:'|’)?t forget|do not forget|never forget)(?: that|(?=\s*:))"
    ),
    _opener(r"(?:please )?(?:don(?:'|’)t|do not|never) forget"),
    _opener(r"(?:please )?remember(?=\s+(?:i|my|we|our|he|she|the|[A-Z]))"),
    _opener(r"you (?:should|must|need to|ought to) (?:also )?know(?: that)?"),
    _opener(
        r"(?:please )?(?:add|save|store|write down|remember|note)(?: this| it| to that)?(?: that|(?=\s*:))"
    ),
    _opener(
        r"let me add(?: that)?|i(?:'d|’d| would) like to add(?: that)?|what you don(?:'|’)t know(?: yet)?(?: is)?(?: that)?"
    ),
)
_FILLING = (
    _opener(
        r"oh|hey|well|so|hmm+|uh+|um+|but|and|wait|sorry|my bad|apologies|excuse me|look|listen|hi|hello"
    ),
    _closed(r"ok|okay|please"),
)
_PRAISING = (
    _closed(
        r"(?:yes|yep|yeah|yup|exactly|correct|right|true|indeed|sure|of course|absolutely|precisely|spot on|bingo)+"
    ),
    _closed(
        rf"{_IT} (?:(?:all|exactly|absolutely|completely|totally|perfectly|quite|so|very|really|just) )*"
        r"(?:the (?:right|correct) \w+(?: \w+)?|(?:the one|exactly what|just what)(?: (?:that )?i .{1,40})?|spot on|on point|right|true|correct|it|perfect|great|good|fine|lovely|nice|helpful|useful|amazing|awesome|wonderful|brilliant|excellent|impressive|what i (?:meant|wanted|said|needed))"
        r"(?:,? thanks?(?: you)?(?: so much| a lot)?)?"
    ),
    _closed(
        r"(?:many |thank(?:s| you)(?: you)?)(?:,? (?:a lot|so much|very much|a million|again|everyone|for .{1,60}))?|thanks,? .{1,20}|thank you|thx|ty|cheers|much appreciated"
    ),
    _closed(
        r"(?:very |really |so |just |absolutely |pretty )?(?:perfect|great|good|excellent|awesome|amazing|wonderful|brilliant|fantastic|nice|lovely|super|cool|superb|impressive|terrific)"
        r"(?: (?:job|work|one|memory|answer|stuff|thanks|thank you|catch))*"
    ),
    _closed(
        r"not bad(?: at all)?|well (?:done|remembered|said|put)|good (?:bot|job|work|memory|call)|keep it up|way to go|bravo|kudos"
    ),
    _closed(
        r"you(?:'re|’re| are) (?:(?:so|very|really|the|quite|absolutely|just) )*(?:right|correct|awesome|great|amazing|best|brilliant|wonderful|helpful|smart|good|a star|a genius|kind)(?: (?:at|about|on) .{1,40})?"
    ),
    _closed(
        r"you (?:got|have|had) (?:it|that|me) (?:exactly |all )?right|you (?:nailed|got) it|you remembered(?: .{1,60})?|you have a (?:good|great) memory"
    ),
    _closed(
        r"i (?:really )?(?:love|like) (?:it|this|that|how you .{1,60}|your .{1,40})|(?:that|this) (?:helps|helped|works)(?: a lot)?"
    ),
)

_FORGETTING = r"(?:forget|scrap|delete|remove|erase|drop|discard|wipe|scrub|purge|unlearn|get rid of|throw (?:away|out)|clear)\b(?! (?:by|in|off|me|up|skies)\b)"
_KEEPING = r"(?:remember|store|save|keep|retain|record|memori[sz]e)"
_ASKING = (
    r"(?:(?:please|just|now|kindly|and|can you|could you|would you|will you|you (?:can|should|may|must|could)"
    r"|i(?:'d|’d| would) (?:like|prefer|want) you to|i want you to|let(?:'|’)s|go ahead and)\s+(?:please\s+|now\s+|just\s+)?)*"
)
_FORGET = re.compile(rf"{_ASKING}{_FORGETTING}(?:\s+(?P<what>.+))?$", re.IGNORECASE)
_KEEP_NOT = re.compile(
    rf"(?:{_ASKING}(?:don(?:'|’)t|do not|never|stop|(?:there(?:'s|’s| is) )?no need to|you need(?:n(?:'|’)t| not)|you don(?:'|’)t (?:need|have) to)"
    rf"|i (?:don(?:'|’)t|do not) want you to)\s+(?:{_KEEPING}|remembering|storing|saving|keeping)\s+(?P<what>.+)$",
    re.IGNORECASE,
)
_EVERY = re.compile(
    r"^(?:everything|all|anything|every mention|any mention|every memory|all memories|whatever)\b",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"^(?:(?:everything|all|anything|whatever|what|every|any|the|this|that|my|our|your)\s+)*"
    r"(?:(?:memor(?:y|ies)|facts?|notes?|entr(?:y|ies)|parts?|things?|bits?|lines?|mentions?|information|data|details?|stuff|records?)\s+)?"
    r"(?:(?:that |which )?(?:you (?:know|have|remember|stored|saved|noted)|i (?:said|told you|mentioned))\s+)?"
    r"(?:about|on|concerning|regarding|of|saying|that says|with|where|in which)\s+(?:that\s+|how (?:much|many|often|long)\s+|where\s+|when\s+|whether\s+)?",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"^(?:(?:every|all|any|the|this|that|my|our|your|those|these) )*(?:memor(?:y|ies)|notes?|entr(?:y|ies)|records?)\b"
    r"|\b(?:note|memory|entry)$",
    re.IGNORECASE,
)
"""It is a note, a memory or an entry that shall go."""
_POINTING = re.compile(
    r"(?:about )?(?:that|this|it|these|those|them|(?:that|this|the (?:last|first|previous)) (?:one|memory|note|entry|fact)|the last (?:one|thing)|what i (?:just )?said|(?:that|this) (?:one|again))?$",
    re.IGNORECASE,
)
_FROM_HERE = re.compile(
    r"\s*(?:,? (?:from (?:your|the|my) (?:memor(?:y|ies)|notes|records|cube|database)|please|for good|again|any ?more|now))+$",
    re.IGNORECASE,
)

_WORD = r"[^,;:]+?"
_TERM = r"(?:\d+:\d+|[^\s,;:]+)"
_SHORT = rf"{_TERM}(?:\s+{_TERM}){{0,4}}?"
_ALL_OVER = r"(?:,?\s+(?:everywhere|throughout|in (?:all|every)\b.*|in my (?:memories|notes)|wherever .*))?"
_REPLACE = re.compile(
    rf"(?:please )?(?:replace|swap|substitute)\s+(?:(?P<all>every|all|each|any)\s+)?(?P<a>{_WORD})\s+(?:with|by|for)\s+(?P<b>{_WORD})(?P<over>{_ALL_OVER})$",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    rf"(?:please )?(?:change|rename|correct|fix|update|set|turn)\s+(?:(?P<all>every|all|each)\s+)?(?P<a>{_WORD})\s+(?:to|into)\s+(?P<b>{_WORD})(?P<over>{_ALL_OVER})$",
    re.IGNORECASE,
)
_SPELLED = re.compile(
    rf"(?:(?:it|that|the name|(?:his|her|my|their|its|our|your|the) (?:\w+ ){{0,2}}?(?:name|surname))(?:'s|’s| is| was)?\s+)?"
    rf"(?:spell(?:ed|t)|written|called|named)\s+(?P<b>{_SHORT})(?:\s+(?:everywhere|with .*?))?,?\s+(?:and )?not\s+(?P<a>{_SHORT})$",
    re.IGNORECASE,
)
_IS_SPELLED = re.compile(
    rf"(?P<a>{_SHORT})\s+(?:should be|is(?: actually)?) (?:spell(?:ed|t)|written)\s+(?P<b>{_SHORT})$",
    re.IGNORECASE,
)
_SHOULD = re.compile(rf"(?P<a>{_SHORT})\s+should (?:be|read|say)\s+(?P<b>{_SHORT})$", re.IGNORECASE)
_PRONOUN = r"(?:it|that|this|he|she|they|these|those|(?:his|her|their|its|the) (?:name|surname|value|number|word|date|time))"
_IS = r"(?:'s|’s|'re|’re| is| are| was| were)"
_IT_IS_NOT = re.compile(
    rf"{_PRONOUN}{_IS}\s+(?P<b>{_SHORT}),?\s+(?:and )?not\s+(?P<a>{_SHORT})$", re.IGNORECASE
)
_NOT_IT_IS = re.compile(
    rf"(?:{_PRONOUN}(?:{_IS} not|(?:'s|’s)? ?(?:isn|aren|wasn)(?:'|’)t))\s+(?P<a>{_SHORT})[,;]?\s+(?:but|{_PRONOUN}{_IS})\s+(?P<b>{_SHORT})$",
    re.IGNORECASE,
)
_NOT_BUT = re.compile(
    rf"not\s+(?P<a>{_SHORT})[,;]?\s+(?:but|rather|{_PRONOUN}{_IS})\s+(?P<b>{_SHORT})$", re.IGNORECASE
)
_BARE_NOT = re.compile(
    r"(?P<b>\S+(?:\s+\S+){0,2}),?\s+(?:and )?not\s+(?P<a>\S+(?:\s+\S+){0,2})$", re.IGNORECASE
)
_NOTHING_FOR = re.compile(
    rf"{_PRONOUN}{_IS}\s*(?:[,;]\s*(?:and )?not\b.*|[^,;]{{1,40}}[,;]\s*(?:and )?not[\s.!,]*)$", re.IGNORECASE
)
"""'It's , not Ben', 'It's Ben, not': one of the two is missing."""
_IT_SHOULD = re.compile(
    rf"(?:{_PRONOUN} should (?:be|read|say)|should be|{_PRONOUN}{_IS}(?: now| actually)?|make (?:it|that)|change (?:it|that) to|{_PRONOUN} must be)\s+(?P<b>{_SHORT})(?: instead| now)?$",
    re.IGNORECASE,
)

_FALSE = r"(?:not true|untrue|false|wrong|incorrect|not correct|not right|a mistake|outdated|no longer true|a lie|nonsense)"
_FALSE_THAT = re.compile(
    rf"(?:it|that)(?:'s|’s| is) (?:just |simply )?{_FALSE} that\s+(?P<s>.+)$|it isn(?:'|’)t (?:true|right|correct) that\s+(?P<t>.+)$",
    re.IGNORECASE,
)
_NEVER_SAID = re.compile(
    r"i (?:have )?(?:never|didn(?:'|’)t|did not) (?:say|said|tell|told|mention|mentioned|claim|claimed)(?: you| it)?(?: that)?\s+(?P<s>.+)$",
    re.IGNORECASE,
)
_IS_FALSE = re.compile(
    rf"(?:that |the (?:memory|fact|note|claim|statement) (?:that |about |on ))(?P<s>.+?) (?:is|was) {_FALSE}$",
    re.IGNORECASE,
)
_DETAIL_FALSE = re.compile(
    rf"(?P<s>(?:the|this|that|your|my|our|his|her|their) (?:[\w'’-]+ ){{0,3}}[\w'’-]+) (?:is|are|was|were) (?:all |now )?{_FALSE}$",
    re.IGNORECASE,
)
_TOO_LATE = re.compile(
    r"(?:,|;|\s-+)?\s+(?:but )?you(?:'ve|’ve| have)? (?:(?:got|had|have|noted|wrote|remembered) (?:that|it|this) (?:down )?(?:all )?wrong|mixed (?:that|it|this) up)$",
    re.IGNORECASE,
)
"""What says after a statement that something else is remembered."""
_SORRY = re.compile(
    r",? (?:sorry|my mistake|my bad|i misspoke|not what (?:you|i) said)(?: about that)?$", re.IGNORECASE
)
_GOT_WRONG = re.compile(
    r"you(?:'ve|’ve| have)? (?:got|had|have|noted|wrote down) (?P<s>[^,;:]{3,40}?) wrong[,;:]? (?:it|that)(?:'s|’s| is) (?P<b>[^,;]{1,40})$",
    re.IGNORECASE,
)
"""'You got the dog's name wrong, it's Bramble': what is wrong and what is right, in two clauses."""
_HAS_NEW = re.compile(
    r"(?P<s>[A-Z][\w’'-]*|i|we) (?:has|have|got|'ve got|has got) a new (?P<what>(?:[a-z-]+ ){0,2}[a-z-]+)(?:,|:| -| now:?|, it's) (?:namely |it's |it is )?(?P<b>[^,;]{1,40})$",
    re.IGNORECASE,
)
_PUT_OFF = re.compile(
    r"(?P<s>(?:the|my|our|his|her|their|[A-Z][\w’'-]*) [^,;]{2,50}?) (?:has been|have been|was|were|got|is|are|has|have)(?: now| just)? (?:moved|shifted|pushed(?: back)?|postponed|put off|rescheduled|changed|brought forward|raised|lowered|increased|reduced|cut) to (?P<b>[^,;]{1,40})$",
    re.IGNORECASE,
)
_WENT = re.compile(
    r"(?P<s>(?:the|my|our|his|her|their|[A-Z][\w’'-]*) [^,;]{2,50}?) (?:went|has gone|goes|is|rose|fell|dropped|climbed)(?: up| down)? (?:up |down )?(?:from [^,;]{1,20} )?to (?P<b>[^,;]{0,20}\d[^,;]{0,30})$",
    re.IGNORECASE,
)
_LASTING = re.compile(
    r",? (?:now|these days|nowadays|from now on|as of (?:now|today)|any ?more)$", re.IGNORECASE
)
_SWITCHED = re.compile(
    r"(?P<subject>[^,;]{1,40}?) (?:(?:has|have) )?(?:now |just |finally )?(?:switched|changed|migrated) (?:over )?from (?P<a>[^,;]{1,30}?) to (?P<b>\S+)(?P<rest> [^,;]{1,60})?$",
    re.IGNORECASE,
)
_SHIFTED = re.compile(
    r"(?:we|they|i)(?:'ve|’ve| have)? (?:now |just )?(?:moved|shifted|pushed|postponed|rescheduled|changed|raised|lowered) (?P<subject>(?:the|my|our) [^,;]{2,30}?) from (?P<a>\S+(?: \S+)?) to (?P<b>\S+(?: [ap]m)?)$",
    re.IGNORECASE,
)
_ASIDE = re.compile(r",? (?:by the way|btw|fyi|for the record|just so you know)$", re.IGNORECASE)
_NO_LONGER = re.compile(
    r"(?P<subject>[A-Z][\w’'-]*(?: [A-Z][\w’'-]*)?|i|we|my \w+|our \w+) (?:no longer [^,;]{1,60}|(?:do|does|is|are|am)(?:n(?:'|’)t| not) [^,;]{1,60} any ?more)"
    r"[,;] (?:(?:and|but|because|since) )?(?:he|she|it|they|i|we) (?P<x>[^,;]{3,80})$",
    re.IGNORECASE,
)
_OTHER_DOES = re.compile(
    r"(?P<a>[A-Z][\w’'-]*(?: [A-Z][\w’'-]*)?) does(?:n(?:'|’)t| not) (?P<verb>[a-z]+)(?P<rest> [^,;]{1,60}?)?(?P<more> any ?more)?[,;] (?:but )?(?P<b>[A-Z][\w’'-]*(?: [A-Z][\w’'-]*)?) does(?: now)?$"
)
_EMPHATIC = re.compile(
    r"(?P<subject>i|we|they|[A-Z]\w+|he|she) (?P<do>do|does) (?P<verb>smoke|drink|eat|like|love|enjoy|hate|live|work|play|own|have|speak|know|want"
    r"|need|prefer|drive|run|swim|sing|believe|use|take|wear|read|cook|travel|cycle|ride|ski|snore|vote|pray|dance|study|teach|train)(?P<rest> .+)?$",
    re.IGNORECASE,
)
"""'I do smoke': a denial that is remembered is not so."""
_NOT_SERIOUS = re.compile(r"(?:yeah,? right|as if|oh,? sure|sure,? and|yeah,? sure)\b", re.IGNORECASE)
_KEEP_IT = re.compile(
    r"(?:please )?(?:don(?:'|’)t|do not|never) (?:ever )?(?:delete|remove|erase|wipe|discard|purge)\b",
    re.IGNORECASE,
)
_ANY_MEMORY = frozenset(("memories", "memory", "things", "facts", "entries", "notes", "stuff", "something"))
_YOU_SAID = re.compile(
    r"you (?:said|say|think|thought|believe|wrote|noted|have|claim(?:ed)?|remember(?:ed)?|told me|have it|have me)\b(?: that| down as)?\s*(?P<old>.*?)[,;]? but (?:actually |in fact |really )?(?P<s>.+)$",
    re.IGNORECASE,
)

_CONTRAST = re.compile(r"(?P<s>\S+\s+\S+.*?),?\s+(?:and\s+)?not\s+(?P<y>[^,;]{1,60})$", re.IGNORECASE)
_INSTEAD = re.compile(
    r"(?P<s>\S+\s+\S+.*?)\s+(?:instead of|rather than)\s+(?P<y>[^,;]{1,60})$", re.IGNORECASE
)
_DANGLING = re.compile(
    r"(?:\b(?:do|does|did|is|are|was|were|am|have|has|had|will|would|can|could|should|must|might|i)|['’](?:s|re|m|ll|ve))$",
    re.IGNORECASE,
)
"""What "not" follows where it denies the sentence itself: "Anna does not live in Oslo"."""
_NOT_Y_BUT_X = re.compile(
    r"(?P<head>\S+.*?(?:\bis|\bare|\bwas|\bwere|'s|'re|'m|\bam|\blives?|\bworks?|\bon|\bat|\bin))\s+not\s+(?P<y>[^,;]{1,40}?),?\s+but\s+(?P<x>[^,;]{1,60})$",
    re.IGNORECASE,
)
_ISNT = re.compile(
    r"(?P<subject>\S.*?)\s*(?P<be>\b(?:is|are|was|were|am)(?:n(?:'|’)t| not)|(?:'s|’s|'m|’m|'re|’re) not)\s+(?P<y>[^,;]{1,60}?)\s*(?:[,;]\s*(?:but )?|\s+but )"
    r"(?P<p>it|he|she|they|i|we|you|that)(?:'s|’s|'m|’m|'re|’re| is| are| am| was| were)\s+(?P<x>[^,;]{1,80})$",
    re.IGNORECASE,
)
_DOESNT = re.compile(
    r"(?P<subject>\S.*?)\s+(?:do|does|did)(?:n(?:'|’)t| not)\s+(?P<y>[^,;]{1,80}?)\s*(?:[,;]\s*(?:but )?|\s+but )(?P<p>it|he|she|they|i|we|you)\s+(?P<x>[^,;]{1,100})$",
    re.IGNORECASE,
)

_QUESTION = re.compile(
    r"(?:what|where|when|who|whom|whose|which|why|how|is|are|was|were|do|does|did|can|could|would|will|shall|should|may|has|have|am|isn't|aren't|don't you|what's|who's|where's|how's)\b(?! (?:a|the) )",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:please )?(?:tell|show|give|write|search|find|look|list|explain|help|summari[sz]e|translate|sing|make|create|draw|compute|calculate|go|talk|stop|start|wait|try|read|open|play|let(?:'|’)s|let us|let me|see you|bye|good ?bye|good (?:morning|evening|night|afternoon))\b",
    re.IGNORECASE,
)
_CHATTER = re.compile(
    r"(?:ok(?:ay)?|k|hm+|uh+|um+|ah+|oh+|lol|rofl|ha(?:ha)+h?|he(?:he)+|hi|hello|hey|bye|whatever|never ?mind|no (?:worries|problem|thanks|thank you|rush|matter)(?:,? thanks)?|forget it|no|yes|maybe|i see|interesting|wow|test(?:ing)?|no idea|idk|sure|fine|cool story)(?: there| then| again)?",
    re.IGNORECASE,
)
_FINITE = re.compile(
    r"\b(?:is|are|am|was|were|has|have|had|will|can|could|must|should|would|do|does|did|don't|doesn't|didn't|isn't|aren't|won't|can't|never|may|needs?|likes?|loves?|hates?|lives?|works?|goes|wants?|prefer|moved|left|bought|sold|got|quit|drink|drive|eat|play|run|own|know|live|speak|study|went|came|made|took|met|take|use|wear|keep|sleep|cook|write|teach|spent|lost|found|became|began)\b|'s\b|'m\b|'re\b|’s\b|’m\b|\w{3,}(?:ed|s)\b",
    re.IGNORECASE,
)
_NAMES_A_THING = re.compile(
    r"(?:[Tt]he|[Mm]y|[Oo]ur|[Yy]our|[Hh]is|[Hh]er|[Tt]heir|[Tt]his|[Tt]hat|[A-Z][a-z]+['’]s)(?: [a-z'’-]+){1,4}"
)
"""'Never forget the wifi password!' says neither what it is nor that it shall go."""


def read(text: str) -> Iterator[Part]:
    """The parts of an utterance."""
    return parts_of(_sentences(text), _opened, _said)


def _sentences(text: str) -> Iterator[str]:
    """The sentences; one that is but the end of the one before it ("…; Ruth does.") belongs to that."""
    whole = ""
    for sentence in _SENTENCE.split(text):
        if whole and whole.endswith(";") and _ENDS_ANOTHER.fullmatch(sentence):
            whole += f" {sentence}"
            continue
        if whole:
            yield whole
        whole = sentence
    yield whole


_ENDS_ANOTHER = re.compile(
    r"(?:but )?[A-Z][\w’'-]*(?: [A-Z][\w’'-]*)? (?:does|is|has|did|will)(?: now)?[.!]*"
)


def _opened(sentence: str) -> tuple[str, set[str]]:
    """A sentence without what opens it, and what its openers say."""
    table = (("no", _NEGATING), ("more", _ADDING), ("", _FILLING), ("yes", _PRAISING))
    return opened(sentence, table)


def _said(sentence: str, negated: bool, signs: set[str]) -> Iterator[Part]:
    asks = sentence.rstrip().endswith("?")
    rest = _ASIDE.sub("", sentence.rstrip(" .!?;…"))
    adds = "more" in signs
    if corrected := _TOO_LATE.search(rest) or _SORRY.search(rest):
        rest, negated = rest[: corrected.start()], True
    if _NOT_SERIOUS.match(rest) or (_KEEP_IT.match(rest) and not adds):
        yield Part(Form.REMARK)
    elif (part := None if adds else _forgotten(rest)) is not None:
        yield Part(Form.REMARK) if asks and part.text.lower() in _ANY_MEMORY else part
    elif asks or _QUESTION.match(rest):
        yield Part(Form.REMARK)
    elif (
        part := _changed(rest) or _replaced(rest) or _denied(rest) or _contrasted(rest) or _emphatic(rest)
    ) is not None:
        yield part
    elif (found := _YOU_SAID.match(rest)) is not None:
        yield _contrasted(found["s"]) or Part(
            Form.STATE, found["s"], wrong=_left(found["old"], found["s"]), corrects=True
        )
    elif (found := _IT_SHOULD.match(rest)) is not None:
        yield Part(Form.STATE, right=bare(found["b"]), corrects=True, points=True)
    elif _CHATTER.fullmatch(rest) or (_ASKS.match(rest) and not adds):
        yield Part(Form.REMARK)
    elif "yes" in signs and not negated and not adds:
        yield Part(Form.CONFIRM, rest if _is_statement(rest) else "")
    elif _is_statement(rest):
        lasting = _LASTING.search(rest) if _is_statement(_LASTING.sub("", rest)) else None
        plain = rest[: lasting.start()] if lasting and "more" not in lasting[0] else ""
        yield Part(Form.STATE, rest, corrects=negated, adds=adds, changed=bool(plain), plain=plain)
    elif negated and len(rest.split()) <= 5:
        yield Part(Form.STATE, right=bare(rest), corrects=True, points=True)
    elif adds and not _NAMES_A_THING.fullmatch(rest):
        yield Part(Form.STATE, rest, adds=True)
    else:
        yield Part(Form.REMARK)


def _is_statement(text: str) -> bool:
    words = text.split()
    return (len(words) >= 3 and bool(_FINITE.search(text))) or (
        len(words) == 2 and bool(re.search(r"\w\w(?:s|ed)$", words[1]))
    )


def _forgotten(text: str) -> Part | None:
    found = _KEEP_NOT.match(text) or _FORGET.match(text)
    if found is None or re.match(r"forget it\b", text, re.IGNORECASE):
        return None
    what = _FROM_HERE.sub("", found["what"] or "")
    if _POINTING.fullmatch(what):
        return Part(Form.FORGET, points=True)
    every = bool(_EVERY.match(what))
    about = re.sub(r"^that\s+(?=\S+\s)", "", _ABOUT.sub("", what, count=1), flags=re.IGNORECASE)
    about = re.sub(r"^(?:how (?:much|many|often|long)|where|when|whether)\s+", "", about, flags=re.IGNORECASE)
    about = re.sub(r"(?:'s|’s)? (?:note|memory|entry|fact)$", "", about)
    whole = bool(_WHOLE.search(what))
    return Part(Form.FORGET, bare(about), every=every, whole=whole, points=not bare(about))


def _replaced(text: str) -> Part | None:
    if _NOTHING_FOR.match(text):
        return Part(Form.REMARK)
    for pattern, every in ((_REPLACE, True), (_CHANGE, True), (_SPELLED, True), (_IS_SPELLED, True)):
        if found := pattern.match(text):
            wrong, right = bare(found["a"]), bare(found["b"])
            if wrong == right:
                return Part(Form.REMARK)
            if wrong and right and wrong != right and wrong.lower() not in _POINTERS:
                kind = Form.REPLACE
                return Part(kind, wrong=wrong, right=right, corrects=True, every=every)
    for pattern in (_NOT_IT_IS, _IT_IS_NOT, _NOT_BUT, _BARE_NOT, _SHOULD):
        found = pattern.match(text)
        if found and not (pattern is _BARE_NOT and _FINITE.search(found["b"])):
            wrong, right = _short(found["a"]), _short(found["b"])
            if wrong == right:
                return Part(Form.REMARK)
            if wrong and right and wrong != right and wrong.lower() not in _POINTERS:
                return Part(Form.REPLACE, wrong=wrong, right=right, corrects=True)
    return None


_POINTERS = frozenset(("it", "that", "this", "them", "these", "those", "there", "you", "which"))
_LEAD = re.compile(r"^(?:(?:called|named|in|on|at|to|from|by|with|for|the|a|an)\s+)+", re.IGNORECASE)


def _short(words: str) -> str:
    """Words without the preposition or article before them."""
    return _LEAD.sub("", bare(words))


def _denied(text: str) -> Part | None:
    for pattern in (_FALSE_THAT, _NEVER_SAID, _IS_FALSE):
        if found := pattern.match(text):
            said = found["s"] if found.re is not _FALSE_THAT else found["s"] or found["t"]
            return Part(Form.DENY, bare(said), corrects=True)
    if found := _DETAIL_FALSE.match(text):
        return Part(Form.DENY, bare(found["s"]), corrects=True, points=True)
    return None


def _changed(text: str) -> Part | None:
    """A statement that says what was so and is not any more."""
    if found := _GOT_WRONG.match(text):
        named = re.sub(r"(?:'s|’s) name$", "", found["s"])
        is_ = "is" if named == found["s"] else "is called"
        return Part(Form.STATE, f"{named} {is_} {found['b']}", corrects=True)
    if found := _HAS_NEW.match(text):
        owner = {"i": "my", "we": "our"}.get(found["s"].lower()) or f"{found['s']}'s"
        return Part(Form.STATE, text, changed=True, plain=f"{owner} {found['what']} is {found['b']}")
    if found := _PUT_OFF.match(text) or _WENT.match(text):
        return Part(Form.STATE, text, changed=True, plain=f"{found['s']} is {found['b']}")
    if found := _SWITCHED.match(text):
        plain = f"{found['subject']} use {found['b']}{found['rest'] or ''}"
        return Part(Form.STATE, text, wrong=_short(found["a"]), changed=True, plain=plain)
    if found := _SHIFTED.match(text):
        plain = f"{found['subject']} is {found['b']}"
        return Part(Form.STATE, text, wrong=_short(found["a"]), changed=True, plain=plain)
    if found := _NO_LONGER.match(text):
        plain = f"{found['subject']} {found['x']}"
        return Part(Form.STATE, text, corrects=True, changed=True, plain=plain)
    if found := _OTHER_DOES.match(text):
        said = f"{found['b']} {_third(found['verb'])}{found['rest'] or ''}"
        return Part(Form.STATE, said, wrong=found["a"], corrects=True, changed=bool(found["more"]))
    return None


def _emphatic(text: str) -> Part | None:
    if (found := _EMPHATIC.match(text)) is None:
        return None
    verb = _third(found["verb"]) if found["do"].lower() == "does" else found["verb"]
    return Part(Form.STATE, f"{found['subject']} {verb}{found['rest'] or ''}", corrects=True)


def _third(verb: str) -> str:
    """The form of a verb that goes with 'she'."""
    if verb == "have":
        return "has"
    if verb.endswith(("s", "x", "sh", "ch", "o")):
        return f"{verb}es"
    return f"{verb[:-1]}ies" if re.search("[^aeiou]y$", verb) else f"{verb}s"


def _contrasted(text: str) -> Part | None:
    """A statement that says with it what is not so."""
    if found := _ISNT.match(text):
        be = (
            "are"
            if re.match(r"are|were|'re|’re", found["be"])
            else "am"
            if found["subject"].lower() == "i"
            else "is"
        )
        said = f"{found['subject']} {be} {found['x']}"
        return Part(Form.STATE, said, wrong=_short(found["y"]), corrects=True)
    if found := _DOESNT.match(text):
        return Part(
            Form.STATE, f"{found['subject']} {found['x']}", wrong=_left(found["y"], found["x"]), corrects=True
        )
    if found := _NOT_Y_BUT_X.match(text):
        return Part(Form.STATE, f"{found['head']} {found['x']}", wrong=_short(found["y"]), corrects=True)
    for pattern in (_CONTRAST, _INSTEAD):
        if (found := pattern.match(text)) and _is_statement(found["s"]) and not _DANGLING.search(found["s"]):
            if (
                re.match(
                    r"(?:so|very|really|yet|only|even|every|all|always|much|be|have|to|too|a|that|at all)\b",
                    found["y"],
                    re.IGNORECASE,
                )
                and pattern is _CONTRAST
                and "," not in text
            ):
                continue
            said, wrong = found["s"].rstrip(" ,"), _short(found["y"])
            if f" {said}".endswith(f" {wrong}"):
                return Part(Form.REMARK)  # "Anna is Ben, not Ben"
            return Part(Form.STATE, said, wrong=wrong, corrects=True)
    return None


def _left(denied: str, said: str) -> str:
    """Of what is denied, the words that the sentence after it does not repeat, its verb aside."""
    stems = {word.lower().removesuffix("s") for word in said.split()}
    words = [w for w in denied.split() if w.lower().removesuffix("s") not in stems]
    return _short(" ".join(words))
