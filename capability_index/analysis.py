"""How the texts of one corpus become words and vectors, and how these are weighed: a value, owned by the segment that it made."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How much a word in this field weighs, how much a long field costs, and what counts as long.

    `weight` 0: its words are not read. `reference_words` None: the mean of the segment, taken anew whenever parts of it are
    written. `max_chars`: what is read of it. `vector`: its share in the vector of the row.
    """

    weight: float
    b: float = 0.75
    reference_words: float | None = None
    max_chars: int = 1_000
    vector: float = 0.0


@dataclass(frozen=True, slots=True)
class Doubt:
    """Weights of a logistic model: whether a best hit with this cosine, and this root of the coverage, answers a question of so many words.

    `bias` is such that below 0 it does not. `python -m benchmarks.context_fit` fits them.
    """

    bias: float
    cosine: float
    covered: float
    terms: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """`fields` in the order in which they are read. `columns` are the int64 numbers of a row that a search can be limited by.

    What else differs between corpora is a switch or a weight, off unless it is said here.
    """

    name: str
    fields: Mapping[str, FieldRule]
    columns: tuple[str, ...] = ()
    #: share 0-1 of the words in the fused score, the rest is meaning; None: as the word table says, which is fitted on operations
    words_share: float | None = None
    #: words near a word of the query are looked for too
    expands: bool = False
    #: each sentence has a vector too, and the best one speaks for the row
    sentences: bool = False
    #: what two words that stand together in query and row add, as a share of what the commoner of them tells
    pairs: float = 0.0
    #: which share of the scores before and after it a short row gets (columns document and n say who these are)
    around: float = 0.0
    #: None: whether the best hit is an answer is judged by words alone
    doubt: Doubt | None = None
    #: the fields whose words are read, in order
    worded: tuple[tuple[str, FieldRule], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "worded", tuple((name, rule) for name, rule in self.fields.items() if rule.weight > 0))

    @property
    def is_relative(self) -> bool:
        """Whether lengths are measured by the mean of the segment."""
        return any(rule.reference_words is None for _, rule in self.worded)

    @property
    def count_bits(self) -> int:
        """Bits for how often a word is in one field, of the 16 that a posting has for all of them."""
        return 16 // len(self.worded)
