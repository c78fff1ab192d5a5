"""Models that have only safetensors weights, through torch.

Owns: opening the transformer with `transformers` (the extra `[local]`). Does not own: tokenising,
pooling, batching, which are the same as for ONNX models (`onnx.SentenceEmbedder`,
`crossencoder.CrossEncoder`). Code that comes with a model is never run, pickled weights are
never read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from memos_cli.errors import EmbedderFailed, EmbedderUnavailable
from memos_cli.providers.embedder import missing_package
from memos_cli.providers.folder import Recipe, read_recipe
from memos_cli.providers.onnx import Run, SentenceEmbedder, open_pieces


def load_local(folder: Path, name: str, threads: int = 1) -> SentenceEmbedder:
    """The embedder of a folder with safetensors weights; on the processor, in float32."""
    recipe = read_recipe(folder, name)
    run = open_model(recipe, name, threads)
    return SentenceEmbedder(name, recipe, open_pieces(recipe, name), run, threads=1)


def _require_safetensors(recipe: Recipe, name: str) -> None:
    if any(recipe.transformer.glob("*.safetensors")):
        return
    pickles = sorted(
        p.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for p in recipe.transformer.glob(pattern)
    )
    if pickles:
        reason = f"its only weights are {', '.join(pickles)}, a pickle that can run code; memos reads ONNX and safetensors"
    else:
        reason = f"{recipe.transformer} holds neither an ONNX model nor safetensors weights"
    raise EmbedderUnavailable(name=name, reason=reason)


def open_model(recipe: Recipe, name: str, threads: int = 1) -> Run:
    """`Run` over the transformer of a folder."""
    model, torch = _loaded("AutoModel", recipe, name, threads)

    def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        try:
            with torch.inference_mode():
                output = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
        except (RuntimeError, IndexError) as error:
            raise EmbedderFailed(name=name, reason=str(error).splitlines()[0]) from error
        states: np.ndarray = output.last_hidden_state.numpy()
        return states

    return run


def open_classifier(
    recipe: Recipe, name: str, threads: int = 1
) -> Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """(ids, mask, token types), int64 (batch, tokens), to logits float32 (batch, labels).

    Raises EmbedderUnavailable, also where the weights lack the classifier: transformers would
    make one up at random.
    """
    model, torch = _loaded("AutoModelForSequenceClassification", recipe, name, threads)
    typed = getattr(model.config, "type_vocab_size", 0) > 1

    def run(ids: np.ndarray, mask: np.ndarray, types: np.ndarray) -> np.ndarray:
        given = {"input_ids": ids, "attention_mask": mask} | ({"token_type_ids": types} if typed else {})
        try:
            with torch.inference_mode():
                output = model(**{key: torch.from_numpy(value) for key, value in given.items()})
        except (RuntimeError, IndexError, ValueError) as error:
            raise EmbedderFailed(name=name, reason=str(error).splitlines()[0]) from error
        logits: np.ndarray = output.logits.numpy()
        return logits

    return run


def _loaded(kind: str, recipe: Recipe, name: str, threads: int) -> tuple[Any, Any]:
    """The model of a folder as `transformers.KIND` opens it, and the module torch."""
    _require_safetensors(recipe, name)
    try:
        import torch
        import transformers
        from transformers.utils import logging
    except ImportError as error:
        raise missing_package(name, error.name or "torch", "local") from error
    logging.disable_progress_bar()
    try:
        model, told = getattr(transformers, kind).from_pretrained(
            str(recipe.transformer),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise EmbedderUnavailable(name=name, reason=str(error).splitlines()[0]) from error
    if kind != "AutoModel" and told["missing_keys"]:  # an embedder's pooler may be missing: it is not used
        missing = ", ".join(sorted(told["missing_keys"])[:3])
        raise EmbedderUnavailable(name=name, reason=f"its weights lack {missing}")
    if threads > 0:
        torch.set_num_threads(threads)  # torch runs one batch on several threads by itself
    return model.eval(), torch
