"""A quote is the document's own characters, and the sentence that says most of the question."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tools.context_plane.rag.quotes import MAX_QUOTE_CHARS, quotes_of, sentences
from tools.context_plane.rag.records import Passage

HANDBOOK = (
    "Rent is due on the first day. A tenant gives notice in writing. The notice period is three months to the end of a month. "
    "Keys are handed back on the last day."
)


def passage(text: str, start: int = 0) -> Passage:
    return Passage(row=1, document_id=0, name="handbook.md", heading="", page=None, start=start, end=start + len(text), text=text)


def test_the_sentence_that_says_most_of_the_question_is_quoted() -> None:
    [quote] = quotes_of("how long is the notice period?", [passage(HANDBOOK)])
    assert "The notice period is three months to the end of a month." in quote.text
    assert "Keys" not in quote.text


def test_a_quote_stands_where_it_says_in_the_document() -> None:
    document = "x" * 1_000 + HANDBOOK
    [quote] = quotes_of("notice period", [passage(HANDBOOK, start=1_000)])
    assert document[quote.start : quote.end] == quote.text


def test_a_word_that_every_passage_has_decides_less_than_a_rare_one() -> None:
    common = "The notice is in writing. The deposit is returned."
    quotes = quotes_of("notice deposit", [passage(common), passage("A notice here. A notice there.")])
    assert quotes[0].text.startswith("The notice is in writing.") or "deposit" in quotes[0].text
    assert "deposit" in quotes[0].text


def test_scripts_without_blanks_have_sentences_too() -> None:
    text = "租金于每月一日到期。通知期为三个月。钥匙于最后一天交还。"
    assert [text[start:end] for start, end in sentences(text)] == ["租金于每月一日到期。", "通知期为三个月。", "钥匙于最后一天交还。"]


def test_a_sentence_without_end_is_cut_at_the_longest_quote() -> None:
    [quote] = quotes_of("word", [passage("word " * 500)])
    assert len(quote.text) <= MAX_QUOTE_CHARS


def test_a_passage_that_says_nothing_of_the_question_is_quoted_from_its_beginning() -> None:
    [quote] = quotes_of("zebra", [passage(HANDBOOK)])
    assert quote.text == "Rent is due on the first day."


@settings(max_examples=200)
@given(query=st.text(max_size=30), text=st.text(max_size=600), start=st.integers(0, 10_000))
def test_every_quote_is_a_slice_of_its_passage(query: str, text: str, start: int) -> None:
    [quote] = quotes_of(query, [passage(text, start)])
    assert text[quote.start - start : quote.end - start] == quote.text
    assert len(quote.text) <= MAX_QUOTE_CHARS
