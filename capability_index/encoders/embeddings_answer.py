"""Vectors in an answer of the form of OpenAI's `/embeddings`, whoever asked for them."""

import base64
import json

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.encoder import unit

Floats = NDArray[np.float32]


def vectors_in(answer: bytes, texts: int) -> Floats:
    """Return the unit rows (texts, dimension), in the order of the texts. Raises ValueError with what is wrong, in words."""
    try:
        # An endpoint may answer in any order; `index` says which text a vector is of.
        entries = sorted(json.loads(answer)["data"], key=lambda entry: int(entry["index"]))
        vectors = np.stack([_vector(entry["embedding"]) for entry in entries])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError("its answer does not have the form of /embeddings") from error
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise ValueError("its answer does not have the form of /embeddings")
    if len(vectors) != texts:
        raise ValueError(f"{len(vectors)} vectors came for {texts} texts")
    if not np.isfinite(vectors).all():
        raise ValueError("its vectors hold what is no number")
    return unit(vectors)


def _vector(embedding: object) -> Floats:
    """Return an embedding sent as numbers or as base64 of float32."""
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4").astype(np.float32)
    return np.asarray(embedding, np.float32)
