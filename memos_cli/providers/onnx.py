"""Sentence-transformers models through onnxruntime: the shipped `minilm`, `onnx:` and `st:`.

Owns: choosing what to run in a folder, opening an ONNX session, mapping onnxruntime's exceptions,
and the embedder made of tokenizer, model and recipe. Does not own: reading the folder's files
(`folder`), finding it on the Hub (`hub`), models that have only safetensors weights (`local`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from memos_cli.errors import EmbedderFailed, EmbedderUnavailable
from memos_cli.providers.embedder import EmbedderSettings, Progress, mean_vector
from memos_cli.providers.folder import Recipe, read_recipe
from memos_cli.providers.tokens import Piece, Pieces, batches, open_tokenizer, padded

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Tokenizer

Run = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""(ids, mask), both int64 (batch, tokens), to token states float32 (batch, tokens, hidden)."""

_MODEL_FILES = ("onnx/model.onnx", "model.onnx")
_KNOWN_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids", "position_ids"})


QUERY_PIECES = 4
"""Pieces of a question that are read, about a thousand tokens: the mean of more says ever less, and a
pasted book would take minutes."""


WORTH = 300
"""Tokens in one process from which on the wide form of a model pays: it takes .13 s more to open, and
saves .8 ms a token (EPYC 7001, no VNNI)."""


class SentenceEmbedder:
    """An embedder of a tokenizer, a model that gives token states, and a recipe.

    `wider` opens the same model in a form that takes longer to open and less to run; it does once more
    than WORTH tokens are read.
    """

    max_tokens: int | None

    def __init__(
        self,
        name: str,
        recipe: Recipe,
        pieces: Pieces,
        run: Run,
        threads: int = 1,
        wider: Callable[[], Run] | None = None,
    ) -> None:
        self.name = name
        self.dimension = recipe.dimension
        self.max_tokens = recipe.max_tokens
        self.languages = recipe.languages
        self._recipe = recipe
        self._pieces = pieces
        self._run = run
        self._threads = threads if threads > 0 else os.cpu_count() or 1
        self._wider = wider
        self._read = 0

    def embed_query(self, text: str) -> np.ndarray:
        [pieces] = self._pieces.cut([text], self._recipe.query_prompt)
        return mean_vector(self._embed(pieces[:QUERY_PIECES], None, threads=1))

    def embed_documents(self, texts: Sequence[str], progress: Progress | None = None) -> list[np.ndarray]:
        if not texts:
            return []
        per_text = self._pieces.cut(texts, self._recipe.document_prompt)
        vectors = self._embed([p for pieces in per_text for p in pieces], progress, self._threads)
        ends = np.cumsum([len(pieces) for pieces in per_text])[:-1]
        return np.split(vectors, ends)

    def _embed(self, pieces: Sequence[Piece], progress: Progress | None, threads: int) -> np.ndarray:
        self._expect(sum(len(piece.ids) for piece in pieces))
        out = np.zeros((len(pieces), self.dimension), np.float32)
        told = [i for i, piece in enumerate(pieces) if not piece.empty]
        groups = [[told[i] for i in group] for group in batches([len(pieces[i].ids) for i in told])]
        done = len(pieces) - len(told)
        for group, vectors in each(lambda g: self._batch([pieces[i] for i in g]), groups, threads):
            out[group] = vectors
            done += len(group)
            if progress:
                progress(done, len(pieces))
        return out

    def _expect(self, tokens: int) -> None:
        """Change to the wide form before a batch is begun, never within one."""
        self._read += tokens
        if (wider := self._wider) is not None and self._read > WORTH:
            self._run, self._wider = wider(), None

    def _batch(self, pieces: Sequence[Piece]) -> np.ndarray:
        ids, mask = padded([p.ids for p in pieces], self._recipe.pad_id, self._recipe.pad_left)
        states = self._run(ids, mask)
        vectors = self._recipe.vectors(states, mask, np.array([p.prompt for p in pieces]))
        if vectors.shape[1] != self.dimension:
            reason = f"it gave {vectors.shape[1]} dimensions where its files say {self.dimension}"
            raise EmbedderFailed(name=self.name, reason=reason)
        if not np.isfinite(vectors).all():
            raise EmbedderFailed(name=self.name, reason="it gave a vector with NaN or infinity in it")
        return vectors


def each(
    work: Callable[[list[int]], np.ndarray], groups: Sequence[list[int]], threads: int
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Each group with its result. Threads take whole batches, so that a batch is computed in the
    same way whatever their number."""
    if threads == 1 or len(groups) < 2:
        yield from ((group, work(group)) for group in groups)
        return
    with ThreadPoolExecutor(min(threads, len(groups))) as pool:
        yield from zip(groups, pool.map(work, groups), strict=True)


def load(scheme: str, rest: str, settings: EmbedderSettings) -> SentenceEmbedder:
    """The embedder `onnx:rest` or `st:rest`: a folder, an ONNX file in one, or a Hub name."""
    from memos_cli.providers.hub import find

    place = find(scheme, rest, settings)
    name = f"{scheme}:{place.stored}"
    model = place.model or find_model(place.folder)
    if model:
        return load_folder(place.folder, name=name, model=model, threads=settings.embed_threads)
    if scheme == "onnx":
        reason = f"there is no ONNX model in {place.folder}"
        raise EmbedderUnavailable(name=name, reason=reason, hint=f"Try `st:{rest}`.")
    from memos_cli.providers.local import load_local

    return load_local(place.folder, name, settings.embed_threads)


def find_model(folder: Path) -> Path | None:
    """The ONNX model of a folder: `onnx/model.onnx`, `model.onnx`, else the only one there is."""
    for name in _MODEL_FILES:
        if (folder / name).is_file():
            return folder / name
    others = sorted(folder.glob("*.onnx")) + sorted(folder.glob("onnx/*.onnx"))
    return others[0] if len(others) == 1 else None


def load_folder(
    folder: Path,
    *,
    name: str,
    model: Path | None = None,
    threads: int = 1,
    fused: bool = False,
    wide: Path | None = None,
) -> SentenceEmbedder:
    """The embedder of a sentence-transformers folder with an ONNX model.

    `fused`: the graph is already in onnxruntime's own operators; optimising it again would cost
    time at every start and change nothing. `wide`: the same model in float32, for many texts.
    """
    recipe = read_recipe(folder, name)
    pieces = open_pieces(recipe, name)
    file = model or find_model(recipe.transformer) or recipe.transformer / "model.onnx"
    run = open_session(file, recipe, name, fused)
    wider = partial(open_session, wide, recipe, name, fused) if wide else None
    return SentenceEmbedder(name, recipe, pieces, run, threads, wider)


def open_pieces(recipe: Recipe, name: str) -> Pieces:
    tokenizer = open_tokenizer(recipe.transformer / "tokenizer.json", name)
    if recipe.lower_case:
        lower_cased(tokenizer)
    if any(tokenizer.encode("type ids").type_ids):
        raise EmbedderUnavailable(
            name=name, reason="its tokenizer marks tokens with types, which memos does not know"
        )
    return Pieces(tokenizer, recipe.max_tokens, name)


def lower_cased(tokenizer: Tokenizer) -> None:
    """Make `tokenizer` lower-case what it reads, before anything else it does with it."""
    from tokenizers.normalizers import Lowercase, Sequence

    own = tokenizer.normalizer
    tokenizer.normalizer = Sequence([Lowercase(), *([own] if own else [])])


def open_session(file: Path, recipe: Recipe, name: str, fused: bool = False) -> Run:
    """`Run` over the ONNX model in `file`."""
    session, inputs = inference_session(file, name, fused)
    output = _states_output(session, file, name)

    def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        feeds = {"input_ids": ids, "attention_mask": mask}
        if "token_type_ids" in inputs:
            feeds["token_type_ids"] = np.zeros_like(ids)
        if "position_ids" in inputs:
            feeds["position_ids"] = positions(mask, recipe)
        with onnx_errors(name, EmbedderFailed):
            [states] = session.run([output], {k: v for k, v in feeds.items() if k in inputs})
        floats: np.ndarray = states.astype(np.float32, copy=False)
        return floats

    return run


def inference_session(
    file: Path, name: str, fused: bool = False
) -> tuple[onnxruntime.InferenceSession, set[str]]:
    """The ONNX model in `file` and the names of its inputs, all of which are known ones.

    One thread, since batches are what runs in parallel.
    """
    import onnxruntime

    if not file.is_file():
        raise EmbedderUnavailable(name=name, reason=f"{file} is missing")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if fused:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with onnx_errors(name, EmbedderUnavailable):
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    inputs = {i.name for i in session.get_inputs()}
    if unknown := sorted(inputs - _KNOWN_INPUTS):
        raise EmbedderUnavailable(name=name, reason=f"{file} wants the inputs {', '.join(unknown)}")
    return session, inputs


def _states_output(session: onnxruntime.InferenceSession, file: Path, name: str) -> str:
    outputs: dict[str, int] = {o.name: len(o.shape or ()) for o in session.get_outputs()}
    for output in ("last_hidden_state", "token_embeddings"):
        if output in outputs:
            return output
    deep = [output for output, rank in outputs.items() if rank == 3]
    if len(deep) != 1:
        raise EmbedderUnavailable(
            name=name, reason=f"{file} gives {', '.join(outputs)}, not the vectors of tokens"
        )
    return deep[0]


def positions(mask: np.ndarray, recipe: Recipe) -> np.ndarray:
    """The position of each token, as the model counts them."""
    count = np.cumsum(mask, axis=1)
    first = recipe.pad_id + 1 if recipe.offset_positions else 0
    at: np.ndarray = np.where(mask > 0, count - 1 + first, recipe.pad_id if recipe.offset_positions else 0)
    return at


@contextmanager
def onnx_errors(name: str, error: type[EmbedderUnavailable] | type[EmbedderFailed]) -> Iterator[None]:
    """onnxruntime's exceptions (which share no base class) as ours."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = [
        getattr(state, n)
        for n in ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NoSuchFile")
    ]
    kinds += [getattr(state, n) for n in ("NotImplemented", "RuntimeException", "NoModel", "EPFail")]
    try:
        yield
    except tuple(kinds) as problem:
        reason = str(problem).splitlines()[0] if str(problem) else type(problem).__name__
        raise error(name=name, reason=f"onnxruntime says: {reason}") from problem
