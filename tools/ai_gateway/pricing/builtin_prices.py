"""The built-in book of prices: data of genai-prices, compiled to integers, read a provider at a time when one is asked for.

`book.jsonl` is written by `python -m benchmarks.price_book`: a line with where it is from, then a line for each provider. A model there is
what it is matched by and its prices; a rate is pico-dollars a token. Half a megabyte of code and 0.5 s of import come down to a file that
nobody reads who calls no model.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import cached_property
from importlib.resources import files
from typing import Any

import orjson

from tools.ai_gateway.pricing.rates import Price, Rates

#: as the configuration calls a provider -> as the book does
ALIASES = {"gemini": "google", "vertex": "google", "bedrock": "aws", "workers_ai": "cloudflare", "xai": "x-ai", "moonshot": "moonshotai"}
#: models of a date without dashes are written with them elsewhere: gpt-5.2-20251211
_COMPACT_DATE = re.compile(r"(.*-20\d\d)(\d\d)(\d\d)$")


class BuiltinPrices:
    """Prices by provider and model, from the file that comes along."""

    @cached_property
    def _book(self) -> list[bytes]:
        return (files("tools.ai_gateway.pricing") / "book.jsonl").read_bytes().splitlines()

    @cached_property
    def _line_by_provider(self) -> dict[str, bytes]:
        # A line begins with the name of its provider, {"openai":…; which of them is read is asked first.
        return {line[2 : line.index(b'"', 2)].decode(): line for line in self._book[1:]}

    @cached_property
    def _source(self) -> dict[str, str]:
        header: dict[str, str] = orjson.loads(self._book[0])
        return header

    def prices(self, provider: str, model: str) -> tuple[Price, ...]:
        """Return all prices of a model; empty where the book does not know it."""
        names = [model.lower()]
        if compact := _COMPACT_DATE.fullmatch(names[0]):
            names.append("-".join(compact.groups()))
        for name in names:
            for entry in self._entries(ALIASES.get(provider, provider)):
                if matches(entry[0], name):
                    return tuple(self._price(each) for each in entry[1])
        return ()

    def models(self, provider: str) -> Iterator[str]:
        """Yield the names of a provider's models, for who mistyped one."""
        for entry in self._entries(ALIASES.get(provider, provider)):
            found = entry[0] if isinstance(entry[0], list) else [entry[0]]
            yield from (each[1:] for each in found if isinstance(each, str) and each[0] in "=^")

    def _entries(self, provider: str) -> list[Any]:
        line = self._line_by_provider.get(provider)
        found: list[Any] = [] if line is None else orjson.loads(line)[provider]
        return found

    def _price(self, given: dict[str, Any]) -> Price:
        since = given.get("since")
        return Price(
            rates=Rates(*given["rates"]),
            since=None if since is None else date.fromisoformat(since),
            minutes=tuple(given["minutes"]) if "minutes" in given else None,
            above=tuple((more_than, Rates(*rates)) for more_than, rates in given.get("above", ())),
            source=f"{since or self._source['as_of']} {self._source['source']}",
        )


def matches(clause: Any, name: str) -> bool:
    """Say whether a model's name fits: `=` is it, `^` begins so, `$` ends so, `~` has it within, `/` is a pattern; a list: any of them."""
    if isinstance(clause, list):
        return any(matches(each, name) for each in clause)
    if isinstance(clause, dict):
        return all(matches(each, name) for each in clause["all"])
    kind, text = clause[0], clause[1:]
    if kind == "=":
        return bool(name == text)
    if kind == "^":
        return name.startswith(text)
    if kind == "$":
        return name.endswith(text)
    return text in name if kind == "~" else re.search(text, name) is not None
