"""How well a hit fits, absolutely: 0-1, on one scale for a catalogue of forty operations and of a million.

A logistic model of what does not depend on the other hits: how near the best clause is, how much of what the words tell is
found, and whether the intent is one that the encoder can read at all (gibberish falls into many tokens and has no function
words). Fitted on 4,000 real intents and 157 nonsense ones against eight catalogues of 40 to 13,700 operations;
`python -m benchmarks.index_confidence` measures it.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.encoder import WordTable
from capability_index.ranking.candidates import NON_LATIN, CandidateScores, QueryVectors
from capability_index.ranking.intent import Intent
from capability_index.ranking.scoring import ScoredCandidates
from capability_index.words import STOP_WORDS

Floats = NDArray[np.float32]
#: a best hit below this is no answer
LOW = 0.22
# Stretches the model's logit so that the score of the best hit is how often such a hit is the right one: of best hits scored
# .2-.35, .35-.6, .6-.8, .8-.9 and .9-.95, 26, 46, 66, 81 and 87 % were, over the three judged sets and all tools in one.
_STRETCH, _SHIFT = 0.4, -1.0
_WORD = re.compile(r"[^\W\d_]+")
_BIAS, _NEAR, _COVERED, _FUNCTION_WORDS, _PIECES, _TERMS, _COMMON = -13.26, 4.75, 11.43, 3.37, -0.87, 3.06, 46.2
_SAME_NAME, _SAME_NAME_SCORE = 0.92, 0.9
#: the same by words alone
_WORDS_BIAS, _WORDS_COVERED, _WORDS_TERMS = -13.51, 17.13, 4.06
# The longer an intent, the less of it one operation can cover; past this many words that holds no more.
_MAX_TERMS = 16
_OUTER_STEP, _OUTER_MARGIN = 3.0, 0.6


def scores(
    intent: Intent, judged: ScoredCandidates, first: CandidateScores, senses: Sequence[QueryVectors], live: int, table: WordTable | None
) -> Floats:
    """Return the score of each candidate out of `live` rows."""
    found = np.zeros(len(judged.rows), np.float32)
    scale_by_model = {sense.model: scale for sense, scale in zip(senses, first.sense_scales, strict=True)}
    if table is None or table.model in scale_by_model or not senses:
        found = _embedded(intent, judged, scale_by_model[table.model].mean if table is not None and senses else 0.0, table)
    if judged.outer is not None:
        # Cosines of another model have another zero and another spread: what counts is how far the hit stands out.
        far = (judged.outer - first.sense_scales[0].mean) * first.sense_scales[0].factor
        found = np.maximum(found, _logistic(_OUTER_STEP * (far - math.sqrt(2 * math.log(max(live, 2))) - _OUTER_MARGIN)))
    return found


def _embedded(intent: Intent, judged: ScoredCandidates, mean_cosine: float, table: WordTable | None) -> Floats:
    """`mean_cosine` is that of the intent with all visible rows."""
    terms = math.log(min(max(len(intent.words_by_term), 1), _MAX_TERMS))
    covered = np.sqrt(np.maximum(judged.coverage, 0))
    if table is None or intent.vectors is None or intent.non_latin > NON_LATIN:
        return _logistic(_WORDS_BIAS + _WORDS_COVERED * covered + _WORDS_TERMS * terms)
    function_words, pieces = _readability(intent, table)
    fixed = _BIAS + _FUNCTION_WORDS * function_words + _PIECES * pieces + _TERMS * terms + _COMMON * mean_cosine
    found = _logistic(fixed + _NEAR * np.maximum(judged.cosines, judged.clauses) + _COVERED * covered)
    return np.where(judged.names > _SAME_NAME, np.maximum(found, np.float32(_SAME_NAME_SCORE)), found)


def _readability(intent: Intent, table: WordTable) -> tuple[float, float]:
    """Return the share of function words, and the logarithm of tokens a word."""
    words = _WORD.findall(intent.text)
    if not words:
        return 0.0, math.log(9)
    pieces = sum(len(ids) for ids in table.word_ids(words)) / len(words)
    return sum(word.lower() in STOP_WORDS for word in words) / len(words), math.log(max(pieces, 1))


def _logistic(values: NDArray[np.floating[Any]]) -> Floats:
    return np.asarray(1 / (1 + np.exp(-(_STRETCH * values + _SHIFT))), np.float32)
