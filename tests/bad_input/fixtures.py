"""Fixtures of the tests of bad input: an environment of their own, and cubes copied from templates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bad_input.box import EMBEDDER, Box, build
from memos_cli.settings import SETTINGS


def settle(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Settings of no machine: a home below `folder`, the cheapest embedder, no waiting for the disk."""
    for setting in SETTINGS:
        for variable in setting.environment:
            patch.delenv(variable, raising=False)
    patch.setenv("MEMOS_HOME", str(folder / "home"))
    patch.setenv("MEMOS_EMBEDDER", EMBEDDER)
    patch.setenv("MEMOS_ACTOR", "tester")
    patch.setenv("MEMOS_OFFLINE", "1")
    patch.setenv("MEMOS_FSYNC", "false")
    patch.chdir(folder)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where the cube of a depth lies that tests copy; each is built once."""
    built: dict[str, Path] = {}

    def get(depth: str) -> Path:
        if depth not in built:
            folder = tmp_path_factory.mktemp(depth)
            with pytest.MonkeyPatch.context() as patch:
                settle(patch, folder)
                built[depth] = build(folder, depth)
        return built[depth]

    return get


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settle(monkeypatch, tmp_path)
    return tmp_path


@pytest.fixture
def box(request: pytest.FixtureRequest, tmp_path: Path, template: Callable[[str], Path]) -> Box:
    """A copy of the template of depth `naive_text`, or of the depth that the test is parametrised with."""
    return Box(tmp_path, template(getattr(request, "param", "naive_text")))
