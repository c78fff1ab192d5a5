"""The migration list: only what a cube lacks is run, in order, and a cut-short step is run again."""

from __future__ import annotations

from pathlib import Path

import pytest

from memos_cli.cube.config import CubeConfig, Slots, TextSlot, read_config, write_config
from memos_cli.cube.layout import Layout
from memos_cli.cube.migrate import MIGRATIONS, Migration, migrate, pending
from memos_cli.schema import Depth

ROWS_ALONE = CubeConfig(slots=Slots(text_mem=TextSlot(depth=Depth.NAIVE)))


def test_released_migrations_lead_to_the_present_format() -> None:
    assert pending(CubeConfig()) == []
    assert [m.version for m in MIGRATIONS] == sorted({m.version for m in MIGRATIONS})


def test_steps_run_in_order_and_only_those_that_are_lacking(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_config(layout.config, ROWS_ALONE)
    ran: list[int] = []
    steps = [Migration(v, f"to {v}", lambda _, v=v: ran.append(v)) for v in (3, 1, 2)]  # type: ignore[misc]
    config = migrate(layout, read_config(layout.config), steps)
    assert ran == [2, 3]
    assert config.version == 3
    assert '"version": 3' in layout.config.read_text()


def test_a_step_that_was_cut_short_runs_again(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    write_config(layout.config, ROWS_ALONE)
    tries: list[str] = []

    def fails_once(_: Layout) -> None:
        tries.append("run")
        if len(tries) == 1:
            raise RuntimeError("the power went")

    steps = [Migration(2, "a step", fails_once)]
    with pytest.raises(RuntimeError):
        migrate(layout, read_config(layout.config), steps)
    assert read_config(layout.config).version == 1
    assert migrate(layout, read_config(layout.config), steps).version == 2
    assert tries == ["run", "run"]
