"""Chunks: what is found and quoted is a slice of the text, within one section, cut where writing has a cut."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.context_plane.documents.chunking import MAX_CHARACTERS, MAX_LEAD, MAX_NEW, Chunk, chunks_of
from tools.context_plane.documents.graphemes import is_boundary
from tools.context_plane.documents.media_types import CSV, MARKDOWN, TEXT
from tools.context_plane.documents.parsed_document import Heading, ParsedDocument
from tools.context_plane.documents.reading import read_document


def markdown(text: str) -> ParsedDocument:
    return read_document(text.encode(), MARKDOWN, "")


def slices(document: ParsedDocument) -> list[str]:
    return [document.text[chunk.start : chunk.end] for chunk in chunks_of(document)]


def uncovered(text: str, chunks: tuple[Chunk, ...]) -> str:
    """Return the characters that are in no chunk."""
    covered = bytearray(len(text))
    for chunk in chunks:
        covered[chunk.start : chunk.end] = b"\1" * (chunk.end - chunk.start)
    return "".join(sign for sign, is_in in zip(text, covered, strict=True) if not is_in)


PIECES = st.sampled_from(
    [
        "word ",
        "A sentence. ",
        "\n",
        "\n\n",
        "# Title\n",
        "## Under\n",
        "| a | b |\n",
        "x,y\n",
        '"q\n',
        "漢字。",
        "👩\u200d💻",
        "🇩🇪",
        "e\u0301",
        " \u0301",
        "क्ष",
        "각",
        "-",
        "```\n",
    ]
)


@given(
    st.lists(PIECES.flatmap(lambda piece: st.integers(1, 300).map(lambda count: piece * count)), max_size=8),
    st.sampled_from([TEXT, MARKDOWN, CSV]),
)
def test_every_character_is_in_a_chunk_and_no_chunk_is_too_long(pieces: list[str], media_type: str) -> None:
    text = "x" + "".join(pieces)
    document = read_document(text.encode(), media_type, "")
    chunks = chunks_of(document)
    assert not uncovered(document.text, chunks).strip()
    assert all(0 < chunk.end - chunk.start <= MAX_CHARACTERS for chunk in chunks)
    assert [chunk.n for chunk in chunks] == list(range(len(chunks)))
    assert all(is_boundary(document.text, chunk.start) and is_boundary(document.text, chunk.end) for chunk in chunks)
    assert [chunk.end for chunk in chunks] == sorted(chunk.end for chunk in chunks)


def test_chunks_stay_within_their_section_and_know_the_headings_above() -> None:
    sentences = "It was said that it was so. " * 50
    document = markdown(f"Before.\n\n# A\n\n{sentences}\n\n## B\n\n{sentences}\n\n# C\n\nLast.")
    chunks = chunks_of(document)
    assert list(dict.fromkeys(chunk.heading for chunk in chunks)) == ["", "A", "A › B", "C"]
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end].count("#") <= 2


def test_a_path_that_is_too_long_loses_its_outermost_titles() -> None:
    document = markdown(f"# {'a' * 150}\n\nx\n\n## {'b' * 150}\n\nx\n\n### {'c' * 100}\n\nx\n")
    assert chunks_of(document)[-1].heading == f"{'b' * 150} › {'c' * 100}"


def test_a_heading_with_nothing_below_it_begins_the_section_after_it() -> None:
    document = markdown("# A\n\n## B\n\ntext\n")
    assert [(chunk.heading, document.text[chunk.start : chunk.end]) for chunk in chunks_of(document)] == [("A › B", "# A\n\n## B\n\ntext")]


def test_a_chunk_that_goes_on_is_led_in_by_what_was_before() -> None:
    document = read_document("".join(f"This is sentence number {n}. " for n in range(100)).encode(), TEXT, "")
    chunks = chunks_of(document)
    for before, after in pairwise(chunks):
        assert 0 < before.end - after.start <= MAX_LEAD
        assert document.text[after.start :].startswith("This is")
        assert document.text[: after.end].endswith(".")


def test_a_cut_is_made_at_a_blank_line_first() -> None:
    paragraph = "Some words that make a line of text, and no more than that.\n" * 8
    assert [piece[-60:].strip() for piece in slices(markdown(f"{paragraph}\n{paragraph}\n{paragraph}"))] == [paragraph.splitlines()[0]] * 3


def test_rows_of_a_table_are_whole_and_know_their_columns() -> None:
    rows = "".join(f"| Deal {n} of this year | {n},000 | won in the month of March |\n" for n in range(60))
    document = markdown(f"# Deals\n\nAll of them:\n\n| Deal | Sum | State |\n| --- | --- | --- |\n{rows}\nThe end.")
    chunks = chunks_of(document)
    first, *later = [document.text[chunk.start : chunk.end] for chunk in chunks]
    assert first.startswith("# Deals\n\nAll of them:\n\n| Deal | Sum | State |\n| --- |")
    assert all(
        line.startswith("|") and line.endswith("|") for piece in later for line in piece.splitlines() if line.strip() and line != "The end."
    )
    assert {chunk.heading for chunk in chunks[1:]} == {"Deals › Deal | Sum | State"}


def test_a_table_of_one_row_is_one_by_its_ruler() -> None:
    row = f"| {'Kahuna. ' * 40}| {'It was won. ' * 29}|"
    document = markdown(f"{'Words about it. ' * 20}\n| Deal | State |\n| --- | --- |\n{row}\n")
    (chunk,) = (chunk for chunk in chunks_of(document) if document.text[chunk.start : chunk.end] == row)
    assert chunk.heading == "Deal | State"


def test_a_table_that_has_room_in_a_chunk_is_not_cut() -> None:
    table = "deal | sum | state of it\n" + "".join(f"kahuna {n} | {n} | won\n" for n in range(20))
    pieces = slices(read_document(f"{'Words about it. ' * 35}\n\n{table}\nafter".encode(), TEXT, ""))
    assert any(table.strip() in piece for piece in pieces)


def test_rows_of_csv_are_whole_and_know_their_columns() -> None:
    rows = "".join(f'{n},"Kahuna ""K"" Ltd\nsecond line {n}",won\n' for n in range(60))
    document = read_document(f"number,name,state\n{rows}".encode(), CSV, "")
    chunks = chunks_of(document)
    assert [chunk.heading for chunk in chunks] == ["", *["number,name,state"] * (len(chunks) - 1)]
    for chunk in chunks[1:]:
        piece = document.text[chunk.start : chunk.end]
        assert piece[0].isdigit()
        assert piece.endswith(",won")


def test_csv_with_a_quotation_mark_too_many_is_cut_at_lines_again() -> None:
    rows = "".join(f"{n},name of {n},won\n" for n in range(2_000))
    document = read_document(f'number,name,state\n0,"broken,won\n{rows}'.encode(), CSV, "")
    last = slices(document)[-1]
    assert all(line.count(",") == 2 for line in last.splitlines())
    few = read_document(f'number,name,state\n0,"broken,won\n{rows[:2_000]}'.encode(), CSV, "")
    assert all(piece.splitlines()[0].count(",") == 2 for piece in slices(few))


def test_pages_are_told_by_where_a_chunk_begins() -> None:
    document = ParsedDocument(
        "One two.\n\nThree.\n\nFour.", (Heading(10, 1, "Three"), Heading(18, 1, "Four")), (0, 10, 10, 18), "application/pdf", ()
    )
    assert [(chunk.page, chunk.heading) for chunk in chunks_of(document)] == [(1, ""), (3, "Three"), (4, "Four")]


@pytest.mark.parametrize(
    "grapheme",
    [
        "e\u0301",
        "👩\u200d👩\u200d👧",
        "👍🏽",
        "🇩🇪",
        "각",
        "\u1100\u1161\u11a8",
        "नि",
        "क्ष",
        "กำ",
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e007f",
    ],
    ids=lambda text: unicodedata.name(text[0]),
)
def test_no_grapheme_is_cut(grapheme: str) -> None:
    """UAX #29: what a reader sees as one character."""
    assert not any(is_boundary(f"a{grapheme}b", at) for at in range(2, len(grapheme) + 1))
    for shift in range(len(grapheme)):
        document = ParsedDocument("x" * shift + grapheme * 600, (), (), TEXT, ())
        assert all((chunk.end - shift) % len(grapheme) == 0 for chunk in chunks_of(document))


def test_flags_are_cut_between_two_of_them() -> None:
    assert [is_boundary("🇩🇪🇫🇷", at) for at in range(1, 4)] == [False, True, False]


def test_a_megabyte_without_a_blank_is_cut_all_the_same() -> None:
    document = read_document(b"x" * 1_000_000, TEXT, "")
    chunks = chunks_of(document)
    assert len(chunks) == -(-1_000_000 // MAX_NEW)
    assert "".join(document.text[chunk.end - MAX_NEW : chunk.end] for chunk in chunks[:2]) == "x" * 2 * MAX_NEW


@pytest.mark.parametrize("text", ["", " \n "], ids=["nothing", "blanks"])
def test_nothing_has_no_chunks(text: str) -> None:
    assert chunks_of(ParsedDocument(text, (), (), TEXT, ())) == ()
