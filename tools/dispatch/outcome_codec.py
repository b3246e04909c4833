"""An outcome as bytes and back: what an idempotency record and a plan's record keep."""

import base64
import json
from dataclasses import asdict, replace

import orjson

from tools.json_text import decode
from tools.large_json import LargeJson
from tools.operation import Download, Failure, Json, Outcome, Page, ResponseMeta

MAX_RECORD_BYTES = 1024 * 1024


def encode_outcome(outcome: Outcome, recorded_at: float) -> bytes:
    """Return what a later call with the same key needs: status, data, page, HTTP facts, failure and notes.

    Data that would make the record larger than 1 MiB is left out, and the record says so.
    """
    record: dict[str, Json] = {"at": recorded_at, "status": outcome.status}
    if isinstance(outcome.data, Download):
        download = outcome.data
        body = base64.b64encode(download.body).decode() if len(download.body) < MAX_RECORD_BYTES // 2 else None
        record["file"] = {"body": body, "media_type": download.media_type, "filename": download.filename}
    elif isinstance(outcome.data, LargeJson):
        # As a text within the record: reading the record back must not make objects of it either.
        record["large"] = outcome.data.text.decode() if len(outcome.data.text) < MAX_RECORD_BYTES else None
        record["data"] = None
    else:
        record["data"] = outcome.data
    if outcome.http is not None:
        record["http"] = asdict(replace(outcome.http, headers=None))
    if outcome.page is not None:
        record["page"] = asdict(outcome.page)
    if outcome.error is not None:
        record["error"] = asdict(outcome.error)
    if outcome.notes:
        record["notes"] = outcome.notes
    encoded = _encoded(record)
    if len(encoded) <= MAX_RECORD_BYTES:
        return encoded
    record.pop("data", None)
    record.pop("large", None)
    record["omitted"] = True
    return _encoded(record)


def without_data(record: bytes) -> bytes:
    """Return a record without the data of its outcome, where there is no room for it; how it ended stays."""
    kept = orjson.loads(record)
    for name in ("data", "large", "file"):
        kept.pop(name, None)
    return _encoded({**kept, "omitted": True})


def decode_outcome(record: bytes) -> tuple[Outcome, float]:
    """Return the outcome of a record and when it was made."""
    kept = decode(record)
    data, note = kept.get("data"), None
    if "file" in kept:
        file = kept["file"]
        data = Download(base64.b64decode(file["body"] or ""), file["media_type"], file["filename"])
    if kept.get("large") is not None:
        data = LargeJson(kept["large"].encode())
    if kept.get("omitted") or ("large" in kept and kept["large"] is None) or ("file" in kept and kept["file"]["body"] is None):
        note = "its answer was too large to be kept with the record, or there was no room for it"
    error = kept.get("error")
    if error is not None:
        error = Failure(
            **{
                **error,
                "did_you_mean": tuple(error["did_you_mean"]),
                "faults": tuple(error["faults"]),
                "missing_scopes": frozenset(error["missing_scopes"]),
            }
        )
    outcome = Outcome(
        status=kept["status"],
        data=data,
        page=None if "page" not in kept else Page(**kept["page"]),
        http=None if "http" not in kept else ResponseMeta(**kept["http"]),
        error=error,
        note=note,
        notes=tuple(kept.get("notes", ())),
    )
    return outcome, float(kept["at"])


def _encoded(record: dict[str, Json]) -> bytes:
    try:
        return orjson.dumps(record, default=_plain, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        # Integers beyond 64 bits and lone surrogates (tools.json_text).
        return json.dumps(record, default=_plain, separators=(",", ":")).encode()


def _plain(value: object) -> Json:
    return sorted(value) if isinstance(value, frozenset | set) else str(value)
