"""The keys that one account of a provider has: APIs that want a client id beside the secret, or a version, take several."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.catalog.verbs import words_of
from tools.operation import Operation


@dataclass(frozen=True, slots=True)
class KeyPart:
    """One key: the document's name of it, the header, query parameter or cookie that it goes in, and what stands before it there."""

    scheme: str
    name: str
    place: str
    prefix: str = ""

    @property
    def title(self) -> str:
        """The document's name of it in words: "Client id"."""
        return " ".join(words_of(self.scheme)).capitalize() or self.name


def key_parts(operations: Iterable[Operation]) -> tuple[KeyPart, ...]:
    """Return the keys that most operations of a provider ask for together; none where they take something else than keys."""
    asked: Counter[tuple[KeyPart, ...]] = Counter()
    for operation in operations:
        for together in operation.binding.get("security", ()):
            if all(proof["kind"] == "api_key" for proof in together):
                # A key that a document defines several times, in the same place, is one.
                parts = {(proof["in"], proof["name"].lower()): proof for proof in reversed(together)}.values()
                asked[tuple(KeyPart(each["scheme"], each["name"], each["in"], each.get("prefix", "")) for each in reversed([*parts]))] += 1
                break
    return asked.most_common(1)[0][0] if asked else ()


def missing_of(parts: Iterable[KeyPart], key_by_scheme: Mapping[str, str]) -> list[KeyPart]:
    """Return the keys that were not given: half of them would be no account."""
    return [part for part in parts if not key_by_scheme.get(part.scheme)]


def secret_of(parts: Sequence[KeyPart], key_by_scheme: Mapping[str, str]) -> str:
    """Return the secret to keep: the key itself, or a JSON object of the keys by scheme where there are several."""
    return json.dumps(dict(key_by_scheme)) if len(parts) > 1 else key_by_scheme[parts[0].scheme]


def variables_of(provider: str, part: KeyPart) -> tuple[str, ...]:
    """Return the environment variables in which a key may be: of its header's name, with the provider's before it or not."""
    names = [_upper(each) for each in (part.name, part.scheme)]
    owner = _upper(provider)
    return tuple(dict.fromkeys(each if each.startswith(f"{owner}_") else f"{owner}_{each}" for each in names))


def found_in(environ: Mapping[str, str], provider: str, part: KeyPart) -> str:
    """Return a key out of the environment; "" where none of its variables is set."""
    return next((value for each in variables_of(provider, part) if (value := environ.get(each))), "")


def _upper(name: str) -> str:
    return re.sub(r"[^A-Z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()).strip("_")
