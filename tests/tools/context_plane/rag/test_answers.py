"""Of what a model writes, only what its citations say reaches the caller."""

from collections.abc import Sequence

from oauth.principal import Principal
from tools.context_plane.rag.answers import DocumentAnswers, NoAnswer, supported
from tools.context_plane.rag.passages import FoundPassage, FoundPassages
from tools.context_plane.rag.records import DocumentFilter, Passage
from tools.context_plane.stores import Scope

ADA = Principal("acme", "ada", "client", frozenset({"mcp"}), "grant")
TEXT = "The notice period is three months to the end of a month."
FOUND = FoundPassage(Passage(17, 16, "handbook.md", "", None, 0, len(TEXT), TEXT), 2.0)


class FixedSearch:
    """Finds one passage, whatever is asked."""

    async def search(self, scope: Scope, query: str, wanted: DocumentFilter, limit: int) -> FoundPassages:
        return FoundPassages((FOUND,), low_confidence=False, is_behind=False)


class Saying:
    """A writer that says one thing, or fails."""

    def __init__(self, said: str | Exception | None) -> None:
        self._said = said

    async def write(self, principal: Principal, question: str, passages: Sequence[FoundPassage]) -> str | None:
        if isinstance(self._said, Exception):
            raise self._said
        return self._said


async def answered(said: str | Exception | None, *, in_prose: bool = True):  # type: ignore[no-untyped-def]
    answers = DocumentAnswers(FixedSearch(), Saying(said))  # type: ignore[arg-type]  # the search's half that is asked
    return await answers.answer(ADA, "how long is the notice period?", DocumentFilter(), 5, in_prose=in_prose)


def test_a_sentence_stays_that_its_citation_says() -> None:
    assert supported("The notice period is three months [1].", [FOUND]) == ("The notice period is three months [1].", ())


def test_a_number_behind_the_full_stop_is_its_sentence_s() -> None:
    kept, unsupported = supported("The notice period is three months. [1]", [FOUND])
    assert kept == "The notice period is three months [1]."
    assert unsupported == ()


def test_a_sentence_without_a_number_goes() -> None:
    kept, unsupported = supported("The notice period is three months [1]. Smoking is forbidden.", [FOUND])
    assert kept == "The notice period is three months [1]."
    assert unsupported == ("Smoking is forbidden.",)


def test_a_number_that_no_passage_has_takes_its_sentence_along() -> None:
    assert supported("The notice period is three months [7].", [FOUND]) == ("", ("The notice period is three months [7].",))


def test_a_sentence_whose_words_are_not_in_what_it_cites_goes() -> None:
    assert supported("Elephants fly south every winter [1].", [FOUND])[0] == ""


async def test_quotes_are_answered_where_there_is_no_model() -> None:
    answer = await answered(None)
    assert answer.answered_by == "quotes"
    assert answer.answer is None
    assert answer.citations[0].quote.text == TEXT
    assert "no model" in (answer.note or "")


async def test_a_model_that_fails_costs_the_prose_alone() -> None:
    answer = await answered(NoAnswer("the budget is used up"))
    assert answer.citations
    assert answer.note == "answered in quotes: the budget is used up"


async def test_prose_that_nothing_supports_is_no_answer() -> None:
    answer = await answered("Everything is fine.")
    assert answer.answer is None
    assert answer.unsupported == ("Everything is fine.",)


async def test_nobody_is_asked_for_prose_that_nobody_wants() -> None:
    answer = await answered(AssertionError("asked"), in_prose=False)
    assert answer.answered_by == "quotes"
    assert answer.note is None
