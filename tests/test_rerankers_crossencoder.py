"""Cross-encoders from folders: scores worked out by hand, what is cut, what is refused."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_crossencoder as tiny
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from memos_cli.errors import RerankerFailed, RerankerUnavailable, UnknownReranker
from memos_cli.providers.crossencoder import Pairs
from memos_cli.providers.embedder import MODELS
from memos_cli.providers.reranker import Reranker, resolve
from memos_cli.providers.tokens import open_tokenizer
from memos_cli.settings import Settings

WORDS = {"tea": 2.0, "sugar": -3.0, "green": 0.5}


@pytest.fixture
def offline(settings: Settings) -> Settings:
    return dataclasses.replace(settings, offline=True, embed_threads=1)


def opened(folder: Path, settings: Settings, scheme: str = "onnx") -> Reranker:
    return resolve(f"{scheme}:{folder}", settings=settings)


def change(file: Path, **values: Any) -> None:
    document = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps({k: v for k, v in (document | values).items() if v is not ...}))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


class TestScores:
    def test_one_label_is_a_sigmoid(self, tmp_path: Path, offline: Settings) -> None:
        model = opened(tiny.make(tmp_path / "m", WORDS), offline)
        scores = model.score("who drinks", ["tea", "green tea", "sugar", "nothing known", ""])
        assert scores == pytest.approx([sigmoid(2), sigmoid(2.5), sigmoid(-3), 0.5, 0.5])

    def test_the_question_counts_by_its_own_table(self, tmp_path: Path, offline: Settings) -> None:
        """Token types say which half a token is in; the second separator is the text's."""
        folder = tiny.make(tmp_path / "m", {"tea": 2.0, "[SEP]": 0.25}, {"tea": -1.0, "[CLS]": 0.125})
        scores = opened(folder, offline).score("tea", ["tea", "coffee"])
        assert scores == pytest.approx([sigmoid(2 - 1 + 0.25 + 0.125), sigmoid(-1 + 0.25 + 0.125)])

    def test_of_two_labels_the_last_counts(self, tmp_path: Path, offline: Settings) -> None:
        model = opened(tiny.make(tmp_path / "m", {"tea": (0.0, 2.0), "sugar": (1.0, -1.0)}), offline)
        assert model.score("x", ["tea", "sugar"]) == pytest.approx([sigmoid(2), sigmoid(-2)])

    def test_a_label_that_names_itself_counts(self, tmp_path: Path, offline: Settings) -> None:
        labels = {"0": "contradiction", "1": "entailment", "2": "neutral"}
        model = opened(tiny.make(tmp_path / "m", {"tea": (0.0, 3.0, 1.0)}, id2label=labels), offline)
        expected = math.exp(3) / (1 + math.exp(3) + math.exp(1))
        assert model.score("x", ["tea"]) == pytest.approx([expected])

    def test_labels_that_the_folder_does_not_number(self, tmp_path: Path, offline: Settings) -> None:
        """transformers leaves two unnamed labels out of config.json."""
        model = opened(tiny.make(tmp_path / "m", {"tea": (0.0, 2.0)}, id2label=...), offline)
        assert model.score("x", ["tea"]) == pytest.approx([sigmoid(2)])

    def test_extreme_logits_stay_in_bounds(self, tmp_path: Path, offline: Settings) -> None:
        model = opened(tiny.make(tmp_path / "m", {"tea": 1e4, "sugar": -1e4}), offline)
        assert model.score("x", ["tea", "sugar"]) == pytest.approx([1.0, 0.0])

    @pytest.mark.parametrize("side", ["right", "left"])
    @pytest.mark.parametrize("threads", [1, 3])
    def test_a_score_does_not_depend_on_its_batch(
        self, tmp_path: Path, offline: Settings, side: str, threads: int
    ) -> None:
        folder = tiny.make(tmp_path / "m", WORDS | {"[PAD]": 9.0}, {"[PAD]": 9.0})
        change(folder / "tokenizer_config.json", padding_side=side)
        model = opened(folder, dataclasses.replace(offline, embed_threads=threads))
        texts = [" ".join(["green"] * (i % 7) + ["tea"] * (i % 3) + ["sugar"] * (i % 2)) for i in range(120)]
        expected = [sigmoid(0.5 * (i % 7) + 2 * (i % 3) - 3 * (i % 2)) for i in range(120)]
        assert model.score("what is it", texts) == pytest.approx(expected, abs=1e-6)

    def test_no_texts(self, tmp_path: Path, offline: Settings) -> None:
        assert opened(tiny.make(tmp_path / "m", WORDS), offline).score("x", []) == []

    def test_strange_text(self, tmp_path: Path, offline: Settings) -> None:
        model = opened(tiny.make(tmp_path / "m", WORDS), offline)
        assert all(
            0 <= s <= 1 for s in model.score("\ud800 ?", ["\ud800", "a\0b", "[CLS] [SEP]", "😀" * 500])
        )

    def test_nan_is_no_score(self, tmp_path: Path, offline: Settings) -> None:
        model = opened(tiny.make(tmp_path / "m", {"tea": float("nan")}), offline)
        with pytest.raises(RerankerFailed, match="NaN"):
            model.score("x", ["green", "tea"])

    def test_more_labels_than_the_folder_says(self, tmp_path: Path, offline: Settings) -> None:
        folder = tiny.make(tmp_path / "m", {"tea": (0.0, 2.0)}, id2label={"0": "LABEL_0"})
        with pytest.raises(RerankerFailed, match="1 labels"):
            opened(folder, offline).score("x", ["tea"])


class TestLength:
    def test_only_the_text_is_cut(self, tmp_path: Path, offline: Settings) -> None:
        folder = tiny.make(tmp_path / "m", {"tea": 0.25}, {"please": 0.5}, max_tokens=40)
        model = opened(folder, offline)
        # 40 tokens: three special ones, ten of the question, 27 of the text
        scores = model.score(" ".join(["please"] * 10), [" ".join(["tea"] * n) for n in (26, 27, 28, 5000)])
        expected = [sigmoid(5 + 26 / 4), *[sigmoid(5 + 27 / 4)] * 3]
        assert scores == pytest.approx(expected, abs=1e-9)
        assert scores[0] < scores[1]

    def test_a_question_that_fills_the_model(self, tmp_path: Path, offline: Settings) -> None:
        model = opened(tiny.make(tmp_path / "m", WORDS, max_tokens=40), offline)
        assert len(model.score(" ".join(["tea"] * 21), ["tea"])) == 1
        with pytest.raises(RerankerFailed, match="22 tokens"):
            model.score(" ".join(["tea"] * 22), ["tea"])

    def test_a_megabyte_is_cut_before_it_is_tokenised(self, tmp_path: Path, offline: Settings) -> None:
        model = opened(tiny.make(tmp_path / "m", {"tea": 0.01}), offline)
        assert model.score("x", ["tea " * 500_000]) == pytest.approx([sigmoid(0.01 * 60)])

    def test_pairs_are_the_tokenizers_own(self) -> None:
        """With a published tokenizer: the same ids and types as it gives itself."""
        file = MODELS / "minilm" / "tokenizer.json"
        plain = Tokenizer.from_file(str(file))
        plain.no_padding()
        plain.enable_truncation(32, strategy="only_second")
        texts = ["Alice drinks green tea.", "", "unbelievable " * 50, "她每天早上喝绿茶"]
        ours = Pairs(open_tokenizer(file, "test"), 32, "test").encode("What does Alice drink?", texts)
        theirs = [plain.encode("What does Alice drink?", text) for text in texts]
        assert [(p.ids, p.types) for p in ours] == [(e.ids, e.type_ids) for e in theirs]
        assert 1 in ours[0].types


class TestNames:
    @pytest.mark.parametrize(
        "name", ["", "onnx", "onnx:", "minilm", "jina:x", "st", "openai:", "hash:64", ":x"]
    )
    def test_names_that_are_none(self, offline: Settings, name: str) -> None:
        with pytest.raises(UnknownReranker) as caught:
            resolve(name, settings=offline)
        assert caught.value.exit_code == 2
        assert "memos help reranking" in caught.value.next_step

    def test_a_hub_name_alone_gets_a_hint(self, offline: Settings) -> None:
        with pytest.raises(UnknownReranker) as caught:
            resolve("some-org/some-model", settings=offline)
        assert "st:some-org/some-model" in caught.value.next_step

    def test_the_name_finds_it_again_from_anywhere(
        self, tmp_path: Path, offline: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tiny.make(tmp_path / "m", WORDS)
        monkeypatch.chdir(tmp_path)
        model = resolve("st:./m", settings=offline)
        monkeypatch.chdir("/")
        assert model.name == f"st:{(tmp_path / 'm').resolve()}"
        assert resolve(model.name, settings=offline).score("x", ["tea"]) == pytest.approx([sigmoid(2)])

    def test_models_dir_and_the_file_itself(self, tmp_path: Path, offline: Settings) -> None:
        folder = tiny.make(tmp_path / "m", WORDS)
        there = dataclasses.replace(offline, models_dir=tmp_path)
        assert resolve("onnx:m", settings=there).score("x", ["tea"]) == pytest.approx([sigmoid(2)])
        (folder / "onnx").mkdir()
        (folder / "model.onnx").rename(folder / "onnx" / "small.onnx")
        model = resolve(f"onnx:{folder / 'onnx' / 'small.onnx'}", settings=offline)
        assert model.score("x", ["tea"]) == pytest.approx([sigmoid(2)])

    def test_one_in_the_hubs_cache(self, tmp_path: Path, offline: Settings) -> None:
        """No modules.json is needed, which embedders have and cross-encoders mostly do not."""
        commit = "0123456789abcdef0123456789abcdef01234567"
        repository = tmp_path / "models--some-org--some-model"
        (repository / "refs").mkdir(parents=True)
        (repository / "refs" / "main").write_text(commit)
        tiny.make(repository / "snapshots" / commit, WORDS)
        model = resolve("st:some-org/some-model", settings=dataclasses.replace(offline, models_dir=tmp_path))
        assert model.name == "st:some-org/some-model"
        assert model.score("x", ["tea"]) == pytest.approx([sigmoid(2)])


class TestRefusals:
    """Each names what it is, as a reranker's trouble; none scores."""

    def refused(self, folder: Path, settings: Settings, scheme: str = "onnx") -> RerankerUnavailable:
        with pytest.raises(RerankerUnavailable) as caught:
            opened(folder, settings, scheme)
        assert caught.value.exit_code == 1
        assert caught.value.next_step
        assert "embedder" not in f"{caught.value.message} {caught.value.next_step}"
        return caught.value

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tiny.make(tmp_path / "m", WORDS)

    @pytest.mark.parametrize("place", ["./missing", "a/b/c"])
    def test_places_that_are_not_there(self, offline: Settings, place: str) -> None:
        assert "there is no folder" in self.refused(Path(place), offline).message

    def test_not_there_and_offline(self, tmp_path: Path, offline: Settings) -> None:
        with pytest.raises(RerankerUnavailable) as caught:
            resolve("st:org/model", settings=dataclasses.replace(offline, models_dir=tmp_path))
        assert "memos config set offline false" in caught.value.next_step

    def test_an_embedder(self, offline: Settings) -> None:
        assert "Pooling" in self.refused(MODELS / "minilm", offline).message

    @pytest.mark.parametrize(
        ("config", "named"),
        [
            ({"architectures": ["Qwen3ForCausalLM"]}, "Qwen3ForCausalLM"),
            ({"problem_type": "multi_label_classification"}, "multi_label_classification"),
            ({"id2label": {"0": "relevant", "1": "related"}}, "relevant, related"),
            ({"id2label": {"0": "fits", "1": "not_relevant"}}, "not_relevant"),
            ({"id2label": {"0": "a", "1": "unrelated"}}, "unrelated"),
            ({"id2label": {"zero": "a"}}, "labels"),
            ({"id2label": ["a"]}, "labels"),
        ],
    )
    def test_heads(self, folder: Path, offline: Settings, config: dict[str, Any], named: str) -> None:
        change(folder / "config.json", **config)
        assert named in self.refused(folder, offline).message

    def test_the_tasks_of_other_models(self, folder: Path, offline: Settings) -> None:
        change(folder / "sentence_bert_config.json", transformer_task="text-generation")
        assert "text-generation" in self.refused(folder, offline).message

    @pytest.mark.parametrize(
        "type_", ["custom.Transformer", "sentence_transformers.cross_encoder.modules.LogitScore"]
    )
    def test_unknown_modules(self, folder: Path, offline: Settings, type_: str) -> None:
        (folder / "modules.json").write_text(json.dumps([{"idx": 0, "path": "", "type": type_}]))
        assert type_ in self.refused(folder, offline).message

    def test_the_one_module_of_newer_folders_is_read(self, folder: Path, offline: Settings) -> None:
        listed = [
            {"idx": 0, "path": "", "type": "sentence_transformers.base.modules.transformer.Transformer"}
        ]
        (folder / "modules.json").write_text(json.dumps(listed))
        change(folder / "sentence_bert_config.json", transformer_task="sequence-classification")
        assert opened(folder, offline).score("x", ["tea"]) == pytest.approx([sigmoid(2)])

    def test_prompts(self, folder: Path, offline: Settings) -> None:
        change(folder / "config_sentence_transformers.json", default_prompt_name="query")
        assert "prompt query" in self.refused(folder, offline).message

    def test_a_tokenizer_without_pairs(self, folder: Path, offline: Settings) -> None:
        tiny.save_tokenizer(folder, [*tiny.SPECIAL, *WORDS], template=False)
        assert "put together" in self.refused(folder, offline).message

    @pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
    def test_files_that_are_missing_or_broken(self, folder: Path, offline: Settings, name: str) -> None:
        (folder / name).write_text("{")
        assert name in self.refused(folder, offline).message
        (folder / name).unlink()
        assert f"{name} is missing" in self.refused(folder, offline).message

    def test_a_model_of_token_vectors(self, tmp_path: Path, offline: Settings) -> None:
        folder = tiny.make(tmp_path / "m", WORDS, pooled=False)
        assert "last_hidden_state" in self.refused(folder, offline).message

    def test_a_model_that_is_none(self, folder: Path, offline: Settings) -> None:
        (folder / "model.onnx").write_bytes(b"not a model at all")
        assert "onnxruntime" in self.refused(folder, offline).message

    def test_no_onnx_model(self, folder: Path, offline: Settings) -> None:
        (folder / "model.onnx").unlink()
        assert f"st:{folder}" in self.refused(folder, offline).next_step
        assert "neither" in self.refused(folder, offline, "st").message
        (folder / "pytorch_model.bin").write_bytes(b"\x80\x04")
        assert "pickle" in self.refused(folder, offline, "st").message

    def test_safetensors_without_torch_name_the_command(
        self, folder: Path, offline: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (folder / "model.onnx").unlink()
        save_file({"x": np.zeros(1, np.float32)}, folder / "model.safetensors")
        monkeypatch.setitem(__import__("sys").modules, "torch", None)
        assert "pip install 'memoskit[local]'" in self.refused(folder, offline, "st").next_step

    def test_code_of_its_own(self, folder: Path, offline: Settings) -> None:
        (folder / "model.onnx").unlink()
        save_file({"x": np.zeros(1, np.float32)}, folder / "model.safetensors")
        change(folder / "config.json", auto_map={"AutoModelForSequenceClassification": "modeling.Model"})
        assert "auto_map" in self.refused(folder, offline, "st").message


class TestTorch:
    """A tiny random BERT, batched and padded as here, against each pair alone by transformers."""

    def build(self, folder: Path, labels: int) -> Any:
        transformers = pytest.importorskip("transformers", reason="the extra [local] is not installed")
        torch = pytest.importorskip("torch", reason="the extra [local] is not installed")
        tiny.make(folder, WORDS)
        (folder / "model.onnx").unlink()
        torch.manual_seed(1)
        config = transformers.BertConfig(
            vocab_size=16,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            num_labels=labels,
            initializer_range=0.5,
        )
        model = transformers.BertForSequenceClassification(config).eval()
        model.save_pretrained(folder)
        return model

    @pytest.mark.parametrize("labels", [1, 2, 3])
    def test_scores(self, tmp_path: Path, offline: Settings, labels: int) -> None:
        model = self.build(tmp_path / "m", labels)
        torch = pytest.importorskip("torch")
        tokenizer = open_tokenizer(tmp_path / "m" / "tokenizer.json", "test")
        texts = ["tea", "green tea sugar tea", "", "sugar sugar"]
        expected = []
        for text in texts:
            pair = tokenizer.encode("green sugar", text)
            with torch.inference_mode():
                logits = model(torch.tensor([pair.ids]), token_type_ids=torch.tensor([pair.type_ids])).logits[
                    0
                ]
            share = torch.sigmoid(logits)[0] if labels == 1 else torch.softmax(logits, 0)[-1]
            expected.append(float(share))
        found = resolve(f"st:{tmp_path / 'm'}", settings=offline).score("green sugar", texts)
        assert found == pytest.approx(expected, abs=1e-5)
        assert len(set(expected)) > 1

    def test_weights_without_a_classifier_are_refused(self, tmp_path: Path, offline: Settings) -> None:
        model = self.build(tmp_path / "m", 1)
        model.bert.save_pretrained(tmp_path / "m")
        change(tmp_path / "m" / "config.json", architectures=["BertForSequenceClassification"])
        with pytest.raises(RerankerUnavailable, match="classifier"):
            resolve(f"st:{tmp_path / 'm'}", settings=offline)
