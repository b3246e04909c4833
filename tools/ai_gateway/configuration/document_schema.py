"""The configuration's members, as JSON Schema: the file is read as TOML, held against this, and kept as JSON of the same shape.

`description` says the rule of a value in words where the schema alone would not.
"""

from typing import Final

from tools.metering.money import MAX_USD
from tools.operation import Json

MAX_NAMED = 5_000
MAX_LISTED = 1_000
MAX_TARGETS = 100
MAX_SECONDS = 3_600
#: so many calls of each arm are remembered while it is judged
MAX_HOLD_CALLS = 10_000
#: 2**53: what every reader of JSON takes exactly
MAX_COUNT = 9_007_199_254_740_992
#: of a vector that the context plane keeps for each text
MAX_DIMENSIONS = 4_096
CAPABILITIES: Final = ("tools", "images", "json_schema", "reasoning")

_NAME: Json = {"type": "string", "minLength": 1, "maxLength": 200}
_TEXT: Json = {"type": "string", "maxLength": 200}
_FLAG: Json = {"type": "boolean"}
_DATE: Json = {"type": "string", "format": "date", "pattern": "^[1-9]", "description": "a date, like 2026-12-31"}
_SECONDS: Json = {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_SECONDS}
_RATE: Json = {"type": "number", "minimum": 0, "maximum": MAX_USD}
_SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
_COUNT: Json = {"type": "integer", "minimum": 1, "maximum": MAX_COUNT}
_METADATA: Json = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}, "maxProperties": 50}
_HOURS: Json = {
    "type": "string",
    "pattern": r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$",
    "description": 'hours of the day in UTC, such as "01:00-04:00"',
}


def _table(members: Json, *required: str) -> Json:
    return {"type": "object", "properties": members, "required": list(required), "additionalProperties": False}


def _named(entry: Json) -> Json:
    return {"type": "object", "additionalProperties": entry, "maxProperties": MAX_NAMED}


def _list(entry: Json, most: int = MAX_LISTED, least: int = 0) -> Json:
    return {"type": "array", "items": entry, "maxItems": most, "minItems": least}


def _one_of(*options: str) -> Json:
    return {"enum": list(options)}


_DEFAULTS = _table(
    {
        "route": _NAME,
        "connect_s": _SECONDS,
        "first_byte_s": _SECONDS,
        "idle_s": _SECONDS,
        "total_s": _SECONDS,
        "max_output_tokens": _COUNT,
        "breaker": _table({"failures": _COUNT, "window_s": _SECONDS, "open_s": _SECONDS}),
    }
)
_PROVIDER = _table(
    {
        "dialect": _one_of("openai", "anthropic", "gemini", "bedrock", "workers_ai"),
        "base_url": {"type": "string", "minLength": 1, "maxLength": 1_000},
        "shared_key": _FLAG,
        "traceparent": _FLAG,
    }
)
_MODEL = _table({"context": _COUNT, "can": _list(_one_of(*CAPABILITIES))})
#: a name alone, or a table
_TARGET = {
    "if": {"type": "string"},
    "then": _NAME,
    "else": _table({"use": _NAME, "weight": {"type": "integer", "minimum": 0, "maximum": 1_000_000}}, "use"),
}
_CONDITION = _table({"complexity": _one_of("simple", "medium", "complex"), "metadata": _METADATA, "use": _NAME}, "use")
_ROUTE = _table(
    {
        "targets": _list(_TARGET, MAX_TARGETS, 1),
        "when": _list(_CONDITION, MAX_TARGETS, 1),
        "pick": _one_of("ordered", "weighted", "cheapest", "fastest"),
        "sticky": _one_of("session", "user"),
        "cache_s": {"type": "number", "minimum": 0, "maximum": 366 * 86_400},
        "semantic": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "sunset": _DATE,
    }
)
_TENANT = _table(
    {
        "route": _NAME,
        "allow": _list(_NAME),
        "deny": _list(_NAME),
        "caller_keys": _FLAG,
        "log_payloads": _FLAG,
        "context": _NAME,
        "context_embeddings": _NAME,
        "context_dimensions": {"type": "integer", "minimum": 1, "maximum": MAX_DIMENSIONS},
    }
)
_GATEWAY = _table({"tenant": _NAME, "requests_per_min": _COUNT}, "tenant")
_SELECTOR = dict.fromkeys(("tenant", "gateway", "key", "user", "provider", "model"), _NAME)
_BUDGET = _table(
    _SELECTOR
    | {
        "name": _NAME,
        "window": _one_of("minute", "hour", "day", "month", "total"),
        "usd": _RATE,
        "tokens": _COUNT,
        "alerts": _list({"type": "number", "exclusiveMinimum": 0, "maximum": MAX_COUNT}, 20),
        "over": _NAME,
    },
    "name",
    "window",
)
_LIMIT = _table(_SELECTOR | {"requests": _COUNT, "tokens": _COUNT, "per": _one_of("minute", "hour", "day")}, "per")
_RATES = dict.fromkeys(("input", "output", "cached_input", "cache_write", "per_request"), _RATE)
_PRICE = _table(
    _RATES
    | {
        "model": _NAME,
        "from": _DATE,
        "neurons": _table({"per_request": _RATE, "usd_per_1000": _RATE}, "per_request", "usd_per_1000"),
        "above": _list(_table({"input_tokens": _COUNT, "input": _RATE, "output": _RATE}, "input_tokens", "input", "output"), 20),
        "utc": _HOURS,
    },
    "model",
    "from",
)
_HOLD = _table(
    {
        "min_calls": {"type": "integer", "minimum": 1, "maximum": MAX_HOLD_CALLS},
        "error_rate": _SHARE,
        "fallback_rate": _SHARE,
        "p95_ms": _RATE,
        "quality": {"type": "number", "minimum": -1, "maximum": 1},
    }
)
_EXPERIMENT = _table(
    {
        "name": _NAME,
        "route": _NAME,
        "arms": {"type": "object", "additionalProperties": _NAME, "minProperties": 1, "maxProperties": 20},
        "share": {"type": "object", "additionalProperties": _SHARE},
        "rollout": _list(_SHARE, 20, 1),
        "shadow": _FLAG,
        "hold": _HOLD,
    },
    "name",
    "route",
    "arms",
)

DOCUMENT_SCHEMA: Final[Json] = _table(
    {
        "defaults": _DEFAULTS,
        "providers": _named(_PROVIDER),
        "models": _named(_MODEL),
        "routes": _named(_ROUTE),
        "tenants": _named(_TENANT),
        "gateways": _named(_GATEWAY),
        "budgets": _list(_BUDGET),
        "limits": _list(_LIMIT),
        "prices": _list(_PRICE, MAX_NAMED),
        "experiments": _list(_EXPERIMENT),
    }
)
