"""Turn the Cranfield collection, as it is commonly passed on, into a folder that `memos eval beir` reads.

    python scripts/cranfield_to_beir.py FOLDER OUT

FOLDER holds `cran.all.1400`, `cran.qry` and `cranqrel`. Queries are numbered by their order, as the
judgements number them, and not by the numbers written in `cran.qry`. Judgements of 1 to 4 count as
relevant, all alike: copies of the collection disagree on which end of the scale is the better one.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

RELEVANT = {"1", "2", "3", "4"}


def records(path: Path) -> Iterator[dict[str, str]]:
    """The records of a file in SMART's form: fields by their letter."""
    for record in re.split(r"^\.I ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
        parts = re.split(r"^\.([TABW])\n", record, flags=re.M)
        yield {letter: text.strip() for letter, text in zip(parts[1::2], parts[2::2], strict=True)}


def lines(path: Path, values: Iterable[dict[str, str]]) -> int:
    texts = [json.dumps(value) + "\n" for value in values]
    path.write_text("".join(texts), encoding="utf-8")
    return len(texts)


def judgements(path: Path) -> Iterator[tuple[str, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        query, document, grade, *_ = [*line.split(), "", "", ""]
        if grade in RELEVANT:
            yield query, document


def main(source: Path, out: Path) -> None:
    (out / "qrels").mkdir(parents=True, exist_ok=True)
    texts = [f"{one.get('T', '')} {one.get('W', '')}".strip() for one in records(source / "cran.all.1400")]
    questions = [one["W"] for one in records(source / "cran.qry")]
    documents = lines(
        out / "corpus.jsonl", ({"_id": str(n), "title": "", "text": text} for n, text in enumerate(texts, 1))
    )
    asked = lines(
        out / "queries.jsonl", ({"_id": str(n), "text": text} for n, text in enumerate(questions, 1))
    )
    judged = [f"{query}\t{document}\t1\n" for query, document in judgements(source / "cranqrel")]
    (out / "qrels" / "test.tsv").write_text(
        "query-id\tcorpus-id\tscore\n" + "".join(judged), encoding="utf-8"
    )
    print(f"{documents} texts, {asked} queries, {len(judged)} judgements in {out}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
