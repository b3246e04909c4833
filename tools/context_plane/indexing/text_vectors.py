"""What a tenant's own embeddings model does for its indexes, as a Protocol; `server/assembly` keeps the promise, over the AI gateway."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
#: a vector has no more numbers: they are kept for each row
MAX_DIMENSION = 4_096


class NotEncoded(Exception):
    """The model gave no vectors; the message says why, in our words."""

    def __init__(self, reason: str, *, is_of_texts: bool = False, takes_one: bool = False, retry_after_s: float = 0.0) -> None:
        """`is_of_texts`: it answers, and refuses these very texts. `takes_one`: it takes one text a request and no more."""
        super().__init__(reason)
        self.is_of_texts, self.takes_one, self.retry_after_s = is_of_texts, takes_one, retry_after_s


class TextVectors(Protocol):
    """Texts of a tenant go to the model that this tenant named, and to no other; every call is in its ledger and its budgets."""

    def model_of(self, tenant_id: str) -> str:
        """Return the name of the tenant's model, the same for vectors that may be compared; '' where it named none."""
        ...

    async def encode(self, tenant_id: str, texts: Sequence[str], timeout_s: float, *, gives_way: bool = False) -> Floats:
        """Return the unit rows (texts, dimension) of the model of `model_of`. Raises NotEncoded.

        `gives_way`: nobody waits for them, so half of every limit on calls is left to the tenant's other calls.
        """
        ...

    def forget(self, tenant_id: str) -> None:
        """Leave no vector of the tenant's texts in any cache: texts were forgotten."""
        ...


class NoVectors:
    """TextVectors where nobody may name a model."""

    def model_of(self, tenant_id: str) -> str:
        return ""

    async def encode(self, tenant_id: str, texts: Sequence[str], timeout_s: float, *, gives_way: bool = False) -> Floats:
        raise NotEncoded("no model is set up")

    def forget(self, tenant_id: str) -> None:
        """There is none."""


def space_of(model: str, vectors: Floats) -> str:
    """Return the name of the space of vectors of `model`: vectors of two spaces never meet. Raises NotEncoded."""
    dimension = vectors.shape[1]
    if dimension > MAX_DIMENSION:
        raise NotEncoded(
            f"{model} gives vectors of {dimension:,} numbers; {MAX_DIMENSION:,} are the most, and context_dimensions asks for less"
        )
    return f"{model}/{dimension}"


def is_space_of(model: str, space: str) -> bool:
    """Say whether vectors in `space` are of `model`, whatever their size."""
    return space.rpartition("/")[0] == model
