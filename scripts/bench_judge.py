"""What the rules of add-time judgement do on public sentence pairs, and what judging costs.

    python scripts/bench_judge.py BENCH_DIR          pairs: SICK, MSR paraphrases, ConflictQA
    python scripts/bench_judge.py BENCH_DIR --speed  reading and judging beside embedding, on LoCoMo
                                                     turns and on made-up notes
    python scripts/bench_judge.py BENCH_DIR --errors show the pairs that were decided wrongly

Both orders of a pair are judged, as one memory after another of the same owner. What counts as an
error of what is merged or archived:

- SICK: merging a pair that is labelled neither ENTAILMENT nor is at least 4.5 of 5 related;
  archiving one that is not labelled CONTRADICTION;
- MSR: merging a pair that is not labelled a paraphrase; archiving any pair (its sentences are news
  of one day, about half of the "no paraphrase" pairs differ in a detail);
- ConflictQA: merging a claim with its counter-claim is an error, archiving it is right; a claim with
  the claim of another question must come to nothing.

Labels are people's and noisy. Needs the files in BENCH_DIR; reads them, copies nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from memos_cli.location import CubeRef
from memos_cli.operations.add import add
from memos_cli.schema import Draft
from memos_cli.session import open_session
from memos_cli.settings import Settings
from memos_cli.stores.verdicts import Relation, by_rule

Pair = tuple[str, str, str]
"""(set and label, first sentence, second sentence)."""

MERGED, ARCHIVED, LINKED = "merged", "archived", "linked"


def sick(bench: Path) -> Iterator[Pair]:
    for name in ("SICK_train.txt", "SICK_trial.txt"):
        for line in (bench / "sick_dev" / name).read_text(encoding="utf-8").splitlines()[1:]:
            _, one, other, related, label = line.split("\t")
            same = label == "ENTAILMENT" or (label == "NEUTRAL" and float(related) >= 4.5)
            yield "sick same" if same else f"sick {label.lower()}", one, other


def msr(bench: Path) -> Iterator[Pair]:
    text = (bench / "msr_paraphrase_dev" / "msr-para-train.tsv").read_text(encoding="utf-8-sig")
    for line in text.splitlines()[1:]:
        label, _, _, one, other = line.split("\t")
        yield "msr same" if label == "1" else "msr other", one, other


def conflicts(bench: Path) -> Iterator[Pair]:
    entries = json.loads((bench / "conflictqa_dev.json").read_text(encoding="utf-8"))
    for entry in entries:
        if entry["memory_answer"] != entry["counter_answer"]:  # one claim is its own counter-claim
            yield "conflictqa contradiction", entry["memory_answer"], entry["counter_answer"]
    others = random.Random(1).sample(entries, len(entries))
    for one, other in zip(entries, others, strict=True):
        if one is not other:
            yield "conflictqa other", one["memory_answer"], other["memory_answer"]


RIGHT = {
    "sick same": {MERGED}, "sick contradiction": {ARCHIVED}, "msr same": {MERGED}, "conflictqa contradiction": {ARCHIVED},
}  # fmt: skip
"""What may be done, by label, that cannot be taken back by a look at the other memory."""
_WANTED = {
    "sick same": {Relation.DUPLICATE},
    "sick contradiction": {Relation.CONTRADICTION, Relation.UPDATE},
    "msr same": {Relation.DUPLICATE},
    "conflictqa contradiction": {Relation.CONTRADICTION, Relation.UPDATE},
}


def measure(pairs: Iterator[Pair], show: bool) -> None:
    done: Counter[tuple[str, str]] = Counter()
    total: Counter[str] = Counter()
    found: Counter[str] = Counter()
    named: Counter[tuple[str, bool]] = Counter()
    for label, one, other in pairs:
        for old, new in ((one, other), (other, one)):
            verdict = by_rule(old, new)
            total[label] += 1
            found[label] += verdict.relation in _WANTED.get(label, ())
            if verdict.relation is Relation.CONTRADICTION:
                named["contradiction", verdict.relation in _WANTED.get(label, ())] += 1
            if not verdict.sure:
                continue
            action = MERGED if verdict.relation is Relation.DUPLICATE else ARCHIVED
            done[action, "right" if action in RIGHT.get(label, ()) else "wrong"] += 1
            if show and action not in RIGHT.get(label, ()):
                print(f"{label}: {action}: {old} | {new}")
    for action in (MERGED, ARCHIVED):
        right, wrong = done[action, "right"], done[action, "wrong"]
        if right + wrong:
            print(f"  {action:9} {right + wrong:5}  precision {right / (right + wrong):.3f}")
    right, wrong = named["contradiction", True], named["contradiction", False]
    if right + wrong:
        print(
            f"  contradictions named, archived or linked: {right + wrong}  precision {right / (right + wrong):.3f}"
        )
    for label in sorted(total):
        if label in _WANTED:
            print(f"  {label:26} {total[label]:5}  recall {found[label] / total[label]:.3f}")


def turns(bench: Path, count: int) -> list[Draft]:
    conversation = json.loads((bench / "locomo_dev" / "locomo_dev.json").read_text(encoding="utf-8"))
    found: list[Draft] = []
    for number, entry in enumerate(conversation):
        for name, session in entry["conversation"].items():
            if isinstance(session, list):
                found += [
                    Draft(memory=t["text"], speaker=t["speaker"], session_id=f"{number} {name}", position=i)
                    for i, t in enumerate(session)
                    if t.get("text")
                ]
    return found[:count]


def notes(count: int) -> list[Draft]:
    """Statements of which every third says something else on a matter that another is about."""
    rng = random.Random(1)
    names = [
        a + b
        for a in ("An", "Ber", "Car", "Dor", "El", "Fin", "Gus", "Hel", "Ir", "Jo")
        for b in ("na", "ta", "la", "is", "mar", "ric")
    ]
    cities = [
        "Oslo",
        "Bergen",
        "Berlin",
        "Munich",
        "Paris",
        "Lyon",
        "Rome",
        "Milan",
        "Madrid",
        "Lisbon",
        "Vienna",
        "Prague",
        "Warsaw",
        "Dublin",
        "London",
    ]
    firms = ["Siemens", "Bosch", "Google", "Roche", "Shell", "Novartis", "Philips", "Airbus"]
    makers = (
        lambda name: f"{name} lives in {rng.choice(cities)}.",
        lambda name: f"{name} moved to {rng.choice(cities)}.",
        lambda name: f"{name} works at {rng.choice(firms)} as an engineer in the department of measurement.",
        lambda name: (
            f"{name} told us about the {rng.randint(2, 400)} pictures of the trip to {rng.choice(cities)}."
        ),
        lambda name: f"{name} does not like coffee.",
        lambda name: (
            f"The {rng.choice(cities)} project of {name} needs a new plan for the {rng.randint(2, 31)} open points."
        ),
    )
    return [
        Draft(memory=rng.choice(makers)(f"{rng.choice(names)} {rng.choice(names)}")) for _ in range(count)
    ]


def speed(bench: Path, count: int) -> None:
    """CPU seconds of planning with judgement and without, beside those of embedding the same texts.

    The second half is judged in a cube that holds the first, so that there is something to find.
    """
    for name, drafts in (("turns", turns(bench, count)), ("notes", notes(count))):
        half = len(drafts) // 2
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(home=Path(folder), embedder="minilm", fsync=False)
            ref = CubeRef("cube", Path(folder) / "cube", is_name=False)
            with open_session(ref, settings, write=True, create=True) as session:
                add(session, drafts[:half], judge=True)
                rest = [draft.memory for draft in drafts[half:]]
                start = time.process_time()
                session.embedder.embed_documents(list(dict.fromkeys(rest)))
                embedding = time.process_time() - start
                spent = {}
                for judge in (False, True):
                    start = time.process_time()
                    add(session, drafts[half:], judge=judge, dry_run=True)
                    spent[judge] = time.process_time() - start
                start = time.process_time()
                result = add(session, drafts[half:], judge=True)
                whole = time.process_time() - start
        said = f"{len(result.updated)} updated, {len(result.linked)} linked, {len(result.known)} known"
        print(
            f"{name}: {len(rest)} ({said}): embedding {embedding:.2f} s; finding what is known {spent[False]:.2f} s, "
            f"with judging {spent[True]:.2f} s, {spent[True] / embedding:.2f} of embedding; "
            f"whole add {whole:.2f} s, {whole / embedding:.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bench", type=Path)
    parser.add_argument("--errors", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--count", type=int, default=1_000, help="turns and notes to measure on")
    arguments = parser.parse_args()
    if arguments.speed:
        speed(arguments.bench, arguments.count)
        return
    for name, read in (("SICK", sick), ("MSR paraphrases", msr), ("ConflictQA", conflicts)):
        print(name)
        measure(read(arguments.bench), arguments.errors)


if __name__ == "__main__":
    main()
