"""Columns that may hold words or phrases, in any case, as a store looks for them first."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, or_


def holding(columns: Sequence[ColumnElement[Any]], phrases: Collection[str], other: str = "_") -> ColumnElement[bool]:
    """Return the condition that a column holds one of the phrases, with whatever between its words; there may be some too many.

    SQLite folds the case of ASCII alone, so any other letter fits any: `other`, one sign by default.
    """
    patterns = {
        "%" + "%".join("".join(sign if sign.isascii() and sign.isalnum() else other for sign in word) for word in phrase.split()) + "%"
        for phrase in phrases
    }
    return or_(*(column.ilike(pattern) for column in columns for pattern in sorted(patterns)))
