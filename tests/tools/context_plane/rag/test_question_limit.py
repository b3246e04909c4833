"""So many questions an hour, each person for themselves."""

import pytest

from tools.context_plane.errors import ContextRefused
from tools.context_plane.rag.question_limit import QuestionLimit
from tools.context_plane.stores import Scope

ADA, BO = Scope("acme", "ada"), Scope("acme", "bo")


def test_the_question_above_the_limit_is_refused_and_says_when_the_next_one_may_come() -> None:
    now = [0.0]
    limit = QuestionLimit(3, lambda: now[0])
    for _ in range(3):
        limit.take(ADA)
    with pytest.raises(ContextRefused) as refused:
        limit.take(ADA)
    assert refused.value.failure.code == "rate_limited"
    assert refused.value.failure.retry_after_s is not None
    now[0] += refused.value.failure.retry_after_s + 1
    limit.take(ADA)


def test_one_person_s_questions_take_none_of_another_s() -> None:
    limit = QuestionLimit(1, lambda: 0.0)
    limit.take(ADA)
    limit.take(BO)
    limit.take(Scope("other", "ada"))
