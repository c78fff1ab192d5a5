"""Tools as memories: what a tool is for (schema), and one use of it with its outcome (trajectory).

Owns: the words by which a need finds a tool, whether a result is an error, the tags that uses
are counted by. Does not own: where calls stand in a chat (`chat`), the counts (`operations/tools`).

Formats: OpenAI's `tools` (https://platform.openai.com/docs/guides/function-calling) and the
answer to `tools/list` of MCP (https://modelcontextprotocol.io/specification, `inputSchema`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from memos_cli.reader.records import as_lines
from memos_cli.reader.split import without_controls

Json = Any

USED, WELL, FAILED = "tool:", "tool-ok:", "tool-failed:"
"""Every use of a tool has the tag `tool:NAME`, one that was answered `tool-ok:NAME` or
`tool-failed:NAME` besides: that is what counts are made of, so that no use rewrites what is known of
the tool."""
_SHOWN = 300

_ERROR = re.compile(
    r"\s*(?:\W{0,3}(?:error|exception|fatal|failed|failure)\b|\W{0,3}traceback \("
    r"|\w*(?:Error|Exception)\b\s*[:(]|(?:错误|失败|异常)[:：])",
    re.IGNORECASE,
)


def definitions(value: Json) -> list[dict[str, Json]] | None:
    """The tools that a JSON document defines; None if it is no list of tools.

    A list of OpenAI's tools or of bare functions, `{"tools": […]}`, or an MCP server's answer.
    """
    if isinstance(value, dict):
        result = value.get("result")
        inner = result if isinstance(result, dict) else value
        if "messages" in inner or not isinstance(inner.get("tools", inner.get("functions")), list):
            return _listed([value]) if _is_definition(value, strict=True) else None
        value = inner.get("tools", inner.get("functions"))
    if not isinstance(value, list) or not value:
        return None
    return _listed(value) if all(_is_definition(each, strict=True) for each in value) else None


def _listed(value: list[Json]) -> list[dict[str, Json]]:
    return [function for each in value if (function := function_of(each)) is not None]


def _is_definition(value: Json, *, strict: bool) -> bool:
    function = function_of(value)
    if function is None or not isinstance(function.get("name"), str):
        return False
    wrapped = isinstance(value, dict) and value.get("type") == "function"
    schemas = (function.get(name) for name in ("parameters", "inputSchema", "input_schema"))
    return not strict or wrapped or any(isinstance(schema, dict) for schema in schemas)


def function_of(tool: Json) -> dict[str, Json] | None:
    """The function itself, out of the wrapper that OpenAI's format puts around it."""
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    return function if isinstance(function, dict) and as_lines(function) else None


def schema_text(function: dict[str, Json]) -> str:
    """What a tool is for, in words: its name (also parted into words), its description, its parameters."""
    name = function.get("name")
    if not isinstance(name, str) or not name:
        return as_lines(function)
    spaced = " ".join(_words_of(name))
    title = f"{name} ({spaced})" if spaced != name.casefold() else name
    described = function.get("description")
    lines = [
        f"Tool {title}: {described.strip()}"
        if isinstance(described, str) and described.strip()
        else f"Tool {title}"
    ]
    parameters = [f"- {line}" for line in _parameters(_schema(function))]
    return without_controls("\n".join([*lines, *(["Parameters:"] if parameters else []), *parameters]))


def _words_of(name: str) -> list[str]:
    """`readPdfFile` and `read_pdf_file` as words."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return [word.casefold() for word in re.split(r"[\W_]+", parted) if word]


def _schema(function: dict[str, Json]) -> dict[str, Json]:
    told = (function.get(name) for name in ("parameters", "inputSchema", "input_schema"))
    return next((schema for schema in told if isinstance(schema, dict)), {})


def _parameters(schema: dict[str, Json]) -> Iterator[str]:
    fields = schema.get("properties")
    required = schema.get("required")
    for name, about in fields.items() if isinstance(fields, dict) else ():
        facts = about if isinstance(about, dict) else {}
        sort = facts.get("type")
        allowed = facts.get("enum")
        told = [
            sort if isinstance(sort, str) else "",
            "required" if isinstance(required, list) and name in required else "",
            "one of " + ", ".join(map(str, allowed)) if isinstance(allowed, list) else "",
        ]
        what = ", ".join(filter(None, told))
        described = facts.get("description")
        yield f"{name}{f' ({what})' if what else ''}" + (
            f": {described.strip()}" if isinstance(described, str) else ""
        )


def name_of(call: dict[str, Json]) -> str:
    """What a call calls."""
    called = _called(call).get("name")
    return called if isinstance(called, str) and called else "tool"


def arguments_of(call: dict[str, Json]) -> str:
    """The arguments of a call, as they were sent."""
    arguments = _called(call).get("arguments", "")
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _called(call: dict[str, Json]) -> dict[str, Json]:
    function = call.get("function")
    return function if isinstance(function, dict) else call


def call_text(call: dict[str, Json]) -> str:
    """`name(arguments)`."""
    return f"{name_of(call)}({arguments_of(call)})"


def error_of(message: dict[str, Json], text: str) -> str | None:
    """The first line of the error that a tool's answer is, None where it is none.

    A flag of the message decides, else a field of an answer in JSON, else how the text begins.
    """
    for flag, bad in (("is_error", True), ("isError", True), ("success", False), ("ok", False)):
        if isinstance(message.get(flag), bool):
            return _first_line(text) if message[flag] is bad else None
    if message.get("status") in ("error", "failed", "success", "ok", "completed"):
        return _first_line(text) if message["status"] in ("error", "failed") else None
    if text.lstrip()[:1] == "{":
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return _error_in(value) if isinstance(value, dict) else None
    return _first_line(text) if _ERROR.match(text) else None


def _error_in(value: dict[str, Json]) -> str | None:
    error = value.get("error")
    if error not in (None, False, "", [], {}):
        told = error.get("message", error) if isinstance(error, dict) else error
        return _first_line(told if isinstance(told, str) else json.dumps(told, ensure_ascii=False))
    bad = value.get("success") is False or value.get("ok") is False or value.get("isError") is True
    if bad or value.get("status") in ("error", "failed"):
        told = value.get("message")
        return _first_line(told if isinstance(told, str) else json.dumps(value, ensure_ascii=False))
    return None


def _first_line(text: str) -> str:
    """The line that tells an error: of a Python traceback the last one."""
    lines = [line.strip() for line in without_controls(text).strip().split("\n") if line.strip()] or ["error"]
    line = lines[-1] if lines[0].casefold().startswith("traceback") else lines[0]
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"


def tags_of(name: str, error: str | None, *, answered: bool = True) -> tuple[str, ...]:
    """The tags by which a use of the tool is counted."""
    if not answered:
        return (USED + name,)
    return (USED + name, (WELL if error is None else FAILED) + name)
