"""Every error a user can meet: the tree, its messages, exit codes and next commands.

Owns: the classes, their texts, their exit codes. Does not own: how they are printed
(`interfaces/cli/output`), nor which engine exception becomes which of them (each file in
`stores/` maps its own engine's).

    MemosError                       1
    ├── UsageError                   2
    │   ├── BadTime · BadFilter · BadInput · UnknownEmbedder · UnknownReranker · UnknownLLM · NoLLM · UnknownSetting · TooManyChanges
    ├── NotFound                     3
    │   ├── CubeNotFound · MemoryNotFound · NodeNotFound · ChangeNotFound · NothingSeen · JobNotFound
    ├── NotPermitted                 4
    ├── Busy                         5
    │   ├── Reorganizing · AtWork
    ├── IntegrityError               6
    │   ├── ConfigDamaged · FormatTooNew · TableDamaged · ForeignTable · EmbedderMismatch
    │   ├── ProjectionDamaged · ProjectionOutdated
    ├── StorageError                 1
    │   ├── StorageFull
    ├── JobDamaged · SchedulerFailed                                                    1
    ├── CubeExists · NothingToUndo · UndoConflict · StaleChange · PlanOutdated · NoVectors          1
    └── ProviderError                1
        ├── EmbedderUnavailable · EmbedderFailed · RerankerUnavailable · RerankerFailed
        └── LLMError
            ├── LLMUnavailable · LLMBudgetSpent
            └── LLMFailed · LLMRefused · LLMTooLong · LLMUnusable

The docstring of a class is its message, with `{}` fields filled from the constructor's
keyword arguments; `hint` names the next command to type. The idea is Borg's
(`helpers/errors.py`).
"""

from __future__ import annotations

import inspect
import re

LONGEST = 240
"""Characters of one field in a message."""


class MemosError(Exception):
    """{detail}"""

    exit_code = 1
    hint = ""

    def __init__(self, *, hint: str | None = None, **fields: object) -> None:
        self.fields = {k: _short(str(v)) for k, v in fields.items()}
        self.message = _fill(inspect.cleandoc(type(self).__doc__ or ""), self.fields)
        self.next_step = _fill(self.hint if hint is None else hint, self.fields)
        super().__init__(self.message)

    @property
    def code(self) -> str:
        """Stable machine name of the error, for example `memory_not_found`."""
        return code_of(type(self))

    def document(self) -> dict[str, dict[str, str]]:
        """The JSON document printed with `--json`."""
        return {"error": {"code": self.code, "message": self.message, "hint": self.next_step}}

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.fields, self.next_step)


def code_of(cls: type[MemosError]) -> str:
    """Stable machine name of an error class."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()


def _short(text: str) -> str:
    """A field of a message: hostile input may be any length."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]}…{text[-LONGEST // 2 :]}"


def _fill(template: str, fields: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}(\.?)", lambda m: _filled(m, fields), template)


def _filled(place: re.Match[str], fields: dict[str, str]) -> str:
    """A field and the full stop behind it; words of others that end a sentence of their own need none."""
    text = fields.get(place[1], f"{{{place[1]}}}")
    return text if text.endswith(_ENDS) else text + place[2]


_ENDS = (".", "!", "?", "…", "。", "！", "？")


def _rebuild(cls: type[MemosError], fields: dict[str, str], hint: str) -> MemosError:
    return cls(hint=hint, **fields)


class UsageError(MemosError):
    """{detail}"""

    exit_code = 2
    hint = "See `memos help commands`."


class BadTime(UsageError):
    """Cannot read {text} as a time."""

    hint = "Write it like 2026-03-14, 2026-03-14T09:30 or 'yesterday'."

    def __init__(self, text: object, *, hint: str | None = None) -> None:
        super().__init__(hint=hint, text=repr(text))
        self.message = f"Cannot read {text!r} as a time."
        self.args = (self.message,)


class BadFilter(UsageError):
    """{value} is not a {field}; known: {known}."""


class BadInput(UsageError):
    """Cannot read {source}: {reason}."""

    hint = "See `memos help add` for what can be read."


class UnknownEmbedder(UsageError):
    """No embedder is called {name}."""

    hint = "See `memos help embedders`."


class UnknownReranker(UsageError):
    """No reranker is called {name}."""

    hint = "See `memos help reranking`."


class UnknownLLM(UsageError):
    """No language model is called {name}."""

    hint = "See `memos help llm`."


class NoLLM(UsageError):
    """`memos {verb}` needs a language model, and none is configured."""

    hint = "Give --llm MODEL, or set it with `memos config set llm MODEL`; see `memos help llm`."


class TooManyChanges(UsageError):
    """This would change {count} memories, and at most {limit} are changed without asking."""

    hint = "Look with --dry-run, then allow it with --max-changes {count}."


class UnknownSetting(UsageError):
    """No setting is called {name}."""

    hint = "See `memos config list`."


class NotFound(MemosError):
    """{detail}"""

    exit_code = 3


class CubeNotFound(NotFound):
    """There is no cube at {path}."""

    hint = "Make one with `memos init {name}`."


class MemoryNotFound(NotFound):
    """No memory has the id {id}."""

    hint = "See `memos list` for the ids that are there."


class NodeNotFound(NotFound):
    """No topic or concept is called {name}."""

    hint = "See them all with `memos tree`; `memos reorganize` makes them."


class ChangeNotFound(NotFound):
    """No change has the id {id}."""

    hint = "See `memos log` for the changes that are there."


class NothingSeen(NotFound):
    """There is no last search and no last change of this cube whose memories are still there."""

    hint = "Name the memories with --on ID, or leave --last out."


class JobNotFound(NotFound):
    """No job is called {name}."""

    hint = "See `memos cron list`."


class JobDamaged(MemosError):
    """The job's file {path} cannot be read."""

    hint = "Delete that file, and install the job again with `memos cron install`."


class SchedulerFailed(MemosError):
    """The scheduler ({name}) did not take the job: {reason}."""

    hint = "See what would be installed with `memos cron install --print`."


class NotPermitted(MemosError):
    """Not permitted: {detail}."""

    exit_code = 4
    hint = "Check the owner and the permissions of the cube's directory."


class Busy(MemosError):
    """Another process is writing to {path} ({holder}), and it did not finish within {seconds} s."""

    exit_code = 5
    hint = "Try again, or see who holds it with `memos unlock -c {path}`."


class Reorganizing(Busy):
    """This cube is being reorganized already ({holder})."""

    hint = "Wait until it is done; nothing is lost by it."


class AtWork(Busy):
    """`memos {verb}` is at work on this cube already ({holder})."""

    hint = "Wait until it is done; nothing is lost by it."


class IntegrityError(MemosError):
    """{detail}"""

    exit_code = 6
    hint = "See what is wrong with `memos check`."


class ConfigDamaged(IntegrityError):
    """{path} is not a readable cube configuration: {reason}."""

    hint = "Restore config.json from a copy, or rebuild it with `memos repair`."


class FormatTooNew(IntegrityError):
    """This cube needs {needed}, which this version of memos does not know."""

    hint = "Install a newer memoskit."


class TableDamaged(IntegrityError):
    """The memory table cannot be read: {reason}."""

    hint = "Run `memos repair`; it sets a torn version aside and loses nothing that is readable."


class ForeignTable(IntegrityError):
    """The memory table was changed by another program: {reason}."""

    hint = "See `memos check`, then `memos reindex`."


class ProjectionDamaged(IntegrityError):
    """The {store} index cannot be read: {reason}."""

    hint = "Rebuild it from the table with `memos reindex`."


class ProjectionOutdated(ProjectionDamaged):
    """The {store} index has schema {found}, and this version of memos uses {wanted}."""


class EmbedderMismatch(IntegrityError):
    """The cube's vectors were made by {stored}, and {found} is not the same model."""

    hint = "Use that embedder, or change the cube's vectors with `memos reembed`."


class StorageError(MemosError):
    """The disk refused a write to {path}: {reason}."""

    hint = "Nothing that was reported stored is lost. Run `memos check` when the disk is well."


class StorageFull(StorageError):
    """No space is left on the disk of {path}."""

    hint = "Free some space, then type the command again; nothing that was stored is lost."


class CubeExists(MemosError):
    """There is already something at {path}."""

    hint = "Use it with `-c {path}`, or choose another name."


class NothingToUndo(MemosError):
    """There is nothing to undo: {reason}."""

    hint = "See `memos log`."


class UndoConflict(MemosError):
    """Change {id} cannot be undone: {reason}."""

    hint = "Undo the later change first: `memos undo {later}`."


class StaleChange(MemosError):
    """Memory {id} was changed by somebody else since this change was computed."""

    hint = "Look at it with `memos get {id}`, then type the command again."


class PlanOutdated(MemosError):
    """The plan cannot be applied: {reason}."""

    hint = "Make a new one with `memos reorganize --plan FILE`."


class NoVectors(MemosError):
    """This cube keeps no vectors, so `{verb}` has nothing to work on."""

    hint = "Give it vectors with `memos deepen --text general_text`."


class ProviderError(MemosError):
    """{detail}"""


class EmbedderUnavailable(ProviderError):
    """The embedder {name} cannot be used: {reason}."""

    hint = "See `memos help embedders`."


class EmbedderFailed(ProviderError):
    """The embedder {name} failed: {reason}."""

    hint = "Nothing was stored. Try again, or see `memos doctor`."


class RerankerUnavailable(ProviderError):
    """The reranker {name} cannot be used: {reason}."""

    hint = "See `memos help reranking`."


class RerankerFailed(ProviderError):
    """The reranker {name} failed: {reason}."""

    hint = "Search without it, or see `memos help reranking`."


class LLMError(ProviderError):
    """{detail}"""


class LLMUnavailable(LLMError):
    """The language model {name} cannot be used: {reason}."""

    hint = "See `memos help llm`."


class LLMBudgetSpent(LLMError):
    """The budget of {budget} tokens for language models does not allow another call: {used} are used, and the call may take {needed}."""

    hint = "Allow more with --max-llm-tokens; what was done so far is kept."


class LLMFailed(LLMError):
    """The language model {name} failed: {reason}."""

    hint = "Try again, or see `memos help llm`."


class LLMRefused(LLMFailed):
    """The language model {name} refuses to answer: {reason}."""

    hint = "Try another model; see `memos help llm`."


class LLMTooLong(LLMFailed):
    """The text is too long for the language model {name}: {reason}."""

    hint = "Give it less at once, or use a model that reads more."


class LLMUnusable(LLMFailed):
    """The language model {name} gave no answer in the wanted form: {reason}."""

    hint = "Use a more capable model; see `memos help llm`."


def tree(cls: type[MemosError] = MemosError) -> list[type[MemosError]]:
    """Every error class, parents first; the table in `memos help errors` is made from it."""
    return [cls, *(sub for child in cls.__subclasses__() for sub in tree(child))]
