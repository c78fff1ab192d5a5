"""What is on a picture, asked of the session's language model.

Owns: the request. Does not own: which files are pictures and what is kept of them (`reader/images`),
nor the words of the question (`prompts/image_description`).
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from memos_cli.errors import BadInput
from memos_cli.prompts import prompt

if TYPE_CHECKING:
    from memos_cli.session import Session


def describe(session: Session, image: bytes, media: str) -> str:
    """The model's description. Raises LLMError: there is no such model, it fails, or reads no pictures;
    BadInput where none is configured."""
    if session.llm is None:
        raise BadInput(source="the image", reason="no model that describes pictures is configured")
    picture = f"data:{media};base64,{base64.b64encode(image).decode('ascii')}"
    content = [
        {"type": "text", "text": prompt("image_description").text},
        {"type": "image_url", "image_url": {"url": picture}},
    ]
    return session.llm.chat([{"role": "user", "content": content}]).text
