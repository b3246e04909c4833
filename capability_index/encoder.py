"""Text -> unit rows of float32: the encoder's Protocol, and the word table that comes with the gateway."""

import importlib.util
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

# One query is one short text: handing it to a pool of threads costs more than splitting it here.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from tokenizers import Tokenizer  # reads the variable above when it is loaded

Floats = NDArray[np.float32]
TokenIds = NDArray[np.uint16]
_CHUNK = 512


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


@dataclass(frozen=True, slots=True)
class WordTable:
    """A vector for each token; a text is the mean of its tokens. Immutable, shared by all threads.

    `rows` (n, d) float16 is mapped from the file, so that idle pages cost no memory.
    """

    model: str
    tokenizer: Tokenizer
    rows: NDArray[np.float16]

    @property
    def dimension(self) -> int:
        return int(self.rows.shape[1])

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text."""
        if len(texts) == 1:
            return [self.tokenizer.encode(texts[0], add_special_tokens=False).ids]
        return [found.ids for found in self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for start in range(0, len(texts), _CHUNK):
            vectors[start : start + _CHUNK] = self.pool(self.token_ids(texts[start : start + _CHUNK]))
        return unit(vectors)

    def pool(self, ids_by_text: Sequence[Sequence[int]]) -> Floats:
        """Return the sum of the token rows of each text; a text without tokens gives zeros."""
        sums = np.zeros((len(ids_by_text), self.dimension), np.float32)
        filled = [at for at, ids in enumerate(ids_by_text) if len(ids)]
        if filled:
            lengths = np.fromiter((len(ids_by_text[at]) for at in filled), np.intp, len(filled))
            flat = np.fromiter((token for at in filled for token in ids_by_text[at]), np.intp, int(lengths.sum()))
            rows = self.rows[flat].astype(np.float32)
            sums[filled] = np.add.reduceat(rows, np.concatenate(([0], np.cumsum(lengths)[:-1])), axis=0)
        return sums


def unit(vectors: Floats) -> Floats:
    """Scale each row to length 1, in place; rows of zeros stay."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    norms[norms == 0] = 1
    vectors /= norms[:, None]
    return vectors


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
        return WordTable("wordllama-l2-supercat-256", tokenizer, _mapped(weights, "embedding.weight"))
    except Exception as error:  # the tokenizer library raises bare Exception
        raise EncoderUnavailable(f"the word table does not load ({error}); reinstall the distribution wordllama") from error


def _mapped(path: Path, name: str) -> NDArray[np.float16]:
    """Map one float16 tensor of a safetensors file: 8 bytes of header length, a JSON header, then the data."""
    with path.open("rb") as file:
        header_bytes = int.from_bytes(file.read(8), "little")
        entry = json.loads(file.read(header_bytes))[name]
    if entry["dtype"] != "F16":
        raise ValueError(f"{path.name}: {name} is {entry['dtype']}, not F16")
    return np.memmap(path, np.float16, "r", 8 + header_bytes + entry["data_offsets"][0], tuple(entry["shape"]))
