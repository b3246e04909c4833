"""What a step or a run gives, as the JSON that is kept and given back: the same value the first time and every time after."""

import orjson

from tools.operation import Failure, Json
from tools.workflows.errors import PermanentFault
from tools.workflows.workflow import MAX_RESULT_BYTES


def encoded(value: Json, what: str) -> bytes:
    """Return a result as JSON text. Raises PermanentFault: it is none, or is larger than may be kept."""
    try:
        text = orjson.dumps(value)
    except TypeError as error:
        message = f"the result of {what} is no JSON: {str(error)[:100]}"
        raise PermanentFault(
            Failure("invalid_result", message, hint="give numbers, texts, lists and objects with texts as names")
        ) from error
    if len(text) > MAX_RESULT_BYTES:
        message = f"the result of {what} has {len(text):,} bytes; {MAX_RESULT_BYTES:,} are kept"
        raise PermanentFault(Failure("too_large", message, hint="give less of it: select, or keep it and give its id"))
    return text


def decoded(text: bytes) -> Json:
    return orjson.loads(text)
