"""Answers in the form of a pydantic model: the schema that is sent, and reading what comes back.

Owns: a model's JSON schema in the strict form that servers enforce, telling the schema in words, and
the lenient reading of an answer: fences and words around it, trailing commas, single quotes, brackets
that were not closed, a list that was cut off. Does not own: asking (`llm`), nor how an endpoint is
given the schema (`chatendpoint`).

Nothing is ever completed by guessing. A half-written entry is dropped, never closed: "Mira lives in
New" is another fact than the one that was being written. And what is short of entries is taken only
from a caller who said so (`partial`).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from memos_cli.prompts import prompt
from memos_cli.providers.thinking import without_thoughts

if TYPE_CHECKING:
    import pydantic

    Schema = TypeVar("Schema", bound=pydantic.BaseModel)

PLACES = 20
"""Groups of brackets in an answer that are tried as a document."""
LONGEST = 1_000_000
"""Characters of an answer that are looked at."""
LONGEST_QUOTE = 4000
"""Characters of a wrong answer that its model is shown again."""
LOOP_CHARACTERS, LOOP_TIMES = 40, 2
_OPENING = re.compile(r"[{\[]")
_FENCE = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)
_LENIENT = json.JSONDecoder(strict=False)
"""Takes a line break inside a string, which small models write."""


_CUT_OFF = "it was cut off before its end; write less"
_REPEATS = "it says the same over and over, and was cut off; say each thing once"


class Misread(Exception):
    """The answer is not what was asked for; the message says why, in words for the model."""


def json_schema(schema: type[pydantic.BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model in the strict form: every object closed, every property required."""
    strict: dict[str, Any] = _strict(schema.model_json_schema())
    return strict


def _strict(node: Any) -> Any:
    if isinstance(node, list):
        return [_strict(one) for one in node]
    if not isinstance(node, dict):
        return node
    # A default would say that a property may be missing, and strict servers refuse one.
    out = {key: _strict(value) for key, value in node.items() if key != "default"}
    if "properties" in node:
        out["properties"] = {name: _strict(value) for name, value in node["properties"].items()}
        out["required"] = list(node["properties"])
        out.setdefault("additionalProperties", False)
    return out


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether a server in strict mode takes the schema: none of its objects has free keys."""
    return '"additionalProperties": {' not in json.dumps(schema) and (
        '"additionalProperties": true' not in json.dumps(schema)
    )


def told(messages: Sequence[Mapping[str, Any]], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """`messages` with the schema told in words, for a model whose server cannot enforce it.

    It goes into the last message of a person, where models heed it most.
    """
    out = list(messages)
    place = max((i for i, m in enumerate(out) if m["role"] == "user"), default=None)
    language = "zh" if any(_is_chinese(m["content"]) for m in out) else "en"
    words = prompt("json_answer", language).fill(schema=json.dumps(schema, ensure_ascii=False))
    if place is None:
        return [*out, {"role": "user", "content": words}]
    content = out[place]["content"]
    if isinstance(content, str):
        out[place] = {**out[place], "content": f"{content}\n\n{words}"}
    else:
        out[place] = {**out[place], "content": [*content, {"type": "text", "text": words}]}
    return out


def _is_chinese(content: Any) -> bool:
    text = content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)
    return 4 * sum("\u4e00" <= letter <= "\u9fff" for letter in text) > len(text) > 0


def told_again(
    answer: str, reason: str, schema: Mapping[str, Any], language: str = "en"
) -> list[dict[str, Any]]:
    """The messages after a wrong answer: the answer, and what is wrong with it."""
    quote = answer if len(answer) <= LONGEST_QUOTE else f"{answer[:LONGEST_QUOTE]}…"
    words = prompt("json_repair", language).fill(error=reason, schema=json.dumps(schema, ensure_ascii=False))
    said = [{"role": "assistant", "content": quote}] if quote.strip() else []
    return [*said, {"role": "user", "content": words}]


def loops(text: str) -> bool:
    """Whether a text ends in saying the same over and over, as small models do: more room would
    bring more of it."""
    tail = text[-LOOP_CHARACTERS:]
    return len(tail) == LOOP_CHARACTERS and text.count(tail) > LOOP_TIMES


def read(text: str, schema: type[Schema], *, cut_off: bool = False, partial: bool = False) -> Schema:
    """The value in an answer. Raises Misread.

    `cut_off`: the model had no room to finish, so what is there is the beginning. `partial`: the whole
    entries of a list whose end is missing will do.
    """
    said = without_thoughts(text[:LONGEST]).strip()
    if not said:
        raise Misread("it is empty")
    problem = ""
    for document in _documents(said, whole=not cut_off):
        try:
            return _valid(document, schema)
        except Misread as error:
            problem = problem or str(error)
    if partial:
        for document in _beginnings(said):
            try:
                return _valid(document, schema, every_field=True)
            except Misread as error:
                problem = problem or str(error)
    if cut_off:
        raise Misread(_REPEATS if loops(said) else _CUT_OFF)
    raise Misread(problem or _what_is_wrong(said))


def _valid(document: Any, schema: type[Schema], *, every_field: bool = False) -> Schema:
    import pydantic

    if isinstance(document, list):
        document = _wrapped(document, schema)
    names = _names(schema)
    if isinstance(document, dict) and document and not names & document.keys():
        # Another object, such as the schema itself: where every field has a default it would pass as empty.
        raise Misread(f"it has none of the fields {', '.join(sorted(names))}")
    try:
        value = schema.model_validate(document)
    except pydantic.ValidationError as error:
        raise Misread(_told(error)) from error
    except RecursionError as error:
        raise Misread("it is nested too deeply") from error
    if every_field and value.model_fields_set != set(schema.model_fields):
        raise Misread(_CUT_OFF)
    return value


def _names(schema: type[pydantic.BaseModel]) -> set[str]:
    return {name for key, field in schema.model_fields.items() for name in (key, field.alias) if name}


def _wrapped(document: list[Any], schema: type[pydantic.BaseModel]) -> Any:
    """A bare list where an object with one list was wanted, as that object."""
    names = list(schema.model_fields)
    if len(names) == 1 and not issubclass(schema, _root_model()):
        return {schema.model_fields[names[0]].alias or names[0]: document}
    return document


def _root_model() -> type[pydantic.BaseModel]:
    import pydantic

    return pydantic.RootModel


def _told(error: pydantic.ValidationError) -> str:
    """What is wrong, in one line: at most five faults, without the values."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'.'.join(map(str, fault['loc'])) or 'the document'}: {fault['msg']}" for fault in faults[:5]]
    more = f" (and {len(faults) - 5} more)" if len(faults) > 5 else ""
    return "; ".join(lines) + more


def _documents(said: str, *, whole: bool) -> Iterator[Any]:
    """Every document that the text can be read as, the strictest reading first."""
    groups = _groups(said)
    for body in [said, *_FENCE.findall(said), *groups]:
        yield from _decoded(body)
    for body in groups:
        yield from _decoded(_TRAILING_COMMA.sub(r"\1", body))
        yield from _literal(body)
        if whole:
            yield from _decoded(_closed(body))


def _groups(said: str) -> list[str]:
    """What stands between outermost brackets, the last perhaps without an end.

    What stands inside one is no document: of `{"text": "whole", "parts": [{"text": "part"}], ` the
    part must not be taken for the whole.
    """
    groups: list[str] = []
    at = 0
    while len(groups) < PLACES and (opening := _OPENING.search(said, at)):
        end = _end(said, opening.start())
        groups.append(said[opening.start() : end])
        if end is None:
            break
        at = end
    return groups


def _end(said: str, start: int) -> int | None:
    """Where the brackets that open at `start` are closed again."""
    for at, stack, in_string in _walk(said, start):
        if not stack and not in_string:
            return at + 1
    return None


def _walk(said: str, start: int = 0) -> Iterator[tuple[int, list[str], bool]]:
    """For each character its place, the brackets open after it, and whether it leaves a string open."""
    stack: list[str] = []
    in_string = escaped = False
    for at in range(start, len(said)):
        letter = said[at]
        if in_string:
            in_string = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            in_string = True
        elif letter in "{[":
            stack.append(letter)
        elif letter in "}]" and stack:
            stack.pop()
        yield at, stack, in_string


def _decoded(body: str) -> Iterator[Any]:
    try:
        yield _LENIENT.decode(body.strip())
    except (ValueError, RecursionError):
        return


def _literal(body: str) -> Iterator[Any]:
    """Python's way to write the same: single quotes, True, None."""
    try:
        value = ast.literal_eval(body)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return
    if isinstance(value, (dict, list)):
        yield value


def _closed(body: str) -> str:
    """A document that lacks nothing but closing brackets after a closing bracket, closed; else something
    unreadable. After anything else it could lack more than that."""
    body = body.rstrip()
    if not body.endswith(("}", "]")):
        return ""
    *_, (_, stack, in_string) = _walk(body)
    return "" if in_string or not stack else body + _closing(stack)


def _closing(stack: Sequence[str]) -> str:
    return "".join("}" if opening == "{" else "]" for opening in reversed(stack))


def _beginnings(said: str) -> Iterator[Any]:
    """The document with the whole entries of its list, where the end of that list is missing."""
    for body in _groups(said):
        ends = list(_entry_ends(body))
        if ends:
            end, closing = ends[-1]
            yield from _decoded(body[:end] + closing)


_LIST, _FIELD, _OBJECT = ["["], ["{", "["], ["{"]


def _entry_ends(body: str) -> Iterator[tuple[int, str]]:
    """Where each entry of a list ends, and what closes the document there.

    Only of a list that is the document or a field of it: deeper down it could not be told what else
    is missing.
    """
    for at, stack, in_string in _walk(body):
        if in_string:
            continue
        if body[at] == "," and stack in (_LIST, _FIELD):
            yield at, _closing(stack)
        elif (body[at] == "}" and stack in (_LIST, _FIELD)) or (body[at] == "]" and stack == _OBJECT):
            yield at + 1, _closing(stack)


def _what_is_wrong(said: str) -> str:
    opening = _OPENING.search(said)
    if opening is None:
        return "it holds no JSON document"
    try:
        _LENIENT.raw_decode(said, opening.start())
    except (ValueError, RecursionError) as error:
        return f"it is not JSON: {error}"
    return "it is not the JSON document that was asked for"
