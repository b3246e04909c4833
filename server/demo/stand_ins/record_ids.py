"""Record ids as Salesforce gives them out."""

from tools.workflows.ingestion.salesforce_ids import OBJECT_BY_PREFIX, id18

_BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_PREFIX_BY_OBJECT = {kind: prefix for prefix, kind in OBJECT_BY_PREFIX.items()}


def record_id(kind: str, number: int) -> str:
    """Return the id of the n-th record of an object, 18 characters."""
    # Spread over letters of both cases, as real ids are: what folds case confuses two of them.
    spread, digits = number * 2_654_435_761 % 62**6, ""
    for _ in range(6):
        spread, last = divmod(spread, 62)
        digits += _BASE62[last]
    return id18(f"{_PREFIX_BY_OBJECT[kind]}5g0000{digits}")
