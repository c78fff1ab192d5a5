"""`local:`, with a tiny model of random weights made here; it babbles, and that is enough for what is exact."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from memos_cli.errors import LLMFailed, LLMTooLong, LLMUnavailable, LLMUnusable
from memos_cli.providers.chatlocal import _until
from memos_cli.providers.llm import LLM, resolve
from memos_cli.settings import Settings

HELLO = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello to Ana."}]
TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
NO_SYSTEM = "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}" + TEMPLATE


class Fact(BaseModel):
    who: str


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama with a vocabulary of letters."""
    torch = pytest.importorskip("torch", reason="the extra [local] is not installed")
    transformers = pytest.importorskip("transformers", reason="the extra [local] is not installed")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    path = tmp_path_factory.mktemp("llama")
    letters = ["</s>", *(chr(code) for code in range(33, 127)), "Ġ", "Ċ"]
    plain = Tokenizer(models.BPE({letter: at for at, letter in enumerate(letters)}, []))
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="</s>")
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(path)
    torch.manual_seed(3)
    config = transformers.LlamaConfig(
        vocab_size=len(letters), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=512, eos_token_id=0, bos_token_id=None,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(path)
    return path


Model = Callable[..., LLM]


@pytest.fixture
def model(folder: Path, settings: Settings) -> Model:
    def made(path: Path = folder, **changes: object) -> LLM:
        return resolve(f"local:{path}", settings=dataclasses.replace(settings, **changes))  # type: ignore[arg-type]

    return made


@pytest.fixture(scope="module")
def llm(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> LLM:
    return resolve(f"local:{folder}", settings=Settings(home=tmp_path_factory.mktemp("home")))


def _by_hand(folder: Path, tokens: int) -> tuple[str, int]:
    """What the model says, and the length of the prompt, without our code."""
    import torch
    import transformers

    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = tokenizer("<|system|>Be brief.<|user|>Say hello to Ana.<|assistant|>", return_tensors="pt")[
        "input_ids"
    ]
    with torch.inference_mode():
        out = model.generate(ids, max_new_tokens=tokens, do_sample=False, pad_token_id=0)
    return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True), ids.shape[1]


def test_it_says_what_the_model_says(llm: LLM, folder: Path) -> None:
    text, length = _by_hand(folder, 12)
    reply = llm.chat(HELLO, max_tokens=12)
    assert (reply.text, reply.finish) == (text, "length")
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.cost) == (length, 12, 0.0)
    assert llm.name == f"local:{folder}"
    assert llm.parallel == 1


def test_piece_by_piece(llm: LLM) -> None:
    stream = llm.stream(HELLO, max_tokens=12)
    pieces = list(stream)
    assert "".join(pieces) == llm.chat(HELLO, max_tokens=12).text == stream.text
    assert stream.usage is not None
    assert stream.usage.completion_tokens == 12


def test_it_stops_where_it_is_told(llm: LLM) -> None:
    whole = llm.chat(HELLO, max_tokens=24).text
    stop = whole[5:7]
    reply = llm.chat(HELLO, max_tokens=24, stop=[stop])
    assert (reply.text, reply.finish) == (whole[: whole.index(stop)], "stop")
    assert reply.usage is not None
    assert reply.usage.completion_tokens < 24
    assert "".join(llm.stream(HELLO, max_tokens=24, stop=[stop])) == reply.text


def test_warm(llm: LLM) -> None:
    assert len({llm.chat(HELLO, max_tokens=24, temperature=5.0).text for _ in range(3)}) > 1


def test_babble_is_no_answer(llm: LLM) -> None:
    with pytest.raises(LLMUnusable):
        llm.ask([{"role": "user", "content": "Who?"}], Fact, max_tokens=16, tries=1)


def test_too_long(llm: LLM) -> None:
    with pytest.raises(LLMTooLong, match="it reads 512"):
        llm.chat([{"role": "user", "content": "x" * 600}])
    assert llm.chat([{"role": "user", "content": "x" * 480}], max_tokens=100).finish == "length"


def test_images_are_refused(llm: LLM) -> None:
    with pytest.raises(LLMFailed, match="no images"):
        llm.chat([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}])


def test_its_reader_may_stop(llm: LLM) -> None:
    stream = llm.stream(HELLO, max_tokens=400)
    next(iter(stream))
    began = time.monotonic()
    stream.close()
    assert time.monotonic() - began < 2
    assert llm.chat(HELLO, max_tokens=4).text


def test_in_time(model: Model) -> None:
    with pytest.raises(LLMFailed, match="in time"):
        model(llm_timeout=0.01).chat(HELLO, max_tokens=400)


def test_templates(model: Model, folder: Path, tmp_path: Path) -> None:
    """One that knows no system's turn, and none at all."""
    import shutil

    other = tmp_path / "other"
    shutil.copytree(folder, other)
    template = other / "chat_template.jinja"
    template.write_text(NO_SYSTEM)
    backend: Any = model(other)._backend
    assert backend._rendered(HELLO) == ("<|user|>Be brief.\n\nSay hello to Ana.<|assistant|>", True)
    template.write_text("{{ raise_exception('nothing at all') }}")
    with pytest.raises(LLMFailed, match="nothing at all"):
        model(other).chat(HELLO)
    template.unlink()
    backend = model(other)._backend
    assert backend._rendered(HELLO) == ("system: Be brief.\n\nuser: Say hello to Ana.\n\nassistant:", False)


def test_pickled_weights_are_never_read(model: Model, folder: Path, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "other"
    shutil.copytree(folder, other)
    (other / "model.safetensors").rename(other / "pytorch_model.bin")
    with pytest.raises(LLMUnavailable, match="no safetensors"):
        model(other).chat(HELLO)


def test_weights_that_are_none(model: Model, folder: Path, tmp_path: Path) -> None:
    import shutil

    import safetensors.torch

    other = tmp_path / "other"
    shutil.copytree(folder, other)
    (other / "model.safetensors").write_bytes(b"torn")
    with pytest.raises(LLMUnavailable):
        model(other).chat(HELLO)
    some = safetensors.torch.load_file(folder / "model.safetensors")
    some.pop("model.norm.weight")
    safetensors.torch.save_file(some, other / "model.safetensors", {"format": "pt"})
    with pytest.raises(LLMUnavailable, match=r"lack model\.norm\.weight"):
        model(other).chat(HELLO)


class TestWithoutTheExtra:
    def test_what_is_missing_is_named(self, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
        import importlib.util

        find = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
        with pytest.raises(LLMUnavailable, match="torch is not installed") as caught:
            resolve("local:anything", settings=settings)
        assert "memoskit[local]" in caught.value.next_step

    @pytest.mark.parametrize(
        ("pieces", "text"),
        [
            (["one END", " two"], "one "),
            (["one E", "ND two"], "one "),
            (["one E", "XIT"], "one EXIT"),
            (["a", "b"], "ab"),
            (["END"], ""),
            (["xSTOP END"], "x"),
        ],
    )
    def test_stops_across_pieces(self, pieces: list[str], text: str) -> None:
        assert "".join(_until(iter(pieces), ["END", "STOP"])) == text
