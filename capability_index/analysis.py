"""How the texts of one corpus become words and vectors, and how these are weighed: a value, owned by the segment that it made."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How much a word in this field weighs, how much a long field costs, and what counts as long.

    `reference_words` None: the mean of the segment, taken anew whenever parts of it are written. `max_chars`: what is read of it.
    `in_vector`: whether it is part of the text that is encoded.
    """

    weight: float
    b: float
    reference_words: float | None = None
    max_chars: int = 1_000
    in_vector: bool = True


@dataclass(frozen=True, slots=True)
class Analysis:
    """`fields` in the order in which they are read. `columns` are the int64 numbers of a row that a search can be limited by.

    `words_share`: share 0-1 of the words in the fused score, the rest is meaning.
    """

    name: str
    fields: Mapping[str, FieldRule]
    columns: tuple[str, ...] = ()
    words_share: float = 0.5
