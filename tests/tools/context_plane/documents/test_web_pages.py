"""HTML as text: what is shown, in the order in which it is shown."""

import pytest

from tools.context_plane.documents.document_refused import DocumentRefused
from tools.context_plane.documents.formats.html import MAX_DEEP
from tools.context_plane.documents.parsed_document import ParsedDocument
from tools.context_plane.documents.reading import read_document


def read(markup: str) -> ParsedDocument:
    return read_document(markup.encode(), "text/html", "")


def test_a_page_becomes_paragraphs_lists_and_headings() -> None:
    document = read("<h1>Deals</h1><p>Kahuna\n   closed.<br>In <b>March</b>.</p><ul><li>one<li>two</ul><h2>Open<!-- x --></h2>none<hr>end")
    assert document.text == "Deals\n\nKahuna closed.\nIn March.\n\n- one\n- two\n\nOpen\n\nnone\n\nend"
    assert [(heading.level, document.text[heading.start :].partition("\n")[0]) for heading in document.headings] == [
        (1, "Deals"),
        (2, "Open"),
    ]


def test_items_without_text_leave_nothing() -> None:
    assert read("<ul><li><img src=x></li><li><p>one</p><p>more</p></li><li></li></ul>end").text == "- one\n\nmore\n\nend"


def test_the_title_is_a_heading_where_the_page_has_none() -> None:
    assert read("<html><head><title>My page</title></head><p>text").text == "My page\n\ntext"
    assert read("<html><head><title>My page</title></head><h1>Own</h1><p>text").text == "Own\n\ntext"


def test_what_is_not_shown_is_not_read() -> None:
    """Instructions for who reads by machine are hidden there."""
    hidden = (
        "<script>s</script><style>s</style><nav>menu</nav><template><p>t</template><p hidden>h</p><div style='DISPLAY : none'>d<p>e</div>"
        "<span aria-hidden=true>a</span><noscript>n</noscript><svg><text>v</text></svg><!-- c -->"
    )
    assert read(f"<body>{hidden}<p>shown{hidden}here").text == "shown\n\nhere"


def test_a_table_of_figures_is_rows_between_bars() -> None:
    document = read("<table><caption>Deals<tr><th>Deal<th>State<tr><td>Kahuna<td><p>won</p><p>late</p><tr><td>a|b<td></table>")
    assert document.text == "Deals\n\n| Deal | State |\n| --- | --- |\n| Kahuna | won late |\n| a\\|b |  |"


def test_a_table_that_lays_a_page_out_is_none() -> None:
    document = read("<table><tr><td><h1>Left</h1><p>one<td><table><tr><th>k<th>v<tr><td>1<td>2</table></table>")
    assert document.text == "Left\n\none\n\n| k | v |\n| --- | --- |\n| 1 | 2 |"


def test_preformatted_text_keeps_its_lines() -> None:
    assert read("<p>x<pre>a\n  b\n</pre>").text == "x\n\na\n  b"


def test_characters_written_as_references_are_cleaned_too() -> None:
    document = read("<p>a&#x202e;b&#xD800;&amp;&nbsp;c&#0;")
    assert document.text == "ab\ufffd&\xa0c\ufffd"
    assert document.notes == ("1 bidi control removed",)


@pytest.mark.parametrize("tag", ["div", "span", "b", "section", "x-y", "ul"])
def test_a_page_nested_without_end_is_refused_at_once(tag: str) -> None:
    """What parsers of HTML do for each block takes longer the deeper it stands."""
    with pytest.raises(DocumentRefused) as refused:
        read(f"<{tag}>" * 100_000 + "text")
    assert refused.value.code == "too_large"


def test_a_page_that_is_deep_and_long_is_read() -> None:
    """Elements whose end may be left out do not stand in each other."""
    assert read("<div>" * (MAX_DEEP - 1) + "text").text == "text"
    assert read("<p>x" * 20_000).text.count("x") == 20_000
    assert read("<table>" + "<tr><td>x<td>y" * 10_000).text.count("x") == 10_000
    assert read("<table><tr><td>" * 2_000 + "text").text == "text"


@pytest.mark.parametrize(
    "markup", ["<", "<html", "<html><!--", "<html><p title='", "<html></p></table></html><p>", "<html><table><td>", "<html>\0"]
)
def test_broken_markup_never_breaks_the_reader(markup: str) -> None:
    assert "text" in read(f"text {markup} text" if "html" not in markup else f"<html>text {markup}").text
