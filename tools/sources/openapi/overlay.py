"""A small YAML file beside an OpenAPI document that corrects what was derived from it.

base_url: https://eu.example.com/v1
variables: {region: eu}
operations:
  "POST /reports/search": {id: reports.search, access: read, idempotent: true}
  crm.users.delete: {hide: true}
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tools.errors import ImportFailed
from tools.operation import Failure
from tools.sources.openapi.document import parse

NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")


class Correction(BaseModel):
    """What an overlay says of one operation; None leaves what was derived."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(max_length=120)] | None = None
    access: Literal["read", "write", "destructive"] | None = None
    idempotent: bool | None = None
    summary: Annotated[str, StringConstraints(min_length=1, max_length=300)] | None = None
    description: Annotated[str, StringConstraints(max_length=2_000)] | None = None
    tags: list[str] | None = None
    hide: bool = False
    check_formats: bool | None = None


class OverlayTarget(BaseModel):
    """One of several places where the same operations are served."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    health_path: Annotated[str, StringConstraints(pattern=r"^/")] | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = None
    server: Annotated[str, StringConstraints(min_length=1, max_length=300)] | None = None
    base_urls: list[OverlayTarget | Annotated[str, StringConstraints(pattern=r"^https?://")]] = Field(default_factory=list)
    variables: dict[str, str] = Field(default_factory=dict)
    check_formats: bool = True
    key_prefixes: dict[str, Annotated[str, StringConstraints(max_length=60, pattern=r"^[!-~ ]*$")]] = Field(default_factory=dict)
    operations: dict[str, Correction] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overlay:
    """What an overlay file says. `base_urls`: places that serve the same, chosen among by weight and health."""

    base_url: str | None = None
    base_urls: tuple[OverlayTarget, ...] = ()
    #: values of server variables by name
    variables: Mapping[str, str] = field(default_factory=dict)
    #: operation id, or `METHOD /path`, -> its correction
    corrections: Mapping[str, Correction] = field(default_factory=dict)
    #: which of the document's servers: a part of its URL or description
    server: str | None = None
    #: whether values are held to the `format` of their schema
    check_formats: bool = True
    #: what stands before a key in its header, by the name of the security scheme: "Bot "
    key_prefixes: Mapping[str, str] = field(default_factory=dict)

    def of(self, operation_id: str, where: str) -> Correction:
        """Return the correction of an operation, named by its id or by method and path."""
        return self.corrections.get(where) or self.corrections.get(operation_id) or _NONE

    def unknown(self, known: frozenset[str]) -> list[str]:
        """Return the names in the overlay that are neither id nor method and path of an operation."""
        return [name for name in self.corrections if name not in known]


_NONE = Correction()
#: where a map of keys stands below the file's own
_MODEL_BY_PART: Mapping[str, type[BaseModel]] = {"operations": Correction, "base_urls": OverlayTarget}


def read_overlay(raw: bytes, location: str) -> Overlay:
    """Parse an overlay file. Raises ImportFailed with the place and the rule."""
    content = parse(raw, location)
    try:
        file = _File.model_validate(content if content is not None else {})
    except ValidationError as error:
        raise ImportFailed(Failure("invalid_overlay", f"{location}: {_fault(error)}")) from error
    for name, correction in file.operations.items():
        if correction.id is not None and not NAME.fullmatch(correction.id):
            message = f"{location}: operations.{name}.id: '{correction.id}' is not a name; use lower-case words with dots, like users.get"
            raise ImportFailed(Failure("invalid_overlay", message))
    corrections = {_key(name): correction for name, correction in file.operations.items()}
    places = tuple(place if isinstance(place, OverlayTarget) else OverlayTarget(url=place) for place in file.base_urls)
    return Overlay(
        file.base_url or (places[0].url if places else None),
        places,
        file.variables,
        corrections,
        file.server,
        file.check_formats,
        file.key_prefixes,
    )


def _fault(error: ValidationError) -> str:
    """Return the place of the first thing that is wrong, the rule, and what was probably meant."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"] if part != OverlayTarget.__name__]
    if first["type"] in ("model_type", "dict_type"):
        return f"{'.'.join(path) or 'the file'}: not a map of keys and values"
    if first["type"] != "extra_forbidden":
        return f"{'.'.join(path)}: {first['msg'].lower()}"
    *above, key = path
    known = list((_MODEL_BY_PART[above[0]] if above else _File).model_fields)
    near = get_close_matches(key, known, 1)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    return f"{'.'.join(above) or 'the file'}: unknown key '{key}', known are {', '.join(known)}{meant}"


def _key(name: str) -> str:
    method, blank, path = name.strip().partition(" ")
    return f"{method.upper()} {path.strip()}" if blank else name.strip()
