"""An upstream's answer as bytes, for other processes: what the response cache keeps of it, and no more."""

from dataclasses import asdict, dataclass
from typing import Any

import orjson

from tools.large_json import LargeJson
from tools.operation import Json, Outcome, ResponseMeta
from tools.sources.http.caching.freshness import Freshness


@dataclass(frozen=True, slots=True)
class KeptOutcome:
    """An answer and how long it is good for. `kept_at`: epoch seconds; `generation`: of its group where all processes keep."""

    outcome: Outcome
    freshness: Freshness
    kept_at: float
    provider: str
    #: None: nobody knows
    generation: int | None = None


def to_bytes(kept: KeptOutcome) -> bytes | None:
    """Return an answer as bytes; None where it would not come back as it was (integers beyond 64 bits)."""
    outcome = kept.outcome
    is_large = isinstance(outcome.data, LargeJson)
    head = {
        "http": None if outcome.http is None else asdict(outcome.http),
        "note": outcome.note,
        "notes": outcome.notes,
        "freshness": asdict(kept.freshness),
        "kept_at": kept.kept_at,
        "provider": kept.provider,
        "is_large": is_large,
    }
    try:
        return orjson.dumps(head) + b"\n" + (outcome.data.text if is_large else orjson.dumps(outcome.data))
    except TypeError:
        return None


def from_bytes(text: bytes, generation: int) -> KeptOutcome | None:
    """Return what `to_bytes` wrote; None where another release wrote it."""
    head_text, _, body = text.partition(b"\n")
    try:
        head: dict[str, Any] = orjson.loads(head_text)
        data: Json = LargeJson(body) if head["is_large"] else orjson.loads(body)
        outcome = Outcome("ok", data=data, http=ResponseMeta(**head["http"]), note=head["note"], notes=tuple(head["notes"]))
        return KeptOutcome(outcome, Freshness(**head["freshness"]), head["kept_at"], head["provider"], generation)
    except (ValueError, KeyError, TypeError):
        return None
