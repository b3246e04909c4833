"""What the index reads of one operation, and the page `docs/tools/<slug>.md` that says it for a built-in."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.abc import Traversable
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from capability_index.errors import PageInvalid

SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*(?:\n|\Z)(.*)\Z", re.DOTALL)
_KEYS = frozenset({"slug", "title", "summary", "access", "tags", "parameters", "returns", "examples"})
_ACCESS = ("read", "write", "destructive")


@dataclass(frozen=True, slots=True)
class ParameterText:
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What an operation is good for, in words.

    `slug` is its id, unique in a segment. `title` is its name: camelCase, snake_case and dots are split. `path` holds the
    words of its address; `provider` is also the group that `replace_group` replaces. `examples` are requests that it
    answers. Markup and length do no harm: the index strips and cuts.
    """

    slug: str
    title: str
    summary: str
    description: str = ""
    parameters: tuple[ParameterText, ...] = ()
    tags: tuple[str, ...] = ()
    provider: str = ""
    path: str = ""
    returns: str = ""
    examples: tuple[str, ...] = ()
    content_hash: str = ""
    #: of a request over HTTP, in capitals; empty where there is none or it is not known
    method: str = ""
    #: read, write, destructive, or empty where it is not known
    access: str = ""
    #: an operation of the gateway itself
    is_own: bool = False


def digest(document: Document) -> bytes:
    """Return 16 bytes that change when anything the index reads changes."""
    hasher = hashlib.blake2b(digest_size=16)
    hasher.update(repr(document).encode("utf-8", "surrogatepass"))
    return hasher.digest()


@dataclass(frozen=True, slots=True)
class OperationPage:
    """One page of docs/tools: the document, its access tier, and the Markdown below the front matter."""

    document: Document
    access: str
    body: str


def docs_root() -> Traversable:
    """Return docs/tools: inside the wheel, or beside the packages in a checkout."""
    packaged = files("capability_index") / "_docs"
    return packaged if packaged.is_dir() else Path(__file__).parents[1] / "docs" / "tools"


def load_pages(root: Traversable | None = None) -> list[OperationPage]:
    """Return the pages of `root` (docs/tools by default) in the order of their slugs."""
    folder = docs_root() if root is None else root
    pages = [parse_page(entry.read_text(encoding="utf-8"), entry.name) for entry in folder.iterdir() if entry.name.endswith(".md")]
    return sorted(pages, key=lambda page: page.document.slug)


def parse_page(text: str, file_name: str) -> OperationPage:
    """Return the page that `text` says. Raises PageInvalid."""
    match = _FRONT_MATTER.match(text.replace("\r\n", "\n"))
    if match is None:
        raise PageInvalid(f"{file_name}: no front matter; begin the page with a block of `key: value` lines between two `---` lines")
    try:
        values = yaml.load(match[1], Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise PageInvalid(f"{file_name}: front matter is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise PageInvalid(f"{file_name}: front matter is not a mapping; write `key: value` lines")
    if unknown := sorted(str(key) for key in values if key not in _KEYS):
        raise PageInvalid(f"{file_name}: unknown key {unknown[0]!r}; known are {', '.join(sorted(_KEYS))}")
    return _page(values, match[2].strip(), file_name)


def _page(values: dict[str, Any], body: str, file_name: str) -> OperationPage:
    slug = _text(values, "slug", file_name)
    if not SLUG.fullmatch(slug) or file_name != f"{slug}.md":
        raise PageInvalid(f"{file_name}: slug {slug!r} must be file-safe and name the file; call the file {slug}.md")
    access = _text(values, "access", file_name)
    if access not in _ACCESS:
        raise PageInvalid(f"{file_name}: access {access!r} is none of {', '.join(_ACCESS)}")
    parameters = values.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise PageInvalid(f"{file_name}: parameters must map each name to its description")
    document = Document(
        slug=slug,
        title=_text(values, "title", file_name),
        summary=_text(values, "summary", file_name),
        description=body,
        parameters=tuple(ParameterText(str(name), str(words or "")) for name, words in parameters.items()),
        tags=_texts(values, "tags", file_name),
        provider=slug.partition(".")[0] if "." in slug else "",
        path=slug,
        returns=str(values.get("returns") or ""),
        examples=_texts(values, "examples", file_name),
    )
    return OperationPage(document, access, body)


def _text(values: dict[str, Any], key: str, file_name: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value.strip():
        raise PageInvalid(f"{file_name}: {key} is missing or empty; give it a text")
    return value.strip()


def _texts(values: dict[str, Any], key: str, file_name: str) -> tuple[str, ...]:
    value = values.get(key) or []
    if not isinstance(value, list):
        raise PageInvalid(f"{file_name}: {key} must be a list")
    return tuple(str(entry) for entry in value)


def tools_table(
    pages: Sequence[OperationPage],
    title: str = "Built-in operations",
    folder: str = "docs/tools",
    note: str = "Generated from `docs/tools`; a test fails when this table is stale.",
) -> str:
    """Return TOOLS.md: one row for each page, in the order given. `folder`: of the pages, from where the table is."""
    rows = [
        f"| [`{page.document.slug}`]({folder}/{page.document.slug}.md) | {page.access} | {_cell(page.document.summary)} |" for page in pages
    ]
    head = [f"# {_cell(title)}", "", note, ""]
    return "\n".join([*head, "| operation | access | what it does |", "|---|---|---|", *rows, ""])


def write_tools_table(target: Path, pages: Iterable[OperationPage]) -> bool:
    """Write TOOLS.md to `target`; return whether it changed."""
    text = tools_table(list(pages))
    if target.is_file() and target.read_text(encoding="utf-8") == text:
        return False
    target.write_text(text, encoding="utf-8")
    return True


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    write_tools_table(Path("TOOLS.md"), load_pages())
