"""The grammar of plain Chinese statements: sentence → claims.

Owns: which pattern is tried on a sentence, and in which order. Does not own: the patterns (the other files of this
folder), nor what a claim is (`stores/claims`).

Nothing is segmented: a pattern finds its verb between the subject and the value, and what stands before it must be
a definite subject as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from memos_cli.stores.chinese.attribute import attribute
from memos_cli.stores.chinese.deadline import due
from memos_cli.stores.chinese.dwelling import dwelling, home
from memos_cli.stores.chinese.marriage import marital
from memos_cli.stores.chinese.measure import counted, measured
from memos_cli.stores.chinese.occasion import occasion
from memos_cli.stores.chinese.occupation import school, work
from memos_cli.stores.chinese.sentence import sentence_of
from memos_cli.stores.chinese.state import plain, switched
from memos_cli.stores.claims import Claim


def read(text: str) -> Iterator[Claim]:
    """The claims of a Chinese text. See `stores/claims`."""
    sentence = sentence_of(text)
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
    yield from plain(sentence)


_NUMERALS = frozenset("0123456789")
_PATTERNS = (
    (due, frozenset("月")),
    (dwelling, frozenset("住搬")),
    (home, frozenset("住居活搬移迁家")),
    (work, frozenset("作班职槽入去换离辞退")),
    (school, frozenset("读学书转考")),
    (marital, frozenset("婚异手爱往身友象")),
    (measured, _NUMERALS),
    (counted, _NUMERALS),
    (switched, frozenset("从")),
    (occasion, frozenset("到在于是")),
    (attribute, frozenset("生成为到是叫:")),
)
"""What is tried, in this order, each beside characters of which a sentence must have one."""
