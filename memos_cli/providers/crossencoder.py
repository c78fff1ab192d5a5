"""Cross-encoders: `onnx:` and `st:` rerankers, which read a question and a text at once.

Owns: reading what a folder says about its classifier, encoding pairs, scores of logits, and the
reranker made of these. Does not own: finding the folder (`hub`), opening ONNX models (`onnx`) or
safetensors weights (`local`), batching (`tokens`). What it does not know it refuses by name: a
head read wrongly gives scores that look like scores.

Format: what transformers saves for sequence classification and sentence-transformers 2 to 6 for
its CrossEncoder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from memos_cli.errors import EmbedderFailed, EmbedderUnavailable, RerankerFailed, RerankerUnavailable
from memos_cli.providers.folder import FolderReader, Recipe
from memos_cli.providers.onnx import (
    each,
    find_model,
    inference_session,
    lower_cased,
    onnx_errors,
    positions,
)
from memos_cli.providers.reranker import RerankerSettings, as_reranker
from memos_cli.providers.tokens import batches, encode, open_tokenizer, padded

if TYPE_CHECKING:
    import onnxruntime
    from tokenizers import Encoding, Tokenizer

Run = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(ids, mask, token types), all int64 (batch, tokens), to logits float32 (batch, labels)."""

SHORTEST_TEXT = 16
"""Tokens that a question must leave for the text; with fewer nothing is read that could be judged."""

CHARACTERS_A_TOKEN = 20
"""A text is cut at so many characters for each token that the model reads, before it is tokenised:
what a megabyte holds after them the model would never see."""

_RELEVANT = frozenset(
    {"relevant", "related", "entailment", "yes", "true", "positive", "match", "duplicate", "paraphrase"}
)
_OTHERWISE = re.compile(
    r"(not|non|un|ir)[-_ ]?[a-z]+|no|false|negative|different|contradiction|neutral", re.I
)


@dataclass(frozen=True)
class Head:
    """What the logits mean."""

    labels: int | None = None
    """How many there are; None: the folder does not say."""
    relevant: int = -1
    """The label that stands for "answers the question"."""

    def scores(self, logits: np.ndarray) -> np.ndarray:
        """(n,) in 0-1 of (n, labels): the sigmoid of a single logit, one share of several."""
        wide = logits.astype(np.float64)
        if wide.shape[1] == 1:
            single: np.ndarray = 1 / (1 + np.exp(-np.clip(wide[:, 0], -60, 60)))
            return single
        grown = np.exp(wide - wide.max(axis=1, keepdims=True))
        share: np.ndarray = grown[:, self.relevant] / grown.sum(axis=1)
        return share


@dataclass(frozen=True)
class Pair:
    """A question and a text as the model reads them."""

    ids: list[int]
    types: list[int]


class Pairs:
    """Encodes pairs with the tokenizer's own template, in at most `max_tokens`; only texts are cut."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, name: str) -> None:
        self._tokenizer = tokenizer
        self._name = name
        self._room = max_tokens - tokenizer.num_special_tokens_to_add(is_pair=True)
        self._max_tokens = max_tokens
        if self._room == max_tokens:
            reason = "its tokenizer says nothing about how a question and a text are put together"
            raise RerankerUnavailable(name=name, reason=reason)

    def encode(self, query: str, texts: Sequence[str]) -> list[Pair]:
        """One pair per text. Raises RerankerFailed when the question leaves no room for a text."""
        [asked] = encode(self._tokenizer, [query], add_special_tokens=False)
        room = self._room - len(asked.ids)
        if room < SHORTEST_TEXT:
            reason = (
                f"the question has {len(asked.ids)} tokens, and it reads {self._max_tokens} with the text"
            )
            raise RerankerFailed(name=self._name, reason=reason)
        cut = [text[: self._max_tokens * CHARACTERS_A_TOKEN] for text in texts]
        return [
            self._pair(asked, one, room) for one in encode(self._tokenizer, cut, add_special_tokens=False)
        ]

    def _pair(self, asked: Encoding, text: Encoding, room: int) -> Pair:
        text.truncate(room)
        both = self._tokenizer.post_process(asked, text)
        return Pair(both.ids, both.type_ids)


class CrossEncoder:
    """The reranker of a tokenizer, a sequence classifier and what its labels mean."""

    def __init__(
        self, name: str, recipe: Recipe, head: Head, pairs: Pairs, run: Run, threads: int = 1
    ) -> None:
        self.name = name
        self._recipe = recipe
        self._head = head
        self._pairs = pairs
        self._run = run
        self._threads = threads if threads > 0 else os.cpu_count() or 1

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        with as_reranker(self.name):
            pairs = self._pairs.encode(query, texts)
            out = np.zeros(len(pairs))
            groups = list(batches([len(pair.ids) for pair in pairs]))
            for group, scores in each(lambda g: self._batch([pairs[i] for i in g]), groups, self._threads):
                out[group] = scores
        return [float(score) for score in out]

    def _batch(self, pairs: Sequence[Pair]) -> np.ndarray:
        left = self._recipe.pad_left
        ids, mask = padded([pair.ids for pair in pairs], self._recipe.pad_id, left)
        types, _ = padded([pair.types for pair in pairs], 0, left)
        logits = self._run(ids, mask, types)
        logits = logits[:, None] if logits.ndim == 1 else logits
        if logits.ndim != 2 or len(logits) != len(pairs) or self._head.labels not in (None, logits.shape[1]):
            reason = (
                f"it gave an array of {logits.shape} for {len(pairs)} pairs and {self._head.labels} labels"
            )
            raise RerankerFailed(name=self.name, reason=reason)
        if not np.isfinite(logits).all():
            raise RerankerFailed(name=self.name, reason="it gave NaN or infinity for a pair")
        return self._head.scores(logits)


def load(scheme: str, rest: str, settings: RerankerSettings) -> CrossEncoder:
    """The reranker `onnx:rest` or `st:rest`: a folder, an ONNX file in one, or a Hub name.

    Raises RerankerUnavailable naming what is missing or cannot be read.
    """
    from memos_cli.providers.hub import find

    with as_reranker(f"{scheme}:{rest}"):
        place = find(scheme, rest, settings, marker="config.json")
    name = f"{scheme}:{place.stored}"
    with as_reranker(name):
        return _open(scheme, rest, place.folder, place.model or find_model(place.folder), name, settings)


def _open(
    scheme: str, rest: str, folder: Path, model: Path | None, name: str, settings: RerankerSettings
) -> CrossEncoder:
    if model is None and scheme == "onnx":
        reason = f"there is no ONNX model in {folder}"
        raise RerankerUnavailable(name=name, reason=reason, hint=f"Try `st:{rest}`.")
    recipe, head = read_classifier(folder, name, has_onnx=model is not None)
    tokenizer = open_tokenizer(folder / "tokenizer.json", name)
    if recipe.lower_case:
        lower_cased(tokenizer)
    pairs = Pairs(tokenizer, recipe.max_tokens, name)
    threads = settings.embed_threads
    if model is not None:
        return CrossEncoder(name, recipe, head, pairs, open_onnx(model, recipe, name), threads)
    from memos_cli.providers.local import open_classifier

    return CrossEncoder(name, recipe, head, pairs, open_classifier(recipe, name, threads), threads=1)


def read_classifier(folder: Path, name: str, *, has_onnx: bool) -> tuple[Recipe, Head]:
    """What a folder says about its model; raises EmbedderUnavailable naming what it cannot read."""
    read = FolderReader(folder, name)
    config = read.json(folder / "config.json")
    if not config:
        raise read.refuse(f"{folder / 'config.json'} is missing")
    _refuse_other_models(read, config, has_onnx)
    length = read.json(folder / "sentence_bert_config.json")
    if (task := length.get("transformer_task", "sequence-classification")) != "sequence-classification":
        raise read.refuse(f"its transformer's task is {task}, not sequence-classification")
    tokenizer = read.json(folder / "tokenizer_config.json")
    recipe = Recipe(
        transformer=folder,
        config=config,
        max_tokens=read.max_tokens(length, tokenizer, config),
        lower_case=bool(length.get("do_lower_case", False)),
        pad_id=read.pad_id(config),
        pad_left=tokenizer.get("padding_side") == "left",
    )
    return recipe, read_head(read, config)


def _refuse_other_models(read: FolderReader, config: dict[str, Any], has_onnx: bool) -> None:
    """Embedders, rerankers that are language models, and models with code or prompts of their own."""
    listed = [str(module.get("type", "")) for module in read.json(read.folder / "modules.json", list)]
    if listed and not (
        len(listed) == 1 and re.fullmatch(r"sentence_transformers\..*\.Transformer", listed[0])
    ):
        raise read.refuse(f"modules.json lists {', '.join(listed)}, which is no cross-encoder memos knows")
    built = [str(one) for one in config.get("architectures") or []]
    if built and not any(one.endswith("ForSequenceClassification") for one in built):
        raise read.refuse(f"it is a {', '.join(built)}, not a model for sequence classification")
    if "auto_map" in config and not has_onnx:
        raise read.refuse("it comes with Python code of its own (auto_map), which memos does not run")
    own = read.json(read.folder / "config_sentence_transformers.json")
    if own.get("default_prompt_name"):
        raise read.refuse(f"it wants the prompt {own['default_prompt_name']}, which memos does not know")


def read_head(read: FolderReader, config: dict[str, Any]) -> Head:
    """The labels of a config: `id2label`, else `num_labels`, else unknown.

    Of several labels the one whose name says that the text answers counts (relevant, entailment,
    yes …), else the last, unless its name says that it does not answer.
    """
    if config.get("problem_type") == "multi_label_classification":
        raise read.refuse("its labels do not exclude each other (multi_label_classification)")
    by_number = config.get("id2label") or {}
    try:
        names = [str(by_number[key]) for key in sorted(by_number, key=int)]
    except (TypeError, ValueError, AttributeError) as error:
        raise read.refuse("config.json numbers its labels in a way memos does not know") from error
    if not names:
        count = config.get("num_labels")
        return Head(count if isinstance(count, int) and count > 0 else None)
    if len(names) == 1:
        return Head(1, 0)
    meant = [i for i, label in enumerate(names) if label.lower() in _RELEVANT]
    if len(meant) > 1 or (not meant and _OTHERWISE.fullmatch(names[-1])):
        raise read.refuse(f"which of its labels {', '.join(names)} means that a text answers is unclear")
    return Head(len(names), meant[0] if meant else len(names) - 1)


def open_onnx(file: Path, recipe: Recipe, name: str) -> Run:
    """`Run` over the ONNX model in `file`."""
    session, inputs = inference_session(file, name)
    output = _logits_output(session, file, name)

    def run(ids: np.ndarray, mask: np.ndarray, types: np.ndarray) -> np.ndarray:
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        if "position_ids" in inputs:
            feeds["position_ids"] = positions(mask, recipe)
        with onnx_errors(name, EmbedderFailed):
            [logits] = session.run([output], {k: v for k, v in feeds.items() if k in inputs})
        floats: np.ndarray = logits.astype(np.float32, copy=False)
        return floats

    return run


def _logits_output(session: onnxruntime.InferenceSession, file: Path, name: str) -> str:
    ranks: dict[str, int] = {o.name: len(o.shape or ()) for o in session.get_outputs()}
    flat = [output for output, rank in ranks.items() if rank in (1, 2)]
    named = "logits" if "logits" in flat else flat[0] if len(flat) == 1 else None
    if named is None:
        raise EmbedderUnavailable(
            name=name, reason=f"{file} gives {', '.join(ranks)}, not one score for a pair"
        )
    return named
