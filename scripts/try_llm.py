"""Try a real language model: behind llama.cpp's server, and the same weights through transformers.

    python scripts/try_llm.py --model MODEL.gguf [--server LLAMA_SERVER] [--no-local]
        [--memories [N] [--answer TOKENS]]

Starts the server, where one is given, on a free port of loopback and goes through what memos needs of one: a chat, a stream,
answers bound to a schema, token counts, a stop, a limit, a budget, several requests at once, recording and
replaying. Then the same questions to `local:MODEL.gguf`, where torch, transformers and what GGUF files
need are installed. With `--memories` the verbs that ask a model (add, refine, feedback, reflect, reorganize) go over N
turns of the example's conversations instead, with the server: what was accepted, refused and waits is printed, and that
nothing was lost or believed without evidence is checked. Prints a line for each with its time; the exit code is 1 when one is not as it must be. Does not
judge what the model says: a model of 135 million parameters says a lot of nonsense.
"""

from __future__ import annotations

import argparse
import importlib.util
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _try_memories import try_memories
from pydantic import BaseModel, Field

from memos_cli.errors import LLMBudgetSpent, LLMError, LLMTooLong
from memos_cli.providers import llm
from memos_cli.providers.llm import LLM, resolve
from memos_cli.providers.meter import Meter
from memos_cli.settings import Settings

PATIENCE = 900.0
"""Seconds for one answer: the machine may be busy with other things."""
LONGEST = 700
"""Tokens of an answer to a verb, at most."""
SYSTEM = {"role": "system", "content": "You take facts out of messages."}
MESSAGES = [
    "Ana moved to Lisbon in March.",
    "Bruno is allergic to walnuts.",
    "Carla plays the cello on Tuesdays.",
    "安娜三月搬到了里斯本。",
]


class Fact(BaseModel):
    person: str = Field(max_length=30)
    fact: str = Field(max_length=100)
    certain: bool


class Facts(BaseModel):
    """Bounded: a model of this size goes on for ever inside any schema that lets it."""

    facts: list[Fact] = Field(max_length=2)


def asked(text: str) -> list[dict[str, str]]:
    return [SYSTEM, {"role": "user", "content": f"Message: {text}\nWhich facts does it state?"}]


class Report:
    """Lines as they come, and whether all was well."""

    def __init__(self) -> None:
        self.well = True

    def check(self, name: str, work: Callable[[], tuple[bool, str]]) -> None:
        began = time.monotonic()
        try:
            good, told = work()
        except LLMError as error:
            good, told = False, error.message
        self.well &= good
        print(
            f"{'ok  ' if good else 'BAD '} {time.monotonic() - began:6.2f} s  {name:<26} {told}", flush=True
        )


@contextmanager
def server(binary: str, model: Path) -> Iterator[str]:
    """The URL of a server that is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [binary, "-m", str(model), "--host", "127.0.0.1", "--port", str(port), "-c", "8192", "-np", "2"]
    with tempfile.TemporaryFile() as log, subprocess.Popen(words, stdout=log, stderr=log) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/health", process)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise SystemExit(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("the server did not become ready")


def try_model(report: Report, open_model: Callable[..., LLM], *, bound: bool) -> None:
    """Every check; `bound`: the server enforces schemas, so each answer must fit at once."""
    llm = open_model()
    report.check("chat", lambda: _chat(llm))
    report.check("stream", lambda: _stream(llm))
    report.check("the same, streamed or not", lambda: _same(llm))
    report.check("stop", lambda: _stop(llm))
    report.check("limit", lambda: _limit(llm))
    report.check("schema", lambda: _schema(open_model(), bound=bound))
    report.check("schema, cut off", lambda: _cut(open_model()))
    report.check("too long", lambda: _too_long(llm))
    report.check("budget", lambda: _budget(open_model(Meter(120))))


def _chat(llm: LLM) -> tuple[bool, str]:
    reply = llm.chat([{"role": "user", "content": "Say hello."}], max_tokens=40)
    assert reply.usage is not None
    told = f"{reply.usage.prompt_tokens} + {reply.usage.completion_tokens} tokens, {reply.text[:50]!r}"
    return not reply.usage.estimated and 0 < reply.usage.completion_tokens <= 40, told


def _stream(llm: LLM) -> tuple[bool, str]:
    began, stream = (
        time.monotonic(),
        llm.stream([{"role": "user", "content": "Tell a story."}], max_tokens=60),
    )
    times = [time.monotonic() - began for _ in stream]
    assert stream.usage is not None
    told = f"{len(times)} pieces, the first after {times[0]:.2f} s, {stream.usage.completion_tokens} tokens"
    return not stream.usage.estimated and len(times) > 5, told


def _same(llm: LLM) -> tuple[bool, str]:
    question = [{"role": "user", "content": "Count from one to ten."}]
    stream = llm.stream(question, max_tokens=30)
    streamed, whole = "".join(stream), llm.chat(question, max_tokens=30)
    assert stream.usage is not None
    assert whole.usage is not None
    return (
        streamed == whole.text and stream.usage == whole.usage,
        f"{streamed[:40]!r}, {stream.usage.tokens} tokens",
    )


def _stop(llm: LLM) -> tuple[bool, str]:
    question = [{"role": "user", "content": "Count from one to ten."}]
    word = llm.chat(question, max_tokens=30).text.split()[3]
    reply = llm.chat(question, max_tokens=30, stop=[word])
    return word not in reply.text and reply.finish == "stop", f"at {word!r}: {reply.text[:40]!r}"


def _limit(llm: LLM) -> tuple[bool, str]:
    reply = llm.chat([{"role": "user", "content": "Tell a long story."}], max_tokens=7)
    assert reply.usage is not None
    return (reply.finish, reply.usage.completion_tokens) == ("length", 7), f"{reply.text!r}"


def _schema(llm: LLM, *, bound: bool) -> tuple[bool, str]:
    """Answers that fit. Bound to a schema all do; else few, and one message shows as much as four."""
    messages, room = (MESSAGES, 300) if bound else (MESSAGES[:1], 100)
    found = list(llm.each(lambda text: llm.ask(asked(text), Facts, max_tokens=room), messages))
    fit = [one for one in found if isinstance(one, Facts)]
    first = fit[0].facts[0] if fit and fit[0].facts else None
    told = (
        f"{len(fit)} of {len(found)} fit, in {llm.meter.calls} calls, {llm.meter.used.tokens} tokens; {first}"
    )
    return (len(fit) == len(found) or not bound), told


def _cut(llm: LLM) -> tuple[bool, str]:
    try:
        return True, f"fits: {llm.ask(asked(MESSAGES[0]), Facts, max_tokens=8, tries=1)}"
    except LLMError as error:
        return error.code == "llm_unusable", error.message


def _too_long(llm: LLM) -> tuple[bool, str]:
    try:
        llm.chat([{"role": "user", "content": "walnut " * 9000}], max_tokens=5)
    except LLMTooLong as error:
        return True, error.message[:110]
    return False, "it was taken"


def _budget(llm: LLM) -> tuple[bool, str]:
    calls = 0
    try:
        while calls < 50:
            llm.chat([{"role": "user", "content": "Hi."}], max_tokens=20)
            calls += 1
    except LLMBudgetSpent as error:
        assert llm.meter.budget is not None
        return calls > 0 and llm.meter.used.tokens <= llm.meter.budget, error.message
    return False, "it was never spent"


def _tape(settings: Callable[[str], Settings], folder: Path) -> tuple[bool, str]:
    def run(name: str) -> tuple[str, str]:
        llm = resolve(name, settings=settings(name))
        said = llm.chat([{"role": "user", "content": "Say hello."}], max_tokens=20).text
        return said, str(llm.ask(asked(MESSAGES[1]), Facts, max_tokens=300))

    recorded = run(f"record:{folder}:openai:smollm2")
    replayed = run(f"replay:{folder}")
    return recorded == replayed, f"{len(list(folder.iterdir()))} files"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--server")
    arguments.add_argument("--model", required=True, type=Path)
    arguments.add_argument("--no-local", action="store_true")
    arguments.add_argument("--memories", nargs="?", type=int, const=40, metavar="N")
    arguments.add_argument("--answer", type=int, default=LONGEST, metavar="TOKENS")
    given = arguments.parse_args()
    if given.memories is not None:
        if not given.server:
            arguments.error("--memories needs --server")
        sys.exit(0 if try_verbs(given.server, given.model, given.memories, given.answer) else 1)
    report = Report()
    if given.server:
        try_server(report, given.server, given.model)
    needed = ("torch", "transformers", "gguf", "sentencepiece", "accelerate")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if given.no_local or missing:
        print(f"local: left out{', not installed: ' + ', '.join(missing) if missing else ''}")
    else:
        try_local(report, given.model)
    sys.exit(0 if report.well else 1)


def try_server(report: Report, binary: str, model: Path) -> None:
    print("openai:smollm2, behind llama.cpp")
    with tempfile.TemporaryDirectory() as folder, server(binary, model) as url:
        home = Path(folder)

        def settings(name: str) -> Settings:
            return Settings(home=home, llm=name, llm_base_url=url, llm_parallel=2, llm_timeout=PATIENCE)

        def opened(meter: Meter | None = None) -> LLM:
            return resolve("openai:smollm2", settings=settings("openai:smollm2"), meter=meter)

        try_model(report, opened, bound=True)
        report.check("record and replay", lambda: _tape(settings, home / "tape"))


def _keep_short(longest: int) -> None:
    """No answer in a form is longer than so many tokens from here on."""
    ask = LLM.ask

    def short(*given: Any, max_tokens: int = longest, **more: Any) -> Any:
        return ask(*given, max_tokens=min(max_tokens, longest), **more)

    LLM.ask = short  # type: ignore[method-assign]
    llm.LONGEST_ANSWER = longest


def try_verbs(binary: str, model: Path, turns: int, longest: int) -> bool:
    """The verbs over the example's conversations; answers are kept short, for patience's sake."""
    _keep_short(longest)
    with tempfile.TemporaryDirectory() as folder, server(binary, model) as url:
        settings = Settings(
            home=Path(folder), llm="openai:smollm2", llm_base_url=url, llm_parallel=2, llm_timeout=PATIENCE
        )
        return try_memories(settings, Path(folder), turns, lambda line: print(line, flush=True))


def try_local(report: Report, model: Path) -> None:
    print(f"local:{model.name}, through transformers")
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), llm_timeout=PATIENCE)
        shared = resolve(f"local:{model}", settings=settings)

        def opened(meter: Meter | None = None) -> LLM:
            return LLM(shared._backend, meter=meter, parallel=1)  # the weights are read once

        try_model(report, opened, bound=False)


if __name__ == "__main__":
    main()
