"""Pages of docs/tools, and the table made of them."""

from pathlib import Path

import pytest

from capability_index.documents import load_pages, parse_page, tools_table, write_tools_table
from capability_index.errors import PageInvalid

PAGE = """---
slug: result.read
title: Read a result
summary: Read on in a large result | piece by piece.
access: read
tags: [result, paging]
parameters:
  handle: what the call answered
  limit:
returns: rows and the next offset
examples:
  - show me the rest of it
---
It belongs to the caller.
"""


def test_a_page_is_a_document() -> None:
    """The format agreed for docs/tools."""
    page = parse_page(PAGE, "result.read.md")
    assert page.access == "read"
    assert page.document.provider == "result"
    assert [parameter.name for parameter in page.document.parameters] == ["handle", "limit"]
    assert page.document.examples == ("show me the rest of it",)
    assert page.document.description == page.body == "It belongs to the caller."


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("slug: result.read", "slug: other"), "call the file other.md"),
        (("access: read", "access: admin"), "none of read, write, destructive"),
        (("title: Read a result", "title: ''"), "title is missing"),
        (("returns:", "gives:"), "unknown key 'gives'"),
        (("tags: [result, paging]", "tags: result"), "tags must be a list"),
        (("---\nslug", "slug"), "no front matter"),
        (("title: Read", "title: [Read"), "not YAML"),
    ],
)
def test_a_wrong_page_says_what_is_wrong(change: tuple[str, str], message: str) -> None:
    """Errors name the thing, the rule and the way out."""
    with pytest.raises(PageInvalid, match=message.replace("[", r"\[")):
        parse_page(PAGE.replace(*change, 1), "result.read.md")


def test_the_table_is_written_only_when_it_changes(tmp_path: Path) -> None:
    """TOOLS.md is generated; a test elsewhere fails when it is stale."""
    pages = [parse_page(PAGE, "result.read.md")]
    target = tmp_path / "TOOLS.md"
    assert write_tools_table(target, pages)
    assert not write_tools_table(target, pages)
    assert "| [`result.read`](docs/tools/result.read.md) | read | Read on in a large result \\| piece by piece. |" in tools_table(pages)


def test_the_pages_of_the_gateway_are_valid() -> None:
    """docs/tools is the source of truth of the index."""
    pages = load_pages()
    assert pages
    assert [page.document.slug for page in pages] == sorted(page.document.slug for page in pages)
