"""This machine's preferences: keys, endpoints, models, folders. The only reader of the environment.

Owns: which settings there are, where each may come from and who wins (a flag beats the
environment, the environment beats `config.toml`, that beats the default), and writing
`config.toml`. Does not own: facts about a cube's data, which stand in the cube's own
config and never here, nor how settings are printed.

`SETTINGS` is the one table; the dataclass, `memos config` and `memos help settings` follow it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import NotPermitted, StorageError, UnknownSetting, UsageError
from .schema import Depth, Reading

CONFIG_NAME = "config.toml"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off", ""})


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in _TRUE | _FALSE:
        raise ValueError("write true or false")
    return text in _TRUE


def _seconds(value: Any) -> float:
    number = float(value)
    if not 0 <= number < 1e9:
        raise ValueError("write a number of seconds from 0 up")
    return number


def _count(value: Any) -> int:
    number = int(value)
    if not 0 <= number <= 4096:
        raise ValueError("write a whole number from 0 to 4096")
    return number


def _reader(value: Any) -> str:
    text = str(value).strip().lower()
    if text not in ("", *Reading):
        raise ValueError(f"known: {', '.join(Reading)}")
    return text


def _tokens(value: Any) -> int:
    number = int(value)
    if not 0 <= number < 1 << 53:
        raise ValueError("write a whole number from 0 up")
    return number


def _limit(value: Any) -> int:
    number = int(value)
    if not 0 <= number < 1 << 31:
        raise ValueError("write a whole number from 0 up")
    return number


def _text(value: Any) -> str:
    text = str(value).strip()
    if not text:
        raise ValueError("it is empty")
    return text


def _text_or_none(value: Any) -> str:
    """Like `_text`, but empty is how the thing is switched off."""
    return str(value).strip()


_PRICE = re.compile(r"\s*(\S+?)\s*=\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)\s*")


def read_prices(text: str) -> dict[str, tuple[float, float]]:
    """`gpt-x=0.15/0.6, …` by model: for a million tokens of prompts and of answers.

    Raises ValueError.
    """
    found = [_PRICE.fullmatch(part) for part in text.split(",") if part.strip()]
    if not all(found):
        raise ValueError("write MODEL=PROMPT/ANSWER, such as gpt-x=0.15/0.6, with commas between models")
    return {one[1]: (float(one[2]), float(one[3])) for one in found if one}


def _prices(value: Any) -> str:
    read_prices(str(value))
    return str(value).strip()


def _path(value: Any) -> Path:
    return Path(_text(value)).expanduser().absolute()


def _depth(value: Any) -> Depth:
    try:
        return Depth(value)
    except ValueError:
        raise ValueError(f"known: {', '.join(Depth)}") from None


def _color(value: Any) -> str:
    text = str(value).strip().lower()
    if text not in ("auto", "always", "never"):
        raise ValueError("known: auto, always, never")
    return text


@dataclass(frozen=True)
class Setting:
    """One row of the table: its name, how a text becomes its value, and where it may come from."""

    name: str
    read: Callable[[Any], Any]
    environment: tuple[str, ...]
    help: str
    secret: bool = False
    in_file: bool = True

    def refuse(self, value: Any) -> None:
        """Raises UsageError for a value that can be read and is of no use; asked when it is written. What
        the environment has may be another program's, so that is not asked."""
        if self.name.endswith("_base_url") and not _ADDRESS.match(str(value)):
            raise UsageError(
                detail=f"The setting {self.name} cannot be {value!r}: it begins with neither http:// nor https://.",
                hint="Write the address up to the version, such as http://localhost:11434/v1.",
            )


_ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s]*$", re.IGNORECASE)

SETTINGS: tuple[Setting, ...] = (
    Setting("home", _path, ("MEMOS_HOME",), "Folder of config.toml and of the cubes", in_file=False),
    Setting("cubes_dir", _path, ("MEMOS_CUBES_DIR",), "Folder where a cube's name is looked up"),
    Setting("cube", _text, ("MEMOS_CUBE",), "Cube used when no -c is given"),
    Setting("embedder", _text, ("MEMOS_EMBEDDER",), "Embedder of cubes made from now on"),
    Setting("text", _depth, ("MEMOS_TEXT",), "Depth of cubes made from now on"),
    Setting("lock_timeout", _seconds, ("MEMOS_LOCK_TIMEOUT",), "Seconds to wait for another writer"),
    Setting("actor", _text, ("MEMOS_ACTOR",), "Name written into each change"),
    Setting("models_dir", _path, ("MEMOS_MODELS_DIR",), "Folder with embedder models of your own"),
    Setting("offline", _truth, ("MEMOS_OFFLINE", "HF_HUB_OFFLINE"), "Never download a model"),
    Setting(
        "embed_threads", _count, ("MEMOS_EMBED_THREADS",), "Threads of a local embedder; 0 lets it choose"
    ),
    Setting("openai_base_url", _text, ("OPENAI_BASE_URL",), "Endpoint that speaks the OpenAI protocol"),
    Setting("openai_api_key", _text, ("OPENAI_API_KEY",), "Key for that endpoint", secret=True),
    Setting("embed_base_url", _text, ("MEMOS_EMBED_BASE_URL",), "Endpoint for embeddings only"),
    Setting("embed_api_key", _text, ("MEMOS_EMBED_API_KEY",), "Key for embeddings only", secret=True),
    Setting("embed_timeout", _seconds, ("MEMOS_EMBED_TIMEOUT",), "Seconds to wait for one embedding request"),
    Setting("rerank", _text_or_none, ("MEMOS_RERANK",), "Reranker of every search; empty for none"),
    Setting("rerank_base_url", _text, ("MEMOS_RERANK_BASE_URL",), "Endpoint for reranking only"),
    Setting("rerank_api_key", _text, ("MEMOS_RERANK_API_KEY",), "Key for reranking only", secret=True),
    Setting(
        "rerank_timeout", _seconds, ("MEMOS_RERANK_TIMEOUT",), "Seconds to wait for one reranking request"
    ),
    Setting("llm", _text_or_none, ("MEMOS_LLM",), "Language model of verbs that use one; empty for none"),
    Setting(
        "reader",
        _reader,
        ("MEMOS_READER",),
        "How add reads: fast, auto or fine; empty: auto where there is a language model",
    ),
    Setting("llm_base_url", _text, ("MEMOS_LLM_BASE_URL",), "Endpoint for the language model only"),
    Setting("llm_api_key", _text, ("MEMOS_LLM_API_KEY",), "Key for the language model only", secret=True),
    Setting(
        "llm_timeout", _seconds, ("MEMOS_LLM_TIMEOUT",), "Seconds to wait for one answer of it; 0: for ever"
    ),
    Setting("llm_parallel", _count, ("MEMOS_LLM_PARALLEL",), "Requests to it at once"),
    Setting("llm_prices", _prices, ("MEMOS_LLM_PRICES",), "MODEL=PROMPT/ANSWER, …: for a million tokens"),
    Setting("max_llm_tokens", _tokens, ("MEMOS_MAX_LLM_TOKENS",), "Tokens a command may use; 0: any number"),
    Setting("fetch_timeout", _seconds, ("MEMOS_FETCH_TIMEOUT",), "Seconds that `add --url` gives one page"),
    Setting(
        "fetch_loopback", _truth, ("MEMOS_FETCH_LOOPBACK",), "Let `add --url` fetch from this machine itself"
    ),
    Setting("judge", _truth, ("MEMOS_JUDGE",), "New memories close what they update or contradict"),
    Setting("fsync", _truth, ("MEMOS_FSYNC",), "Wait for the disk at each commit; false risks a power cut"),
    Setting("count_uses", _truth, ("MEMOS_COUNT_USES",), "Count which memories searches find"),
    Setting(
        "capacity_working",
        _limit,
        ("MEMOS_CAPACITY_WORKING",),
        "Working memories a user may have before the least important become long-term; 0 for no limit",
    ),
    Setting(
        "capacity_long_term",
        _limit,
        ("MEMOS_CAPACITY_LONG_TERM",),
        "Long-term memories a user may have before the least important are archived; 0 for no limit",
    ),
    Setting("capacity_user", _limit, ("MEMOS_CAPACITY_USER",), "The same of user memories"),
    Setting("capacity_outer", _limit, ("MEMOS_CAPACITY_OUTER",), "The same of outer memories"),
    Setting("preferences", _truth, ("MEMOS_PREFERENCES",), "Learn preferences from what is added"),
    Setting(
        "preference_tokens",
        _limit,
        ("MEMOS_PREFERENCE_TOKENS",),
        "Tokens of preferences beside the hits of a search; 0 for none",
    ),
    Setting("color", _color, ("MEMOS_COLOR",), "Colours: auto, always or never"),
)
_ALGEBRA = ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS")
"""What OpenBLAS, numpy's linear algebra, takes its number of threads from."""

_BY_NAME = {setting.name: setting for setting in SETTINGS}


def _default_home() -> Path:
    import platformdirs

    return platformdirs.user_data_path("memos", appauthor=False)


def _default_actor() -> str:
    import getpass
    import platform

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's numeric user has no name
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return f"{user}@{platform.node()}"


@dataclass(frozen=True)
class Settings:
    """Every preference with its value; `origins` says where each came from.

    `Settings(home=DIR)` gives plain defaults under `DIR` and reads nothing; `Settings.load()`
    reads the environment and the config file.
    """

    home: Path = field(default_factory=_default_home)
    cubes_dir: Path = None  # type: ignore[assignment]  # derived from home when not given
    cube: str = "default"
    embedder: str = "minilm"
    text: Depth = Depth.GENERAL
    lock_timeout: float = 60.0
    actor: str = field(default_factory=_default_actor)
    models_dir: Path | None = None
    offline: bool = False
    embed_threads: int = 0
    openai_base_url: str | None = None
    openai_api_key: str | None = field(default=None, repr=False)
    embed_base_url: str | None = None
    embed_api_key: str | None = field(default=None, repr=False)
    embed_timeout: float = 60.0
    rerank: str = ""
    rerank_base_url: str | None = None
    rerank_api_key: str | None = field(default=None, repr=False)
    rerank_timeout: float = 30.0
    llm: str = ""
    reader: str = ""
    llm_base_url: str | None = None
    llm_api_key: str | None = field(default=None, repr=False)
    llm_timeout: float = 120.0
    llm_parallel: int = 4
    llm_prices: str = ""
    max_llm_tokens: int = 0
    fetch_timeout: float = 30.0
    fetch_loopback: bool = False
    judge: bool = True
    fsync: bool = True
    count_uses: bool = True
    capacity_working: int = 20
    capacity_long_term: int = 0
    capacity_user: int = 0
    capacity_outer: int = 0
    preferences: bool = True
    preference_tokens: int = 100
    color: str = "auto"
    config_file: Path = None  # type: ignore[assignment]  # derived from home when not given
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.cubes_dir is None:
            object.__setattr__(self, "cubes_dir", self.home / "cubes")
        if self.config_file is None:
            object.__setattr__(self, "config_file", self.home / CONFIG_NAME)

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None) -> Settings:
        """Settings of this process: `overrides` (flags) > environment > config file > default.

        Raises:
            UsageError: a value cannot be read; the message names where it stands.
        """
        given = {name: value for name, value in (overrides or {}).items() if value is not None}
        for name in given:
            find(name)
        config_file = _config_file(given)
        values: dict[str, Any] = {"config_file": config_file}
        origins: dict[str, str] = {}
        layers = (_flags(given), _environment(), _file(config_file))
        for name, value, origin in (entry for layer in layers for entry in layer):
            if name not in origins:
                values[name] = _parse(_BY_NAME[name], value, origin)
                origins[name] = origin
        return cls(**values, origins=origins)

    @property
    def usage_file(self) -> Path:
        """Where the use of language models is kept."""
        return self.home / "usage.jsonl"

    def origin(self, name: str) -> str:
        """Where the value of `name` came from: flag, environment, config file or default."""
        return self.origins.get(name, "default")


def start_no_algebra_threads() -> None:
    """Have numpy, when it is loaded later, start no threads for linear algebra, unless the user set
    how many.

    Starting one per core costs a command of a second a tenth of its time, and no verb on a cube
    multiplies large matrices: scanning, quantising and the embedders do not go through OpenBLAS.
    """
    if not any(os.environ.get(name) for name in _ALGEBRA):
        os.environ[_ALGEBRA[0]] = "1"


def find(name: str) -> Setting:
    """The setting called `name`; `-` and `_` are the same here.

    Raises:
        UnknownSetting: there is none.
    """
    try:
        return _BY_NAME[name.replace("-", "_")]
    except KeyError:
        raise UnknownSetting(name=name) from None


def shown(setting: Setting, settings: Settings) -> str | float | bool | None:
    """The value as it may be shown: plain JSON types, of a secret its last four letters at most."""
    value = getattr(settings, setting.name)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if not setting.secret:
        return str(value)
    return f"…{value[-4:]}" if len(value) >= 16 else "…"


def _parse(setting: Setting, value: Any, origin: str) -> Any:
    try:
        return setting.read(value)
    except (ValueError, TypeError, OverflowError) as error:
        what = "its value" if setting.secret else f"{value!r}"
        raise UsageError(
            detail=f"The setting {setting.name} ({origin}) cannot be {what}: {error}.",
            hint="See `memos help settings`.",
        ) from error


def _flags(given: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    for name, value in given.items():
        yield find(name).name, value, "flag"


def _environment() -> Iterator[tuple[str, Any, str]]:
    for setting in SETTINGS:
        for variable in setting.environment:
            # An empty variable is how a shell says "not set", also for a folder or a key.
            if os.environ.get(variable):
                yield setting.name, os.environ[variable], f"environment {variable}"


def _file(path: Path) -> Iterator[tuple[str, Any, str]]:
    for name, value in read_file(path).items():
        setting = _BY_NAME.get(name)
        if setting is not None and setting.in_file:
            yield name, value, f"config file {path}"


def _config_file(given: Mapping[str, Any]) -> Path:
    home = given.get("home") or os.environ.get("MEMOS_HOME")
    if home:
        return _path(home) / CONFIG_NAME
    import platformdirs

    return platformdirs.user_config_path("memos", appauthor=False) / CONFIG_NAME


def read_file(path: Path) -> dict[str, Any]:
    """What `config.toml` holds; empty when there is none.

    Raises:
        UsageError: it is no TOML. NotPermitted: it cannot be opened.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except PermissionError as error:
        raise NotPermitted(detail=f"{path} cannot be read") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(detail=f"{path} cannot be read: {error}.") from error
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(detail=f"{path} is no TOML: {error}.", hint=f"Correct {path} by hand.") from error


def write(settings: Settings, name: str, text: str | None) -> Path:
    """Set `name` in `config.toml`, or remove it when `text` is None; other lines stay as they are.

    The file is replaced in one step and readable by its owner alone, since it may hold keys.

    Raises:
        UnknownSetting, UsageError (the value cannot be read), NotPermitted, StorageError.
    """
    setting = find(name)
    if not setting.in_file:
        raise UsageError(detail=f"{setting.name} is set by {setting.environment[0]} alone.")
    value = None if text is None else _plain(_parse(setting, text, "given"))
    if value is not None:
        setting.refuse(value)
    path = settings.config_file
    wanted = {k: v for k, v in read_file(path).items() if k != setting.name}
    if value is not None:
        wanted[setting.name] = value
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    _replace(path, _edit(before, setting.name, value, wanted))
    return path


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float)) else str(value)


def _edit(before: str, name: str, value: Any, wanted: dict[str, Any]) -> str:
    """The file with one line changed, so that comments survive; written anew where that is not enough."""
    import tomllib

    import tomli_w

    line = "" if value is None else tomli_w.dumps({name: value})
    # A plain key belongs above the first [table].
    top, table, rest = re.match(r"(.*?)(^\s*\[|\Z)(.*)", before, re.DOTALL | re.MULTILINE).groups()  # type: ignore[union-attr]
    pattern = re.compile(rf"^[ \t]*{re.escape(name)}[ \t]*=.*(?:\n|\Z)", re.MULTILINE)
    if pattern.search(top):
        top = pattern.sub(lambda _: line, top, count=1)
    elif line:
        top = f"{top}\n" * bool(top and not top.endswith("\n")) or top
        top += line
    after = top + table + rest
    try:
        return after if tomllib.loads(after) == wanted else tomli_w.dumps(wanted)
    except tomllib.TOMLDecodeError:
        return tomli_w.dumps(wanted)


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except PermissionError as error:
        raise NotPermitted(
            detail=f"{path} cannot be written", hint="Check the owner of that folder."
        ) from error
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(path=path, reason=error.strerror or str(error)) from error
