"""Reading sentence-transformers folders: what is read is applied, what is not is refused by name.

The folders are the shipped one with other configuration files beside its model, so that the tests
need no tool that makes models.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from test_embedders import SHORT, settings

from memos_cli.errors import EmbedderFailed, EmbedderUnavailable
from memos_cli.providers.embedder import MODELS, resolve, unit
from memos_cli.providers.folder import POOLING_MODES, pool, read_recipe
from memos_cli.providers.onnx import load_folder
from memos_cli.providers.tokens import open_tokenizer

TEXTS = [SHORT, "no", "The quarterly review was moved to the last Tuesday of March."]
MODULE = "sentence_transformers.models."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped folder whose configuration may be changed."""
    target = tmp_path / "model"
    for file in (MODELS / "minilm").rglob("*"):
        if file.is_file() and file.name != "manifest.json":
            place = target / file.relative_to(MODELS / "minilm")
            place.parent.mkdir(parents=True, exist_ok=True)
            if file.suffix == ".onnx":
                place.symlink_to(file)
            else:
                shutil.copyfile(file, place)
    return target


def change(file: Path, **values: Any) -> None:
    document = json.loads(file.read_text()) if file.exists() else {}
    document |= values
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({k: v for k, v in document.items() if v is not ...}))


def set_modules(folder: Path, *kinds: str) -> None:
    listed = [
        {"idx": i, "name": str(i), "path": p, "type": t}
        for i, (t, _, p) in enumerate(k.partition("|") for k in kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(listed))


def dense(folder: Path, name: str, weight: np.ndarray, **config: Any) -> None:
    change(folder / name / "config.json", in_features=weight.shape[1], out_features=weight.shape[0], **config)
    save_file({"linear.weight": weight.astype(np.float32)}, folder / name / "model.safetensors")


def states(texts: list[str]) -> list[np.ndarray]:
    """The token states of each text alone, straight from onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        str(MODELS / "minilm" / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    tokenizer = open_tokenizer(MODELS / "minilm" / "tokenizer.json", "test")
    out = []
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        out.append(session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0][0])
    return out


EXPECTED = {
    "cls": lambda h: h[0],
    "max": lambda h: h.max(axis=0),
    "mean": lambda h: h.mean(axis=0),
    "mean_sqrt_len_tokens": lambda h: h.sum(axis=0) / np.sqrt(len(h)),
    "weightedmean": lambda h: (
        (h * np.arange(1, len(h) + 1)[:, None]).sum(axis=0) / np.arange(1, len(h) + 1).sum()
    ),
    "lasttoken": lambda h: h[-1],
}


class TestPooling:
    @pytest.mark.parametrize("mode", POOLING_MODES)
    @pytest.mark.parametrize("side", ["right", "left"])
    def test_modes_on_padded_states(self, mode: str, side: str) -> None:
        random = np.random.default_rng(3)
        rows = [random.normal(size=(n, 5)).astype(np.float32) for n in (4, 1, 6)]
        padded, mask = np.full((3, 6, 5), 99, np.float32), np.zeros((3, 6), np.int64)
        for i, row in enumerate(rows):
            where = slice(0, len(row)) if side == "right" else slice(6 - len(row), 6)
            padded[i, where], mask[i, where] = row, 1
        expected = np.stack([EXPECTED[mode](row) for row in rows])
        np.testing.assert_allclose(pool(padded, mask, mode), expected, rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize("mode", POOLING_MODES)
    def test_the_folder_says_which(self, folder: Path, mode: str) -> None:
        (folder / "1_Pooling" / "config.json").unlink()
        change(folder / "1_Pooling" / "config.json", embedding_dimension=384, pooling_mode=mode)
        vectors = np.concatenate(resolve(f"onnx:{folder}", settings=settings()).embed_documents(TEXTS))
        expected = unit(np.stack([EXPECTED[mode](h) for h in states(TEXTS)]))
        assert (vectors * expected).sum(axis=1).min() > 0.9999

    def test_old_flags_and_several_modes(self, folder: Path) -> None:
        change(
            folder / "1_Pooling" / "config.json", pooling_mode_cls_token=True, pooling_mode_max_tokens=True
        )
        set_modules(folder, MODULE + "Transformer|", MODULE + "Pooling|1_Pooling")
        model = resolve(f"onnx:{folder}", settings=settings())
        assert model.dimension == 3 * 384
        expected = [np.concatenate([EXPECTED[m](h) for m in ("cls", "max", "mean")]) for h in states(TEXTS)]
        vectors = np.concatenate(model.embed_documents(TEXTS))
        assert (vectors * unit(np.stack(expected))).sum(axis=1).min() > 0.9999

    def test_left_padding_changes_no_vector_of_a_batch(self, folder: Path) -> None:
        """The shipped graph counts positions from the left, so only equal lengths can be compared."""
        change(folder / "tokenizer_config.json", padding_side="left")
        recipe = read_recipe(folder, "test")
        assert recipe.pad_left
        model = load_folder(folder, name="test")
        together = np.concatenate(model.embed_documents([SHORT, SHORT]))
        plain = np.concatenate(resolve("minilm", settings=settings()).embed_documents([SHORT]))
        assert (together * plain).sum(axis=1).min() > 0.9999


class TestPrompts:
    def test_query_and_document_have_their_own(self, folder: Path) -> None:
        change(
            folder / "config_sentence_transformers.json", prompts={"query": "query: ", "passage": "passage: "}
        )
        model = resolve(f"st:{folder}", settings=settings())
        plain = resolve("minilm", settings=settings())
        assert model.embed_query(SHORT) @ plain.embed_query("query: " + SHORT) > 0.9999
        assert model.embed_documents([SHORT])[0][0] @ plain.embed_query("passage: " + SHORT) > 0.9999
        assert model.embed_query(SHORT) @ plain.embed_query(SHORT) < 0.999

    def test_the_default_prompt_is_for_both(self, folder: Path) -> None:
        change(
            folder / "config_sentence_transformers.json", prompts={"x": "topic: "}, default_prompt_name="x"
        )
        recipe = read_recipe(folder, "test")
        assert (recipe.query_prompt, recipe.document_prompt) == ("topic: ", "topic: ")

    def test_every_span_of_a_long_text_has_it(self, folder: Path) -> None:
        change(folder / "config_sentence_transformers.json", prompts={"document": "passage: "})
        change(folder / "sentence_bert_config.json", max_seq_length=32)
        model = resolve(f"onnx:{folder}", settings=settings())
        tea = " ".join(["tea"] * 100)
        vectors = model.embed_documents([tea])[0]
        one = model.embed_documents([" ".join(["tea"] * 28)])[0]
        assert len(one) == 1
        assert len(vectors) > 3
        assert (vectors @ one[0]).min() > 0.9999

    def test_it_can_be_left_out_of_pooling(self, folder: Path) -> None:
        prompt = "query: "
        change(folder / "config_sentence_transformers.json", prompts={"query": prompt})
        change(folder / "1_Pooling" / "config.json", include_prompt=False)
        vector = resolve(f"onnx:{folder}", settings=settings()).embed_query(SHORT)
        [h] = states([prompt + SHORT])
        assert vector @ unit(h[3:].mean(axis=0, keepdims=True))[0] > 0.9999  # [CLS] query :
        assert vector @ unit(h.mean(axis=0, keepdims=True))[0] < 0.9999

    def test_one_that_fills_the_model_is_refused(self, folder: Path) -> None:
        change(folder / "config_sentence_transformers.json", prompts={"query": "word " * 30})
        change(folder / "sentence_bert_config.json", max_seq_length=32)
        with pytest.raises(EmbedderUnavailable, match="prompt"):
            resolve(f"onnx:{folder}", settings=settings()).embed_query(SHORT)


class TestDense:
    def build(self, folder: Path, **config: Any) -> np.ndarray:
        weight = np.random.default_rng(5).normal(size=(16, 384)) / 20
        dense(folder, "2_Dense", weight, **config)
        set_modules(
            folder,
            MODULE + "Transformer|",
            MODULE + "Pooling|1_Pooling",
            MODULE + "Dense|2_Dense",
            MODULE + "Normalize|3",
        )
        return weight

    @pytest.mark.parametrize(
        ("activation", "function"),
        [
            ("torch.nn.modules.activation.Tanh", np.tanh),
            ("torch.nn.modules.linear.Identity", lambda x: x),
            ("torch.nn.modules.activation.ReLU", lambda x: np.maximum(x, 0)),
        ],
    )
    def test_it_is_applied(self, folder: Path, activation: str, function: Any) -> None:
        weight = self.build(folder, activation_function=activation)
        model = resolve(f"onnx:{folder}", settings=settings())
        assert model.dimension == 16
        expected = unit(np.stack([function(weight @ h.mean(axis=0)) for h in states(TEXTS)]))
        assert (np.concatenate(model.embed_documents(TEXTS)) * expected).sum(axis=1).min() > 0.9999

    def test_what_it_asks_for_and_is_unknown(self, folder: Path) -> None:
        self.build(folder, activation_function="my.Swish")
        with pytest.raises(EmbedderUnavailable, match=r"my\.Swish"):
            read_recipe(folder, "test")

    def test_another_width_is_refused(self, folder: Path) -> None:
        self.build(folder)
        dense(folder, "2_Dense", np.ones((4, 10)))
        with pytest.raises(EmbedderUnavailable, match="10 dimensions"):
            read_recipe(folder, "test")

    def test_pickled_weights_are_not_read(self, folder: Path) -> None:
        self.build(folder)
        (folder / "2_Dense" / "model.safetensors").rename(folder / "2_Dense" / "pytorch_model.bin")
        with pytest.raises(EmbedderUnavailable, match="pickle"):
            read_recipe(folder, "test")


class TestLengthAndCase:
    def test_length_comes_from_the_folder(self, folder: Path) -> None:
        change(folder / "sentence_bert_config.json", max_seq_length=20)
        model = resolve(f"onnx:{folder}", settings=settings())
        assert model.max_tokens == 20
        assert len(model.embed_documents(["tea " * 30])[0]) == 2

    def test_position_offset(self, folder: Path) -> None:
        change(folder / "sentence_bert_config.json", max_seq_length=514)
        change(folder / "config.json", model_type="xlm-roberta", max_position_embeddings=514)
        assert read_recipe(folder, "test").max_tokens == 512

    def test_tokenizers_that_state_no_limit(self, folder: Path) -> None:
        (folder / "sentence_bert_config.json").unlink()
        change(folder / "tokenizer_config.json", model_max_length=1e30)
        assert read_recipe(folder, "test").max_tokens == 512

    def test_lower_case(self, folder: Path) -> None:
        tokenizer = json.loads((folder / "tokenizer.json").read_text())
        tokenizer["normalizer"]["lowercase"] = False
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
        loud, quiet = "GREEN TEA", "green tea"
        cased = load_folder(folder, name="test")
        assert cased.embed_query(loud) @ cased.embed_query(quiet) < 0.99
        change(folder / "sentence_bert_config.json", do_lower_case=True)
        lowered = load_folder(folder, name="test")
        assert lowered.embed_query(loud) @ lowered.embed_query(quiet) > 0.9999

    def test_the_files_padding_and_truncation_are_ignored(self, folder: Path) -> None:
        tokenizer = json.loads((folder / "tokenizer.json").read_text())
        tokenizer["truncation"] = {
            "max_length": 8,
            "strategy": "LongestFirst",
            "stride": 0,
            "direction": "Right",
        }
        tokenizer["padding"] = {
            "strategy": {"Fixed": 128},
            "direction": "Right",
            "pad_to_multiple_of": None,
            "pad_id": 0,
            "pad_type_id": 0,
            "pad_token": "[PAD]",
        }
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
        text = TEXTS[2]
        ours = resolve(f"onnx:{folder}", settings=settings()).embed_query(text)
        assert ours @ resolve("minilm", settings=settings()).embed_query(text) > 0.9999

    @pytest.mark.parametrize(
        ("card", "codes"),
        [
            ("---\nlanguage: en\n---\n", ("en",)),
            (
                "---\ntags:\n- x\nlanguage:\n- de\n- zh-TW\n- multilingual\nlicense: mit\n---\n# x\n- fr",
                ("de", "zh"),
            ),
            ("---\nlanguage: [en, 'fr']\n---", ("en", "fr")),
            ("# No front matter\nlanguage: en", ()),
        ],
    )
    def test_languages_come_from_the_card(self, folder: Path, card: str, codes: tuple[str, ...]) -> None:
        (folder / "README.md").write_text(card)
        assert read_recipe(folder, "test").languages == codes


class TestRefusals:
    """Each names what it is; none embeds."""

    def refused(self, folder: Path) -> str:
        with pytest.raises(EmbedderUnavailable) as caught:
            resolve(f"onnx:{folder}", settings=settings())
        assert caught.value.next_step
        return caught.value.message

    @pytest.mark.parametrize(
        "module",
        ["LSTM", "WordEmbeddings", "CLIPModel", "StaticEmbedding", "../custom_st.Transformer"],
    )
    def test_unknown_modules(self, folder: Path, module: str) -> None:
        set_modules(folder, MODULE + module + "|", MODULE + "Pooling|1_Pooling")
        assert module in self.refused(folder)

    def test_modules_of_other_kinds_of_models(self, folder: Path) -> None:
        set_modules(
            folder, MODULE + "Transformer|", "sentence_transformers.sparse_encoder.modules.Pooling|1_Pooling"
        )
        assert "sparse_encoder" in self.refused(folder)

    def test_code_of_its_own(self, folder: Path) -> None:
        set_modules(folder, "custom_code.Transformer|", MODULE + "Pooling|1_Pooling")
        assert "custom_code.Transformer" in self.refused(folder)

    def test_unknown_order(self, folder: Path) -> None:
        set_modules(folder, MODULE + "Pooling|1_Pooling", MODULE + "Transformer|")
        assert "order" in self.refused(folder)

    def test_no_modules(self, folder: Path) -> None:
        (folder / "modules.json").unlink()
        assert "modules.json" in self.refused(folder)

    @pytest.mark.parametrize("text", ["{", "[1", '{"a": 1}', ""])
    def test_broken_modules(self, folder: Path, text: str) -> None:
        (folder / "modules.json").write_text(text)
        assert "modules.json" in self.refused(folder)

    @pytest.mark.parametrize("path", ["../outside", "/etc", "a/../../b"])
    def test_paths_that_lead_out(self, folder: Path, path: str) -> None:
        set_modules(folder, MODULE + "Transformer|", MODULE + f"Pooling|{path}")
        assert "outside" in self.refused(folder)

    @pytest.mark.parametrize(
        "config",
        [{"pooling_mode": "attention"}, {"pooling_mode_attention": True, "pooling_mode_mean_tokens": ...}],
    )
    def test_unknown_pooling(self, folder: Path, config: dict[str, Any]) -> None:
        change(folder / "1_Pooling" / "config.json", **config)
        assert "attention" in self.refused(folder)

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("transformer_task", "fill-mask"),
            ("module_output_name", "logits"),
            ("query_length", 32),
            ("modality_config", {"text": {}, "image": {}}),
        ],
    )
    def test_unknown_ways_of_the_transformer(self, folder: Path, key: str, value: Any) -> None:
        change(folder / "sentence_bert_config.json", **{key: value})
        self.refused(folder)

    def test_no_tokenizer(self, folder: Path) -> None:
        (folder / "tokenizer.json").unlink()
        assert "tokenizer.json" in self.refused(folder)

    def test_a_tokenizer_that_is_none(self, folder: Path) -> None:
        (folder / "tokenizer.json").write_text("{}")
        assert "tokenizer.json" in self.refused(folder)

    def test_a_model_that_is_none(self, folder: Path) -> None:
        (folder / "model.onnx").unlink()
        (folder / "model.onnx").write_bytes(b"not a model at all")
        assert "onnxruntime" in self.refused(folder)

    def test_a_truncated_model(self, folder: Path) -> None:
        (folder / "model.onnx").unlink()
        (folder / "model.onnx").write_bytes((MODELS / "minilm" / "model.onnx").read_bytes()[:1_000_000])
        assert "onnxruntime" in self.refused(folder)

    def test_a_dimension_that_is_not_the_models(self, folder: Path) -> None:
        change(folder / "1_Pooling" / "config.json", word_embedding_dimension=100)
        with pytest.raises(EmbedderFailed, match="384"):
            resolve(f"onnx:{folder}", settings=settings()).embed_query(SHORT)


class TestPlaces:
    def test_the_name_finds_the_folder_again_from_anywhere(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder.parent)
        model = resolve("onnx:./model", settings=settings())
        monkeypatch.chdir("/")
        assert model.name == f"onnx:{folder.resolve()}"
        assert resolve(model.name, settings=settings()).dimension == 384

    def test_the_onnx_file_itself(self, folder: Path) -> None:
        (folder / "onnx").mkdir()
        (folder / "model.onnx").rename(folder / "onnx" / "quantised.onnx")
        file = folder / "onnx" / "quantised.onnx"
        model = resolve(f"onnx:{folder}", settings=settings())
        assert model.embed_query(SHORT).any()
        copy = folder / "onnx" / "copy.onnx"
        shutil.copyfile(file, copy)
        assert resolve(f"onnx:{copy}", settings=settings()).name == f"onnx:{copy.resolve()}"

    def test_a_folder_in_models_dir(self, folder: Path) -> None:
        model = resolve("st:model", settings=settings(models_dir=folder.parent))
        assert model.name == "st:model"

    def test_no_onnx_model(self, folder: Path) -> None:
        (folder / "model.onnx").unlink()
        with pytest.raises(EmbedderUnavailable) as caught:
            resolve(f"onnx:{folder}", settings=settings())
        assert "st:" in caught.value.next_step

    @pytest.mark.parametrize("weights", ["pytorch_model.bin", None])
    def test_no_weights_that_are_read(self, folder: Path, weights: str | None) -> None:
        (folder / "model.onnx").unlink()
        if weights:
            (folder / weights).write_bytes(b"\x80\x04")
        with pytest.raises(EmbedderUnavailable, match=weights or "neither"):
            resolve(f"st:{folder}", settings=settings())

    def test_safetensors_without_torch_names_the_command(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (folder / "model.onnx").unlink()
        save_file({"x": np.zeros(1, np.float32)}, folder / "model.safetensors")
        monkeypatch.setitem(__import__("sys").modules, "torch", None)
        with pytest.raises(EmbedderUnavailable) as caught:
            resolve(f"st:{folder}", settings=settings())
        assert "pip install 'memoskit[local]'" in caught.value.next_step

    def test_safetensors_that_come_with_code_are_refused(self, folder: Path) -> None:
        (folder / "model.onnx").unlink()
        save_file({"x": np.zeros(1, np.float32)}, folder / "model.safetensors")
        change(folder / "config.json", auto_map={"AutoModel": "modeling.Model"})
        with pytest.raises(EmbedderUnavailable, match="auto_map"):
            resolve(f"st:{folder}", settings=settings())

    @pytest.mark.parametrize("place", ["./missing", "/missing/folder", "a/b/c", "has space/x"])
    def test_a_place_that_is_not_there(self, place: str) -> None:
        with pytest.raises(EmbedderUnavailable, match="there is no folder"):
            resolve(f"st:{place}", settings=settings())


def test_safetensors_through_torch(folder: Path) -> None:
    """A tiny random BERT: batched and padded as here, against each text alone by transformers."""
    torch = pytest.importorskip("torch", reason="the extra [local] is not installed")
    transformers = pytest.importorskip("transformers", reason="the extra [local] is not installed")
    (folder / "model.onnx").unlink()
    torch.manual_seed(1)
    config = transformers.BertConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    model = transformers.BertModel(config).eval()
    model.save_pretrained(folder)
    change(folder / "1_Pooling" / "config.json", word_embedding_dimension=32)
    ours = resolve(f"st:{folder}", settings=settings())
    tokenizer = open_tokenizer(folder / "tokenizer.json", "test")
    with torch.inference_mode():
        alone = [
            model(torch.tensor([tokenizer.encode(t).ids])).last_hidden_state[0].mean(0).numpy() for t in TEXTS
        ]
    np.testing.assert_allclose(np.concatenate(ours.embed_documents(TEXTS)), unit(np.stack(alone)), atol=1e-5)
