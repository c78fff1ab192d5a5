"""One value in a memory's place of it, where a correction says the same sentence with another one.

Owns: laying a statement upon a memory word by word (in Chinese character by character). Does not own:
which statements are corrections (`reader/feedback`), numbers, days and times alone (`wording.one_slot`).

"Greta owns a cockatoo" is "The neighbour Greta owns a parrot" up to one place. What stands before and
after the statement in the memory stays. The two values must be of one kind, a number, a name or a word,
and as long; and what the sentences share must name the matter: two words that mean something, one
of them before the value, or one where both values are numbers.
"""

from __future__ import annotations

import re

from memos_cli.operations.wording import meaningful

LONGEST = 3
"""Words of a value at most, and characters of one in Chinese but LONGEST_CHINESE."""
LONGEST_CHINESE = 4
_TOKEN = re.compile(r"[\u3400-\u9fff]|\d+(?:[.,:-]\d+)*|[^\W\d_\u3400-\u9fff][\w'’.&-]*[\w'’]|\w", re.UNICODE)
_LEAD = re.compile(r"^(?:the|my|his|her|their|our)\s+", re.IGNORECASE)
"""What a statement begins with where the memory may say whose it is: "the dog", "Paul's dog"."""
_EVERY = re.compile(r"(?:每(?:周|星期|个?月|天)|\bevery)\W*$", re.IGNORECASE)
_OF_A_KIND = re.compile("[很真太挺非不没也都还]")
"""How what is told of a thing begins in Chinese, which is no value of it."""
_VERB = re.compile("[叫是在姓有住去]")
_CHINESE = re.compile("[\u3400-\u9fff]")
_NUMBERS = frozenset(
    [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "一",
        "二",
        "三",
        "四",
        "五",
        "六",
        "七",
        "八",
        "九",
        "十",
        "百",
        "千",
        "万",
        "两",
        "零",
    ]
)


def framed(text: str, said: str, *, changed: bool = False) -> str | None:
    """The text with the one value that the statement gives otherwise; None where more or less than one
    place differs, or it is not clear that both are about the same. What is done every Sunday may be done
    every Saturday too, unless the statement says that something has `changed`."""
    old, new = (list(_TOKEN.finditer(t)) for t in (text, _LEAD.sub("", said)))
    said = _LEAD.sub("", said)
    words, others = ([m.group().casefold() for m in ms] for ms in (old, new))
    found = {
        place
        for start in range(len(words))
        if others and words[start] == others[0] and (place := _place(words, others, start)) is not None
    }
    if len(found) != 1:
        return None
    first, last, begin, end = found.pop()
    was, now = text[old[first].start() : old[last].end()], said[new[begin].start() : new[end].end()]
    frame = f"{said[: new[begin].start()]} {said[new[end].end() :]}"
    if _OF_A_KIND.match(now) or bool(_VERB.match(was)) != bool(_VERB.match(now)):
        return None
    if not changed and _EVERY.search(text[: old[first].start()]):
        return None
    if _kind(was) != _kind(now) or not _names(frame, _kind(was)):
        return None
    return text[: old[first].start()] + now + text[old[last].end() :]


def _place(words: list[str], others: list[str], start: int) -> tuple[int, int, int, int] | None:
    """Where a value begins and ends in the memory, and where in the statement that begins at `start`."""
    head = 0
    while head < len(others) and start + head < len(words) and words[start + head] == others[head]:
        head += 1
    longest = LONGEST_CHINESE if _CHINESE.search("".join(others)) else LONGEST
    for length in range(1, longest + 1):  # of the value that is said
        tail = others[head + length :]
        if head + length > len(others):
            return None
        for taken in range(1, longest + 1):  # of the value that is there
            end = start + head + taken
            after = words[end : end + len(tail)]
            # Without a tail the value ends the statement, and the memory as well; a number has its unit.
            ends = tail or end == len(words) or (taken == length == 1 and _counts(words[end - 1]))
            if end <= len(words) and after == tail and ends:
                return start + head, end - 1, head, head + length - 1
    return None


def _kind(value: str) -> str:
    words = [m.group() for m in _TOKEN.finditer(value)]
    if all(map(_counts, words)):
        return "number"
    return "name" if words[0][:1].isupper() else "word"


def _counts(word: str) -> bool:
    return word.casefold() in _NUMBERS or word[0].isdigit()


def _names(frame: str, kind: str) -> bool:
    """Whether what two sentences share names their matter."""
    if _CHINESE.search(frame):
        return len(_CHINESE.findall(frame)) >= (3 if kind == "number" else 4)
    return meaningful(frame) >= (1 if kind == "number" else 2)
