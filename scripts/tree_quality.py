"""How good the tree is without a language model, on memories whose subjects are known.

    python scripts/tree_quality.py                             the labelled facts of the tests
    python scripts/tree_quality.py --locomo locomo_dev.json    and sessions of conversations

Prints purity, V-measure and the share that is placed, beside k-means (told the true number of
groups, and twice as many) and HDBSCAN on the same vectors; then how many memories move to another
concept when the last tenth comes later. "shaken": mean and spread over SHAKEN draws of the vectors moved as
little as the 8-bit model's differ from the float32 ones (cosine .9998), since that alone moves V by
.01 and more; less than the spread is no difference. V is over all memories, those outside being one group.
Of turns the "subject" is their session, which the tree is not told; all methods get turns read
among their neighbours. That makes a session a chain of overlapping vectors, which HDBSCAN follows from
end to end (V .72 to .82 on LoCoMo's five, ours .53 to .58, k-means .42 to .49): a concept that is one
session, whatever was spoken of. Needs scikit-learn for the comparison (not a dependency of memos).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.cluster import HDBSCAN, KMeans  # type: ignore[import-not-found]
from sklearn.metrics import v_measure_score  # type: ignore[import-not-found]

from memos_cli.organize.growth import CONCEPTS, LOOSE, TOPICS, grown
from memos_cli.organize.neighbours import among_turns, centred, unit, word_vectors
from memos_cli.providers.embedder import resolve
from memos_cli.settings import Settings

SHAKEN = 20
FACTS = Path(__file__).resolve().parents[1] / "tests" / "data" / "topics" / "facts.txt"


def labelled(path: Path) -> tuple[list[str], np.ndarray]:
    texts, labels, subject = [], [], -1
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            subject += 1
        elif line.strip():
            texts.append(line)
            labels.append(subject)
    return texts, np.array(labels)


def conversations(path: Path) -> Iterator[tuple[str, list[str], np.ndarray]]:
    for sample in json.loads(path.read_text(encoding="utf-8")):
        texts, labels = [], []
        for name, turns in sample["conversation"].items():
            if name.startswith("session_") and isinstance(turns, list):
                texts += [turn["text"] or "…" for turn in turns]
                labels += [int(name.split("_")[1])] * len(turns)
        yield sample["sample_id"], texts, np.array(labels)


def purity(labels: np.ndarray, groups: np.ndarray) -> float:
    return sum(int(np.bincount(labels[groups == g]).max()) for g in set(groups.tolist())) / len(labels)


def show(name: str, labels: np.ndarray, groups: np.ndarray) -> None:
    placed = groups != LOOSE
    print(
        f"  {name:18} groups {len(set(groups[placed].tolist())):3}  placed {placed.mean():.3f}"
        f"  purity {purity(labels[placed], groups[placed]):.3f}  V {v_measure_score(labels, groups):.3f}"
    )


def shaken(rows: np.ndarray, labels: np.ndarray) -> None:
    random = np.random.default_rng(0)
    found = []
    for _ in range(SHAKEN):
        moved = unit(rows + 0.02 * random.normal(size=rows.shape) / rows.shape[1] ** 0.5)
        groups = grown(centred(moved), np.full(len(rows), LOOSE), CONCEPTS)
        placed = groups != LOOSE
        found.append((purity(labels[placed], groups[placed]), v_measure_score(labels, groups)))
    (pure, v), (pure_by, v_by) = np.mean(found, axis=0), np.std(found, axis=0)
    print(f"  {'shaken':18} purity {pure:.3f} ± {pure_by:.3f}  V {v:.3f} ± {v_by:.3f}")


def compare(name: str, rows: np.ndarray, labels: np.ndarray) -> None:
    print(f"{name}: {len(rows)} memories, {len(set(labels.tolist()))} subjects")
    nothing = np.full(len(rows), LOOSE)
    concepts = grown(centred(rows), nothing, CONCEPTS)
    show("concepts", labels, concepts)
    shaken(rows, labels)
    numbers = sorted(set(concepts.tolist()) - {LOOSE})
    middles = centred(np.array([rows[concepts == n].mean(axis=0) for n in numbers]))
    above = dict(zip(numbers, grown(middles, nothing[: len(numbers)], TOPICS).tolist(), strict=True))
    show("topics", labels, np.array([above.get(c, LOOSE) for c in concepts.tolist()]))
    count = len(set(labels.tolist()))
    for k in (count, 2 * count):
        show(f"k-means, k = {k}", labels, KMeans(k, n_init=4, random_state=0).fit_predict(rows))
    for least in (3, 5):
        found = HDBSCAN(min_cluster_size=least, min_samples=1).fit_predict(rows.astype(float))
        show(f"HDBSCAN, {least}", labels, found)
    late = np.random.default_rng(1).random(len(rows)) < 0.1
    early = nothing.copy()
    early[~late] = grown(centred(rows[~late]), nothing[~late], CONCEPTS)
    after = grown(centred(rows), early, CONCEPTS)
    moved = ((after != early) & ~late & (early != LOOSE)).sum() / (~late).sum()
    print(f"  a tenth later: {moved:.3f} of the others move; then", end="")
    show("", labels, after)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--locomo", type=Path)
    parser.add_argument("--embedder", default="minilm")
    given = parser.parse_args()
    embedder = resolve(given.embedder, settings=Settings.load())

    def embed(texts: list[str]) -> np.ndarray:
        return unit(np.array([spans.mean(axis=0) for spans in embedder.embed_documents(texts)]))

    texts, labels = labelled(FACTS)
    compare("labelled facts", embed(texts), labels)
    compare("labelled facts, by words", word_vectors(texts), labels)
    for name, texts, labels in conversations(given.locomo) if given.locomo else ():
        runs = [np.flatnonzero(labels == s).tolist() for s in sorted(set(labels.tolist()))]
        compare(name, among_turns(embed(texts), runs), labels)


if __name__ == "__main__":
    main()
