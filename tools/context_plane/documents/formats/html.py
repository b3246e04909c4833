"""HTML as text: headings, lists, tables of figures and preformatted text; nothing that is not shown.

The tree is walked without recursion: others chose how deep it is.
"""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from tools.context_plane.documents.document_refused import DocumentRefused
from tools.context_plane.documents.formats.laid_out import LaidOut

_DROPPED_NAMES = "script style noscript template nav svg head iframe object embed canvas audio video button select textarea datalist dialog"
_BLOCK_NAMES = (
    "address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form header hr html "
    "legend li main ol p pre search section summary table tbody td tfoot th thead tr ul"
)
#: what is no text of the page, or is not shown
_DROPPED, _BLOCKS = frozenset(_DROPPED_NAMES.split()), frozenset(_BLOCK_NAMES.split())
#: blocks with no blank line around them
_LINES = frozenset(("li", "dt", "dd", "tr"))
_LEVELS = {f"h{level}": level for level in range(1, 7)}
#: what a table of figures does not hold: with any of these it lays a page out
_NO_FIGURES = "table, h1, h2, h3, h4, h5, h6"
_HIDDEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_SPACES = re.compile(r"[ \t\n\r\f]+")
_AROUND_LINE_END = re.compile(r" *\n *")

#: elements that stay open until somebody closes them, unlike those whose end tag may be left out and those without content
_STAYS_OPEN = re.compile(
    r"<(/?)(?!(?:a|area|base|body|br|caption|col|colgroup|dd|dt|embed|head|hr|html|img|input|li|link|meta|option|optgroup|p|param|rp|rt"
    r"|source|tbody|td|tfoot|th|thead|tr|track|wbr)\b)[a-zA-Z]"
)
#: The parser looks through what is open at every block (WHATWG HTML §13.2.4.2): 100,000 deep is minutes, this is under a second.
MAX_DEEP = 5_000


def read_html(markup: str) -> LaidOut:
    """Return the text of a page; its title is a heading where the page has none of the first level. Raises DocumentRefused, MemoryError."""
    if markup.count("<") > MAX_DEEP and _depth(markup) > MAX_DEEP:
        raise DocumentRefused("too_large", f"its elements are nested more than {MAX_DEEP:,} deep", "send its text, or a flatter page")
    try:
        tree = LexborHTMLParser(markup)
    except SelectolaxError:  # HTML has no errors: it found no room for the tree
        raise MemoryError from None
    page = _Page()
    if (title := tree.css_first("head > title")) is not None and tree.css_first("h1") is None:
        page.laid_out.add(title.text(), level=1)
    if tree.root is not None:
        page.walk(tree.root)
    return page.laid_out


def _depth(markup: str) -> int:
    """Return how many elements at most are open at once, about."""
    depth = deepest = 0
    for tag in _STAYS_OPEN.finditer(markup):
        depth = max(0, depth - 1) if tag[1] else depth + 1
        deepest = max(deepest, depth)
    return deepest


class _Page:
    """Lays the text of a tree out, block by block."""

    def __init__(self) -> None:
        self.laid_out = LaidOut()
        #: of the block that is being written, and what stands before it
        self._pieces: list[str] = []
        self._gap, self._marker = "\n\n", ""
        self._preformatted = 0
        #: of the table of figures that this is in
        self._rows: list[list[str]] | None = None

    def walk(self, root: LexborNode) -> None:
        node: LexborNode | None = root
        while node is not None:
            if self._enter(node):
                if (inner := node.first_child) is not None:
                    node = inner
                    continue
                self._leave(node.tag or "")
            while node is not None and (after := node.next) is None:
                if (node := node.parent) is not None:
                    self._leave(node.tag or "")
            node = after if node is not None else None
        self._flush()

    def _enter(self, node: LexborNode) -> bool:
        """Begin with a node; say whether what is in it is to be read."""
        tag = node.tag or ""
        if tag == "-text":
            text = node.text_lexbor()
            self._pieces.append(text if self._preformatted else _SPACES.sub(" ", text))
            return False
        if tag.startswith("-") or tag in _DROPPED or _is_hidden(node):
            return False
        if tag == "br":
            self._pieces.append("\n")
        elif self._rows is not None:
            self._enter_in_table(tag)
        elif tag in _BLOCKS or tag in _LEVELS:
            self._flush(tag)
            if tag == "pre":
                self._preformatted += 1
            elif tag == "li":
                self._marker = "- "
            elif tag == "table":
                self._rows = [] if _holds_figures(node) else None
        return True

    def _enter_in_table(self, tag: str) -> None:
        assert self._rows is not None
        if tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._pieces.clear()
        elif tag in _BLOCKS:
            self._pieces.append(" ")

    def _leave(self, tag: str) -> None:
        """End with an element that was entered."""
        if tag == "table":
            self._leave_table()
        elif self._rows is not None:
            if tag in ("td", "th") and self._rows:
                self._rows[-1].append(self._taken())
            elif tag == "caption":
                self.laid_out.add(self._taken())
        elif tag in _LEVELS:
            self.laid_out.add(self._taken(), level=_LEVELS[tag])
        elif tag in _BLOCKS:
            self._flush(tag)
            self._preformatted -= tag == "pre"
            if tag == "li":
                self._marker = ""

    def _leave_table(self) -> None:
        if self._rows is None:
            self._flush("table")
            return
        self.laid_out.add_table(self._rows)
        self._rows = None
        self._pieces.clear()

    def _flush(self, tag: str = "") -> None:
        """Add what was written as a block, and begin another one at the bound of an element."""
        gap = "\n" if tag in _LINES else "\n\n"
        if (block := self._taken()).strip():
            self.laid_out.add(self._marker + block, gap=self._gap)
            self._gap, self._marker = gap, ""
        elif gap == "\n\n":
            self._gap = gap

    def _taken(self) -> str:
        if not self._pieces:
            return ""
        text = "".join(self._pieces)
        self._pieces.clear()
        return text if self._preformatted else _AROUND_LINE_END.sub("\n", text).strip()


def _is_hidden(node: LexborNode) -> bool:
    """Say whether an element is not shown: instructions for who reads by machine are put there."""
    given = node.attributes
    if not given:
        return False
    return "hidden" in given or given.get("aria-hidden") == "true" or bool(_HIDDEN_STYLE.search(given.get("style") or ""))


def _holds_figures(table: LexborNode) -> bool:
    inner = table.first_child
    while inner is not None:
        if inner.tag != "-text" and inner.css_first(_NO_FIGURES) is not None:
            return False
        inner = inner.next
    return True
