"""What a process loads: `memos --help` and searches on an up-to-date cube leave the engines alone.

Real processes, since what this one has loaded already says nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"lancedb", "lance", "numpy", "torch", "transformers", "peft", "kuzu", "openai", "pandas"}
NEVER = {"torch", "transformers", "peft", "openai", "pandas", "huggingface_hub"}

RUN = """
import atexit, sys
report = sys.argv[1]
sys.argv[:] = ["memos", *sys.argv[2:]]
def tell():
    with open(report, "w") as file:
        file.write("\\n".join(sys.modules))
atexit.register(tell)
from memos_cli.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data home whose default cube has vectors and stands level with its table."""
    folder = tmp_path_factory.mktemp("home")
    texts = [
        "The garden gate code is 4711.",
        "Ana moved to Lisbon in March.",
        "Bruno is allergic to walnuts.",
    ]
    loaded_by(folder, "add", *texts, "--tag", "home")
    return folder


def loaded_by(home: Path, *words: str) -> tuple[set[str], str]:
    """Top-level modules loaded by `memos WORDS` when it ends, and what it printed."""
    report = home / "modules"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEMOS_")}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(report), *words],
        env={**environment, "MEMOS_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    return {module.partition(".")[0] for module in report.read_text().split("\n")}, done.stdout


def test_help_loads_next_to_nothing(tmp_path: Path) -> None:
    loaded, _ = loaded_by(tmp_path, "--help")
    assert not loaded & (HEAVY | {"pydantic", "rich", "tantivy", "pyarrow", "onnxruntime", "tokenizers"})


def test_a_keyword_search_loads_no_engine_but_its_own(home: Path) -> None:
    loaded, printed = loaded_by(home, "search", "--mode", "keyword", "gate code", "--json")
    assert json.loads(printed)["hits"][0]["memory"] == "The garden gate code is 4711."
    assert not loaded & (HEAVY | {"rich", "pyarrow", "onnxruntime", "tokenizers"})


def test_a_filtered_keyword_search_neither(home: Path) -> None:
    words = ["--tag", "home", "--kind", "LongTermMemory", "--status", "activated", "--visibility", "private"]
    loaded, printed = loaded_by(home, "search", "--mode", "keyword", "gate", "-k", "1", *words)
    assert "4711" in printed
    assert not loaded & HEAVY


def test_a_hybrid_search_loads_no_lance(home: Path) -> None:
    loaded, printed = loaded_by(home, "search", "where does Ana live", "--json")
    assert json.loads(printed)["hits"][0]["memory"] == "Ana moved to Lisbon in March."
    assert not loaded & (NEVER | {"lancedb", "lance", "pyarrow", "kuzu", "rich"})


def test_listing_and_getting_load_no_lance(home: Path) -> None:
    loaded, printed = loaded_by(home, "list", "--json")
    assert not loaded & HEAVY
    loaded, _ = loaded_by(home, "get", json.loads(printed)["items"][0]["id"])
    assert not loaded & HEAVY


def test_adding_needs_no_torch_and_no_lancedb(home: Path) -> None:
    loaded, _ = loaded_by(home, "add", "Carla plays the cello.")
    assert not loaded & (NEVER | {"lancedb", "kuzu"})
