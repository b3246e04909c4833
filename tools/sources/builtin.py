"""Operations that the gateway brings along: a Python function and its docs/tools page -> an operation."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import orjson

from capability_index.documents import OperationPage, load_pages
from tools.catalog.signatures import signature_of
from tools.operation import Access, Call, Json, Operation, Outcome, Paging

PROVIDER = "gateway"


@dataclass(frozen=True, slots=True)
class BuiltinFunction:
    """What the code knows of a built-in; its words (title, summary, what each argument means) are on its page.

    `input_schema` carries no descriptions, unless `described`: then it is the schema of a tool definition, used as it is.
    `scope`: what a token needs where that is not the tier's own (the three tools need only `mcp`).
    `reenters`: it runs other operations through the door, so it is not itself confirmed, keyed, timed or shortened.
    `only_looks`: an argument that, true, has a destructive one change nothing, so that nobody need agree.
    `afterwards`: how what it does can be taken back, for the question before it; None where it cannot be.
    """

    slug: str
    run: Callable[[Call], Awaitable[Outcome]]
    input_schema: Mapping[str, Json]
    idempotent: bool = True
    scope: str | None = None
    reenters: bool = False
    afterwards: str | None = None
    only_looks: str | None = None
    described: bool = False
    timeout_s: float = 30.0
    example: Mapping[str, Json] | None = None
    output_schema: Mapping[str, Json] | None = None
    paging: Paging | None = None


class BuiltinRunner:
    """Runs built-ins by their slug."""

    keeps_time = False

    def __init__(self, functions: Mapping[str, BuiltinFunction]) -> None:
        self._run_by_slug = {slug: function.run for slug, function in functions.items()}

    async def run(self, call: Call) -> Outcome:
        return await self._run_by_slug[call.operation.id](_counting(call))

    async def preview(self, call: Call) -> Json:
        return {"operation": call.operation.id, "arguments": dict(call.arguments), "runs": "inside the gateway; no request leaves it"}


def _counting(call: Call) -> Call:
    """Return `call` with whole numbers where the schema says so: 14.0 is an integer too (JSON Schema Validation §6.1.1)."""
    properties = call.operation.input_schema.get("properties", {})
    floats = [name for name, value in call.arguments.items() if isinstance(value, float)]
    whole = {name: int(call.arguments[name]) for name in floats if properties.get(name, {}).get("type") == "integer"}
    return replace(call, arguments={**call.arguments, **whole}) if whole else call


class PageMissing(Exception):
    """A built-in has no page in docs/tools."""


def by_slug(functions: Iterable[BuiltinFunction]) -> dict[str, BuiltinFunction]:
    """Return `functions` as BuiltinRunner takes them."""
    return {function.slug: function for function in functions}


def builtin_operations(functions: Iterable[BuiltinFunction]) -> tuple[Operation, ...]:
    """Return the operations of `functions`, with the words of their pages in docs/tools. Raises PageMissing."""
    return tuple(_operation(function, _own_pages().get(function.slug)) for function in functions)


@cache
def _own_pages() -> Mapping[str, OperationPage]:
    """Return the pages of docs/tools by slug: part of the program like its code, and read as often."""
    return {page.document.slug: page for page in load_pages()}


def _operation(function: BuiltinFunction, page: OperationPage | None) -> Operation:
    if page is None:
        raise PageMissing(f"built-in '{function.slug}' has no page; write docs/tools/{function.slug}.md")
    document = page.document
    schema = function.input_schema if function.described else _described(function.input_schema, page)
    binding = {
        "scope": function.scope,
        "reenters": function.reenters,
        "afterwards": function.afterwards,
        "only_looks": function.only_looks,
        "timeout_s": function.timeout_s,
        "examples": list(document.examples),
    }
    relied_on = [page.access, document.title, document.summary, document.description, schema, binding, document.returns]
    access: Access = "read" if page.access == "read" else "write" if page.access == "write" else "destructive"
    return Operation(
        id=function.slug,
        kind="builtin",
        provider=PROVIDER,
        tenant_id=None,
        title=document.title,
        summary=document.summary,
        description=document.description,
        access=access,
        idempotent=function.idempotent,
        input_schema=schema,
        output_schema=function.output_schema,
        signature=signature_of(function.slug, schema, document.returns),
        returns=document.returns,
        tags=document.tags,
        binding=binding,
        content_hash=hashlib.sha256(orjson.dumps(relied_on, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        example=function.example,
        paging=function.paging,
    )


def _described(schema: Mapping[str, Json], page: OperationPage) -> dict[str, Json]:
    """Return `schema` with the page's words on each argument."""
    words = {parameter.name: parameter.description for parameter in page.document.parameters}
    properties = {name: {**member, "description": words.get(name, "")} for name, member in schema.get("properties", {}).items()}
    return {**schema, "properties": properties}
