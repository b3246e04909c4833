"""Fit the models of doubt in `capability_index.corpora` anew, and print them: `python -m benchmarks.context_fit`.

Questions of the set itself have an answer; those of the other set, requests for operations and nonsense have none. Four in a
hundred of the real ones may be doubted.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import math
import random

import numpy as np
from numpy.typing import NDArray

from benchmarks.context_quality import facts, passages
from benchmarks.index_catalogues import given, nonsense
from capability_index.encoders.encoder import load_word_table
from capability_index.text_index import Mask, TextIndex
from capability_index.words import stems

_DOUBTED = 0.04
_ROUNDS = 60
_FOREIGN = 400
Floats = NDArray[np.float64]


def main() -> None:
    table = load_word_table()
    sets = passages(), facts()
    requests = [query.text for catalogue in given(150) for query in catalogue.queries]
    for judged, other in (sets, sets[::-1]):
        index, chance = TextIndex(table), random.Random(3)
        index.upsert("t", judged.analysis, judged.texts)
        real = rows(index, [(question.text, question.mask) for question in judged.questions])
        kinds = {
            "of the other set": [question.text for question in other.questions][:_FOREIGN],
            "requests": requests,
            "nonsense": [text for _, text in nonsense()],
        }
        masks = [question.mask for question in judged.questions]
        wrong = {kind: rows(index, [(text, chance.choice(masks)) for text in texts]) for kind, texts in kinds.items()}
        weights = fitted(real, np.concatenate(list(wrong.values())))
        weights[0] -= float(np.quantile(real @ weights, _DOUBTED))
        shares = {kind: float(np.mean(found @ weights < 0)) for kind, found in {"real": real, **wrong}.items()}
        said = ", ".join(f"{kind} {100 * share:.1f} %" for kind, share in shares.items())
        print(f"{judged.name}: Doubt({', '.join(f'{weight:.2f}' for weight in weights)}); doubted: {said}")


def rows(index: TextIndex, asked: list[tuple[str, Mask]]) -> Floats:
    """Return (1, cosine, root of coverage, logarithm of the words) of the best hit of each question that has one."""
    found = []
    for text, mask in asked:
        hits = index.search("t", text, mask, 1).hits
        if hits:
            features, words = hits[0].features, len(set(stems(text)))
            found.append([1.0, features["cosine"], math.sqrt(max(features["coverage"], 0.0)), math.log(min(max(words, 1), 16))])
    return np.asarray(found, np.float64)


def fitted(real: Floats, wrong: Floats) -> Floats:
    """Return the weights of a logistic regression in which both kinds weigh the same (Newton's steps, a little damped)."""
    given_rows, is_real = np.concatenate([real, wrong]), np.repeat([1.0, 0.0], [len(real), len(wrong)])
    worth = np.repeat([0.5 * len(given_rows) / len(real), 0.5 * len(given_rows) / len(wrong)], [len(real), len(wrong)])
    weights = np.zeros(given_rows.shape[1])
    for _ in range(_ROUNDS):
        chance = 1 / (1 + np.exp(-given_rows @ weights))
        slope = given_rows.T @ (worth * (is_real - chance)) - 0.01 * weights
        bend = (given_rows * (worth * chance * (1 - chance))[:, None]).T @ given_rows + 0.01 * np.eye(len(weights))
        weights += np.linalg.solve(bend, slope)
    return np.asarray(weights, np.float64)


if __name__ == "__main__":
    main()
