"""A configuration as it comes in, TOML by the command or JSON by the API -> the document that is kept, or all of its faults."""

from collections.abc import Collection
from functools import cache
from itertools import chain, islice
from typing import Final

import jsonschema_rs

from tools.ai_gateway.configuration.document_schema import DOCUMENT_SCHEMA
from tools.ai_gateway.configuration.references import reference_faults, tenant_faults
from tools.ai_gateway.configuration.schema_faults import faults_of
from tools.operation import Json
from tools.versioned_documents.faults import ConfigFault, ConfigInvalid
from tools.versioned_documents.read_toml import plain_json, read_toml_file

MAX_BYTES: Final = 1_000_000
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
    return read_document(read_toml_file(raw, MAX_BYTES), tenants)


def read_document(document: Json, tenants: Collection[str] | None = None) -> Json:
    """Return a document as JSON, checked: dates are ISO texts. Raises ConfigInvalid with every fault at once.

    tenants: those that there are; None: nobody knows, and gateways of any are taken.
    """
    plain = plain_json(document, MAX_VALUES)
    of_schema = (fault for error in _validator().iter_errors(plain) for fault in faults_of(error))
    # Both, so that a wrong number here does not hide a route there that nobody knows; and no more are worded than are read.
    faults = list(dict.fromkeys(islice(chain(of_schema, reference_faults(plain), tenant_faults(plain, tenants)), MAX_FAULTS + 1)))
    if faults:
        more = [ConfigFault("", "and more; these are the first")] if len(faults) > MAX_FAULTS else []
        raise ConfigInvalid([*sorted(faults[:MAX_FAULTS], key=lambda fault: fault.place), *more])
    # A section without entries says what none says.
    return {section: entries for section, entries in plain.items() if entries}
