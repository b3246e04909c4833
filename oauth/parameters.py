"""Parameters of a query or a form, read strictly: valid UTF-8, no NUL, each name at most once (RFC 6749 §3.1, §3.2)."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from oauth.errors import OAuthError

# before any value is decoded: a form of a million names costs seconds
MAX_FIELDS = 100
#: RFC 8707 §2 lets `resource` repeat; each value is then checked
REPEATABLE = frozenset({"resource"})


class Parameters:
    """Values by name. A parameter without a value counts as omitted (RFC 6749 §3.1), except for `all`."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values_by_name: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values_by_name.setdefault(name, []).append(value)

    def get(self, name: str) -> str | None:
        """Return the value, or None where it is absent, empty or repeated."""
        values = self._values_by_name.get(name, ())
        # RFC 6749 §3.1, §3.2: no value is omitted; of two values neither counts, since parsers differ in which wins.
        return values[0] or None if len(values) == 1 else None

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value sent under `name`, empty ones too."""
        return tuple(self._values_by_name.get(name, ()))

    def duplicates(self) -> frozenset[str]:
        """Return the names that were sent more than once and may not be."""
        return frozenset(name for name, values in self._values_by_name.items() if len(values) > 1 and name not in REPEATABLE)

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return everything as name-value pairs, for keeping."""
        return tuple((name, value) for name, values in self._values_by_name.items() for value in values)


def parse(raw: bytes, max_fields: int = MAX_FIELDS) -> Parameters:
    """Read `application/x-www-form-urlencoded` bytes. Raises OAuthError (invalid_request)."""
    try:
        pairs = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=max_fields)
    except UnicodeDecodeError as error:
        raise OAuthError("invalid_request", "parameters must be UTF-8") from error
    except ValueError as error:
        raise OAuthError("invalid_request", f"more than {max_fields} parameters") from error
    # NUL ends a string elsewhere: what is checked here could be another value there. RFC 6749 appendix A has no such character.
    if any("\0" in name or "\0" in value for name, value in pairs):
        raise OAuthError("invalid_request", "parameters must not hold the NUL character")
    return Parameters(pairs)


def parse_form(raw: bytes) -> Parameters:
    """Read a form in which nothing may be sent twice. Raises OAuthError (invalid_request)."""
    parameters = parse(raw)
    refuse_repeated(parameters)
    return parameters


def refuse_repeated(parameters: Parameters) -> None:
    """Refuse a parameter that was sent twice. Raises OAuthError (invalid_request)."""
    # RFC 6749 §3.2: MUST NOT be included more than once.
    if repeated := sorted(parameters.duplicates()):
        # Only names that we know are echoed: an unknown name is the sender's text.
        name = repeated[0] if repeated[0].isidentifier() and len(repeated[0]) <= 40 else "a parameter"
        raise OAuthError("invalid_request", f"{name} is sent more than once; send it once")
