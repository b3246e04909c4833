"""Operation -> the page that says it, in the form of docs/tools: what the index reads of it, for people to read and correct."""

import yaml

from capability_index.documents import Document, parse_page
from tools.catalog.search_documents import document_of
from tools.operation import Operation
from tools.plain_text import visible

MAX_WORDS_CHARS, MAX_BODY_CHARS, MAX_PARAMETERS = 300, 4_000, 60


def page_of(operation: Operation) -> str:
    """Return the page of an imported operation; whatever its document says, it reads back as one."""
    document = document_of(operation)
    words = {
        "slug": document.slug,
        "title": _line(document.title) or document.slug,
        "summary": _line(document.summary) or document.slug,
        "access": operation.access,
        "tags": [_line(tag) for tag in document.tags],
        "parameters": _parameters(document),
        "returns": document.returns,
        "examples": [_line(document.summary) or document.slug],
    }
    head = yaml.safe_dump({key: value for key, value in words.items() if value}, sort_keys=False, allow_unicode=True, width=130)
    body = "\n".join(visible(line).rstrip() for line in document.description[:MAX_BODY_CHARS].splitlines()).strip()
    page = f"---\n{head}---\n{body}\n" if body else f"---\n{head}---\n"
    parse_page(page, f"{document.slug}.md")
    return page


def _parameters(document: Document) -> dict[str, str]:
    return {each.name: _line(each.description) for each in document.parameters[:MAX_PARAMETERS]}


def _line(text: str) -> str:
    line = " ".join(visible(text).split())
    return line if len(line) <= MAX_WORDS_CHARS else f"{line[: MAX_WORDS_CHARS - 1]}…"
