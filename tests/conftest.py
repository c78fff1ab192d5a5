"""What several test files stand on: settings that touch nothing of this machine, small cubes, processes.

Everything lives under `tmp_path`; the embedder is `hash:64`, which needs no model and no thought.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import llm_server as scripted
import pytest

from memos_cli.location import CubeRef
from memos_cli.schema import Depth, Draft
from memos_cli.session import Session, open_session
from memos_cli.settings import Settings

ROOT = Path(__file__).resolve().parents[1]

OpenCube = Callable[..., Session]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Plain defaults under `tmp_path`; without waiting for the disk, which no test can see."""
    return Settings(
        home=tmp_path / "home", embedder="hash:64", fsync=False, actor="tester", lock_timeout=20.0
    )


@pytest.fixture
def cube_path(tmp_path: Path) -> Path:
    return tmp_path / "cube"


@pytest.fixture
def open_cube(cube_path: Path, settings: Settings) -> OpenCube:
    """`open_cube(depth="general_text", **changes)`: a session on the test's cube, made when missing.

    Each call is a session of its own, as another process would have one.
    """

    def opened(depth: str = "general_text", path: Path = cube_path, **changes: object) -> Session:
        import dataclasses

        mine = dataclasses.replace(settings, text=Depth(depth), **changes)  # type: ignore[arg-type]
        with open_session(CubeRef("cube", path, is_name=False), mine, write=True, create=True) as session:
            return session

    return opened


@pytest.fixture
def session(open_cube: OpenCube) -> Session:
    """A session on an empty cube of depth general_text."""
    return open_cube()


@pytest.fixture
def llm_server() -> Iterator[scripted.Script]:
    """A language model behind a scripted server: `open_cube(**llm_server.settings)`."""
    with scripted.serving() as script:
        yield script


@pytest.fixture
def environment(settings: Settings, cube_path: Path) -> dict[str, str]:
    """The environment of a `memos` process that uses the test's cube and settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MEMOS_", "OPENAI_"))}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "MEMOS_HOME": str(settings.home),
        "MEMOS_CUBE": str(cube_path),
        "MEMOS_EMBEDDER": settings.embedder,
        "MEMOS_ACTOR": settings.actor,
        "MEMOS_FSYNC": "false",
    }


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """`start(code, *arguments)`: a Python process with pipes; none outlives the test."""
    with ExitStack() as stack:

        def started(code: str, *arguments: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield started


def add_texts(session: Session, *texts: str, **facts: object) -> list[str]:
    """Ids of texts stored in one change."""
    from memos_cli.operations.add import add

    result = add(session, [Draft(memory=text, **facts) for text in texts])  # type: ignore[arg-type]
    assert len(result.added) == len(texts), result
    return [a.id for a in result.added]


def found_by(session: Session, text: str, mode: str = "hybrid", **filters: object) -> list[str]:
    """Texts that a search finds, best first."""
    from memos_cli.operations.search import search
    from memos_cli.schema import Filters, Mode, Query

    query = Query(text=text, mode=Mode(mode), filters=Filters(**filters))  # type: ignore[arg-type]
    return [hit.item.memory for hit in search(session, query).hits]
