"""Transcripts with times: SubRip (`.srt`) and WebVTT (`.vtt`).

Owns: cues, who speaks in them, putting the pieces of a sentence together again. Does not own:
chats and plain transcripts (`chat`, `transcript`).

A cue is what fits on a screen, mostly less than a sentence. Cues of one speaker are joined up
to a sentence's end once some lines have come together, and parted by a pause. Formats:
https://www.w3.org/TR/webvtt1/ and the format of the program SubRip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import TextIO

from memos_cli.errors import BadInput
from memos_cli.reader.split import without_controls
from memos_cli.schema import Draft, Skipped, Source

_CLOCK = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_CLOCK}\s*-->\s*{_CLOCK}(?:\s.*)?$")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>")
_TAG = re.compile(r"</?(?:[biucv]|ruby|rt|lang|font)\b[^>]*>|<\d[\d:.]*>|\{\\[^}]*\}", re.IGNORECASE)
_CALLED = re.compile(r"(?:>>+\s*)?(?:\[([^\]]{1,40})\]:?|([^\W\d_][\w .'’-]{0,39}?)\s*[:：])\s+(?=\S)")
_CHEVRONS = re.compile(r"^\s*>>+\s*")
_BLOCKS = ("NOTE", "STYLE", "REGION")
_PAUSE = 2.0
"""Seconds without a word after which a new memory begins."""
_ENOUGH, _MOST = 200, 1_000
_ENDS = (".", "!", "?", "…", "。", "！", "？", '."', '?"', '!"', "♪")
_LONGEST_LINE = 65_536


@dataclass
class _Cue:
    start: float
    end: float
    speaker: str | None
    text: str
    offset: int = 0


def read_subtitles(text: TextIO, name: str, session: str) -> Iterator[Draft | Skipped]:
    """Joined cues, `from` and `to` (hours:minutes:seconds) in info; with speakers they are turns of `session`.

    A time that cannot be read makes its cue a Skipped that names the line. Raises BadInput for
    a file without any text.
    """
    position, something = 0, False
    for each in _joined(_cues(text, name)):
        something = True
        if isinstance(each, Skipped):
            yield each
            continue
        said = each.speaker is not None
        yield Draft(
            memory=each.text,
            speaker=each.speaker,
            session_id=session if said else None,
            position=position,
            sources=(Source(type="chat" if said else "file", path=name, start=each.offset),),
            info={"from": _clock(each.start), "to": _clock(each.end)},
        )
        position += 1
    if not something:
        raise BadInput(source=name, reason="it holds no text")


def _cues(text: TextIO, name: str) -> Iterator[_Cue | Skipped]:
    speaker: str | None = None
    for number, offset, lines in _blocks(text):
        if lines[0].lstrip("\ufeff").startswith(("WEBVTT", *_BLOCKS)):
            continue
        place = next((place for place, line in enumerate(lines[:2]) if "-->" in line), None)
        if place is None:
            if any(line.strip() for line in lines):
                yield Skipped(
                    source=f"{name}:{number}", reason=f"line {number}: the times of a cue are missing"
                )
            continue
        timing = _TIMING.match(lines[place])
        if timing is None:
            where = number + place
            yield Skipped(
                source=f"{name}:{where}", reason=f"line {where}: the times of the cue cannot be read"
            )
            continue
        start, end = _seconds(timing.groups()[:4]), _seconds(timing.groups()[4:])
        for called, words in _voices("\n".join(lines[place + 1 :])):
            # A name stands where the speaker changes; `>>` alone says that it is somebody else.
            speaker = called if called is not None else speaker
            if words:
                yield _Cue(start, end, speaker or None, words, offset)


def _blocks(text: TextIO) -> Iterator[tuple[int, int, list[str]]]:
    """(number of the first line, its offset, lines) of each block between blank lines."""
    block: list[str] = []
    number = first = offset = begun = 0
    while line := text.readline(_LONGEST_LINE):
        number += 1
        if line.isspace():
            if block:
                yield first, begun, block
            block = []
        else:
            if not block:
                first, begun = number, offset
            block.append(line.rstrip("\n"))
        offset += len(line)
    if block:
        yield first, begun, block


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, thousandths = parts
    return (
        int(hours or 0) * 3600
        + int(minutes or 0) * 60
        + int(seconds or 0)
        + int((thousandths or "0").ljust(3, "0")) / 1000
    )


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 3600:02}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"


def _voices(payload: str) -> Iterator[tuple[str | None, str]]:
    """(speaker or None: as before, words) of what a cue says; `""` for somebody without a name."""
    parts = _VOICE.split(payload)
    if parts[0].strip():
        yield from _called(parts[0])
    for called, words in zip(parts[1::2], parts[2::2], strict=True):
        yield " ".join(unescape(called).split()), _plain(words)


def _called(payload: str) -> Iterator[tuple[str | None, str]]:
    """Lines of a cue without voice tags: `Anna: …`, `[Anna] …`, `>> …`."""
    speaker: str | None = None
    gathered: list[str] = []
    for line in payload.split("\n"):
        bare = _TAG.sub("", line).strip()
        named = _CALLED.match(bare)
        changed = named is not None or bool(_CHEVRONS.match(bare))
        if changed:
            if gathered:
                yield speaker, _plain("\n".join(gathered))
            speaker = " ".join((named[1] or named[2]).split()) if named else ""
            bare = bare[named.end() :] if named else _CHEVRONS.sub("", bare)
            gathered = []
        gathered.append(bare)
    yield speaker, _plain("\n".join(gathered))


def _plain(words: str) -> str:
    return " ".join(without_controls(unescape(_TAG.sub("", words))).split())


def _joined(cues: Iterator[_Cue | Skipped]) -> Iterator[_Cue | Skipped]:
    """Cues put together to sentences; what rolls up from the cue before is taken once."""
    held: _Cue | None = None
    for cue in cues:
        if isinstance(cue, Skipped):
            yield cue
            continue
        if held is not None and _belongs(held, cue):
            fresh = cue.text[len(held.text) :].strip() if cue.text.startswith(held.text) else cue.text
            if fresh and not held.text.endswith(fresh):
                held.text += (" " if not _unspaced(held.text[-1], fresh[0]) else "") + fresh
            held.end = max(held.end, cue.end)
            continue
        if held is not None:
            yield held
        held = cue
    if held is not None:
        yield held


def _belongs(held: _Cue, cue: _Cue) -> bool:
    if held.speaker != cue.speaker or cue.start - held.end > _PAUSE or len(held.text) + len(cue.text) > _MOST:
        return False
    return len(held.text) < _ENOUGH or not held.text.endswith(_ENDS)


def _unspaced(before: str, after: str) -> bool:
    """Whether two pieces of Chinese or Japanese meet, which no space parts."""
    return before >= "\u3000" and after >= "\u3000"
