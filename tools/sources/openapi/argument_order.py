"""Which optional arguments of an operation a signature shows first, which late, and which not at all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tools.catalog.verbs import singular, words_of
from tools.operation import Json
from tools.sources.openapi.find_operations import Found

#: what more than this share of all operations takes says nothing of any one of them
COMMON_SHARE = 0.6
MIN_OPERATIONS = 8
#: sent by the gateway, put in by the connection, or of no use to a model
_BY_ITSELF = ("client_id", "client_secret", "secret", "api_key", "apikey", "idempotency_key", "x_idempotency_key", "pretty", "opt_pretty")


@dataclass(frozen=True, slots=True)
class ArgumentOrder:
    """`main`: what a request is about; `late`: headers; `common`: what is only counted. Names of optional arguments."""

    main: frozenset[str]
    late: frozenset[str]
    common: frozenset[str]


def common_arguments(found: Sequence[Found]) -> frozenset[str]:
    """Return the names of optional arguments that nearly every operation of a document takes."""
    if len(found) < MIN_OPERATIONS:
        return frozenset()
    counts = Counter(name for one in found for name in _optional(one))
    return frozenset(name for name, count in counts.items() if count > COMMON_SHARE * len(found))


def order_of(one: Found, name: str, common: frozenset[str]) -> ArgumentOrder:
    """Return the order of the optional arguments of an operation that is called `name`."""
    optional = _optional(one)
    by_itself = {argument for argument in optional if argument.lower() in _BY_ITSELF}
    hidden = frozenset(optional) & (common | by_itself)
    headers = {str(parameter["argument"]) for parameter in one.arguments.parameters if parameter["in"] in ("header", "cookie")}
    fields = [argument for argument in _body_arguments(one.arguments.body) if argument in optional and argument not in hidden]
    things = {singular(word) for piece in name.split(".")[1:-1] for word in words_of(piece)[-1:]}
    named = [argument for argument in fields if singular((words_of(argument) or [""])[-1]) in things]
    has_required = any(argument in one.arguments.schema.get("required", ()) for argument in _body_arguments(one.arguments.body))
    main = [] if one.method.lower() in ("get", "delete", "head") else fields if len(fields) == 1 else [] if has_required else named[-1:]
    return ArgumentOrder(frozenset(main), frozenset(headers), hidden)


def _optional(one: Found) -> list[str]:
    required = set(one.arguments.schema.get("required", ()))
    return [argument for argument in one.arguments.schema.get("properties", {}) if argument not in required]


def _body_arguments(body: Json) -> list[str]:
    if not body:
        return []
    return [str(body["argument"])] if body.get("argument") else [str(argument) for argument in body.get("fields", {})]
