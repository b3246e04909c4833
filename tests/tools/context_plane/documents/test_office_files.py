"""DOCX and PDF as text, and what is wrong with files of them."""

from typing import get_args

import pytest

from tests.tools.context_plane.documents.made_files import WORD, docx, paragraph, pdf, zipped
from tools.context_plane.documents.document_refused import DocumentRefused, RefusalCode
from tools.context_plane.documents.formats import laid_out
from tools.context_plane.documents.parsed_document import Heading, ParsedDocument
from tools.context_plane.documents.reading import read_document

STYLES = (
    '<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>'
    '<w:style w:styleId="Mine"><w:basedOn w:val="berschrift1"/></w:style>'
    '<w:style w:styleId="Outlined"><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>'
    '<w:style w:styleId="Circle"><w:basedOn w:val="Circle"/></w:style>'
)


def read(content: bytes, media_type: str | None = None) -> ParsedDocument:
    return read_document(content, media_type, "")


def code_of(content: bytes, media_type: str | None = None) -> str:
    with pytest.raises(DocumentRefused) as refused:
        read(content, media_type)
    return refused.value.code


def outcome_of(content: bytes) -> str:
    try:
        read(content)
    except DocumentRefused as refused:
        return refused.code
    return "read"


def row(*cells: str) -> str:
    return f"<w:tr>{''.join(f'<w:tc>{cell}</w:tc>' for cell in cells)}</w:tr>"


def test_headings_of_docx_are_told_by_their_style_in_any_language() -> None:
    body = paragraph("One", "berschrift1") + paragraph("Two", "Outlined") + paragraph("Three", "Mine") + paragraph("text", "Circle")
    document = read(docx(body, styles=STYLES))
    assert document.text == "One\n\nTwo\n\nThree\n\ntext"
    assert document.headings == (Heading(0, 1, "One"), Heading(5, 2, "Two"), Heading(10, 1, "Three"))


def test_the_title_of_docx_is_above_all_headings() -> None:
    styles = f'{STYLES}<w:style w:styleId="T"><w:name w:val="Title"/></w:style>'
    document = read(docx(paragraph("Report", "T") + paragraph("One", "berschrift1") + paragraph("Two", "Outlined"), styles=styles))
    assert [(heading.level, heading.title) for heading in document.headings] == [(1, "Report"), (2, "One"), (3, "Two")]


def test_a_table_of_docx_is_rows_between_bars() -> None:
    table = f"<w:tbl>{row(paragraph('Deal'), paragraph('State'))}{row(paragraph('Kahuna') + paragraph('Ltd'), paragraph('won'))}</w:tbl>"
    assert read(docx(paragraph("Deals") + table)).text == "Deals\n\n| Deal | State |\n| --- | --- |\n| Kahuna Ltd | won |"


def test_a_table_within_a_cell_stands_in_it() -> None:
    inner = f"<w:tbl>{row(paragraph('a'), paragraph('b'))}</w:tbl>"
    table = f"<w:tbl>{row(paragraph('x'), inner)}{row(paragraph('y'), paragraph('z'))}</w:tbl>"
    assert read(docx(table)).text == "| x | a b |\n| --- | --- |\n| y | z |"


def test_what_is_deleted_hidden_or_told_twice_in_docx_is_not_read() -> None:
    hidden = "<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>"
    shown = '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>shown</w:t><w:tab/><w:t>here</w:t><w:br/></w:r>'
    deleted = "<w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>away</w:t></w:r></w:moveFrom>"
    fields = "<w:r><w:instrText>PAGE</w:instrText></w:r>"
    box = (
        '<w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:Choice><w:txbxContent>'
        f"{paragraph('box')}</w:txbxContent></mc:Choice><mc:Fallback>{paragraph('again')}</mc:Fallback></mc:AlternateContent></w:r>"
    )
    assert read(docx(f"<w:p>{hidden}{deleted}{fields}{shown}{box}</w:p>")).text == "box\n\nshown\there"


def test_lists_and_notes_of_docx_are_read() -> None:
    item = '<w:p><w:pPr><w:numPr><w:numId w:val="3"/></w:numPr></w:pPr><w:r><w:t>item</w:t></w:r></w:p>'
    notes = f'<w:footnotes xmlns:w="{WORD}"><w:footnote>{paragraph("A note.")}</w:footnote></w:footnotes>'
    assert read(docx(item + item, more={"word/footnotes.xml": notes})).text == "- item\n- item\n\nA note."


def test_a_mislabelled_docx_is_read_and_said() -> None:
    document = read(docx(paragraph("text")), "application/pdf")
    assert document.text == "text"
    assert document.notes == (f"declared as application/pdf, read as {document.media_type}, which it is",)


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ({"xl/workbook.xml": "<w/>"}, "XLSX"),
        ({"ppt/presentation.xml": "<p/>"}, "PPTX"),
        ({"a.txt": "text"}, "ZIP"),
        ({}, "empty"),
    ],
    ids=["XLSX", "PPTX", "ZIP", "empty"],
)
def test_other_archives_are_refused_by_their_name(parts: dict[str, str], word: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        read(zipped(parts))
    assert refused.value.code == "unsupported_media"
    assert word in refused.value.message


ENTITIES = '<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "xml",
    [
        f'<?xml version="1.0"?>{ENTITIES}<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>',
        f'<!DOCTYPE w SYSTEM "file:///etc/passwd"><w:document xmlns:w="{WORD}"/>',
        "<w:document>",
        "no XML",
        "",
        "<a b='" + "x" * 3_000_000 + "'/>",
    ],
    ids=["entities", "external", "unfinished", "no XML", "empty", "one tag of 3 MB"],
)
def test_xml_that_is_broken_or_declares_entities_is_damaged(xml: str) -> None:
    assert code_of(docx("", more={"word/document.xml": xml})) == "damaged"


def test_a_docx_without_text_says_so() -> None:
    assert code_of(docx("<w:p/>")) == "no_text"


def test_a_docx_nested_without_end_is_read() -> None:
    assert read(docx("<w:sdt>" * 20_000 + paragraph("text") + "</w:sdt>" * 20_000)).text == "text"


def test_a_docx_with_a_password_is_encrypted() -> None:
    """[MS-OFFCRYPTO] §2.3.4.4: a container with a stream of that name. And the flag of ZIP (APPNOTE §4.4.4)."""
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500) + "EncryptedPackage".encode("utf-16-le")
    assert code_of(ole, "application/vnd.openxmlformats-officedocument.wordprocessingml.document") == "encrypted"
    flagged = bytearray(docx(paragraph("text")))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = flagged.find(mark)
        flagged[at + offset] |= 1
    assert code_of(bytes(flagged)) == "encrypted"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_half_a_docx_is_damaged(share: float) -> None:
    content = docx(paragraph("text " * 1_000))
    assert code_of(content[: int(len(content) * share)]) == "damaged"


def test_a_docx_whose_bytes_were_changed_is_refused_or_read() -> None:
    content = docx(paragraph("some text, and more of it"), styles=STYLES)
    changed = (content[:at] + bytes((content[at] ^ 0xFF,)) + content[at + 1 :] for at in range(0, len(content), 7))
    assert {outcome_of(each) for each in changed} <= {"read", *get_args(RefusalCode)}


def test_a_declared_size_of_a_gigabyte_is_too_large() -> None:
    """It is not unpacked to find out."""
    content = bytearray(docx(paragraph("text")))
    at = content.find(b"PK\x01\x02")
    content[at + 24 : at + 28] = (1_000_000_000).to_bytes(4, "little")
    assert code_of(bytes(content)) == "too_large"


def test_a_part_that_is_larger_than_it_declares_is_damaged() -> None:
    content = bytearray(docx(paragraph("text " * 1_000)))
    at = content.rfind(b"PK\x01\x02")
    content[at + 24 : at + 28] = (100).to_bytes(4, "little")
    assert code_of(bytes(content)) == "damaged"


def test_what_is_laid_out_to_more_than_is_kept_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty cells are text in the end, and not before."""
    monkeypatch.setattr(laid_out, "MAX_CHARACTERS", 1_000)
    rows = f"<w:tr><w:tc>{paragraph('x')}</w:tc>{'<w:tc/>' * 400}</w:tr>" * 2
    assert code_of(docx(f"<w:tbl>{rows}</w:tbl>")) == "too_large"


def test_a_pdf_is_read_page_by_page() -> None:
    document = read(pdf([["Deals", "Kahuna closed."], [], ["Café (open)"]]))
    assert document.text == "Deals\nKahuna closed.\n\nCafé (open)"
    assert document.pages == (0, 22, 22)
    assert document.notes == ("1 of 3 pages have no text; pictures of text are not read",)


def test_the_outline_of_a_pdf_is_its_headings() -> None:
    document = read(
        pdf([["Intro", "text"], ["before", "Part two", "text"]], outline=[("Intro", 0), ("Part two", 1), ("Not on the page", 1)])
    )
    assert [(heading.title, document.text[heading.start :].partition("\n")[0]) for heading in document.headings] == [
        ("Intro", "Intro"),
        ("Not on the page", "before"),
        ("Part two", "Part two"),
    ]


def test_the_number_before_a_title_belongs_to_its_section() -> None:
    document = read(pdf([["text", "2.1 Scope", "text"]], outline=[("Scope", 0)]))
    assert document.text[document.headings[0].start :].startswith("2.1 Scope")


def test_lines_of_one_sentence_are_joined() -> None:
    lines = ["A sentence that goes on beyond the end of its line, and", "ends in the next one.", "Another sentence."]
    assert read(pdf([lines])).text == "A sentence that goes on beyond the end of its line, and ends in the next one.\nAnother sentence."


ENCRYPTED = "/Encrypt << /Filter /Standard /V 1 /R 2 /O (12345678901234567890123456789012) /U (12345678901234567890123456789012) /P -4 >>"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (pdf([["secret"]], trailer=f"{ENCRYPTED} /ID [(a) (b)]"), "encrypted"),
        (pdf([[], []]), "no_text"),
        (pdf([]), "damaged"),
        (b"%PDF-1.7\n" + bytes(2_000), "damaged"),
        (pdf([["text"]])[:300], "damaged"),
        (pdf([["x"]] * 2_001), "too_large"),
    ],
    ids=["encrypted", "pictures only", "no pages", "nothing in it", "cut", "too many pages"],
)
def test_a_pdf_that_cannot_be_read_is_refused_by_its_fault(content: bytes, code: str) -> None:
    assert code_of(content, "text/plain") == code


def test_a_pdf_without_its_table_of_objects_is_read() -> None:
    """The reader finds the objects again, as viewers do."""
    assert read(pdf([["text"]]).replace(b"xref", b"xxxx")).text == "text"
