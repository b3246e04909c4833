"""Questions in other words, each tenant's beside the others'."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tools.ai_gateway.caching.similar_questions import MAX_PLACES, SimilarQuestions


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.full((len(texts), 4), 0.5, dtype=np.float32)


def test_a_tenant_that_asks_at_many_places_pushes_out_its_own_alone() -> None:
    questions = SimilarQuestions(embed)
    questions.add("globex", b"place", "what", b"theirs")
    for number in range(3 * MAX_PLACES):
        questions.add("acme", b"%d" % number, "what", b"ours")
    assert questions.find("globex", b"place", "what", 0.9) == b"theirs"
    assert questions.find("acme", b"0", "what", 0.9) is None
    assert questions.find("acme", b"place", "what", 0.9) is None
