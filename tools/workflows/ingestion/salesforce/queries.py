"""SOQL, as far as ingestion writes it: of fields and objects that our maps name, and of ids that are nothing but letters and digits."""

from collections.abc import Sequence

from tools.context_plane.times import time_text

HISTORY_FIELDS = ("OpportunityId", "Field", "OldValue", "NewValue", "CreatedDate")


def records_query(name: str, fields: Sequence[str], from_us: int | None, to_us: int) -> str:
    """Return the query for the records of an object that changed within [from, to), by SystemModstamp: nobody can set that by hand."""
    begin = f"SystemModstamp >= {time_text(from_us)} AND " if from_us is not None else ""
    return f"{_from(name, fields)} WHERE {begin}SystemModstamp < {time_text(to_us)} ORDER BY SystemModstamp, Id"


def bulk_query(name: str, fields: Sequence[str], to_us: int) -> str:
    """Return the query for all records of an object; a bulk job sorts nothing."""
    return f"{_from(name, fields)} WHERE SystemModstamp < {time_text(to_us)}"


def history_query(record_ids: Sequence[str]) -> str:
    """Return the query for what happened to opportunities, the oldest first."""
    ids = ", ".join(f"'{record_id}'" for record_id in record_ids if record_id.isalnum())
    return f"{_from('OpportunityFieldHistory', HISTORY_FIELDS)} WHERE OpportunityId IN ({ids}) ORDER BY CreatedDate"


def ids_query(name: str) -> str:
    return _from(name, ("Id",))


def count_query(name: str) -> str:
    return _from(name, ("COUNT()",))


def _from(name: str, fields: Sequence[str]) -> str:
    return f"SELECT {', '.join(fields)} FROM {name}"  # noqa: S608  no database of ours
