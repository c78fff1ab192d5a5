"""Steps from older formats of the cube to the present one.

Owns: the list of migrations and running those a cube lacks. Does not own: the format itself
(`layout`). The list is append-only: a migration that was released never changes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from memos_cli.cube.config import CubeConfig, write_config
from memos_cli.cube.layout import Layout


@dataclass(frozen=True)
class Migration:
    """One step: the format version it leads to, what it does, and doing it.

    `apply` may be cut short by a crash and is then run again from the start, so it must be
    harmless to repeat; config.json gets the new version only after it.
    """

    version: int
    what: str
    apply: Callable[[Layout], None]


MIGRATIONS: tuple[Migration, ...] = ()
"""Format 1 is the first one, so nothing leads to it."""


def pending(config: CubeConfig, migrations: Sequence[Migration] = MIGRATIONS) -> list[Migration]:
    """The steps that a cube still lacks, in order."""
    return sorted((m for m in migrations if m.version > config.version), key=lambda m: m.version)


def migrate(layout: Layout, config: CubeConfig, migrations: Sequence[Migration] = MIGRATIONS) -> CubeConfig:
    """Under the lock: run what is pending, step by step; returns the configuration after it."""
    for step in pending(config, migrations):
        step.apply(layout)
        config = config.but(version=step.version)
        write_config(layout.config, config)
    return config
