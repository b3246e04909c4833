"""Vectors of an answer as pieces of JSON text, whoever takes them apart."""

from dataclasses import dataclass

import orjson

from tools.fair_semaphore import Holder
from tools.heavy_json.weight import is_heavy
from tools.heavy_json.worker import WORKERS, Told
from tools.operation import Json

#: of what an answer says beside its vectors
_MAX_REST_BYTES = 10_000


@dataclass(frozen=True, slots=True)
class Vectors:
    """`each`: the vectors as JSON; `rest`: the answer without them."""

    each: tuple[bytes, ...]
    rest: dict[str, Json]


async def vectors_of(answer: bytes, holder: Holder) -> Vectors | None:
    """Return the vectors of an answer of OpenAI's dialect; None for one of another shape. Raises a ToolError where nobody can read it."""
    if not is_heavy(answer):
        told = taken_apart(answer)
    else:
        told = await WORKERS.work(taken_apart, answer, holder=holder)
    if not told.facts:
        return None
    each, at = [], 0
    for length in told.facts["lengths"]:
        each.append(told.value[at : at + length])
        at += length
    return Vectors(tuple(each), told.facts["rest"])


def taken_apart(answer: bytes) -> Told:
    """Return the vectors one after the other, their lengths and the rest; no facts for an answer of another shape."""
    try:
        body = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return Told({}, b"")
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "embedding" in row for row in rows):
        return Told({}, b"")
    vectors = [orjson.dumps(row["embedding"]) for row in rows]
    rest = {name: value for name, value in body.items() if name != "data"}
    if len(orjson.dumps(rest)) > _MAX_REST_BYTES:
        return Told({}, b"")
    return Told({"lengths": [len(vector) for vector in vectors], "rest": rest}, b"".join(vectors))
