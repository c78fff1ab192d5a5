"""A real cross-encoder of a few hundred bytes whose scores are known by hand.

Its ONNX model is written here byte by byte (protobuf's wire format needs no library): the logits of
a pair are the sum of what its tokens weigh, those of the question by one table and those of the
text by another, told apart by their token types; what the mask hides weighs nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
FLOAT, INT64 = 1, 7

Weights = Mapping[str, "float | Sequence[float]"]


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def inner(field: int, content: bytes | str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(name: str, array: np.ndarray) -> bytes:
    kind = FLOAT if array.dtype == np.float32 else INT64
    dims = b"".join(number(1, n) for n in array.shape)
    return inner(5, dims + number(2, kind) + inner(8, name) + inner(9, array.tobytes()))


def value(field: int, name: str, kind: int, shape: Sequence[str | int]) -> bytes:
    dims = b"".join(inner(1, inner(2, d) if isinstance(d, str) else number(1, d)) for d in shape)
    return inner(field, inner(1, name) + inner(2, inner(1, number(1, kind) + inner(2, dims))))


def node(op: str, inputs: str, output: str, **numbers: int) -> bytes:
    attributes = b"".join(inner(5, inner(1, k) + number(3, v) + number(20, 2)) for k, v in numbers.items())
    names = b"".join(inner(1, one) for one in inputs.split())
    return inner(1, names + inner(2, output) + inner(4, op) + attributes)


def onnx_model(text: np.ndarray, question: np.ndarray, *, pooled: bool = True) -> bytes:
    """A model of two tables, float32 (vocabulary, labels); not `pooled`: one that gives the vectors of
    tokens, as an embedder's does."""
    shape = ["batch", "tokens"]
    labels = text.shape[1]
    graph = [
        node("Cast", "token_type_ids", "typed", to=FLOAT),
        node("Cast", "attention_mask", "seen", to=FLOAT),
        node("Sub", "one typed", "untyped"),
        *(node("Unsqueeze", f"{name} last", f"{name}_wide") for name in ("typed", "seen", "untyped")),
        node("Gather", "text input_ids", "of_text"),
        node("Gather", "question input_ids", "of_question"),
        node("Mul", "of_text typed_wide", "a"),
        node("Mul", "of_question untyped_wide", "b"),
        node("Add", "a b", "c"),
        node("Mul", "c seen_wide", "last_hidden_state" if not pooled else "d"),
        *([node("ReduceSum", "d tokens_axis", "logits", keepdims=0)] if pooled else []),
        inner(2, "tiny"),
        tensor("text", text.astype(np.float32)),
        tensor("question", question.astype(np.float32)),
        tensor("one", np.ones(1, np.float32)),
        tensor("last", np.array([-1], np.int64)),
        tensor("tokens_axis", np.array([1], np.int64)),
        *(value(11, name, INT64, shape) for name in ("input_ids", "attention_mask", "token_type_ids")),
        value(12, "logits", FLOAT, ["batch", labels])
        if pooled
        else value(12, "last_hidden_state", FLOAT, [*shape, labels]),
    ]
    return number(1, 8) + inner(8, inner(1, "") + number(2, 13)) + inner(7, b"".join(graph))


def make(
    folder: Path,
    text: Weights,
    question: Weights | None = None,
    *,
    max_tokens: int = 64,
    pooled: bool = True,
    **config: Any,
) -> Path:
    """A folder as transformers saves one, whose labels come from the length of a word's weights."""
    folder.mkdir(parents=True, exist_ok=True)
    question = question or {}
    words = [*SPECIAL, *dict.fromkeys([*text, *question])]
    labels = max([np.size(w) for w in [*text.values(), *question.values()]], default=1)

    def table(weights: Weights) -> np.ndarray:
        rows = [np.broadcast_to(np.asarray(weights.get(word, 0.0), np.float32), labels) for word in words]
        return np.stack(rows)

    (folder / "model.onnx").write_bytes(onnx_model(table(text), table(question), pooled=pooled))
    save_tokenizer(folder, words)
    known = {
        "architectures": ["BertForSequenceClassification"],
        "model_type": "bert",
        "max_position_embeddings": max_tokens,
        "id2label": {str(i): f"LABEL_{i}" for i in range(labels)},
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(
        json.dumps({k: v for k, v in (known | config).items() if v is not ...})
    )
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": max_tokens}))
    return folder


def save_tokenizer(folder: Path, words: Sequence[str], *, template: bool = True) -> None:
    """Words in lower case, put together as BERT does it."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    if template:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
    tokenizer.save(str(folder / "tokenizer.json"))
