"""Documents that were written against their reader: each is refused by name, nothing hangs, and the next one is read."""

import asyncio
import io
import zipfile
import zlib
from collections.abc import AsyncIterator

import pytest

from tests.tools.context_plane.documents.made_files import docx, paragraph, pdf
from tools.context_plane.documents.parsing import DocumentParser, DocumentRefused


@pytest.fixture
async def parser() -> AsyncIterator[DocumentParser]:
    parser = DocumentParser()
    yield parser
    parser.close()


async def outcome_of(parser: DocumentParser, content: bytes, media_type: str | None = None) -> str:
    try:
        await parser.parse_into_chunks(content, media_type, "")
    except DocumentRefused as refused:
        return refused.code
    return "read"


def bomb_in_the_text() -> bytes:
    """Return a DOCX of 60 kB whose own text is 60 MB."""
    out = io.BytesIO(docx(""))
    head, tail = docx_around()
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("word/footnotes.xml", "w") as part:
        part.write(head)
        for _ in range(60):
            part.write(b"x" * 1_000_000)
        part.write(tail)
    return out.getvalue()


def docx_around() -> tuple[bytes, bytes]:
    with zipfile.ZipFile(io.BytesIO(docx(paragraph("@")))) as archive:
        head, _, tail = archive.read("word/document.xml").partition(b"@")
    return head, tail


def bomb_in_a_page() -> bytes:
    """Return a PDF of 600 kB that draws 600 MB of blanks."""
    packing = zlib.compressobj(9)
    drawn = packing.compress(b"BT /F1 10 Tf 50 700 Td (x) Tj ET\n") + packing.flush(zlib.Z_FULL_FLUSH)
    # What is flushed whole refers to nothing before it: once packed, it may stand there again and again.
    drawn += (packing.compress(b" " * 1_000_000) + packing.flush(zlib.Z_FULL_FLUSH)) * 600
    page = pdf([["y"]])
    begin, end = page.index(b"<< /Length"), page.index(b"endstream")
    return page[:begin] + b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\n" % (len(drawn), drawn) + page[end:]


async def test_bombs_are_refused_and_the_next_document_is_read(parser: DocumentParser) -> None:
    assert await outcome_of(parser, bomb_in_the_text()) == "too_large"
    assert await outcome_of(parser, b"text") == "read"
    assert await outcome_of(parser, bomb_in_a_page()) == "too_large"
    assert await outcome_of(parser, b"text") == "read"


#: what is written again and again, and how often: a parser that looks back from each would take hours
REPEATED = (
    (b"x", 200_000),
    (b"word ", 40_000),
    ("漢字".encode(), 40_000),
    (b" ", 200_000),
    (b"\n", 200_000),
    (b"| a ", 50_000),
    (b"|\n", 60_000),
    (("e" + "\u0301" * 1_000).encode(), 100),
    ("🇩🇪".encode(), 25_000),
    ("👩\u200d".encode(), 25_000),
    (b"# a\n", 50_000),
    (b"a\n-\n\n", 25_000),
    (b"#", 200_000),
    (b"`", 200_000),
    (b"[", 200_000),
    (b"---\n", 50_000),
    (b"<!--", 50_000),
    (b"<", 200_000),
    (b"<a ", 60_000),
    (b"<p><b>", 20_000),
    (b"<font color=a><p>", 3_000),
    (b"&", 200_000),
    (b"<table>", 20_000),
    (b"<html><svg><math>", 1_000),
    (b'"', 200_001),
    (b'a,"\n', 50_000),
    (b"\xd8\x00", 60_000),
    (b"\xed\xa0\x80", 60_000),
    ("\u202e".encode(), 60_000),
)


async def test_a_large_file_of_anything_is_read_or_refused(parser: DocumentParser) -> None:
    media_types = ("text/plain", "text/markdown", "text/html", "text/csv")
    outcomes = {
        (piece, media_type): await outcome_of(parser, b"# begin " + piece * count, media_type)
        for piece, count in REPEATED
        for media_type in media_types
    }
    odd = {what: outcome for what, outcome in outcomes.items() if outcome != "read"}
    assert set(odd.values()) <= {"too_large", "unsupported_media"}
    assert {piece for piece, _ in odd} <= {b"<table>", b"<p><b>", b"\xd8\x00"}


async def test_a_pdf_whose_bytes_were_changed_is_refused_or_read(parser: DocumentParser) -> None:
    content = pdf([["some text"], ["more"]], outline=[("some", 0)])
    outcomes = set()
    for at in range(0, len(content), 9):
        outcomes.add(await outcome_of(parser, content[:at] + bytes((content[at] ^ 0xFF,)) + content[at + 1 :]))
    assert outcomes <= {"read", "damaged", "no_text", "encrypted", "too_large", "unsupported_media"}


async def test_text_of_twenty_megabytes_is_read_within_the_memory_of_its_reader(parser: DocumentParser) -> None:
    """One character beyond the basic plane makes four bytes of each, and there is room for six texts of those."""
    content = "😀".encode() + b"What was said. " * 1_333_000
    document, chunks = await parser.parse_into_chunks(content, "text/markdown", "")
    assert len(document.text) == len(content) - 3
    assert len(chunks) > 20_000


async def test_documents_of_two_persons_are_read_side_by_side(parser: DocumentParser) -> None:
    texts = [b"of ada", b"of eve"]
    read = await asyncio.gather(
        *(parser.parse(text, None, "", holder=("acme", person)) for text, person in zip(texts, ("ada", "eve"), strict=True))
    )
    assert [document.text.encode() for document in read] == texts
