"""A configuration as it comes in, TOML by the command or JSON by the API -> the document that is kept, or all of its faults."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import orjson
from pydantic import ValidationError

from server.config_versions.config import Config, sections
from server.config_versions.secret_references import secret_faults
from tools.operation import Json
from tools.versioned_documents.faults import ConfigFault, ConfigInvalid, place_of
from tools.versioned_documents.model_faults import faults_in, unknown_name
from tools.versioned_documents.read_toml import plain_json, read_toml_file, whole_invalid

MAX_BYTES: Final = 256 * 1024
MAX_VALUES: Final = 10_000
#: more are not read by anybody
MAX_FAULTS: Final = 100


def read_toml(raw: bytes) -> dict[str, Json]:
    """Return the document that a file says, checked as `read_document` does. Raises ConfigInvalid with every fault at once."""
    return read_document(read_toml_file(raw, MAX_BYTES))


def read_document(document: Json) -> dict[str, Json]:
    """Return a document as JSON, checked whole: dates are ISO texts. Raises ConfigInvalid with every fault at once."""
    plain = plain_json(document, MAX_VALUES)
    if not isinstance(plain, dict):
        raise whole_invalid("is no table; it has sections, as in [retention]")
    try:
        orjson.dumps(plain)
    except TypeError as error:
        raise whole_invalid("has a number of more than 64 bits") from error
    faults = list(dict.fromkeys(islice(_faults(plain), MAX_FAULTS + 1)))
    if faults:
        more = [ConfigFault("", "and more; these are the first")] if len(faults) > MAX_FAULTS else []
        raise ConfigInvalid([*sorted(faults[:MAX_FAULTS], key=lambda fault: fault.place), *more])
    # A section without entries says what none says.
    return {section: entries for section, entries in plain.items() if entries}


def config_of(document: dict[str, Json]) -> Config:
    """Return what a checked document says."""
    return Config(**{name: sections()[name].validate_json(orjson.dumps(value)) for name, value in document.items()})


def section_of(name: str, value: Json) -> tuple[Any, list[ConfigFault]]:
    """Return a section as its readers see it, or None and its faults. Raises KeyError where there is no such section."""
    adapter = sections()[name]
    try:
        # As JSON: a list stands for a tuple there, a text for a date, and nothing else for anything else.
        section = adapter.validate_json(orjson.dumps(value))
    except ValidationError as error:
        return None, list(faults_in(error, adapter, [name]))
    more = getattr(section, "faults", None)
    faults = [ConfigFault(place_of([name, *place]), words) for place, words in more()] if more is not None else []
    return (None, faults) if faults else (section, [])


def _faults(document: dict[str, Json]) -> Iterator[ConfigFault]:
    yield from secret_faults(document)
    for name, value in document.items():
        if name in sections():
            yield from section_of(name, value)[1]
        else:
            yield ConfigFault(place_of([name]), unknown_name(name, list(sections()), "section"))
