"""Sentence-transformers models that have only safetensors weights, through torch.

Owns: opening the transformer with `transformers` (the extra `[local]`). Does not own: tokenising,
pooling, batching, which are the same as for ONNX models (`onnx.SentenceEmbedder`). Code that
comes with a model is never run, pickled weights are never read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from memos_cli.errors import EmbedderFailed, EmbedderUnavailable
from memos_cli.providers.embedder import missing_package
from memos_cli.providers.folder import Recipe, read_recipe
from memos_cli.providers.onnx import Run, SentenceEmbedder, open_pieces


def load_local(folder: Path, name: str, threads: int = 1) -> SentenceEmbedder:
    """The embedder of a folder with safetensors weights; on the processor, in float32."""
    recipe = read_recipe(folder, name)
    _require_safetensors(recipe, name)
    run = open_model(recipe, name)
    if threads > 0:
        import torch

        torch.set_num_threads(threads)  # torch runs one batch on several threads by itself
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


def open_model(recipe: Recipe, name: str) -> Run:
    """`Run` over the transformer of a folder."""
    try:
        import torch
        from transformers import AutoModel
        from transformers.utils import logging
    except ImportError as error:
        raise missing_package(name, error.name or "torch", "local") from error
    logging.disable_progress_bar()
    try:
        model = AutoModel.from_pretrained(
            str(recipe.transformer),
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            dtype=torch.float32,
        ).eval()
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise EmbedderUnavailable(name=name, reason=str(error).splitlines()[0]) from error

    def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        try:
            with torch.inference_mode():
                output = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask))
        except (RuntimeError, IndexError) as error:
            raise EmbedderFailed(name=name, reason=str(error).splitlines()[0]) from error
        states: np.ndarray = output.last_hidden_state.numpy()
        return states

    return run
