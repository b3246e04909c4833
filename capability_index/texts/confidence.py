"""Whether the best hit answers the question at all: a logistic model for each corpus, on one scale for ten rows and a million."""

import math

from capability_index.analysis import Analysis

#: a best hit that covers less is no answer, where meaning has no say: without vectors, or in a script that the table hardly knows
LOW_BY_WORDS = 0.22
#: the longer a question, the less of it one row can cover; past this many words that holds no more
_MAX_TERMS = 16


def answers(analysis: Analysis, cosine: float | None, coverage: float, terms: int) -> float:
    """Return how sure the best hit is, as a logit: below 0 it is called no answer.

    `cosine` None: meaning has no say. `coverage`: which share of what the words of the question tell is found. `terms`: their number.
    """
    model = analysis.doubt
    if cosine is None or model is None:
        return coverage - LOW_BY_WORDS
    length = math.log(min(max(terms, 1), _MAX_TERMS))
    return model.bias + model.cosine * cosine + model.covered * math.sqrt(max(coverage, 0.0)) + model.terms * length
