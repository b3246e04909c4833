"""The manifest of a word table: which files it is, how texts become vectors with it, and the constants that were fitted for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from capability_index.errors import EncoderUnavailable

FILE_NAME = "manifest.json"
#: the table that comes with the gateway
SHIPPED = "wordllama-l2-supercat-256"
_FOLDER = "word_tables"


@dataclass(frozen=True, slots=True)
class Fusion:
    """How words and meaning come together: shares 0-1 of words, of names and of clauses.

    A catalogue word nearer than `min_cosine` to a word of the intent counts `soft` times its cosine. Each word of a request
    counts 1 - `repeat_discount` times its cosine with the whole. `clause_heads`: a clause up to its first preposition is one more.
    """

    words_share: float
    name_share: float
    clause_share: float
    soft: float
    min_cosine: float
    repeat_discount: float
    clause_heads: bool


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """A logistic model: weights by feature of `capability_index.ranking.confidence`.

    `known_weights` are those for operations whose kind of change is known, `weights` those for all others. `stretch` and `shift`
    turn its logit into how often such a hit is right; a best hit below `low` is no answer.
    """

    weights: Mapping[str, float]
    known_weights: Mapping[str, float]
    stretch: float
    shift: float
    low: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """`sha256` is of the file of vectors, `vocabulary` its kind: byte_pairs or words. `field_weights` None: one flat text."""

    name: str
    version: int
    dimensions: int
    vectors: str
    sha256: str
    vocabulary: str
    vocabulary_file: str
    vocabulary_sha256: str
    field_weights: Mapping[str, float] | None
    fusion: Fusion
    confidence: ConfidenceModel


def shipped(name: str = SHIPPED) -> Manifest:
    """Return the manifest of this name that comes with the package. Raises EncoderUnavailable."""
    return _parsed(_folder().joinpath(f"{name}.json").read_text(encoding="utf-8"), name)


def manifest_of(folder: Path) -> Manifest:
    """Return the manifest in `folder`, or the one that comes with the package for a table whose files lie there.

    Raises EncoderUnavailable.
    """
    if (own := folder / FILE_NAME).is_file():
        return _parsed(own.read_text(encoding="utf-8"), str(own))
    for entry in sorted(_folder().iterdir(), key=lambda each: each.name):
        known = _parsed(entry.read_text(encoding="utf-8"), entry.name)
        if (folder / known.vectors).is_file():
            return known
    raise EncoderUnavailable(f"{folder}: no {FILE_NAME}, and no word table that is known")


def _folder() -> Any:
    return files("capability_index") / _FOLDER


def _parsed(text: str, place: str) -> Manifest:
    try:
        entry = json.loads(text)
        confidence = entry.pop("confidence")
        for name in ("weights", "known_weights"):
            confidence[name] = MappingProxyType(confidence[name])
        weights = entry.pop("field_weights")
        return Manifest(
            fusion=Fusion(**entry.pop("fusion")),
            confidence=ConfidenceModel(**confidence),
            field_weights=None if weights is None else MappingProxyType(weights),
            **entry,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise EncoderUnavailable(f"{place}: not the manifest of a word table: {error}") from error
