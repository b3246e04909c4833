"""A configuration as it comes in, TOML by the command or JSON by the API -> the document that is kept, or all of its faults."""

import math
import tomllib
from collections.abc import Collection, Mapping
from datetime import date, time
from functools import cache
from itertools import chain, islice
from typing import Any, Final

import jsonschema_rs

from tools.ai_gateway.configuration.document_schema import DOCUMENT_SCHEMA
from tools.ai_gateway.configuration.faults import ConfigFault, ConfigInvalid
from tools.ai_gateway.configuration.references import reference_faults, tenant_faults
from tools.ai_gateway.configuration.schema_faults import faults_of
from tools.json_schema.argument_size import values_in
from tools.operation import Json

MAX_BYTES: Final = 1_000_000
#: the deepest that the schema describes is five; conditions may compare with values of their own
MAX_DEPTH: Final = 12
#: a thousand routes have some five thousand
MAX_VALUES: Final = 50_000
#: more are not read by anybody
MAX_FAULTS: Final = 100


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    """Compile the schema at the first document that is read: 3.5 MB that a gateway without one does not need."""
    return jsonschema_rs.Draft202012Validator(DOCUMENT_SCHEMA, validate_formats=True)


def read_toml(raw: bytes, tenants: Collection[str] | None = None) -> Json:
    """Return the document that a file says, checked as `read_document` does. Raises ConfigInvalid with every fault at once."""
    if len(raw) > MAX_BYTES:
        raise _invalid(f"has {len(raw):,} bytes; {MAX_BYTES:,} are the most")
    try:
        document = tomllib.loads(raw.decode())
    except UnicodeDecodeError as error:
        raise _invalid(f"is not UTF-8 (at byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise _invalid(f"is not TOML: {error}") from error
    except RecursionError as error:
        raise _invalid("is nested too deeply") from error
    return read_document(document, tenants)


def read_document(document: Json, tenants: Collection[str] | None = None) -> Json:
    """Return a document as JSON, checked: dates are ISO texts. Raises ConfigInvalid with every fault at once.

    tenants: those that there are; None: nobody knows, and gateways of any are taken.
    """
    plain = _as_json(document, 0)
    if values_in(plain, MAX_VALUES) > MAX_VALUES:
        raise _invalid(f"has more than {MAX_VALUES:,} values")
    of_schema = (fault for error in _validator().iter_errors(plain) for fault in faults_of(error))
    # Both, so that a wrong number here does not hide a route there that nobody knows; and no more are worded than are read.
    faults = list(dict.fromkeys(islice(chain(of_schema, reference_faults(plain), tenant_faults(plain, tenants)), MAX_FAULTS + 1)))
    if faults:
        more = [ConfigFault("", "and more; these are the first")] if len(faults) > MAX_FAULTS else []
        raise ConfigInvalid([*sorted(faults[:MAX_FAULTS], key=lambda fault: fault.place), *more])
    # A section without entries says what none says.
    return {section: entries for section, entries in plain.items() if entries}


def _as_json(value: Any, depth: int) -> Json:
    if depth > MAX_DEPTH:
        raise _invalid("is nested too deeply")
    if isinstance(value, Mapping):
        return {str(name): _as_json(member, depth + 1) for name, member in value.items()}
    if isinstance(value, list):
        return [_as_json(member, depth + 1) for member in value]
    if isinstance(value, date | time):
        return value.isoformat()
    # JSON has no such numbers; as a text each place that wants a number refuses it.
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _invalid(message: str) -> ConfigInvalid:
    return ConfigInvalid([ConfigFault("", f"the configuration {message}")])
