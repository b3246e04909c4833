"""Text -> unit rows of float32: the encoder's Protocol, and the word table that comes with the gateway."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.manifest import Manifest, manifest_of, shipped
from capability_index.encoders.near_words import NearWords
from capability_index.encoders.whole_words import WholeWords
from capability_index.encoders.word_file import load_folder, load_words
from capability_index.encoders.word_pieces import WordPieces

Floats = NDArray[np.float32]
_CHUNK = 64
_MAX_WORDS = 30_000
_MAX_WORD_CHARS = 200


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
    """A vector for each token; a text is the sum of its tokens, as its `manifest` weighs them. Shared by all threads.

    `codes` (n, d) int8 times `scales` (n,) are the rows: half the memory of float16, and turned to float32 ten times as fast.
    """

    def __init__(self, manifest: Manifest, pieces: WordPieces | WholeWords, codes: NDArray[np.int8], scales: Floats) -> None:
        self.manifest, self.fusion = manifest, manifest.fusion
        self.model = manifest.name
        self.dimension = int(codes.shape[1])
        self._pieces, self._codes, self._scales = pieces, codes, scales
        #: word -> token ids. The merges never cross a blank, so words can be remembered one by one.
        self._ids_by_word: dict[str, tuple[int, ...]] = {}

    def word_ids(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the token ids of each of `words`, which hold no blanks."""
        known = self._ids_by_word
        missing = [word for word in words if word not in known]
        if missing:
            if len(known) + len(missing) > _MAX_WORDS:
                # A new dict and not a cleared one: another thread may be reading the old.
                self._ids_by_word = known = {word: known[word] for word in words if word in known}
            found = {word: self._split(word) for word in missing}
            # Numbers have no end: they would fill what is remembered.
            known.update((word, ids) for word, ids in found.items() if not word.isdigit())
            return [known[word] if word in known else found[word] for word in words]
        return [known[word] for word in words]

    @cached_property
    def near_words(self) -> NearWords:
        """The whole words of this table by their meaning; 9 MB, made when first asked for."""
        words = self._pieces.whole_words()
        return NearWords(list(words), unit(self.rows(np.fromiter(words.values(), np.intp, len(words)))), self.fusion.min_cosine)

    def forget_words(self) -> None:
        """Forget the words whose tokens, or words near them, are remembered."""
        # A new dict and not a cleared one: another thread may be reading the old.
        self._ids_by_word = {}
        if "near_words" in self.__dict__:
            self.near_words.forget()

    def _split(self, word: str) -> tuple[int, ...]:
        # Half a surrogate pair, which JSON can bring in, has no bytes.
        text = word[:_MAX_WORD_CHARS].encode("utf-8", "replace").decode()
        return self._pieces.split(text)

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the token ids of each text."""
        return [[token for ids in self.word_ids(text.split()) for token in ids] for text in texts]

    def encode(self, texts: Sequence[str]) -> Floats:
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for start in range(0, len(texts), _CHUNK):
            vectors[start : start + _CHUNK] = self.pool(self.token_ids(texts[start : start + _CHUNK]))
        return unit(vectors)

    def encode_fields(self, texts: Sequence[str], fields: Sequence[Mapping[str, str]]) -> Floats:
        """Return the unit rows of operations, from their fields where the manifest weighs them, else from the one text of each."""
        weights = self.manifest.field_weights
        if weights is None:
            return self.encode(texts)
        sums = np.zeros((len(fields), self.dimension), np.float32)
        for name, weight in weights.items():
            sums += np.float32(weight) * self.pool(self.token_ids([each[name] for each in fields]))
        return unit(sums)

    def request(self, rows: Floats) -> Floats:
        """Return the sum of the rows of a request's words; those that repeat what the whole says already count less."""
        whole = rows.sum(axis=0)
        if not self.fusion.repeat_discount or not len(rows):
            return np.asarray(whole, np.float32)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows) * (whole @ whole)) + 1e-9
        return np.asarray((1 - self.fusion.repeat_discount * (rows @ whole) / lengths) @ rows, np.float32)

    def encode_request(self, text: str) -> Floats:
        """Return the unit vector of a request."""
        (ids,) = self.token_ids([text])
        return np.asarray(unit(self.request(self.rows(np.asarray(ids, np.intp)))[None])[0], np.float32)

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


def load_word_table(directory: Path | None = None, chosen: Path | None = None) -> WordTable:
    """Return the table in the folder `chosen`, else the one inside the installed `wordllama` distribution.

    The latter is mapped from a file in `directory`, which it makes. Raises EncoderUnavailable.
    """
    manifest = manifest_of(chosen) if chosen else shipped()
    words = load_folder(chosen, manifest) if chosen else load_words(directory)
    return WordTable(manifest, words.pieces, words.codes, words.scales)
