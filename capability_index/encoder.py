"""Text -> unit rows of float32: the encoder's Protocol, and the word table that comes with the gateway."""

import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# One query is one short text: handing it to a pool of threads costs more than splitting it here.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from safetensors import safe_open
from tokenizers import Tokenizer  # reads the variable above when it is loaded

Floats = NDArray[np.float32]
_CHUNK = 64
_ROWS = 4_096
_MAX_WORDS = 30_000
_MAX_WORD_CHARS = 200


class EncoderUnavailable(Exception):
    """No vectors can be had; the message says why and what the search goes on with."""


class Encoder(Protocol):
    """Turns texts into vectors of one space. `model` and `dimension` name the space: vectors of two spaces never meet."""

    @property
    def model(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return (len(texts), dimension) unit rows. Raises EncoderUnavailable."""
        ...


class WordTable:
    """A vector for each token; a text is the mean of its tokens. Shared by all threads.

    `codes` (n, d) int8 times `scales` (n,) are the rows: half the memory of float16, and turned to float32 ten times as fast.
    """

    def __init__(self, model: str, tokenizer: Tokenizer, rows: NDArray[np.floating[Any]]) -> None:
        self.model = model
        self.dimension = int(rows.shape[1])
        self.tokenizer = tokenizer
        self._codes, self._scales = int8_rows(rows)
        #: word -> token ids. The tokenizer's merges never cross a blank, so words can be remembered one by one.
        self._ids_by_word: dict[str, tuple[int, ...]] = {}

    def word_ids(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the token ids of each of `words`, which hold no blanks."""
        known = self._ids_by_word
        missing = [word for word in words if word not in known]
        if missing:
            if len(known) + len(missing) > _MAX_WORDS:
                # A new dict and not a cleared one: another thread may be reading the old.
                self._ids_by_word = known = {word: known[word] for word in words if word in known}
            known.update((word, self._split(word)) for word in missing)
        return [known[word] for word in words]

    def _split(self, word: str) -> tuple[int, ...]:
        # Half a surrogate pair, which JSON can bring in, is no text to the tokenizer.
        text = word[:_MAX_WORD_CHARS].encode("utf-8", "replace").decode()
        return tuple(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text."""
        return [[token for ids in self.word_ids(text.split()) for token in ids] for text in texts]

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for start in range(0, len(texts), _CHUNK):
            vectors[start : start + _CHUNK] = self.pool(self.token_ids(texts[start : start + _CHUNK]))
        return unit(vectors)

    def rows(self, tokens: NDArray[np.integer[Any]]) -> Floats:
        """Return the vectors of tokens."""
        return np.asarray(self._codes[tokens].astype(np.float32) * self._scales[tokens][:, None], np.float32)

    def dots(self, vectors: Floats, tokens: NDArray[np.integer[Any]]) -> Floats:
        """Return the dot products (len(vectors), len(tokens)) with the vectors of tokens."""
        return np.asarray((vectors @ self._codes[tokens].astype(np.float32).T) * self._scales[tokens], np.float32)

    def pool(self, ids_by_text: Sequence[Sequence[int]]) -> Floats:
        """Return the sum of the token rows of each text; a text without tokens gives zeros."""
        sums = np.zeros((len(ids_by_text), self.dimension), np.float32)
        filled = [at for at, ids in enumerate(ids_by_text) if len(ids)]
        if filled:
            lengths = np.fromiter((len(ids_by_text[at]) for at in filled), np.intp, len(filled))
            flat = np.fromiter((token for at in filled for token in ids_by_text[at]), np.intp, int(lengths.sum()))
            sums[filled] = np.add.reduceat(self.rows(flat), np.cumsum(lengths) - lengths, axis=0)
        return sums


def unit(vectors: Floats) -> Floats:
    """Scale each row to length 1, in place; rows of zeros stay."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    norms[norms == 0] = 1
    vectors /= norms[:, None]
    return vectors


def int8_rows(rows: NDArray[np.floating[Any]]) -> tuple[NDArray[np.int8], Floats]:
    """Return `rows` as int8 and the scale of each: a row is its codes times its scale, to within half a scale."""
    codes, scales = np.empty(rows.shape, np.int8), np.empty(len(rows), np.float32)
    for start in range(0, len(rows), _ROWS):
        chunk = rows[start : start + _ROWS].astype(np.float32)
        top = np.abs(chunk).max(axis=1)
        top[top == 0] = 1
        codes[start : start + _ROWS] = np.rint(chunk * (127 / top)[:, None])
        scales[start : start + _ROWS] = top / 127
    return codes, scales


def load_word_table() -> WordTable:
    """Return the table inside the installed `wordllama` distribution, without importing that package.

    Raises EncoderUnavailable.
    """
    spec = importlib.util.find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise EncoderUnavailable("the word table is missing; install the distribution wordllama, or search by words alone")
    folder = Path(spec.origin).parent
    weights, tokens = folder / "weights" / "l2_supercat_256.safetensors", folder / "tokenizers" / "l2_supercat_tokenizer_config.json"
    try:
        tokenizer = Tokenizer.from_file(str(tokens))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        with safe_open(weights, "numpy") as file:
            return WordTable("wordllama-l2-supercat-256", tokenizer, file.get_tensor("embedding.weight"))
    except Exception as error:  # the tokenizer library raises bare Exception
        raise EncoderUnavailable(f"the word table does not load ({error}); reinstall the distribution wordllama") from error
