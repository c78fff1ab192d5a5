"""Language models behind an endpoint, against a real HTTP server on loopback: good answers, bad ones, none."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import OpenCube
from llm_server import (
    FILTERED,
    NOT_JSON,
    REFUSED,
    Answer,
    Script,
    complaint,
    overloaded,
    refused_url,
)
from pydantic import BaseModel

from memos_cli.errors import (
    LLMBudgetSpent,
    LLMError,
    LLMFailed,
    LLMRefused,
    LLMTooLong,
    LLMUnavailable,
    LLMUnusable,
    UnknownLLM,
)
from memos_cli.providers.llm import LLM, resolve
from memos_cli.providers.meter import Meter
from memos_cli.session import Session
from memos_cli.settings import Settings

HELLO = [{"role": "user", "content": "Say hello to Ana."}]

Model = Callable[..., LLM]


class Fact(BaseModel):
    who: str
    what: str
    sure: bool = True


class Facts(BaseModel):
    facts: list[Fact]


GOOD = {"facts": [{"who": "Ana", "what": "moved to Lisbon", "sure": True}]}


@pytest.fixture
def model(llm_server: Script, settings: Settings) -> Model:
    """`model(**changes)`: the model behind the scripted server, under changed settings."""
    import dataclasses

    def made(budget: int | None = None, **changes: object) -> LLM:
        mine = dataclasses.replace(settings, **(llm_server.settings | changes))
        return resolve(mine.llm, settings=mine, meter=Meter(budget))

    return made


@pytest.fixture
def llm(model: Model) -> LLM:
    return model()


class TestChat:
    def test_a_good_answer(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = ["Hello Ana!"]
        reply = llm.chat(HELLO, temperature=0.5, max_tokens=50, stop=["END"])
        assert (reply.text, reply.finish) == ("Hello Ana!", "stop")
        assert reply.usage is not None
        assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.estimated) == (
            4,
            2,
            False,
        )
        [request] = llm_server.requests
        assert request["path"] == "/v1/chat/completions"
        assert (request["model"], request["messages"]) == ("m", HELLO)
        assert (request["temperature"], request["max_tokens"], request["stop"]) == (0.5, 50, ["END"])
        assert llm.name == "openai:m"

    def test_thoughts_are_no_answer(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [
            "<think>Who is Ana? </think>\n\nHello.",
            "A <think> tag.",
            "<think>for ever",
        ]
        assert llm.chat(HELLO).text == "Hello."
        assert llm.chat(HELLO).text == "A <think> tag."
        with pytest.raises(LLMFailed, match="said nothing"):
            llm.chat(HELLO)

    def test_a_server_that_does_not_count(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [Answer("你好，安娜。", usage=False)]
        usage = llm.chat(HELLO).usage
        assert usage is not None
        assert usage.estimated
        assert usage.prompt_tokens >= 6
        assert usage.completion_tokens == 6
        assert llm.meter.used.tokens == usage.tokens

    def test_images_go_as_they_are(self, llm_server: Script, llm: LLM) -> None:
        parts = [
            {"type": "text", "text": "What\ud800 is it?"},
            {"type": "image_url", "image_url": {"url": "data:,"}},
        ]
        llm.chat([{"role": "user", "content": parts}])
        assert llm_server.requests[0]["messages"][0]["content"] == [
            {"type": "text", "text": "What? is it?"},
            parts[1],
        ]

    def test_content_in_parts(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [Answer(message={"content": [{"type": "text", "text": "Hello."}]})]
        assert llm.chat(HELLO).text == "Hello."

    def test_length_is_told(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [Answer("Hello An", finish="length")]
        assert llm.chat(HELLO).finish == "length"


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        ("answer", "error", "message"),
        [
            (REFUSED, LLMRefused, "I cannot help with that"),
            (FILTERED, LLMRefused, "content filter"),
            (complaint("blocked by the content management policy"), LLMRefused, "content filter"),
            (complaint("This model's maximum context length is 10 tokens"), LLMTooLong, "maximum context"),
            (complaint("no such model", 404), LLMUnavailable, "knows no such model"),
            (complaint("wrong key", 401), LLMUnavailable, "refuses the key"),
            (complaint("nonsense"), LLMFailed, "nonsense"),
            (Answer(body=b'{"error": {"message": "upstream is down"}}'), LLMFailed, "upstream is down"),
            (Answer(body=b'{"choices": []}'), LLMFailed, "no chat completion"),
            (Answer(body=b"[1]"), LLMFailed, r"no chat completion: \[1\]"),
            (Answer(body=b'{"choices": [{"message": null}]}'), LLMFailed, "no chat completion"),
            (Answer("  "), LLMFailed, "said nothing"),
            (Answer(message={"content": None}), LLMFailed, "said nothing"),
        ],
    )
    def test_by_name(
        self, llm_server: Script, llm: LLM, answer: Answer, error: type[LLMError], message: str
    ) -> None:
        llm_server.otherwise = lambda _: answer
        with pytest.raises(error, match=message) as caught:
            llm.chat(HELLO)
        assert type(caught.value) is error
        assert caught.value.next_step
        assert len(llm_server.requests) == 1

    def test_nobody_listens(self, model: Model) -> None:
        with pytest.raises(LLMFailed, match="cannot be reached"):
            _impatient(model(llm_base_url=refused_url())).chat(HELLO)

    def test_too_slow(self, llm_server: Script, model: Model) -> None:
        llm_server.otherwise = lambda _: Answer("late", wait=0.5)
        with pytest.raises(LLMFailed, match="in time"):
            _impatient(model(llm_timeout=0.1)).chat(HELLO)

    def test_never_json(self, llm_server: Script, model: Model) -> None:
        llm_server.otherwise = lambda _: NOT_JSON
        with pytest.raises(LLMFailed, match="not JSON"):
            _impatient(model()).chat(HELLO)

    @pytest.mark.parametrize(
        "answer",
        [
            overloaded(),
            complaint("oh", 500),
            complaint("busy", 503),
            Answer(drop=True),
            NOT_JSON,
            Answer("Hello", cut=20),
            Answer(body=b'{"choices": [{"mess'),
        ],
        ids=["429", "500", "503", "dropped", "html", "cut off", "half"],
    )
    def test_it_is_asked_again(self, llm_server: Script, llm: LLM, answer: Answer) -> None:
        llm_server.answers = [answer]
        assert llm.chat(HELLO).text == "Yes."
        assert len(llm_server.requests) == 2
        assert llm.meter.calls == 1

    def test_as_late_as_the_server_says(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [overloaded("1")]
        llm.chat(HELLO)
        assert llm_server.times[1] - llm_server.times[0] >= 1.0

    def test_every_one_is_an_llm_error(self) -> None:
        for cls in (LLMUnavailable, LLMBudgetSpent, LLMFailed, LLMRefused, LLMTooLong, LLMUnusable):
            assert issubclass(cls, LLMError)
        assert LLMTooLong(name="m", reason="r").code == "llm_too_long"


def _impatient(llm: LLM) -> LLM:
    """A model that is asked once."""
    llm._backend._retries = 0  # type: ignore[attr-defined]
    return llm


class TestAsking:
    def test_the_schema_is_sent(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [GOOD]
        facts = llm.ask(HELLO, Facts).facts
        assert facts == [Fact(who="Ana", what="moved to Lisbon")]
        sent = llm_server.requests[0]["response_format"]["json_schema"]
        assert sent["strict"] is True
        fact = sent["schema"]["$defs"]["Fact"]
        assert fact["required"] == ["who", "what", "sure"]
        assert fact["additionalProperties"] is False
        assert "default" not in fact["properties"]["sure"]

    def test_a_wrong_answer_is_shown_what_is_wrong(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = ["I moved.", {"facts": [{"who": "Ana"}]}, GOOD]
        assert llm.ask(HELLO, Facts).facts[0].who == "Ana"
        assert "holds no JSON document" in llm_server.said(1)
        assert '"required": ["who", "what", "sure"]' in llm_server.said(1)
        assert "facts.0.what: Field required" in llm_server.said(2)
        roles = [message["role"] for message in llm_server.requests[2]["messages"]]
        assert roles == ["user", "assistant", "user"]
        assert llm.meter.calls == 3

    def test_in_chinese(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = ["不知道", GOOD]
        llm.ask(HELLO, Facts, language="zh")
        assert "上面的答案不能使用" in llm_server.said()

    def test_never_right(self, llm_server: Script, llm: LLM) -> None:
        with pytest.raises(LLMUnusable, match="no JSON document"):
            llm.ask(HELLO, Facts)
        assert len(llm_server.requests) == 3

    def test_an_empty_answer_is_asked_again(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = ["", GOOD]
        assert llm.ask(HELLO, Facts).facts
        assert [m["role"] for m in llm_server.requests[1]["messages"]] == ["user", "user"]

    def test_a_refusal_is_not(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [REFUSED]
        with pytest.raises(LLMRefused):
            llm.ask(HELLO, Facts)
        assert len(llm_server.requests) == 1

    def test_one_that_was_cut_off_gets_more_room(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [Answer(json.dumps(GOOD)[:30], finish="length"), GOOD]
        assert llm.ask(HELLO, Facts, max_tokens=100).facts
        assert [r["max_tokens"] for r in llm_server.requests] == [100, 200]
        assert llm_server.requests[1]["messages"] == HELLO

    def test_one_that_repeats_itself_does_not(self, llm_server: Script, llm: LLM) -> None:
        looping = '{"facts": [' + '{"who": "Ana", "what": "moved to Lisbon", "sure": true}, ' * 9
        llm_server.answers = [Answer(looping, finish="length"), GOOD]
        assert llm.ask(HELLO, Facts, max_tokens=100).facts
        assert [r["max_tokens"] for r in llm_server.requests] == [100, 100]
        assert "over and over" in llm_server.said()
        llm_server.answers = [Answer(looping, finish="length")]
        assert len(llm.ask(HELLO, Facts, partial=True).facts) == 9
        assert len(llm_server.requests) == 3

    def test_a_cut_list_is_taken_only_from_who_asks_for_it(self, llm_server: Script, llm: LLM) -> None:
        two = {"facts": [*GOOD["facts"], {"who": "Bo", "what": "lives in New York", "sure": True}]}
        cut = json.dumps(two).partition(" York")[0]
        llm_server.otherwise = lambda _: Answer(cut, finish="length")
        with pytest.raises(LLMUnusable, match="cut off"):
            llm.ask(HELLO, Facts)
        assert [fact.who for fact in llm.ask(HELLO, Facts, partial=True).facts] == ["Ana"]


class TestServersThatKnowLess:
    def test_no_schemas(self, llm_server: Script, llm: LLM) -> None:
        """Asked with a schema, for JSON, and then in words; the second question in words at once."""
        llm_server.schemas = False
        llm_server.otherwise = lambda _: GOOD
        assert llm.ask(HELLO, Facts).facts
        assert llm.ask(HELLO, Facts).facts
        forms = [r.get("response_format", {}).get("type") for r in llm_server.requests]
        assert forms == ["json_schema", "json_schema", "json_object", None, None]
        strict = [r["response_format"]["json_schema"]["strict"] for r in llm_server.requests[:2]]
        assert strict == [True, False]
        assert "It must follow this JSON schema" in llm_server.said()
        assert "Say hello to Ana." in llm_server.said()

    def test_a_request_that_is_wrong_in_any_form_teaches_nothing(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [complaint("nonsense")] * 4
        llm_server.otherwise = lambda _: GOOD
        with pytest.raises(LLMFailed, match="nonsense"):
            llm.ask(HELLO, Facts)
        llm.ask(HELLO, Facts)
        assert llm_server.requests[-1]["response_format"]["type"] == "json_schema"

    def test_too_long_is_no_matter_of_form(self, llm_server: Script, llm: LLM) -> None:
        llm_server.otherwise = lambda _: complaint("maximum context length exceeded")
        with pytest.raises(LLMTooLong):
            llm.ask(HELLO, Facts)
        assert len(llm_server.requests) == 1

    def test_another_name_for_the_limit_and_no_temperature(self, llm_server: Script, llm: LLM) -> None:
        llm_server.refuses = {
            "max_tokens": "Use 'max_completion_tokens' instead.",
            "temperature": "Only the default temperature is supported.",
        }
        llm.chat(HELLO, max_tokens=9)
        llm.chat(HELLO, max_tokens=9)
        assert len(llm_server.requests) == 4
        last = llm_server.requests[-1]
        assert last["max_completion_tokens"] == 9
        assert not {"max_tokens", "temperature"} & last.keys()

    def test_no_counts_in_streams(self, llm_server: Script, llm: LLM) -> None:
        llm_server.refuses = {"stream_options": "stream_options is unknown"}
        stream = llm.stream(HELLO)
        assert "".join(stream) == "Yes."
        assert stream.usage is not None
        assert stream.usage.estimated


class TestStreams:
    def test_pieces_then_usage(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = ["Hello dear Ana"]
        stream = llm.stream(HELLO)
        assert llm_server.requests == []
        assert list(stream) == ["Hello ", "dear ", "Ana"]
        assert stream.reply is not None
        assert (stream.text, stream.reply.text) == ("Hello dear Ana", "Hello dear Ana")
        assert stream.usage is not None
        assert (stream.usage.prompt_tokens, stream.usage.completion_tokens) == (4, 3)
        assert llm.meter.used.tokens == 7

    def test_pieces_come_one_by_one(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [Answer("a b c d", wait=0.1)]
        times = [time.monotonic() for _ in llm.stream(HELLO)]
        assert times[-1] - times[0] > 0.2

    def test_thoughts_are_left_out(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = ["<think>Who is Ana? Hm </think> Hello Ana"]
        assert list(llm.stream(HELLO)) == ["Hello ", "Ana"]

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (Answer("Hello dear Ana", cut=2), "broke off"),
            (Answer("Hello dear Ana", finish=None), "broke off"),
            (Answer("Hello dear Ana", event=b"data: {nonsense\n\n"), "not JSON"),
            (
                Answer("Hello dear Ana", event=b'data: {"error": {"message": "out of memory"}}\n\n'),
                "out of memory",
            ),
            (Answer("Hello dear Ana", finish="content_filter"), "content filter"),
            (Answer("Hello dear Ana", message={"refusal": "No."}), "No"),
        ],
        ids=["cut off", "no end", "no JSON", "error", "filter", "refusal"],
    )
    def test_ending_badly(self, llm_server: Script, llm: LLM, answer: Answer, message: str) -> None:
        """What came is there, it is paid for, and nobody takes it for the whole answer."""
        llm_server.answers = [answer]
        stream = llm.stream(HELLO)
        with pytest.raises(LLMFailed, match=message):
            list(stream)
        assert stream.text.startswith("Hello dear")
        assert stream.reply is None
        assert llm.meter.used.completion_tokens > 0
        assert llm.meter.left is None

    def test_silence_in_the_middle(self, llm_server: Script, model: Model) -> None:
        llm_server.answers = [Answer("Hello dear Ana", wait=0.4)]
        with pytest.raises(LLMFailed):
            list(_impatient(model(llm_timeout=0.2)).stream(HELLO))

    def test_nothing_said(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [Answer("")]
        with pytest.raises(LLMFailed, match="said nothing"):
            list(llm.stream(HELLO))

    def test_overloaded_before_it_begins(self, llm_server: Script, llm: LLM) -> None:
        llm_server.answers = [overloaded(), "Hello"]
        assert list(llm.stream(HELLO)) == ["Hello"]

    def test_stopped_by_its_reader(self, llm_server: Script, model: Model) -> None:
        llm = model(llm_parallel=1)
        llm_server.answers = ["Hello dear Ana"]
        stream = llm.stream(HELLO)
        assert next(iter(stream)) == "Hello "
        stream.close()
        assert llm.meter.used.completion_tokens > 0
        with ThreadPoolExecutor(1) as other:  # the slot is free again
            assert other.submit(llm.chat, HELLO).result(10).text == "Yes."

    def test_a_call_inside_a_stream(self, llm_server: Script, model: Model) -> None:
        llm = model(llm_parallel=1)
        llm_server.answers = ["Hello dear"]
        assert [llm.chat(HELLO).text for _ in llm.stream(HELLO)] == ["Yes.", "Yes."]


class TestSeveralAtOnce:
    def test_so_many_and_no_more(self, llm_server: Script, model: Model) -> None:
        llm_server.otherwise = lambda request: Answer(request["messages"][0]["content"], wait=0.05)
        llm = model(llm_parallel=3)
        with ThreadPoolExecutor(12) as pool:
            texts = [f"item {i}" for i in range(12)]
            said = pool.map(lambda text: llm.chat([{"role": "user", "content": text}]).text, texts)
            assert list(said) == texts
        assert llm_server.most_at_once == 3
        assert llm.meter.calls == 12

    def test_each_goes_on_after_a_failure(self, llm_server: Script, llm: LLM) -> None:
        def answer(request: dict[str, object]) -> object:
            return REFUSED if "3" in str(request["messages"]) else "fine"

        llm_server.otherwise = answer  # type: ignore[assignment]
        results = list(llm.each(lambda i: llm.chat([{"role": "user", "content": str(i)}]).text, range(6)))
        assert [isinstance(r, LLMRefused) for r in results] == [False, False, False, True, False, False]
        assert results[4] == "fine"


class TestBudget:
    def test_nothing_is_sent_that_could_pass_it(self, llm_server: Script, model: Model) -> None:
        llm = model(budget=100)
        with pytest.raises(LLMBudgetSpent, match="100 tokens"):
            llm.chat(HELLO, max_tokens=90)
        with pytest.raises(LLMBudgetSpent):
            llm.ask(HELLO, Facts, max_tokens=20)  # the schema is read too
        assert llm_server.requests == []
        assert llm.chat(HELLO, max_tokens=50).text == "Yes."
        assert llm.meter.left == 100 - 5

    def test_calls_under_way_count_at_their_most(self, llm_server: Script, model: Model) -> None:
        """Eight threads of which each call alone fits: together they never pass it."""
        llm_server.otherwise = lambda _: Answer("word " * 50, wait=0.05)
        llm = model(budget=300, llm_parallel=8)
        results = list(llm.each(lambda _: llm.chat(HELLO, max_tokens=50), range(8)))
        assert any(isinstance(r, LLMBudgetSpent) for r in results)
        assert llm.meter.used.tokens <= 300
        assert llm.meter.used.tokens == 54 * llm.meter.calls

    def test_what_a_failed_call_reserved_is_free_again(self, llm_server: Script, model: Model) -> None:
        llm = model(budget=100)
        llm_server.answers = [REFUSED, "Yes."]
        with pytest.raises(LLMRefused):
            llm.chat(HELLO, max_tokens=60)
        assert llm.chat(HELLO, max_tokens=60).text == "Yes."

    def test_estimates_are_from_above(self) -> None:
        from memos_cli.providers.meter import tokens_at_most

        english = "The quick brown fox jumps over the lazy dog, and then it rests. " * 50
        assert tokens_at_most([{"content": english}]) > 50 * 15
        assert tokens_at_most([{"content": "我们明天上午九点开会。"}]) >= 11


class TestTape:
    def test_a_run_is_repeated_without_a_model(
        self, llm_server: Script, model: Model, tmp_path: Path
    ) -> None:
        llm_server.answers = ["Hello Ana", "Hello again", "I moved.", GOOD, "Streamed\nwords"]

        def run(llm: LLM) -> list[object]:
            stream = llm.stream([*HELLO, *HELLO])
            texts = [llm.chat(HELLO).text, llm.chat(HELLO).text, llm.ask(HELLO, Facts)]
            return [*texts, "".join(stream), stream.usage, llm.meter.used.tokens]

        recorded = run(model(llm=f"record:{tmp_path / 'tape'}:openai:m"))
        asked = len(llm_server.requests)
        replay = model(llm=f"replay:{tmp_path / 'tape'}", llm_base_url=refused_url())
        assert run(replay)[:4] == recorded[:4]
        assert len(llm_server.requests) == asked
        assert replay.chat(HELLO).text == "Hello again"  # asked more often than recorded
        with pytest.raises(LLMFailed, match="was not recorded"):
            replay.chat(HELLO, temperature=0.9)

    def test_its_files_can_be_read(self, llm_server: Script, model: Model, tmp_path: Path) -> None:
        model(llm=f"record:{tmp_path}:openai:m").chat([{"role": "user", "content": "你好"}])
        [path] = tmp_path.glob("*.json")
        assert "你好" in path.read_text(encoding="utf-8")
        path.write_text("{")
        with pytest.raises(LLMFailed, match="cannot be read"):
            model(llm=f"replay:{tmp_path}").chat([{"role": "user", "content": "你好"}])

    def test_no_folder(self, model: Model, tmp_path: Path) -> None:
        with pytest.raises(LLMUnavailable, match="no folder"):
            model(llm=f"replay:{tmp_path / 'none'}")
        (tmp_path / "file").write_text("")
        with pytest.raises(LLMUnavailable, match="cannot be made"):
            model(llm=f"record:{tmp_path / 'file' / 'x'}:openai:m")


class TestNames:
    @pytest.mark.parametrize(
        "name", ["gpt-x", "", ":", "openai:", "record:x", "record::openai:m", "hash:64", "record:x:y"]
    )
    def test_that_are_none(self, model: Model, name: str) -> None:
        with pytest.raises(UnknownLLM) as caught:
            model(llm=name)
        assert caught.value.exit_code == 2
        assert caught.value.next_step

    def test_a_key_is_sent_where_it_belongs(self, llm_server: Script, model: Model) -> None:
        model(openai_api_key="general", openai_base_url="http://127.0.0.1:9/v1").chat(HELLO)
        model(llm_api_key="own").chat(HELLO)
        assert llm_server.keys == ["Bearer none", "Bearer own"]

    def test_no_key_for_openai_and_offline(self, model: Model) -> None:
        with pytest.raises(LLMUnavailable, match="wants a key"):
            model(llm_base_url=None)
        with pytest.raises(LLMUnavailable, match="offline"):
            model(llm_base_url="https://models.example/v1", offline=True)


class TestSession:
    def test_no_model_is_configured(self, session: Session) -> None:
        assert session.llm is None

    def test_its_calls_are_written_down(self, llm_server: Script, open_cube: OpenCube) -> None:
        session = open_cube(
            "naive_text", **llm_server.settings, llm_prices="m=1/10, other=2/2", max_llm_tokens=500
        )
        session.verb = "add"
        assert session.llm is session.llm
        assert session.llm is not None
        reply = session.llm.chat(HELLO, max_tokens=50)
        assert reply.usage is not None
        assert reply.usage.cost == pytest.approx((4 * 1 + 1 * 10) / 1e6)
        assert session.meter.left == 495
        line = json.loads(session.settings.usage_file.read_text())
        assert line | {"at": ""} == {
            "at": "", "model": "openai:m", "verb": "add", "prompt_tokens": 4, "completion_tokens": 1, "cost": 0.000014,
        }  # fmt: skip
        assert session.settings.usage_file.stat().st_mode & 0o077 == 0

    def test_a_file_that_cannot_be_written_costs_no_answer(
        self, llm_server: Script, open_cube: OpenCube, tmp_path: Path
    ) -> None:
        (tmp_path / "home" / "usage.jsonl").mkdir(parents=True)
        session = open_cube("naive_text", **llm_server.settings)
        assert session.llm is not None
        assert session.llm.chat(HELLO).text == "Yes."
        assert session.meter.ledger is not None
        assert "was not written" in session.meter.ledger.problem

    def test_many_threads_write_whole_lines(self, llm_server: Script, open_cube: OpenCube) -> None:
        from memos_cli.providers.ledger import entries

        session = open_cube("naive_text", **llm_server.settings)
        llm = session.llm
        assert llm is not None
        threads = [threading.Thread(target=llm.chat, args=(HELLO,)) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = list(entries(session.settings.usage_file))
        assert len(found) == 16
        assert None not in found
