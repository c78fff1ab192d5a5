"""What every command is handed: the flags all commands share, the settings and the way to a session.

Owns: the state of one command line (`ctx.obj`), and turning `-c` into an open session.
Does not own: parsing (`app`, `options`) or printing (`output`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from memos_cli.errors import UsageError

from .output import Output

if TYPE_CHECKING:
    from memos_cli.location import CubeRef
    from memos_cli.session import Session
    from memos_cli.settings import Settings


class Shell(msgspec.Struct, dict=True):
    """One run of `memos`."""

    cubes: tuple[str, ...] = ()
    """What `-c` names; several for a search alone, none where it was not given."""
    verbose: bool = False
    verb: str = ""
    """The command's name."""
    overrides: dict[str, Any] = msgspec.field(default_factory=dict)
    """Settings that an option of the command line beats."""
    out: Output = msgspec.field(default_factory=Output)

    @cached_property
    def settings(self) -> Settings:
        """This machine's settings; read when first needed, so that `--help` needs none."""
        from memos_cli.settings import Settings

        loaded = Settings.load(self.overrides)
        self.out.color = loaded.color
        return loaded

    @cached_property
    def ref(self) -> CubeRef:
        """The cube that `-c`, MEMOS_CUBE or the configuration names."""
        from memos_cli.location import resolve

        return resolve(self.cubes[0] if self.cubes else None, self.settings)

    @property
    def refs(self) -> tuple[CubeRef, ...]:
        """All cubes that `-c` names, each once."""
        from memos_cli.location import distinct, resolve

        return distinct(resolve(cube, self.settings) for cube in self.cubes)

    @contextmanager
    def open(self, *, write: bool = False, create: bool = False) -> Iterator[Session]:
        """An open session on the cube.

        Raises:
            CubeNotFound: it is not there and `create` is not set.
        """
        from memos_cli.session import open_session
        from memos_cli.settings import start_no_algebra_threads

        start_no_algebra_threads()
        self.tell(self.ref)
        with open_session(self.ref, self.settings, write=write, create=create) as session:
            session.verb = self.verb
            yield session

    @contextmanager
    def open_to_add(self, *, dry_run: bool) -> Iterator[Session]:
        """A session to write with; a cube is made where there is nothing yet, an empty directory aside.

        For a dry run it is made in a temporary directory and goes with it.
        """
        from memos_cli.location import is_vacant

        fresh = is_vacant(self.ref.path)
        if fresh and dry_run:
            with self._open_elsewhere() as session:
                yield session
            self.out.note(f"There is no cube at {self.ref.path} yet; none was made (--dry-run).")
            return
        with self.open(write=True, create=fresh) as session:
            if fresh:
                self.out.note(f"Made the cube {self.ref.name} at {self.ref.path}")
            yield session

    @contextmanager
    def _open_elsewhere(self) -> Iterator[Session]:
        import tempfile
        from dataclasses import replace
        from pathlib import Path

        from memos_cli.session import open_session

        with tempfile.TemporaryDirectory(prefix="memos-") as folder:
            ref = replace(self.ref, path=Path(folder) / "cube")
            with open_session(ref, self.settings, write=True, create=True) as session:
                yield session

    def tell(self, ref: CubeRef) -> None:
        """Say which cube is used, where `-v` asks for it."""
        if self.verbose:
            self.out.note(f"Cube {ref.name} at {ref.path}")

    def insist(self, question: str, *, yes: bool, required: bool) -> None:
        """Have a change confirmed: by `--yes`, or by a person where there is a terminal.

        Without a terminal, `required` refuses to go on, and everything else goes on.

        Raises:
            UsageError: `--yes` is missing and nobody can be asked. typer.Exit: the answer was no.
        """
        if yes:
            return
        if self.out.can_ask:
            if not self.out.confirm(question):
                self.out.note("Nothing was changed.")
                raise typer.Exit(1)
        elif required:
            raise UsageError(
                detail="This cannot be undone, and there is no terminal to ask on.",
                hint="Give --yes to go ahead, or --dry-run to see what would happen.",
            )


def shell_of(ctx: typer.Context) -> Shell:
    """The shell of this command line."""
    shell = ctx.find_root().obj
    assert isinstance(shell, Shell)
    return shell
