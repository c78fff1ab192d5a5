"""`memos config set`: a setting that is worth writing is written.

Owns: refusing names that mean nothing to the provider they are for. Does not own: the settings and their
file (`settings`), nor whether a model is there (`providers/embedder`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memos_cli import settings as module
from memos_cli.providers.embedder import refuse_unknown

if TYPE_CHECKING:
    from pathlib import Path

    from memos_cli.settings import Settings


def configure(settings: Settings, name: str, text: str | None) -> Path:
    """Write one setting to `config.toml`, or remove it when `text` is None; returns the file.

    Raises what `settings.write` raises, and UnknownEmbedder.
    """
    if text is not None and module.find(name).name == "embedder" and text.strip():
        refuse_unknown(text)
    return module.write(settings, name, text)
