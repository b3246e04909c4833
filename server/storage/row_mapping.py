"""Between the rows of a table and the records of its package, member by member, by name."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Row

from oauth.scopes import render

Values = dict[str, Any]
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a member is written and read; `column` where it is called something else than the member."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    column: str = ""


def to_us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)


def from_us(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1_000_000


def scopes_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: seconds <-> whole microseconds
TIME = Conversion(to_us, from_us)
#: a set of scopes <-> text, sorted
SCOPES = Conversion(render, scopes_of)
#: words in their order <-> text
WORDS = Conversion(" ".join, lambda text: tuple(text.split()))
#: a mapping <-> JSON
FACTS = Conversion(lambda facts: orjson.dumps(dict(facts)).decode(), orjson.loads)


class RowMapping(Generic[Record]):
    """Writes and reads records of one kind: each member has a column of its name and goes as it is, but for the `conversions`."""

    def __init__(self, kind: Callable[..., Record], **conversions: Conversion) -> None:
        as_it_is = Conversion(lambda value: value, lambda value: value)
        self._kind = kind
        #: (member, column, conversion)
        self._members = [
            (each.name, conversion.column or each.name, conversion)
            for each in fields(kind)  # type: ignore[arg-type]  # a record's class, by which it is made
            for conversion in [conversions.get(each.name, as_it_is)]
        ]

    def values(self, record: Record) -> Values:
        """Return the columns of `record`."""
        return {column: conversion.write(getattr(record, member)) for member, column, conversion in self._members}

    def record(self, row: Row[Any]) -> Record:
        """Return the record of a row."""
        return self._kind(**{member: conversion.read(getattr(row, column)) for member, column, conversion in self._members})
