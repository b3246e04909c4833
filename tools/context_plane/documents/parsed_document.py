"""What a document says: the text that is kept, and every offset is one into it, in characters."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading, by where its line begins in the text; `level` is 1 for the outermost."""

    start: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """`text` has no nulls, lone surrogates or bidi controls. `headings` are in order of `start`.

    `pages`: the offset at which each page begins, () where the format has none; an empty page begins where the next one does.
    `media_type`: what the bytes are, whatever was declared. `notes`: what was cleaned, left out or read otherwise than declared.
    """

    text: str
    headings: tuple[Heading, ...]
    pages: tuple[int, ...]
    media_type: str
    notes: tuple[str, ...]
