"""Processes killed while they write: the short form of `scripts/crash_storm.py`, which CI can afford."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

STORM = ROOT / "scripts" / "crash_storm.py"


def storm(tmp_path: Path, *arguments: str) -> dict[str, object]:
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, str(STORM), "--json", "--dir", str(tmp_path), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert run.stdout, run.stderr
    document: dict[str, object] = json.loads(run.stdout)
    assert run.returncode == (0 if document["ok"] else 1)
    return document


def assert_clean(document: dict[str, object]) -> None:
    faults = ("lost", "extra", "partial", "purged_found", "disagreements", "failed")
    assert {name: document[name] for name in faults} == dict.fromkeys(faults, 0), document["reports"]


def test_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    document = storm(tmp_path, "--kills", "20")
    assert_clean(document)
    assert isinstance(document["kills"], int)
    assert document["kills"] >= 20
    assert document["memories"], "the processes were killed before they did anything"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_five_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    assert_clean(storm(tmp_path, "--kills", "500"))
