"""Images as drafts: what a model says is on them, with the image as their source.

Owns: telling images by their first bytes, and what is kept of one (path, hash, size). Does not
own: the model that looks at it (the caller hands a function in).

An image is no text. Where nothing can describe it, it is refused by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from memos_cli.errors import BadInput, LLMError
from memos_cli.reader.split import without_controls
from memos_cli.schema import Draft, Origin, Source

LARGEST = 20 << 20
"""Bytes of the largest image that is shown to a model."""

Describe = Callable[[bytes, str], str]
"""What is on an image: called with its bytes and its media type (`image/png`); raises an LLMError or
BadInput where it cannot say."""

_KINDS = (
    (b"\x89PNG\r\n", "image/png", "a PNG image"),
    (b"\xff\xd8\xff", "image/jpeg", "a JPEG image"),
    (b"GIF8", "image/gif", "a GIF image"),
    (b"BM", "image/bmp", "a BMP image"),
    (b"II*\0", "image/tiff", "a TIFF image"),
    (b"MM\0*", "image/tiff", "a TIFF image"),
)


def kind_of(head: bytes) -> tuple[str, str] | None:
    """(media type, name) of an image, by its first bytes; None for what is none."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp", "a WebP image"
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        return "image/heif", "a HEIF image"
    # Two letters begin many a text, so a bitmap must also say its size and have zeros after it.
    found = next((row for row in _KINDS if head.startswith(row[0])), None)
    if found is None or (found[0] == b"BM" and head[6:10] != b"\0\0\0\0"):
        return None
    return found[1], found[2]


def read_image(stream: BinaryIO, name: str, describe: Describe | None) -> Iterator[Draft]:
    """What `describe` says of the image; its hash, size and media type in info.

    Raises BadInput without a `describe`, for an image that is too large, and for an empty answer.
    """
    stream.seek(0)
    data = stream.read(LARGEST + 1)
    media, called = kind_of(data[:64]) or ("application/octet-stream", "no image")
    if describe is None:
        raise BadInput(
            source=name,
            reason=f"it is {called}, and no model that describes pictures is configured (`memos help add`)",
        )
    if len(data) > LARGEST:
        raise BadInput(source=name, reason=f"it is {called} larger than {LARGEST >> 20} MB")
    try:
        said = without_controls(describe(data, media)).strip()
    except BadInput as exc:
        raise BadInput(source=name, reason=f"it is {called}: {exc.fields['reason']}") from exc
    except LLMError as exc:
        raise BadInput(source=name, reason=f"it is {called}: {exc.message}") from exc
    if not said:
        raise BadInput(source=name, reason=f"it is {called}, and the model said nothing about it")
    yield Draft(
        memory=said,
        origin=Origin.INFERRED,
        position=0,
        sources=(Source(type="image", path=name),),
        info={"media_type": media, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()},
    )
