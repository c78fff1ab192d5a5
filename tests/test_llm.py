"""Language models behind an endpoint, against a real HTTP server on loopback: good answers, bad ones, none."""

from __future__ import annotations

import pytest
from conftest import OpenCube
from llm_server import Script

from memos_cli.providers.llm import LLM

HELLO = [{"role": "user", "content": "Say hello to Ana."}]


@pytest.fixture
def llm(llm_server: Script, open_cube: OpenCube) -> LLM:
    model = open_cube("naive_text", **llm_server.settings).llm
    assert model is not None
    return model


def test_a_good_answer(llm_server: Script, llm: LLM) -> None:
    llm_server.answers = ["Hello Ana!"]
    reply = llm.chat(HELLO, temperature=0.5, max_tokens=50, stop=["END"])
    assert (reply.text, reply.finish) == ("Hello Ana!", "stop")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (4, 2)
    [request] = llm_server.requests
    assert request["path"] == "/v1/chat/completions"
    assert (request["model"], request["messages"]) == ("m", HELLO)
    assert (request["temperature"], request["max_tokens"], request["stop"]) == (0.5, 50, ["END"])
    assert llm.name == "openai:m"


def test_no_model_is_configured(open_cube: OpenCube) -> None:
    assert open_cube("naive_text").llm is None
