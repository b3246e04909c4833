"""Text in any charset, cleaned of what nobody sees, and Markdown's headings."""

import codecs

import pytest

from tools.context_plane.documents.document_refused import DocumentRefused
from tools.context_plane.documents.parsed_document import ParsedDocument
from tools.context_plane.documents.reading import read_document


def read(content: bytes, media_type: str | None = "text/plain", name: str = "") -> ParsedDocument:
    return read_document(content, media_type, name)


def titles(text: str) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in read(text.encode(), "text/markdown").headings]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Žluťoučký kůň".encode(), "Žluťoučký kůň"),
        (codecs.BOM_UTF8 + "Žluťoučký kůň".encode(), "Žluťoučký kůň"),
        (codecs.BOM_UTF16_LE + "שלום, 世界".encode("utf-16-le"), "שלום, 世界"),
        (codecs.BOM_UTF16_BE + "שלום, 世界".encode("utf-16-be"), "שלום, 世界"),
        (codecs.BOM_UTF32_LE + "plain".encode("utf-32-le"), "plain"),
        ("sent without a mark".encode("utf-16-le"), "sent without a mark"),
        ("sent without a mark".encode("utf-16-be"), "sent without a mark"),
        ("“Café”".encode("cp1252"), "“Café”"),
        ("مرحبا بالعالم".encode(), "مرحبا بالعالم"),
    ],
    ids=["UTF-8", "UTF-8 with a mark", "UTF-16 LE", "UTF-16 BE", "UTF-32", "LE by its zeros", "BE by its zeros", "windows-1252", "Arabic"],
)
def test_text_is_read_in_its_own_charset(content: bytes, text: str) -> None:
    assert read(content).text == text


def test_a_declared_charset_is_taken_where_bytes_do_not_tell() -> None:
    assert read("会議".encode("shift_jis"), "text/plain; charset=Shift_JIS").text == "会議"
    assert read("会議".encode("utf-16-le"), 'text/plain; charset="UTF-16LE"').text == "会議"
    page = '<html><head><meta charset="koi8-r"></head><body>Привет</body></html>'
    assert read(page.encode("koi8_r"), "text/html").text == "Привет"


def test_a_guessed_charset_is_said() -> None:
    assert read("Größe: groß".encode("latin-1")).notes == ("no charset was declared and it is not UTF-8: read as windows-1252",)


def test_one_broken_byte_does_not_make_the_whole_another_charset() -> None:
    """A file that was cut in the middle of a character is UTF-8 all the same."""
    document = read(("Žluťoučký kůň úpěl ďábelské ódy" * 5).encode() + b"\xc5")
    assert document.text.endswith("ódy\ufffd")
    assert document.notes == ("1 place that UTF-8 cannot have, read as U+FFFD",)


@pytest.mark.parametrize(
    ("content", "text", "note"),
    [
        (b"a\0b\0c d e f", "abc d e f", "2 nulls removed"),
        (b"a\x07b", "ab", "1 control character removed"),
        (b"a\xed\xa0\x80b", "a\ufffdb", "1 lone surrogate replaced by U+FFFD"),
        (codecs.BOM_UTF16_LE + b"a\0\x00\xd8b\0", "a\ufffdb", "1 lone surrogate replaced by U+FFFD"),
        ("pay \u202eevil\u202c \u2066now\u2069\u200f".encode(), "pay evil now", "5 bidi controls removed"),
        ("con\u00adtract\U000e0041\ufeff".encode(), "contract", "3 invisible characters removed"),
    ],
    ids=["nulls", "controls", "surrogate", "surrogate in UTF-16", "bidi", "invisible"],
)
def test_what_nobody_sees_is_cleaned_and_said(content: bytes, text: str, note: str) -> None:
    document = read(content)
    assert (document.text, document.notes) == (text, (note,))


def test_what_belongs_to_writing_stays() -> None:
    """Joiners, variation selectors and combining marks are letters' own."""
    for text in ("می\u200cخواهم", "👩\u200d💻", "❤\ufe0f", "e\u0301", "ก\u200bข"):
        assert read(text.encode()).text == text


def test_line_ends_are_of_one_kind() -> None:
    assert read("a\r\nb\rc\u2028d\x0ce\x85f".encode()).text == "a\nb\nc\nd\ne\nf"


@pytest.mark.parametrize("content", [b"", b" \r\n\t ", codecs.BOM_UTF8, b"\0\0\0\0 "], ids=["nothing", "blanks", "a mark", "nulls"])
def test_a_document_without_text_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentRefused) as refused:
        read(content)
    assert refused.value.code in ("no_text", "unsupported_media")


def test_headings_in_fenced_code_and_front_matter_are_none() -> None:
    text = "---\n# no: heading\n---\n# One\n\n```sh\n# comment\n```\n\n~~~~\n~~~\n# in it\n~~~~\n## Two ##\n"
    assert titles(text) == [(1, "One"), (2, "Two")]


def test_a_fence_that_is_never_closed_reaches_to_the_end() -> None:
    assert titles("# One\n```\n# comment\n") == [(1, "One")]


def test_underlined_lines_are_headings_and_rules_are_none() -> None:
    assert titles("One\n===\n\nText\n\nTwo\n---\n\n- item\n---\n\n---\n| a | b |\n| --- | --- |\n") == [(1, "One"), (2, "Two")]


def test_titles_are_without_marks() -> None:
    assert titles("# **Bold** [link](http://x) `code` snake_case #hash\n#\n####### seven\n#nospace\n") == [
        (1, "Bold link code snake_case #hash"),
        (1, ""),
    ]


def test_offsets_of_headings_are_where_their_lines_begin() -> None:
    document = read("Vorwort 😀\n\n# Größe\n\ntext\n\nUnter\n-----\n".encode(), "text/markdown")
    assert [document.text[heading.start :].partition("\n")[0] for heading in document.headings] == ["# Größe", "Unter"]


def test_headings_without_end_are_text_from_some_point_on() -> None:
    document = read(b"# a\n" * 12_000, "text/markdown")
    assert len(document.headings) == 10_000
    assert document.notes == ("headings after the first 10,000 are taken as text",)


def test_text_of_which_nothing_is_known_is_markdown_where_it_looks_so() -> None:
    assert read(b"# Notes\n\ntext", None).media_type == "text/markdown"
    assert read(b"text\n\n## A\n\ntext\n\n## B\n", None).media_type == "text/markdown"
    assert read(b"plain # text\n#!/bin/sh", None).media_type == "text/plain"
    assert read(b"# Copyright\n\n# of a program\n", None, "a.py").media_type == "text/plain"
    assert read(b"# A\n", "text/plain", "a.txt").media_type == "text/plain"


@pytest.mark.parametrize(
    ("content", "declared", "media_type", "is_said"),
    [
        (b"<!DOCTYPE html><p>x", "text/plain", "text/html", True),
        (b"<!-- c --><?xml version='1.0'?>\n<html><p>x", "application/pdf", "text/html", True),
        (b"plain text", "application/pdf", "text/plain", True),
        (b"no tags at all", "text/html", "text/plain", True),
        (b"a,b\n1,2\n", "application/vnd.ms-excel", "text/csv", False),
        (b'{"a": 1}', "application/json", "text/plain", False),
        (b"# A\n\ntext", "application/octet-stream", "text/markdown", False),
        ("<!doctype html><p>x".encode("utf-16"), "text/html", "text/html", False),
        (b"How %PDF-1.7 begins", "text/plain", "text/plain", False),
    ],
)
def test_a_mislabelled_file_is_read_as_what_it_is(content: bytes, declared: str, media_type: str, *, is_said: bool) -> None:
    document = read(content, declared)
    assert document.media_type == media_type
    assert any(note == f"declared as {declared}, read as {media_type}, which it is" for note in document.notes) == is_said


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "picture"),
        (b"\x1f\x8b\x08" + bytes(20), "gzip"),
        (b"{\\rtf1 hello}", "RTF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "before 2007"),
        (bytes(range(256)) * 4, "no text"),
    ],
    ids=["PNG", "gzip", "RTF", "old Word", "binary"],
)
def test_what_is_not_read_here_is_refused_by_its_name(content: bytes, word: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        read(content, "text/plain")
    assert refused.value.code == "unsupported_media"
    assert word in refused.value.message


def test_csv_is_kept_as_it_is_and_broken_quotes_are_said() -> None:
    assert read(b'a,"b\nc"\n1,2\n', "text/csv").notes == ()
    document = read(b'a,b\n1,"two\n3,4\n', "text/csv")
    assert document.text == 'a,b\n1,"two\n3,4\n'
    assert document.notes == ("a quotation mark of the CSV is never closed: its rows are taken line by line",)
