"""Addresses of `/admin/api` that no noun declares, in the OpenAPI document: what each takes and what it is for."""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from oauth.administration.roles import Role
from oauth.services.machine import scope_of
from tools.operation import Json

_PARAMETER = re.compile(r"\{(\w+)\}")


class PlainRoute(Protocol):
    """One method of one address; `asks`: parameters of the query with their words; `body`: what is sent, "" nothing."""

    @property
    def path(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def least(self) -> Role: ...
    @property
    def name(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def asks(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> str: ...


def paths_of(routes: Sequence[PlainRoute], prefix: str, scheme: str) -> dict[str, dict[str, Json]]:
    """Return the document's paths."""
    paths: dict[str, dict[str, Json]] = {}
    for route in routes:
        path = paths.setdefault(f"{prefix}{route.path}", {})
        path[route.method.lower()] = _operation(route, scheme)
    return paths


def _operation(route: PlainRoute, scheme: str) -> dict[str, Json]:
    parameters: list[Json] = [_parameter(name, "path", "Its name.") for name in _PARAMETER.findall(route.path)]
    parameters += [_parameter(name, "query", words) for name, words in route.asks.items()]
    if route.method == "PUT":
        parameters.append(_parameter("If-Match", "header", "The ETag of your GET: what is replaced is what you saw."))
    answer: dict[str, Json] = {"description": "It, or a page of {items, next_cursor}."}
    if route.method == "DELETE":
        answer = {"description": "It is gone."}
    else:
        answer["content"] = {"application/json": {"schema": {"type": "object"}}}
    operation: dict[str, Json] = {
        "operationId": route.name,
        "tags": [route.name.partition(".")[0]],
        "summary": route.about,
        **({"parameters": parameters} if parameters else {}),
        "responses": {_STATUS.get(route.method, "200"): answer, "default": {"$ref": "#/components/responses/Refused"}},
        "security": [{scheme: [scope_of(route.least)]}],
    }
    if route.body:
        schema: dict[str, Json] = {"type": "object", "description": route.body}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


_STATUS = {"POST": "201", "DELETE": "204"}


def _parameter(name: str, place: str, words: str) -> dict[str, Json]:
    return {"name": name, "in": place, "required": place != "query", "description": words, "schema": {"type": "string"}}
