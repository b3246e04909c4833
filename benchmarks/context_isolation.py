"""Whether one tenant's facts show in another's answers: `python -m benchmarks.context_isolation`.

Two tenants with the same words, one of them written and deleted beside the other all the time. Goals: of 10,000 random questions
none finds a row of the other tenant, and each is answered to the last bit as by an index that holds one tenant alone.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import argparse
import random
from collections.abc import Iterator

from benchmarks.context_quality import EVER
from benchmarks.index_catalogues import vocabulary
from capability_index.corpora import FACTS
from capability_index.encoders.encoder import load_word_table
from capability_index.text_index import Mask, Text, TextIndex

_ROWS, _EVERY = 1_000, 100
#: rows of the other tenant have numbers from here on
_OTHER = 1_000_000


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--queries", type=int, default=10_000)
    count = arguments.parse_args().queries
    table, chance = load_word_table(), random.Random(11)
    words = chance.sample(vocabulary(), 400)
    shared, alone = TextIndex(table), TextIndex(table)
    for start in range(0, _ROWS, 250):
        rows = list(facts(chance, words, start, 250))
        for index in (shared, alone):
            index.upsert("one", FACTS, rows)
        shared.upsert("other", FACTS, list(facts(chance, words, _OTHER + start, 250)))
    crossings = differences = 0
    for at in range(count):
        if at % _EVERY == 0:
            row = _OTHER + chance.randrange(_ROWS)
            shared.delete("other", [row])
            shared.upsert("other", FACTS, list(facts(chance, words, row, 1)))
        query = " ".join(chance.choices(words, k=chance.randint(1, 8)))
        mask = Mask(at_most={"valid_from": chance.randrange(100)})
        found = shared.search("one", query, mask)
        crossings += any(hit.row >= _OTHER for hit in found.hits)
        crossings += any(hit.row < _OTHER for hit in shared.search("other", query, mask).hits)
        differences += found != alone.search("one", query, mask)
    print(f"{count:,} questions: {crossings} crossings, {differences} answered otherwise than by an index of one tenant alone")
    return int(crossings + differences > 0)


def facts(chance: random.Random, words: list[str], first: int, count: int) -> Iterator[Text]:
    rest = dict.fromkeys(FACTS.columns, 0) | {"valid_to": EVER, "retired_at": EVER}
    for row in range(first, first + count):
        said = chance.choices(words, k=chance.randint(3, 8))
        fields = {"text": " ".join(said), "subject": said[0], "predicate": said[1], "object": " ".join(said[2:])}
        yield Text(row, fields, {**rest, "valid_from": chance.randrange(100)})


if __name__ == "__main__":
    raise SystemExit(main())
