"""Texts of operations: the document's own words, whole and without what is around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.catalog.sentences import MAX_SUMMARY_CHARS, first_sentence, humanised, notes_last, summary_of, within, without_notes

NOTE = "**Note:** Environment variable keys and values have moved from `build_settings.env`."


@pytest.mark.parametrize(
    ("description", "sentence"),
    [
        ("Refunds a payment. You can refund a portion of it.", "Refunds a payment"),
        (f"{NOTE}\n\nLists sites. More.", "Lists sites"),
        (NOTE, ""),
        ("> [!WARNING]\n> It is slow.\n\nRuns a query", "Runs a query"),
        ("Completes the [Upload](/docs/uploads/object). Within it", "Completes the Upload"),
        ("<p>Refunds <b>a</b> payment.</p><p>Later</p>", "Refunds a payment"),
        ("# Title\n\nDo it now", "Do it now"),
        ("Takes ids, e.g. A1, i.e. names. Then more.", "Takes ids, e.g. A1, i.e. names"),
        ("Models (`gpt-image-1.5`, `gpt-image-1`) are given. More", "Models (gpt-image-1.5, gpt-image-1) are given"),
    ],
)
def test_the_first_sentence_is_whole_and_without_markup_and_notes(description: str, sentence: str) -> None:
    """agent.md, F7: texts broke off within words, with dead links and with notes for a beginning."""
    assert first_sentence(description) == sentence


@pytest.mark.parametrize(
    ("summary", "description", "operation_id", "words"),
    [
        ("RefundPayment", "Refunds a payment. You can", "RefundPayment", "Refunds a payment"),
        (None, NOTE, "listSites", "List sites"),
        (None, None, "ban_user_from_guild", "Ban user from guild"),
        (
            "Update an incident",
            "Acknowledge, resolve, escalate or reassign an incident.",
            "updateIncident",
            "Update an incident. Acknowledge, resolve, escalate or reassign an incident",
        ),
        ("Get a thing", "Gets or finds a thing by its id. More", "getThing", "Get a thing. Gets or finds a thing by its id"),
        ("Get a thing", "A thing of yours.", "getThing", "Get a thing"),
        (None, None, None, ""),
    ],
)
def test_a_summary_is_the_documents_own(summary: str | None, description: str | None, operation_id: str | None, words: str) -> None:
    """agent.md, F7: summary, else description, else operationId; the verbs that the description names are found, too."""
    assert summary_of(summary, description, operation_id) == words


@pytest.mark.parametrize(
    ("operation_id", "words"),
    [
        ("rollbackSiteDeploy", "Rollback site deploy"),
        ("issues/list-for-repo", "List issues for repo"),
        ("Workflow_GetRun", "Get workflow run"),
        ("delete_pin", "Delete pin"),
        ("ping", ""),
    ],
)
def test_an_operation_id_reads_as_words_with_its_verb_first(operation_id: str, words: str) -> None:
    """Where a document says nothing else."""
    assert humanised(operation_id) == words


def test_notes_stand_last_and_are_not_searched() -> None:
    """A note on environment variables made `sites.list` come up for "set an environment variable"."""
    told = " ".join(notes_last(f"{NOTE}\n\nLists sites.").split())
    assert told.startswith("Lists sites. **Note:**")
    assert without_notes(told) == "Lists sites."


@given(st.text(max_size=600))
def test_whatever_a_description_holds_its_sentence_is_short_and_on_one_line(description: str) -> None:
    """Never longer than what is shown."""
    sentence = first_sentence(description)
    assert len(sentence) <= MAX_SUMMARY_CHARS
    assert "\n" not in sentence


def test_what_is_too_long_is_cut_between_words() -> None:
    """With a mark that something is left out."""
    assert within("alpha beta gamma delta", 14) == "alpha beta…"
