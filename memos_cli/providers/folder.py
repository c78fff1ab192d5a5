"""Reading a sentence-transformers folder: what must happen to a text and to the model's states.

Owns: `modules.json` and what it names (Transformer, Pooling, Dense, Normalize), prompts, length,
lower-casing, padding side. Does not own: tokenising (`tokens`), running the model (`onnx`,
`local`). What it does not know it refuses by name: a model read half is worse than none, since
its vectors look like vectors.

Format: sentence-transformers 2 to 6, the older flag keys of Pooling included.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from memos_cli.errors import EmbedderUnavailable
from memos_cli.providers.embedder import unit

_POOLING_FLAGS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
POOLING_MODES = tuple(_POOLING_FLAGS.values())
# sparse and multi-vector modules share their class names with dense ones
_FOREIGN_NAMESPACES = ("sparse_encoder", "multi_vector_encoder", "cross_encoder")
_OFFSET_POSITIONS = frozenset(
    {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "longformer", "data2vec-text", "ibert"}
)
"""Model types that number positions from the padding id + 1, so that two of them hold no token."""
_ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "torch.nn.modules.linear.Identity": lambda x: x,
    "torch.nn.modules.activation.Tanh": np.tanh,
    "torch.nn.modules.activation.ReLU": lambda x: np.maximum(x, 0),
    "torch.nn.modules.activation.Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
}
_LENGTH_FILES = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet", "mpnet")
)


@dataclass(frozen=True)
class Dense:
    """A linear layer after pooling: `weight` (out, in), `bias` (out,) or None."""

    weight: np.ndarray
    bias: np.ndarray | None
    activation: str
    residual: np.ndarray | None

    def __call__(self, vectors: np.ndarray) -> np.ndarray:
        out: np.ndarray = vectors @ self.weight.T
        if self.bias is not None:
            out += self.bias
        out = _ACTIVATIONS[self.activation](out)
        if self.residual is not None:
            out = out + vectors @ self.residual.T
        return out


@dataclass(frozen=True)
class Recipe:
    """All that a folder says about how its model makes a vector of a text."""

    transformer: Path
    """The folder of the model itself; its tokenizer lies here."""
    config: dict[str, Any]
    pooling: tuple[str, ...] = ("mean",)
    include_prompt: bool = True
    steps: tuple[Dense | str, ...] = ()
    """After pooling, in order: Dense layers and "normalize"."""
    dimension: int = 0
    max_tokens: int = 512
    lower_case: bool = False
    query_prompt: str = ""
    document_prompt: str = ""
    pad_id: int = 0
    pad_left: bool = False
    languages: tuple[str, ...] = ()

    @property
    def offset_positions(self) -> bool:
        return self.config.get("model_type") in _OFFSET_POSITIONS

    def vectors(self, states: np.ndarray, mask: np.ndarray, prompts: np.ndarray) -> np.ndarray:
        """Unit vectors (n, dimension) of token states (n, tokens, hidden), their mask (n, tokens)
        and how many leading tokens of each are prompt (n,)."""
        counted = mask if self.include_prompt else _without_prompt(mask, prompts)
        vectors = np.concatenate([pool(states, counted, mode, mask) for mode in self.pooling], axis=1)
        for step in self.steps:
            vectors = unit(vectors) if isinstance(step, str) else step(vectors)
        return unit(vectors)


def _without_prompt(mask: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    position = np.arange(mask.shape[1])[None, :] - mask.argmax(axis=1)[:, None]
    kept: np.ndarray = mask * (position >= prompts[:, None])
    return kept


def pool(states: np.ndarray, mask: np.ndarray, mode: str, read: np.ndarray | None = None) -> np.ndarray:
    """(n, hidden) of states (n, tokens, hidden), as sentence-transformers' Pooling does it.

    `mask` says which tokens count; `read`, where it differs, which tokens the model read (the
    weights of `weightedmean` are positions among these).
    """
    rows = np.arange(len(states))
    pooled: np.ndarray
    if mode == "cls":
        pooled = states[rows, mask.argmax(axis=1)]
    elif mode == "lasttoken":
        pooled = states[rows, mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)]
    elif mode == "max":
        pooled = np.where(mask[:, :, None] > 0, states, -np.inf).max(axis=1)
    else:
        pooled = _mean(states, mask, mode, mask if read is None else read)
    return pooled


def _mean(states: np.ndarray, mask: np.ndarray, mode: str, read: np.ndarray) -> np.ndarray:
    weight = mask.astype(states.dtype)
    if mode == "weightedmean":
        weight = weight * np.cumsum(read, axis=1)
    total = np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    by = np.sqrt(total) if mode == "mean_sqrt_len_tokens" else total
    mean: np.ndarray = np.einsum("nth,nt->nh", states, weight) / by
    return mean


def read_recipe(folder: Path, name: str) -> Recipe:
    """The recipe of a folder; raises EmbedderUnavailable naming what it cannot read."""
    return FolderReader(folder, name).recipe()


class FolderReader:
    """Reads one folder; every refusal names the file and the value."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.name = name

    def refuse(self, reason: str) -> EmbedderUnavailable:
        return EmbedderUnavailable(name=self.name, reason=reason)

    def json(self, path: Path, kind: type = dict) -> Any:
        """The document of `path`, an empty one when there is no such file."""
        if not path.is_file():
            return kind()
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise self.refuse(f"{path} is not JSON: {error}") from error
        if not isinstance(document, kind):
            raise self.refuse(f"{path} does not hold a JSON {'object' if kind is dict else 'list'}")
        return document

    def inside(self, module: dict[str, Any]) -> Path:
        path = PurePosixPath(str(module.get("path", "")))
        if path.is_absolute() or ".." in path.parts:
            raise self.refuse(f"modules.json names the path {path}, which is outside the folder")
        return self.folder / path

    def recipe(self) -> Recipe:
        modules = self.modules()
        (_, transformer), (_, pooling), *rest = modules
        config = self.json(transformer / "config.json")
        if "auto_map" in config and not any(transformer.rglob("*.onnx")):
            raise self.refuse("it comes with Python code of its own (auto_map), which memos does not run")
        modes, include_prompt = self.pooling(pooling)
        hidden = self.hidden_size(config, pooling)
        steps = tuple(self.dense(path) if kind == "Dense" else "normalize" for kind, path in rest)
        prompts = self.prompts()
        tokenizer_config = self.json(transformer / "tokenizer_config.json")
        length = self.length_config(transformer)
        return Recipe(
            transformer=transformer,
            config=config,
            pooling=modes,
            include_prompt=include_prompt,
            steps=steps,
            dimension=self.dimension(hidden * len(modes), steps),
            max_tokens=self.max_tokens(length, tokenizer_config, config),
            lower_case=bool(length.get("do_lower_case", False)),
            query_prompt=prompts[0],
            document_prompt=prompts[1],
            pad_id=self.pad_id(config),
            pad_left=tokenizer_config.get("padding_side") == "left",
            languages=self.languages(),
        )

    def modules(self) -> list[tuple[str, Path]]:
        path = self.folder / "modules.json"
        if not path.is_file():
            raise self.refuse(f"{path} is missing, so how its token vectors become one is unknown")
        listed = sorted(self.json(path, list), key=lambda m: m.get("idx", 0))
        modules = [(self.module_kind(str(m.get("type", ""))), self.inside(m)) for m in listed]
        kinds = [kind for kind, _ in modules]
        if kinds[:2] != ["Transformer", "Pooling"] or not set(kinds[2:]) <= {"Dense", "Normalize"}:
            raise self.refuse(
                f"modules.json lists {', '.join(kinds) or 'nothing'}, in an order memos does not know"
            )
        return modules

    def module_kind(self, type_: str) -> str:
        space, _, kind = type_.rpartition(".")
        known = kind in ("Transformer", "Pooling", "Dense", "Normalize")
        own = re.fullmatch(r"sentence_transformers(\.\w+)*", space)
        if not known or not own or any(f in space for f in _FOREIGN_NAMESPACES):
            raise self.refuse(f"modules.json asks for the module {type_}, which memos does not know")
        return kind

    def pooling(self, path: Path) -> tuple[tuple[str, ...], bool]:
        config = self.json(path / "config.json")
        if not config:
            raise self.refuse(f"{path / 'config.json'} is missing")
        modes = config.get("pooling_mode")
        if modes is None:
            unknown = [
                k
                for k, on in config.items()
                if k.startswith("pooling_mode_") and on and k not in _POOLING_FLAGS
            ]
            modes = [mode for key, mode in _POOLING_FLAGS.items() if config.get(key)] + unknown or ["mean"]
        modes = (modes,) if isinstance(modes, str) else tuple(modes)
        for mode in modes:
            if mode not in POOLING_MODES:
                raise self.refuse(f"its pooling is {mode}, which memos does not know")
        return modes, bool(config.get("include_prompt", True))

    def hidden_size(self, config: dict[str, Any], pooling: Path) -> int:
        sizes = self.json(pooling / "config.json")
        size = (
            sizes.get("embedding_dimension")
            or sizes.get("word_embedding_dimension")
            or config.get("hidden_size")
        )
        if not isinstance(size, int) or size <= 0:
            raise self.refuse("neither its Pooling nor its config.json says how many dimensions it has")
        return size

    def dense(self, path: Path) -> Dense:
        config = self.json(path / "config.json")
        activation = str(config.get("activation_function", "torch.nn.modules.activation.Tanh"))
        if activation not in _ACTIVATIONS:
            raise self.refuse(f"its Dense layer has the activation {activation}, which memos does not know")
        for key in ("module_input_name", "module_output_name"):
            if config.get(key) not in (None, "sentence_embedding"):
                raise self.refuse(f"its Dense layer works on {config[key]}, not on the sentence's vector")
        weights = self.dense_weights(path)
        residual = None
        if config.get("use_residual"):
            width = weights["linear.weight"].shape
            residual = weights.get("residual.weight")
            residual = np.eye(*width, dtype=np.float32) if residual is None else residual
        return Dense(weights["linear.weight"], weights.get("linear.bias"), activation, residual)

    def dense_weights(self, path: Path) -> dict[str, np.ndarray]:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        file = path / "model.safetensors"
        if not file.is_file():
            raise self.refuse(
                f"{file} is missing (a pickle such as pytorch_model.bin can run code and is never read)"
            )
        try:
            weights = {k: v.astype(np.float32) for k, v in load_file(file).items()}
        except (SafetensorError, TypeError, KeyError) as error:
            raise self.refuse(f"{file} cannot be read: {error}") from error
        if "linear.weight" not in weights:
            raise self.refuse(f"{file} holds no linear.weight")
        return weights

    def dimension(self, pooled: int, steps: tuple[Dense | str, ...]) -> int:
        for step in steps:
            if isinstance(step, Dense):
                if step.weight.shape[1] != pooled:
                    raise self.refuse(
                        f"its Dense layer reads {step.weight.shape[1]} dimensions and is given {pooled}"
                    )
                pooled = step.weight.shape[0]
        return pooled

    def prompts(self) -> tuple[str, str]:
        """What stands before a query and before a document."""
        config = self.json(self.folder / "config_sentence_transformers.json")
        prompts = config.get("prompts") or {}
        default = prompts.get(config.get("default_prompt_name")) or ""
        document = next(
            (prompts[k] for k in ("document", "passage", "corpus") if prompts.get(k) is not None), default
        )
        query = prompts["query"] if prompts.get("query") is not None else default
        return query, document

    def length_config(self, transformer: Path) -> dict[str, Any]:
        found = (self.json(transformer / name) for name in _LENGTH_FILES)
        config: dict[str, Any] = next((c for c in found if c), {})
        task = config.get("transformer_task", "feature-extraction")
        if task != "feature-extraction":
            raise self.refuse(f"its transformer's task is {task}, not feature-extraction")
        if config.get("module_output_name", "token_embeddings") != "token_embeddings":
            raise self.refuse(
                f"its transformer gives {config['module_output_name']}, not the vectors of tokens"
            )
        if (config.get("modality_config") or {"text": None}).keys() != {"text"}:
            raise self.refuse(f"it reads {', '.join(config['modality_config'])}, not text alone")
        for key in ("query_length", "document_length", "query_expansion"):
            if config.get(key) is not None:
                raise self.refuse(f"its {key} is set, which memos does not know")
        return config

    def max_tokens(self, length: dict[str, Any], tokenizer: dict[str, Any], config: dict[str, Any]) -> int:
        positions = config.get("max_position_embeddings")
        if positions and config.get("model_type") in _OFFSET_POSITIONS:
            positions -= 2
        stated = length.get("max_seq_length") or tokenizer.get("model_max_length")
        # tokenizers write 1e30 for "no limit"
        limits = [int(n) for n in (stated, positions) if isinstance(n, (int, float)) and 0 < n < 1_000_000]
        return min(limits, default=512)

    def pad_id(self, config: dict[str, Any]) -> int:
        """The id that fills a batch up; the mask hides it, so any valid one will do."""
        value = config.get("pad_token_id")
        return value if isinstance(value, int) and value >= 0 else 0

    def languages(self) -> tuple[str, ...]:
        """From the model card's front matter, where it states ISO 639-1 codes."""
        card = self.folder / "README.md"
        text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
        if not text.startswith("---"):
            return ()
        front = text[3:].partition("\n---")[0]
        return _stated_languages(front)


def _stated_languages(front_matter: str) -> tuple[str, ...]:
    """`language: en`, `language: [en, de]` and the list form of YAML, without a YAML parser."""
    values: list[str] = []
    inside = False
    for line in front_matter.splitlines():
        if line.startswith("language:"):
            values += line.partition(":")[2].strip(" []").split(",")
            inside = True
        elif inside and line.lstrip().startswith("- "):
            values.append(line.lstrip()[2:])
        else:
            inside = False
    codes = (v.strip(" '\"").lower() for v in values)
    return tuple(dict.fromkeys(c[:2] for c in codes if len(c) == 2 or c[2:3] == "-"))
