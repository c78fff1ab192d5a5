"""What a cube's reference means: names, paths, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memos_cli.errors import UsageError
from memos_cli.location import resolve
from memos_cli.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    return Settings(home=tmp_path / "home")


def test_a_name_lives_under_the_data_home(settings: Settings) -> None:
    ref = resolve("alice", settings)
    assert (ref.name, ref.path, ref.is_name) == ("alice", settings.home / "cubes" / "alice", True)


def test_nothing_means_the_configured_cube(settings: Settings) -> None:
    assert resolve(None, settings).name == "default"
    assert resolve(None, Settings(home=settings.home, cube="work")).path == settings.home / "cubes" / "work"


@pytest.mark.parametrize("given", ["./a", "a/b", "../a", "/tmp/a", ".", "~/a"])
def test_what_looks_like_a_path_is_one(given: str, settings: Settings) -> None:
    ref = resolve(given, settings)
    assert not ref.is_name
    assert ref.path.is_absolute()
    assert ".." not in ref.path.parts
    assert "~" not in str(ref.path)


def test_a_configured_path_is_a_path(settings: Settings, tmp_path: Path) -> None:
    ref = resolve(None, Settings(home=settings.home, cube=str(tmp_path / "c")))
    assert (ref.path, ref.is_name) == (tmp_path / "c", False)


def test_a_cube_in_the_present_directory_is_found_by_its_bare_name(settings: Settings) -> None:
    Path("notes").mkdir()
    assert resolve("notes", settings).is_name, "an ordinary folder is no cube"
    Path("notes", "config.json").write_text(json.dumps({"format": "memcube"}))
    assert resolve("notes", settings).path == Path("notes").absolute()


def test_the_default_cube_is_never_taken_from_the_present_directory(settings: Settings) -> None:
    Path("default").mkdir()
    Path("default", "config.json").write_text(json.dumps({"format": "memcube"}))
    assert resolve(None, settings).path == settings.home / "cubes" / "default"


@pytest.mark.parametrize("given", ["", "-x", "a b", "ünder", "a:b", "x" * 101, "a\0b", "a\nb"])
def test_bad_names_are_refused(given: str, settings: Settings) -> None:
    with pytest.raises(UsageError):
        resolve(given, settings)


@pytest.mark.parametrize("given", ["hf://org/name", "s3://bucket/prefix", "file:///tmp/x", "HTTPS://x/y"])
def test_remotes_are_refused_clearly(given: str, settings: Settings) -> None:
    with pytest.raises(UsageError, match="remote"):
        resolve(given, settings)


def test_an_unknown_home_is_a_usage_error(settings: Settings) -> None:
    with pytest.raises(UsageError):
        resolve("~no-such-user-here/cube", settings)


def test_a_bare_name_that_cannot_be_looked_for_here_is_a_name(settings: Settings) -> None:
    with pytest.raises(UsageError, match="at most 100"):
        resolve("x" * 5000, settings)


@pytest.mark.parametrize("given", ["./a\nb", "/tmp/a\x1bb", "a\tb/c"])
def test_a_path_with_a_control_character_is_refused(given: str, settings: Settings) -> None:
    with pytest.raises(UsageError, match="control character"):
        resolve(given, settings)
