"""How well a hit fits, absolutely: 0-1, on one scale for a catalogue of forty operations and of a million.

A logistic model of how near the best clause is, how much of what the words tell is found, whether the operation does
what was asked, whether it has its like beside it, how large the catalogue is, whether the request names a product that
is no provider here, and whether the encoder can read it at all (gibberish falls into many tokens and has no function words). Its
weights are in the word table's manifest; `python -m benchmarks.index_fit` fits them.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.encoder import WordTable
from capability_index.ranking.candidates import CandidateScores, Reader
from capability_index.ranking.intent import Intent
from capability_index.ranking.scoring import ScoredCandidates
from capability_index.ranking.spaces import NON_LATIN, QueryVectors
from capability_index.words import STOP_WORDS, stem

Floats = NDArray[np.float32]
# By words alone: a best hit below this is no answer, and what turns the logit into how often such a hit is right.
LOW_BY_WORDS = 0.22
_STRETCH, _SHIFT = 0.4, -1.0
_WORD = re.compile(r"[^\W\d_]+")
_SAME_NAME, _SAME_NAME_SCORE = 0.92, 0.9
#: the same by words alone
_WORDS_BIAS, _WORDS_COVERED, _WORDS_TERMS = -13.51, 17.13, 4.06
# The longer an intent, the less of it one operation can cover; past this many words that holds no more.
_MAX_TERMS = 16
_OUTER_STEP, _OUTER_MARGIN = 3.0, 0.6
_FEW = 3
_TOP = 10


def scores(
    intent: Intent, judged: ScoredCandidates, first: CandidateScores, senses: Sequence[QueryVectors], view: Reader, table: WordTable | None
) -> Floats:
    """Return the score of each candidate among the living rows of `view`."""
    found = np.zeros(len(judged.rows), np.float32)
    if table is None or not senses or any(sense.model == table.model for sense in senses):
        found = _embedded(intent, judged, first, senses, view, table)
    if judged.outer is not None:
        # Cosines of another model have another zero and another spread: what counts is how far the hit stands out.
        far = (judged.outer - first.sense_scales[0].mean) * first.sense_scales[0].factor
        least = math.sqrt(2 * math.log(max(view.live, 2))) + _OUTER_MARGIN
        found = np.maximum(found, _logistic(_OUTER_STEP * (far - least), _STRETCH, _SHIFT))
    return found


def low_of(table: WordTable | None) -> float:
    """Return the score below which a best hit is no answer."""
    return LOW_BY_WORDS if table is None else table.manifest.confidence.low


def _embedded(
    intent: Intent, judged: ScoredCandidates, first: CandidateScores, senses: Sequence[QueryVectors], view: Reader, table: WordTable | None
) -> Floats:
    if table is None or not senses or intent.vectors is None or intent.non_latin > NON_LATIN:
        terms = math.log(min(max(len(intent.words_by_term), 1), _MAX_TERMS))
        logit = _WORDS_BIAS + _WORDS_COVERED * np.sqrt(np.maximum(judged.coverage, 0)) + _WORDS_TERMS * terms
        return _logistic(logit, _STRETCH, _SHIFT)
    model, known = table.manifest.confidence, judged.structure.known
    values = features(intent, judged, first, senses, view, table)
    summed = _weighed(model.known_weights if known.any() else model.weights, values)
    if known.any() and not known.all():
        summed = np.asarray(np.where(known, summed, _weighed(model.weights, values)), np.float32)
    found = _logistic(summed, model.stretch, model.shift)
    return np.where(judged.names > _SAME_NAME, np.maximum(found, np.float32(_SAME_NAME_SCORE)), found)


def _weighed(weights: Mapping[str, float], values: Mapping[str, Floats | float]) -> Floats:
    fixed = 0.0
    logit: NDArray[np.floating[Any]] = np.zeros(1, np.float32)
    for name, weight in weights.items():
        value = values[name]
        if isinstance(value, float):
            fixed += weight * value
        else:
            logit = logit + np.float32(weight) * value
    return np.asarray(logit + np.float32(fixed), np.float32)


def features(
    intent: Intent, judged: ScoredCandidates, first: CandidateScores, senses: Sequence[QueryVectors], view: Reader, table: WordTable
) -> dict[str, Floats | float]:
    """Return what the model weighs, by name: for each candidate, or one value for all of them."""
    near = np.maximum(judged.cosines, judged.clauses)
    covered = np.sqrt(np.maximum(judged.coverage, 0))
    function_words, pieces = _readability(intent, table)
    mean = next(scale.mean for sense, scale in zip(senses, first.sense_scales, strict=True) if sense.model == table.model)
    return {
        "bias": 1.0,
        "near": near,
        "covered": covered,
        "function_words": function_words,
        "pieces": pieces,
        "terms": math.log(min(max(len(intent.words_by_term), 1), _MAX_TERMS)),
        "common": mean,
        "size": math.log(max(view.live, 2)),
        "nearest": float(np.partition(near, -_FEW)[-_FEW:].mean()) if len(near) > _FEW else float(near.mean()),
        "best_covered": float(covered.max()),
        "weakest": judged.by_term.min(axis=0) if len(judged.by_term) else 0.0,
        "verb": judged.structure.verb,
        "one_provider": _agreement(judged, view),
        "provider": float(bool(intent.providers)),
        "product": float(bool(intent.products)),
        "product_said": min((math.log1p(_said(product, view)) for product in intent.products), default=0.0),
    }


def _agreement(judged: ScoredCandidates, view: Reader) -> float:
    """Return which share of the first ten is of the first one's provider: what is here has its like beside it."""
    # Stable, so that equal ones stand in the same order on every platform.
    order = np.argsort(-judged.fused, kind="stable")[:_TOP]
    providers = view.providers_of(judged.rows[order])
    return providers.count(providers[0]) / len(providers)


def _said(product: str, view: Reader) -> int:
    """Return in how many rows a product's name is; of several words, the rarest one."""
    return min(view.frequency(stem(word)) for word in product.split())


def _readability(intent: Intent, table: WordTable) -> tuple[float, float]:
    """Return the share of function words, and the logarithm of tokens a word."""
    words = _WORD.findall(intent.text)
    if not words:
        return 0.0, math.log(9)
    pieces = sum(len(ids) for ids in table.word_ids(words)) / len(words)
    return sum(word.lower() in STOP_WORDS for word in words) / len(words), math.log(max(pieces, 1))


def _logistic(values: NDArray[np.floating[Any]], stretch: float, shift: float) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(stretch * values + shift))), np.float32)
