"""Where a model's folder is: on this disk, in the Hub's cache, or on the Hub.

Owns: the order in which places are tried, and what is downloaded (configuration, tokenizer, and
one set of ONNX or safetensors weights; never a pickle, never code). Does not own: reading it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memos_cli.errors import EmbedderUnavailable
from memos_cli.providers.embedder import EmbedderSettings

Weights = Callable[[list[str], str], list[str]]
"""(files of a repository, the model's name) to the files to fetch."""

_CONFIGURATION = ["*.json", "*.jinja", "README.md"]
_HUB_NAME_HINT = "Write a folder, or a name on the Hub, which has the form `OWNER/MODEL`."


@dataclass(frozen=True)
class Place:
    """Where a model lies."""

    folder: Path
    model: Path | None
    """The ONNX file, when the name says which."""
    stored: str
    """What a cube stores after the colon: it finds the same model from any working directory."""


def find(
    scheme: str,
    rest: str,
    settings: EmbedderSettings,
    marker: str = "modules.json",
    weights: Weights | None = None,
) -> Place:
    """The place of what stands after `onnx:`, `st:` or `local:`; downloads it if it must and may.

    `marker`: the file without which a model of the wanted kind is not whole in the Hub's cache.
    `weights`: which files are its weights; without, `weights_of`.
    """
    path = Path(rest).expanduser()
    if path.exists():
        place = _on_disk(path, str(path.resolve()))
    elif settings.models_dir and (settings.models_dir / rest).exists():
        place = _on_disk(settings.models_dir / rest, rest)
    else:
        place = None
    if place:
        return place
    name = f"{scheme}:{rest}"
    repository, _, revision = rest.partition("@")
    if not _is_hub_name(repository):
        raise EmbedderUnavailable(name=name, reason=f"there is no folder {path}", hint=_HUB_NAME_HINT)
    folder = _from_hub(name, repository, revision or None, settings, marker, weights or weights_of)
    return Place(folder, None, rest)


def _on_disk(path: Path, stored: str) -> Place | None:
    path = path.resolve()
    if path.is_dir():
        return Place(path, None, stored)
    if path.suffix == ".onnx":
        return Place(path.parent.parent if path.parent.name == "onnx" else path.parent, path, stored)
    return None


def _is_hub_name(text: str) -> bool:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(text)
    except HFValidationError:
        return False
    return text.count("/") == 1


def _from_hub(
    name: str,
    repository: str,
    revision: str | None,
    settings: EmbedderSettings,
    marker: str,
    weights: Weights,
) -> Path:
    cached = _cached(repository, revision, settings, marker)
    if cached:
        return cached
    if settings.offline:
        raise EmbedderUnavailable(
            name=name,
            reason=f"{repository} is not in the Hub's cache, and memos is offline",
            hint="Allow downloads with `memos config set offline false`, or give the model's folder.",
        )
    return _download(name, repository, revision, settings, weights)


def _cached(repository: str, revision: str | None, settings: EmbedderSettings, marker: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    where: dict[str, Any] = {"revision": revision, "cache_dir": settings.models_dir, "local_files_only": True}
    try:
        folder = Path(snapshot_download(repository, allow_patterns=_CONFIGURATION, **where))
    except LocalEntryNotFoundError:
        return None
    return folder if (folder / marker).exists() and _has_weights(folder) else None


def _has_weights(folder: Path) -> bool:
    """ONNX or safetensors weights are there, all parts of the latter."""
    if any(folder.glob("*.onnx")) or any(folder.glob("onnx/*.onnx")):
        return True
    indexes = list(folder.rglob("*.safetensors.index.json"))
    parts = {i.parent / p for i in indexes for p in json.loads(i.read_text())["weight_map"].values()}
    return all(p.exists() for p in parts) if parts else any(folder.rglob("*.safetensors"))


def _download(
    name: str, repository: str, revision: str | None, settings: EmbedderSettings, weights: Weights
) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    with hub_errors(name):
        info = HfApi().model_info(repository, revision=revision, timeout=settings.embed_timeout or None)
        files = [f.rfilename for f in info.siblings or ()]
        patterns = [*_CONFIGURATION, *weights(files, name)]
        where: dict[str, Any] = {"revision": revision, "cache_dir": settings.models_dir}
        return Path(snapshot_download(repository, allow_patterns=patterns, **where))


def weights_of(files: list[str], name: str) -> list[str]:
    """Which weight files of a repository to fetch: one ONNX model, else all safetensors."""
    safe = [f for f in files if f.endswith(".safetensors")]
    for model in ("onnx/model.onnx", "model.onnx"):
        if model in files:
            beside = [f for f in files if f.startswith(model.removesuffix(".onnx") + ".onnx")]
            return [*beside, *(f for f in safe if "/" in f)]
    return safe or safetensors_of(files, name)


def safetensors_of(files: list[str], name: str) -> list[str]:
    """The safetensors files of a repository, those in its root where it has some there."""
    safe = [f for f in files if f.endswith(".safetensors")]
    if safe:
        return [f for f in safe if "/" not in f] or safe
    pickles = [f for f in files if f.endswith((".bin", ".pt", ".pth", ".ckpt"))]
    what = (
        f"only {', '.join(pickles)}, a pickle that can run code"
        if pickles
        else "no ONNX or safetensors weights"
    )
    raise EmbedderUnavailable(
        name=name, reason=f"the repository holds {what}; memos reads ONNX and safetensors"
    )


@contextmanager
def hub_errors(name: str) -> Iterator[None]:
    """What the Hub's client raises, network trouble included, as ours."""
    import huggingface_hub.errors as hub

    # its HTTP client is httpx or httpx2, by version; it re-exports that one's base class
    http: type[Exception] = hub.HTTPError  # type: ignore[attr-defined]
    try:
        yield
    except hub.GatedRepoError as error:
        reason = "the Hub gives this model only to those who accepted its terms"
        raise EmbedderUnavailable(
            name=name, reason=reason, hint="Accept them on its page, then `hf auth login`."
        ) from error
    except hub.RepositoryNotFoundError as error:
        raise EmbedderUnavailable(
            name=name, reason="the Hub has no such model", hint=_HUB_NAME_HINT
        ) from error
    except (http, OSError) as error:
        reason = f"the Hub could not be reached: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        raise EmbedderUnavailable(
            name=name, reason=reason, hint="Try again, or give the model's folder."
        ) from error
