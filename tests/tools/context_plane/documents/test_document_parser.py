"""Documents are read by another process: what it says comes back whole, and what breaks it breaks nothing else."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from tests.tools.context_plane.documents.made_files import docx, paragraph, pdf
from tools.context_plane.documents import parser_child
from tools.context_plane.documents.chunking import chunks_of
from tools.context_plane.documents.parsed_document import Heading
from tools.context_plane.documents.parser_messages import read_answer, request
from tools.context_plane.documents.parsing import DocumentParser, DocumentRefused


@pytest.fixture
async def parser() -> AsyncIterator[DocumentParser]:
    parser = DocumentParser()
    yield parser
    parser.close()


async def test_each_format_comes_back_as_text_with_its_headings_and_pages(parser: DocumentParser) -> None:
    markdown = await parser.parse(b"# Deals\n\nKahuna closed.\n", "text/markdown", "deals.md")
    assert (markdown.text, markdown.headings) == ("# Deals\n\nKahuna closed.\n", (Heading(0, 1, "Deals"),))
    page = await parser.parse(b"<!doctype html><h1>Deals</h1><p>Kahuna   closed.", None, "")
    assert (page.text, page.headings) == ("Deals\n\nKahuna closed.", (Heading(0, 1, "Deals"),))
    printed = await parser.parse(pdf([["Deals"], ["Kahuna closed."]]), None, "deals.pdf")
    assert (printed.text, printed.pages) == ("Deals\n\nKahuna closed.", (0, 7))
    written = await parser.parse(docx(paragraph("Kahuna closed.")), None, "deals.docx")
    assert written.text == "Kahuna closed."
    rows = await parser.parse(b"deal,state\nKahuna,closed\n", "text/csv", "deals.csv")
    assert (rows.text, rows.media_type) == ("deal,state\nKahuna,closed\n", "text/csv")


async def test_chunks_cut_elsewhere_are_those_that_are_cut_here(parser: DocumentParser) -> None:
    content = b"".join(b"# Part %d\n\n%s\n\n" % (part, b"It was said that it was so. " * 60) for part in range(5))
    document, chunks = await parser.parse_into_chunks(content, "text/markdown", "")
    assert chunks == chunks_of(document)
    assert len(chunks) > 5


async def test_an_encoding_whose_codec_was_never_used_is_read_all_the_same(parser: DocumentParser) -> None:
    """The process can open no file any more, and Python loads a codec when it is first asked for."""
    for charset in ("shift_jis", "koi8_r", "utf_16_le", "gb18030"):
        text = "Привет" if charset == "koi8_r" else "会議の記録"
        document = await parser.parse(text.encode(charset), f"text/plain; charset={charset}", "")
        assert document.text == text


def test_who_has_documents_read_loads_no_parser() -> None:
    """They are for the child alone: 0.1 s, and memory, that nobody waits for at a start."""
    program = "import sys, server.app; print(*sorted({'pypdfium2', 'selectolax'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout.strip() == ""


def test_a_reader_without_memory_left_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_memory(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(parser_child, "read_document", without_memory)
    with pytest.raises(DocumentRefused) as refused:
        read_answer(parser_child.answered(request(b"text", None, "", cut=False)))
    assert refused.value.code == "too_large"


async def test_a_document_larger_than_the_limit_is_refused_before_anybody_reads_it(parser: DocumentParser) -> None:
    with pytest.raises(DocumentRefused) as refused:
        await parser.parse(bytes(20_000_001), None, "large")
    assert refused.value.code == "too_large"


async def test_a_caller_that_goes_away_leaves_the_next_one_a_reader(parser: DocumentParser) -> None:
    reading = asyncio.create_task(parser.parse(b"text " * 2_000_000, None, ""))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert (await parser.parse(b"text", None, "")).text == "text"
