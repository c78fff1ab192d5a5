"""A language model's judgement of one new memory beside those that the search finds.

Owns: the question, and what of the answer is believed. Does not own: when a model is asked, nor what
follows (`operations/judge`).

Nothing is believed without its evidence. The model names who it is about and quotes what each text
says; a subject that does not stand in both texts, or a quotation that is none, makes the memory new.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from memos_cli.prompts import prompt
from memos_cli.reader.language import language_of
from memos_cli.schema import Draft, MemoryItem
from memos_cli.stores.nearness import canonical, normalized
from memos_cli.stores.verdicts import Relation, Verdict

if TYPE_CHECKING:
    import pydantic

    from memos_cli.providers.llm import LLM

MAX_TOKENS = 400
_FIRST = frozenset(("i", "my", "we", "our", "me", "us", "我", "我们", "我的", "我们的", "咱们"))
_DENIALS = frozenset(("not", "no", "never", "without"))


def ask(
    llm: LLM, draft: Draft | MemoryItem, there: Sequence[MemoryItem]
) -> tuple[MemoryItem, Verdict] | None:
    """What `draft` is to one of the memories `there`; None: new, or not borne out. Raises LLMError."""
    language = "zh" if (draft.language or language_of(draft.memory)) == "zh" else "en"
    listed = "\n".join(f"{i}. [{_day(item)}] {item.memory}" for i, item in enumerate(there, 1))
    day = f"{draft.said_at:%Y-%m-%d}" if draft.said_at else "-"
    text = prompt("judge", language).fill(new=f"[{day}] {draft.memory}", there=listed)
    said = llm.ask([{"role": "user", "content": text}], _form(), max_tokens=MAX_TOKENS, language=language)
    return _borne_out(said, draft, there)


def _day(item: MemoryItem) -> str:
    return f"{item.said_at or item.known_from:%Y-%m-%d}"


def _form() -> type[pydantic.BaseModel]:
    import pydantic

    class Judgement(pydantic.BaseModel):
        relation: Literal["new", "duplicate", "update", "contradiction", "complement"]
        number: int = 0
        subject: str = ""
        before: str = ""
        after: str = ""
        reason: str = ""

    return Judgement


def _borne_out(
    said: pydantic.BaseModel, draft: Draft | MemoryItem, there: Sequence[MemoryItem]
) -> tuple[MemoryItem, Verdict] | None:
    given = said.model_dump()
    relation, number = Relation(given["relation"]), given["number"]
    if relation is Relation.NEW or not 1 <= number <= len(there):
        return None
    item = there[number - 1]
    old, new = normalized(item.memory), normalized(draft.memory)
    reason = f"a language model says: {' '.join(given['reason'].split())[:200] or relation}"
    if relation is Relation.COMPLEMENT:
        return (
            (item, Verdict(relation, reason))
            if _shared(given["subject"], item.memory, draft.memory)
            else None
        )
    if relation is Relation.DUPLICATE:
        return (item, Verdict(relation, reason, sure=True)) if _as_much(item.memory, draft.memory) else None
    before, after = normalized(given["before"]), normalized(given["after"])
    quoted = before and after and before != after and before in old and after in new
    if not quoted or not _shared(given["subject"], item.memory, draft.memory):
        return None
    return item, Verdict(relation, reason, sure=True)


def _shared(subject: str, old: str, new: str) -> bool:
    """Whether both texts name this subject: somebody or something, not just any word of theirs."""
    name = subject.strip()
    plain = normalized(name)
    if not plain:
        return False
    words = [set(canonical(normalized(text))) for text in (old, new)]
    if plain in _FIRST:
        return all(w & _FIRST or text.startswith("我") for w, text in zip(words, (old, new), strict=True))
    if name.isascii() and not (name[0].isupper() or plain.split()[0] in _FIRST | {"the"}):
        return False
    return all(
        re.search(rf"(?<!\w){re.escape(plain)}(?!\w)" if name.isascii() else re.escape(plain), normalized(t))
        for t in (old, new)
    )


def _as_much(old: str, new: str) -> bool:
    """Whether nothing that tells two facts apart stands in one text alone: numbers, names, denials."""
    one, other = canonical(normalized(old)), canonical(normalized(new))
    if sorted(w for w in one if w[0].isdigit()) != sorted(w for w in other if w[0].isdigit()):
        return False
    if sum(w in _DENIALS for w in one) != sum(w in _DENIALS for w in other):
        return False
    if any(old.count(c) != new.count(c) for c in "不没无未别"):
        return False
    names = [set(re.findall(r"(?<![.!?] )(?<=\s)[A-Z][\w'-]*", text)) for text in (old, new)]
    return names[1] <= names[0] | set(old.split()) and bool(set(one) & set(other))
