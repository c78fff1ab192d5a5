"""One process of a crash storm: works on a cube, says what it is about to do, and is killed while at it.

Owns: choosing operations at random and the journal of them. Does not own: killing and judging
(`crash_storm.py`). Each worker owns the memories it made, so that what a memory must be after
any operation is known exactly, whatever the other workers do.

The journal is a file that lines are appended to with one `write` each, which survives SIGKILL.
Before an operation its line says `effects`: for each memory (by its `key`, a name that stays over
versions) the version that the operation adds, as [text, status], or null where it is purged. After
it a line says `done`, with the ids and the change that came back, or `failed`.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from memos_cli.errors import MemosError
from memos_cli.location import CubeRef
from memos_cli.operations.add import add
from memos_cli.operations.browse import get, history, list_memories
from memos_cli.operations.edit import archive, purge, unarchive, undo, update
from memos_cli.operations.maintain import compact
from memos_cli.operations.reembed import reembed
from memos_cli.operations.search import search
from memos_cli.providers.embedder import resolve
from memos_cli.schema import Depth, Draft, Filters, Mode, Query, Relation
from memos_cli.session import Session, open_session
from memos_cli.settings import Settings

EMBEDDERS = ("hash:64", "static", "hash:32")

LOADED = ["kuzu", "lance", "lance.fragment", "tantivy", "memos_cli.stores.graph", "memos_cli.stores.vectors"]
"""What the package itself imports when it is first needed."""

WORDS = [
    "lamp",
    "river",
    "garden",
    "copper",
    "violin",
    "harbour",
    "winter",
    "ticket",
    "engine",
    "bakery",
    "marble",
    "lantern",
    "orchard",
    "saddle",
    "window",
    "pepper",
    "velvet",
    "anchor",
    "compass",
    "meadow",
    "kettle",
    "ribbon",
    "granite",
    "thistle",
    "falcon",
]

Memory = dict[str, Any]
"""{"key", "id", "external", "versions": [[text, status, change], …], "parent", "relations"}"""


class Failed(Exception):
    """An operation came back, and with something else than it had to."""


def needle(text: str) -> str:
    """The word of a text that no other text has."""
    return text.split()[-1]


class Worker:
    """The memories of one worker, and what it can do to them."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.name: str = task["name"]
        self.random = random.Random(task["seed"])
        self.journal = os.open(task["journal"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.memories: dict[str, Memory] = {m["key"]: m for m in task["memories"]}
        self.purged: list[str] = task["purged"]
        self.tree = task["depth"] == Depth.TREE
        self.task = task
        self.session: Session

    def run(self) -> None:
        """Work until killed, or until the number of operations asked for is done."""
        home = Path(self.task["cube"]).parent
        settings = Settings(
            home=home,
            embedder=EMBEDDERS[0],
            text=Depth(self.task["depth"]),
            fsync=self.task["fsync"],
            actor=self.name,
        )
        path = Path(self.task["cube"])
        ref = CubeRef(name=path.name, path=path, is_name=False)
        self._do("open", {}, lambda: self._open(ref, settings))
        for _ in range(self.task["operations"]):
            names, weights = zip(*self._menu(), strict=True)
            if self.random.random() < 0.1:  # as a fresh process would find it
                self._do("open", {}, lambda: self._open(ref, settings))
            getattr(self, "_" + self.random.choices(names, weights)[0])()

    def _open(self, ref: CubeRef, settings: Settings) -> dict[str, Any]:
        with open_session(ref, settings, write=True, create=True) as session:
            self.session = session
        return {}

    def _menu(self) -> list[tuple[str, float]]:
        if self.task["only"]:
            return [(self.task["only"], 1)]
        menu = [("add", 10.0), ("add_batch", 6.0), ("search", 7.0)]
        if self._there("activated"):
            menu += [("update", 9), ("archive", 4), ("resend", 3), ("repeat", 2), ("read", 4), ("purge", 3)]
        if self._there("archived", "deleted"):
            menu += [("unarchive", 4)]
        menu += [("undo", 5)] if self.memories else []
        menu += [("compact", 1.2), ("reembed", 1.2)]
        return menu + ([("graph", 3)] if self.tree else [])

    def _there(self, *statuses: str) -> list[str]:
        return [k for k, m in self.memories.items() if m["versions"][-1][1] in statuses]

    def _pick(self, most: int, *statuses: str) -> list[str]:
        there = self._there(*statuses)
        return self.random.sample(there, min(len(there), self.random.randint(1, most)))

    def _text(self) -> str:
        words = " ".join(self.random.choices(WORDS, k=self.random.randint(4, 9)))
        return f"{words} z{self.name}{self.random.getrandbits(64):016x}"

    # -- the journal

    def _note(self, line: dict[str, Any]) -> None:
        os.write(self.journal, (json.dumps(line) + "\n").encode())

    def _do(self, verb: str, effects: dict[str, Any], act: Callable[[], dict[str, Any]], **more: Any) -> Any:
        """Say what comes, do it, say that it is done; then it counts, for this worker too."""
        self._note({"verb": verb, "effects": effects, **more})
        try:
            answer = act()
        except (MemosError, Failed) as error:
            self._note({"failed": verb, "error": f"{type(error).__name__}: {error}", "trace": _trace()})
            raise SystemExit(1) from error
        self._note({"done": verb, **answer})
        self._apply(effects, answer, more.get("born", {}))
        return answer

    def _apply(self, effects: dict[str, Any], answer: dict[str, Any], born: dict[str, Any]) -> None:
        for key, version in effects.items():
            if version is None:
                self.purged += [text for text, _, _ in self.memories.pop(key)["versions"]]
                continue
            if key in born:
                self.memories[key] = {**born[key], "key": key, "id": answer["ids"][key], "versions": []}
            self.memories[key]["versions"].append([*version, answer["change"]])

    # -- operations

    def _add(self, most: int = 1) -> None:
        born, effects, drafts = {}, {}, []
        for _ in range(most):
            text = self._text()
            key = f"key-{needle(text)}"
            there = [m["id"] for m in self.memories.values()]
            chosen = self.random.sample(there, min(len(there), 2)) if self.random.random() < 0.5 else []
            born[key] = {
                "external": key if self.random.random() < 0.3 else None,
                "parent": chosen[0] if chosen else None,
                "relations": [["follows", t] for t in chosen[1:]],
            }
            effects[key] = [text, "activated"]
            drafts.append(_draft(key, text, born[key]))

        def act() -> dict[str, Any]:
            result = add(self.session, drafts, allow_duplicates=self.random.random() < 0.2)
            if len(result.added) != len(drafts):
                raise Failed(f"{len(result.added)} of {len(drafts)} added, {result.known}")
            ids = {f"key-{needle(a.memory)}": a.id for a in result.added}
            return {"ids": ids, "change": result.change}

        self._do("add", effects, act, born=born)

    def _add_batch(self) -> None:
        self._add(self.random.randint(2, 5))

    def _update(self) -> None:
        (key,) = self._pick(1, "activated")
        text = self._text()
        self._edit("update", {key: [text, "activated"]}, lambda: update(self.session, self._id(key), text))

    def _resend(self) -> None:
        """The caller's own id again, with another text: an update."""
        keys = [k for k in self._there("activated") if self.memories[k]["external"]]
        if not keys:
            return
        key, text = self.random.choice(keys), self._text()

        def act() -> dict[str, Any]:
            result = add(self.session, [Draft(memory=text, external_id=self.memories[key]["external"])])
            if [u.id for u in result.updated] != [self._id(key)] or result.added:
                raise Failed(f"the external id was not known: {result}")
            return {"change": result.change}

        self._do("resend", {key: [text, "activated"]}, act)

    def _repeat(self) -> None:
        """The same text again: it is known, and nothing changes."""
        (key,) = self._pick(1, "activated")

        def act() -> dict[str, Any]:
            result = add(self.session, [Draft(memory=self.memories[key]["versions"][-1][0])])
            if [k.id for k in result.known] != [self._id(key)] or result.added:
                raise Failed(f"a text was not known: {result}")
            return {}

        self._do("repeat", {}, act)

    def _archive(self) -> None:
        self._status("archive", archive, "archived", self._pick(3, "activated"))

    def _unarchive(self) -> None:
        self._status("unarchive", unarchive, "activated", self._pick(3, "archived", "deleted"))

    def _status(self, verb: str, act: Callable[..., Any], status: str, keys: list[str]) -> None:
        effects = {k: [self.memories[k]["versions"][-1][0], status] for k in keys}
        self._edit(verb, effects, lambda: act(self.session, [self._id(k) for k in keys]))

    def _undo(self) -> None:
        """Take back a change of our own that nothing came after."""
        last: dict[str, list[str]] = {}
        for key, memory in self.memories.items():
            last.setdefault(memory["versions"][-1][2], []).append(key)
        change = self.random.choice(sorted(last))
        if any(
            any(v[2] == change for v in m["versions"][:-1]) or (m["versions"][-1][2] == change) != (k in keys)
            for keys in [last[change]]
            for k, m in self.memories.items()
        ):
            return
        effects = {}
        for key in last[change]:
            versions = self.memories[key]["versions"]
            effects[key] = versions[-2][:2] if len(versions) > 1 else [versions[-1][0], "deleted"]
        self._edit("undo", effects, lambda: undo(self.session, change))

    def _purge(self) -> None:
        keys = self._pick(2, "activated", "archived", "deleted")
        self._edit("purge", dict.fromkeys(keys), lambda: purge(self.session, [self._id(k) for k in keys]))

    def _edit(self, verb: str, effects: dict[str, Any], act: Callable[[], Any]) -> None:
        def checked() -> dict[str, Any]:
            result = act()
            if set(result.ids) != {self._id(k) for k in effects}:
                raise Failed(f"{verb} answered {result.ids}")
            return {"change": result.change}

        self._do(verb, effects, checked)

    def _compact(self) -> None:
        self._do("compact", {}, lambda: compact(self.session) and {})

    def _reembed(self) -> None:
        embedder = self.random.choice(EMBEDDERS)
        self._do("reembed", {}, lambda: reembed(self.session, embedder) and {}, embedder=embedder)

    # -- reading

    def _search(self) -> None:
        shown = self._pick(1, "activated")
        text = self.memories[shown[0]]["versions"][-1][0] if shown else self._text()
        mode = self.random.choice(list(Mode))
        gone = self.random.choice(self.purged) if self.purged else None

        def act() -> dict[str, Any]:
            self._find(text, mode, shown)
            if gone is not None:
                self._miss(gone)
            return {}

        self._do("search", {}, act, mode=mode)

    def _find(self, text: str, mode: Mode, shown: list[str]) -> None:
        asked = text if mode is Mode.VECTOR else needle(text)
        result = search(self.session, Query(text=asked, mode=mode, k=10))
        if shown and self._id(shown[0]) not in [h.item.id for h in result.hits]:
            raise Failed(f"search --mode {mode} does not find {asked!r}; notes {result.notes}")

    def _miss(self, gone: str) -> None:
        every = Filters(statuses=("activated", "resolving", "archived", "deleted"))
        result = search(self.session, Query(text=needle(gone), mode=Mode.KEYWORD, filters=every))
        if any(needle(gone) in h.item.memory for h in result.hits):
            raise Failed(f"search finds the purged {needle(gone)}")

    def _read(self) -> None:
        (key,) = self._pick(1, "activated")

        def act() -> dict[str, Any]:
            expected = [v[:2] for v in self.memories[key]["versions"]]
            item = get(self.session, self._id(key))
            found = [[i.memory, i.status] for i in history(self.session, item.id).versions]
            if found != expected or [item.memory, item.status] != expected[-1]:
                raise Failed(f"{item.id} reads as {found}, not {expected}")
            list_memories(self.session, Filters(), limit=5)
            return {}

        self._do("read", {}, act)

    def _graph(self) -> None:
        def act() -> dict[str, Any]:
            graph = self.session.cube.ready_graph()
            for memory in self.memories.values():
                if memory["parent"] and memory["versions"][-1][1] != "deleted":
                    if memory["id"] not in graph.children(memory["parent"]):
                        raise Failed(f"{memory['id']} is no child of {memory['parent']}")
                    break
            return {}

        self._do("graph", {}, act)

    def _id(self, key: str) -> str:
        found: str = self.memories[key]["id"]
        return found


def _draft(key: str, text: str, facts: dict[str, Any]) -> Draft:
    return Draft(
        memory=text,
        key=key,
        external_id=facts["external"],
        parent=facts["parent"],
        relations=tuple(Relation(kind=kind, target=target) for kind, target in facts["relations"]),
    )


def _trace() -> str:
    return "".join(traceback.format_exc().splitlines(keepends=True)[-16:])


def main() -> None:
    """Say READY once everything is loaded, wait for the task (one line of JSON), work."""
    for module in LOADED:
        importlib.import_module(module)
    for embedder in EMBEDDERS:
        resolve(embedder, settings=Settings(home=Path())).embed_query("warm")
    print("READY", flush=True)
    line = sys.stdin.readline()
    if line:
        Worker(json.loads(line)).run()


if __name__ == "__main__":
    main()
