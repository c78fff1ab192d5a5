"""Makes `memos_cli/models/static/` from the original all-MiniLM-L6-v2 weights.

model2vec's recipe (Minish Lab): every token of the vocabulary goes through the model alone, as
`[CLS] token [SEP]`; its vector is the mean of the three states, as MiniLM's own pooling would
have it. Then the table is centred, reduced by PCA, weighted by smooth inverse frequency (Arora
et al. 2017, a / (a + p)) with p after Zipf from the token's rank in the vocabulary, and rounded
to int8 with one scale. Special and unused tokens (ids under 999) are zero.

Run: `python scripts/build_static.py [--source PACKAGE | FOLDER | ORG/NAME]`. Needs `torch` and
`transformers`; takes about half a minute.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from build_minilm import HUB_NAME, find_source, measure, sha256

from memos_cli.providers.static import SPAN

TARGET = Path(__file__).resolve().parent.parent / "memos_cli" / "models" / "static"
DIMENSION = 256
FIRST_WORD = 999
"""The vocabulary's first token that is neither special nor unused."""
CLS, SEP = 101, 102
SIF_A = 1e-4
BATCH = 512
OPENING = """
from memos_cli.providers.static import StaticEmbedder
model = StaticEmbedder(Path(sys.argv[1]) / "table.npy")
"""
LENGTHS = ((12, 20_000), (50, 5_000), (190, 1_000))
NOTICE = """Token table distilled from all-MiniLM-L6-v2

table.npy holds a vector for each token of the vocabulary of all-MiniLM-L6-v2
(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), computed with that model and
reduced to 256 dimensions by scripts/build_static.py. The original model is published under the
Apache License, Version 2.0; so is this table.
You may obtain a copy of the licence at http://www.apache.org/licenses/LICENSE-2.0

The recipe is that of model2vec (https://github.com/MinishLab/model2vec, MIT licence); no code of
it is used. The tokenizer is the one in ../minilm/tokenizer.json.
"""


def token_vectors(source: Path) -> np.ndarray:
    """float32 (vocabulary, 384): each token read alone by the model."""
    import torch
    from transformers import AutoModel

    model = AutoModel.from_pretrained(source).eval()
    vocabulary = model.config.vocab_size
    out = np.empty((vocabulary, model.config.hidden_size), np.float32)
    for start in range(0, vocabulary, BATCH):
        ids = torch.arange(start, min(start + BATCH, vocabulary))
        text = torch.stack([torch.full_like(ids, CLS), ids, torch.full_like(ids, SEP)], dim=1)
        with torch.inference_mode():
            states = model(input_ids=text, attention_mask=torch.ones_like(text)).last_hidden_state
        out[start : start + BATCH] = states.mean(dim=1).numpy()
    return out


def principal(vectors: np.ndarray, dimension: int) -> np.ndarray:
    """(n, dimension): centred and projected on the axes of largest variance, each axis turned so
    that its largest weight is positive (an axis and its opposite are equally good, and the
    linear algebra library decides which comes out)."""
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :dimension]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(dimension)])
    return centred @ axes


def rarity(count: int) -> np.ndarray:
    """(count,): the weight of each token by its rank, the first being the most frequent."""
    frequency = 1 / np.arange(2, count + 2)
    return SIF_A / (SIF_A + frequency / frequency.sum())


def build_table(vectors: np.ndarray) -> tuple[np.ndarray, float]:
    """int8 (vocabulary, 256) and its scale."""
    words = principal(vectors[FIRST_WORD:], DIMENSION)
    words *= rarity(len(words))[:, None]
    scale = float(np.abs(words).max() / 127)
    table = np.zeros((len(vectors), DIMENSION), np.int8)
    table[FIRST_WORD:] = np.round(words / scale)
    return table, scale


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", help=f"a package, a folder, or a Hub name (default {HUB_NAME})")
    parser.add_argument("--target", type=Path, default=TARGET)
    args = parser.parse_args()
    source = find_source(args.source)
    table, scale = build_table(token_vectors(source))
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder)
        np.save(built / "table.npy", table)
        (built / "NOTICE").write_text(NOTICE)
        facts = {
            "model": HUB_NAME,
            "license": "Apache-2.0",
            "dimension": DIMENSION,
            "max_tokens": SPAN,
            "languages": ["en"],
            "made_by": "scripts/build_static.py",
            "from": {"file": "model.safetensors", "sha256": sha256(source / "model.safetensors")},
            "tokenizer": "../minilm/tokenizer.json",
            "scale": scale,
            "sif_a": SIF_A,
            "measured": measure(OPENING, built, LENGTHS),
            "files": {
                n: {"bytes": (built / n).stat().st_size, "sha256": sha256(built / n)}
                for n in ("NOTICE", "table.npy")
            },
        }
        (built / "manifest.json").write_text(json.dumps(facts, indent=2) + "\n")
        args.target.mkdir(parents=True, exist_ok=True)
        for file in built.iterdir():
            (args.target / file.name).write_bytes(file.read_bytes())
    print(f"{args.target}: {table.shape[0]} tokens x {table.shape[1]}, {table.nbytes / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
