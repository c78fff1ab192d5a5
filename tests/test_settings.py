"""Settings: who wins, what is refused, and how config.toml is written."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest

from memos_cli import settings as module
from memos_cli.errors import NotPermitted, UnknownSetting, UsageError
from memos_cli.schema import Depth
from memos_cli.settings import SETTINGS, Settings


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for setting in SETTINGS:
        for variable in setting.environment:
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("MEMOS_HOME", str(tmp_path))
    return tmp_path


def test_every_setting_is_a_field_and_the_other_way_round() -> None:
    fields = set(Settings.__dataclass_fields__) - {"origins", "config_file"}
    assert fields == {setting.name for setting in SETTINGS}


def test_defaults(tmp_path: Path) -> None:
    loaded = Settings.load()
    assert loaded.cubes_dir == tmp_path / "cubes"
    assert loaded.config_file == tmp_path / "config.toml"
    assert (loaded.cube, loaded.embedder, loaded.text) == ("default", "minilm", Depth.GENERAL)
    assert loaded.fsync
    assert not loaded.offline
    assert "@" in loaded.actor
    assert loaded.origin("cube") == "default"


def test_flag_beats_environment_beats_file_beats_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.toml").write_text('cube = "filed"\nembedder = "static"\nlock_timeout = 3\n')
    monkeypatch.setenv("MEMOS_CUBE", "surrounding")
    loaded = Settings.load({"lock_timeout": 1, "actor": None})
    assert (loaded.cube, loaded.embedder, loaded.lock_timeout) == ("surrounding", "static", 1.0)
    assert loaded.origin("cube") == "environment MEMOS_CUBE"
    assert loaded.origin("embedder").startswith("config file ")
    assert loaded.origin("lock_timeout") == "flag"


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_CUBE", "")
    assert Settings.load().cube == "default"


def test_offline_follows_the_hub_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert Settings.load().offline
    monkeypatch.setenv("MEMOS_OFFLINE", "false")
    assert not Settings.load().offline


def test_without_a_home_the_system_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MEMOS_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    loaded = Settings.load()
    if os.name == "posix" and (tmp_path / "data") in loaded.home.parents:
        assert loaded.config_file == tmp_path / "config" / "memos" / "config.toml"
    assert loaded.cubes_dir == loaded.home / "cubes"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MEMOS_LOCK_TIMEOUT", "soon"),
        ("MEMOS_LOCK_TIMEOUT", "-1"),
        ("MEMOS_LOCK_TIMEOUT", "nan"),
        ("MEMOS_FSYNC", "perhaps"),
        ("MEMOS_TEXT", "deep"),
        ("MEMOS_COLOR", "blue"),
        ("MEMOS_EMBED_THREADS", "1.5"),
        ("MEMOS_EMBED_THREADS", "-2"),
        ("MEMOS_ACTOR", "  "),
    ],
)
def test_a_bad_value_names_its_place(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=variable):
        Settings.load()


@pytest.mark.parametrize("text", ["cube = ", "\x00", "[[", "cube = 'a'\ncube = 'b'"])
def test_a_broken_file_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(UsageError, match=r"config\.toml"):
        Settings.load()


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"cube = '\xff'")
    with pytest.raises(UsageError, match=r"config\.toml"):
        Settings.load()


def test_a_bad_value_in_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("lock_timeout = 'x'\n")
    with pytest.raises(UsageError, match=r"config\.toml"):
        Settings.load()


def test_settings_of_a_newer_memos_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("tomorrow = 1\n[llm]\nmodel = 'x'\n")
    assert Settings.load().cube == "default"


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UnknownSetting):
        module.find("nonsense")
    with pytest.raises(UnknownSetting):
        Settings.load({"nonsense": 1})
    assert module.find("lock-timeout").name == "lock_timeout"


def test_writing_keeps_comments_and_is_private(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("# mine\ncube = 'a'  # the old one\n\n[llm]\nmodel = 'x'\n")
    module.write(Settings.load(), "embedder", "static")
    module.write(Settings.load(), "cube", "b")
    text = file.read_text()
    assert text.startswith("# mine\n")
    assert tomllib.loads(text) == {"cube": "b", "embedder": "static", "llm": {"model": "x"}}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_unsetting_removes_the_line(tmp_path: Path) -> None:
    module.write(Settings.load(), "cube", "b")
    module.write(Settings.load(), "cube", None)
    assert Settings.load().cube == "default"
    assert tomllib.loads((tmp_path / "config.toml").read_text()) == {}


def test_values_survive_whatever_they_hold() -> None:
    for value in ('quo"te', "back\\slash", "[not a table]", "= #", "ünï", "a\tb"):
        module.write(Settings.load(), "actor", value)
        assert Settings.load().actor == value


def test_a_value_over_several_lines_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('actor = """a\ncube = "not this"\n"""\n')
    module.write(Settings.load(), "actor", "b")
    assert tomllib.loads((tmp_path / "config.toml").read_text()) == {"actor": "b"}


def test_a_bad_value_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        module.write(Settings.load(), "text", "deep")
    with pytest.raises(UsageError):
        module.write(Settings.load(), "home", "/x")
    assert not (tmp_path / "config.toml").exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(NotPermitted):
        module.write(Settings.load(), "cube", "x")


def test_secrets_are_never_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "sk-0123456789abcdefghij"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    loaded = Settings.load()
    assert loaded.openai_api_key == key
    setting = module.find("openai_api_key")
    assert module.shown(setting, loaded) == "…ghij"
    assert key not in repr(loaded)
    assert module.shown(setting, Settings(openai_api_key="short")) == "…"
    assert module.shown(setting, Settings()) is None


def test_a_bad_secret_is_not_shown_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMOS_EMBED_API_KEY", "   ")
    with pytest.raises(UsageError) as caught:
        Settings.load()
    assert "'   '" not in str(caught.value)


def test_algebra_threads_are_the_users_where_he_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in module._ALGEBRA:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    module.start_no_algebra_threads()
    assert "OPENBLAS_NUM_THREADS" not in os.environ
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "")  # how a shell says "not set"; undone after the test
    module.start_no_algebra_threads()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
