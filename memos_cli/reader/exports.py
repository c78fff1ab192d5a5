"""Exports of messengers as JSON (Slack, Telegram, ChatGPT), as the messages that `chat` reads.

Owns: which fields of an export are the words, the speaker and the time. Does not own: turns.
What is no export is handed back as it came.
"""

from __future__ import annotations

from typing import Any

Json = Any


def as_chats(value: Json) -> Json:
    """`value`, in OpenAI's format where it is an export that we know."""
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        if all("mapping" in each for each in value):
            return [_chatgpt(each) for each in value]
        if any(map(_is_slack, value)) and not any("role" in each for each in value):
            return {"messages": [_slack(each) for each in value if _is_slack(each)]}
    if isinstance(value, dict):
        if isinstance(value.get("mapping"), dict):
            return _chatgpt(value)
        messages = value.get("messages")
        if isinstance(messages, list) and any(map(_is_telegram, messages)):
            return _telegram(value)
    return value


def _is_slack(each: Json) -> bool:
    return isinstance(each, dict) and each.get("type") == "message" and "ts" in each and "text" in each


def _slack(each: dict[str, Json]) -> dict[str, Json]:
    """https://slack.com/help/articles/220556107 (a channel's file of one day)."""
    profile = each.get("user_profile")
    names = profile if isinstance(profile, dict) else {}
    told = (names.get("display_name"), names.get("real_name"), each.get("username"), each.get("user"))
    name = next((each for each in told if isinstance(each, str) and each), None)
    return {"role": "user", "name": name, "content": each["text"], "timestamp": _seconds(each["ts"])}


def _seconds(stamp: Json) -> Json:
    try:
        return float(stamp)
    except (TypeError, ValueError):
        return stamp


def _is_telegram(each: Json) -> bool:
    return (
        isinstance(each, dict) and "from" in each and "date" in each and "text" in each and "role" not in each
    )


def _telegram(value: dict[str, Json]) -> dict[str, Json]:
    """What Telegram Desktop writes as `result.json`."""
    messages = [
        {
            "role": "user",
            "name": each["from"] if isinstance(each["from"], str) else None,
            "content": _telegram_text(each["text"]),
            "timestamp": each.get("date_unixtime") or each["date"],
            "id": each.get("id"),
        }
        for each in value["messages"]
        if _is_telegram(each)
    ]
    called = value.get("name")
    return {"messages": messages, **({"session_id": called} if isinstance(called, str) and called else {})}


def _telegram_text(text: Json) -> str:
    parts = text if isinstance(text, list) else [text]
    return "".join(str(part.get("text", "")) if isinstance(part, dict) else str(part) for part in parts)


def _chatgpt(value: dict[str, Json]) -> dict[str, Json]:
    """A conversation of `conversations.json`: the branch that ends in its current node."""
    nodes = value["mapping"] if isinstance(value["mapping"], dict) else {}
    node, branch, seen = value.get("current_node"), [], set()
    if node not in nodes:
        node = next(reversed(nodes), None)
    while isinstance(node, str) and node in nodes and node not in seen:
        seen.add(node)
        each = nodes[node] if isinstance(nodes[node], dict) else {}
        if isinstance(each.get("message"), dict):
            branch.append(_chatgpt_message(each["message"]))
        node = each.get("parent")
    session = value.get("conversation_id") or value.get("id") or value.get("title")
    return {"messages": branch[::-1], **({"session_id": session} if isinstance(session, str) else {})}


def _chatgpt_message(message: dict[str, Json]) -> dict[str, Json]:
    author = message.get("author")
    content = message.get("content")
    parts = content.get("parts", content.get("text")) if isinstance(content, dict) else content
    texts = [part for part in parts if isinstance(part, str)] if isinstance(parts, list) else parts
    return {
        "role": author.get("role", "user") if isinstance(author, dict) else "user",
        "content": "\n".join(texts) if isinstance(texts, list) else texts,
        "timestamp": message.get("create_time"),
        "id": message.get("id"),
    }
