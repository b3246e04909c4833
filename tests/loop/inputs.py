"""Inputs that once held the event loop or might: what upstreams answer, what clients send, by both ways in."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tests.loop.mcp_upstream import TOOLS
from tests.loop.model_inputs import model_inputs
from tests.loop.upstream import ANSWERS
from tests.server.mcp.requests import legacy_body, legacy_headers, modern_body, modern_headers

MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Input:
    """One POST. `body`: made when it is sent, since the whole corpus would be gigabytes."""

    name: str
    headers: Mapping[str, str]
    body: Callable[[], bytes]
    path: str = "/mcp"


def call(tool: str, arguments: Mapping[str, Any]) -> tuple[Mapping[str, str], bytes]:
    """Return a `tools/call` of 2026-07-28."""
    return modern_headers("tools/call", tool), orjson.dumps(modern_body("tools/call", {"name": tool, "arguments": arguments}))


def inputs(api_by_path: Mapping[str, str]) -> Iterator[Input]:
    """Yield the corpus: what upstreams answer, what clients send wrong, and bodies of up to 4 MB by both ways in."""
    for path in ANSWERS:
        yield _called(f"answer {path}", "call_api", {"api": api_by_path[path], "args": {}})
    for tool in TOOLS:
        yield _called(f"MCP {tool}", "call_api", {"api": api_by_path[tool], "args": {}})
    for path in ("rows", "texts", "names", "bearable_rows", "text"):
        select = "length(@)" if path != "rows" else "rows[?id==`7`].name"
        yield _called(f"selected {path}", "call_api", {"api": api_by_path[path], "args": {}, "select": select})
    steps: list[dict[str, Any]] = [
        {"id": path, "api": api_by_path[path], "args": {}} for path in ("rows", "bearable_rows", "bearable_names")
    ]
    yield _called("plan of large answers", "batch_execute", {"steps": steps})
    counted = {"steps": steps, "return": "{a: length(rows.data.rows), b: length(bearable_rows.data)}"}
    yield _called("plan that counts large answers", "batch_execute", counted)
    many = [{"id": f"s{number}", "api": api_by_path["bearable_rows"], "args": {}} for number in range(20)]
    yield _called("plan of many bearable answers", "batch_execute", {"steps": many})
    yield from _wrong(api_by_path["sent"])
    yield from _parameters(api_by_path)
    for name, arguments in _bodies():
        for era in ("modern", "legacy"):
            yield _posted(f"{era} body of {name}", era, api_by_path["sent"], arguments)


def model_calls(*, with_largest: bool) -> Iterator[Input]:
    """Yield the corpus of model calls."""
    for name, path, headers, body in model_inputs(with_largest=with_largest):
        yield Input(f"models: {name}", headers, body, path)


def _called(name: str, tool: str, arguments: Mapping[str, Any]) -> Input:
    headers, body = call(tool, arguments)
    return Input(name, headers, lambda: body)


def _wrong(sent: str) -> Iterator[Input]:
    zones = {"zones": ["Zone/City_x"] * 200}
    yield _called("zones that are none", "call_api", {"api": sent, "args": zones})
    yield _called("many zones that are none", "call_api", {"api": sent, "args": {"zones": ["Zone/City_x"] * 40_000}})
    yield _called("rows that are none", "call_api", {"api": sent, "args": {"rows": [{"m": 1}] * 20_000}})
    yield _called("one row that is none", "call_api", {"api": sent, "args": {"rows": [{"n": 1}] * 20_000 + [{"n": "x"}]}})
    yield _called("unknown names", "call_api", {"api": sent, "args": {f"name{number}": 1 for number in range(20_000)}})
    yield _called("a long unknown name", "call_api", {"api": sent, "args": {"n" * 3 * MB: 1}})
    yield _called("a long unknown tier", "call_api", {"api": sent, "page": {"mode": "o" * 3 * MB}})
    yield _called("a long unknown tier of escapes", "call_api", {"api": sent, "page": {"mode": "\n" * 1_900_000}})
    yield _called("a long key of escapes", "call_api", {"api": sent, "idempotency_key": "\n" * 1_900_000})
    yield _called("a row with a long name", "call_api", {"api": sent, "args": {"rows": [{"[" * 3 * MB: "x"}]}})
    yield _called("a long text for a list", "call_api", {"api": sent, "args": {"rows": "\n" * 1_900_000}})
    yield _called("a plan with a long text", "batch_execute", {"steps": [{"id": "a", "api": sent, "args": {"text": "\n" * 1_900_000}}]})
    yield _called("a plan that waits for a long name", "batch_execute", {"steps": [{"id": "a", "api": sent, "depends_on": ["n" * 3 * MB]}]})
    yield _called("a long id", "call_api", {"api": "stall.things." * 200_000, "args": {}})
    yield _called("an unknown id", "call_api", {"api": "stall.thinsg77.gte", "args": {}})
    steps = [{"id": f"s{number}", "api": sent, "args": zones} for number in range(50)]
    yield _called("plan of zones that are none", "batch_execute", {"steps": steps})
    ids = [f"stall.thinsg{number}_{'abcdefgh'[number % 8]}.lsit" for number in range(50)]
    yield _called("plan of unknown steps", "batch_execute", {"steps": [{"id": f"s{at}", "api": name} for at, name in enumerate(ids)]})
    yield _called("unknown ids", "discover_apis", {"ids": ids[:20]})
    yield _called("a long query", "discover_apis", {"query": "find things " * 200_000})
    queries = [" ".join(f"things{7 * number + which}" for number in range(200)) for which in range(5)]
    yield _called("five long queries", "discover_apis", {"query": queries, "limit": 20})
    yield _called("a long topic of escapes", "discover_apis", {"query": "things", "tags": ["\n" * 1_900_000]})
    places = [{"$ref": "one.data.a || " * 100 + f"one.data.b{number}"} for number in range(900)]
    first = {"id": "one", "api": sent, "args": {}}
    yield _called("plan of long expressions", "batch_execute", {"steps": [first, {"id": "two", "api": sent, "args": {"rows": places}}]})
    names = [{"$ref": f"one.data{'.a' * 900}[{number}]"} for number in range(900)]
    yield _called("plan of long names", "batch_execute", {"steps": [first, {"id": "two", "api": sent, "args": {"rows": names}}]})
    unknown = [{"$ref": f"on{number}.data"} for number in range(1_000)]
    yield _called(
        "plan of unknown steps in places", "batch_execute", {"steps": [first, {"id": "two", "api": sent, "args": {"a": unknown}}]}
    )
    mapped = {"id": "one", "api": sent, "for_each": [{"n": number} for number in range(500)], "args": {"rows": [{"$item": "@"}]}}
    yield _called("plan of five hundred elements", "batch_execute", {"steps": [mapped], "dry_run": True})
    yield _called("an expression that nests", "call_api", {"api": sent, "args": {}, "select": "a" + ".a" * 1_900})
    yield _called("an expression of bars", "call_api", {"api": sent, "args": {}, "select": "[@]" + "|[@]" * 900})


def _parameters(api_by_path: Mapping[str, str]) -> Iterator[Input]:
    for name, value in (("blanks", " a" * 1_500_000), ("accents", "é" * 1_500_000)):
        yield _called(f"a query of {name}", "call_api", {"api": api_by_path["found"], "args": {"q": value}})
        yield _called(f"a header of {name}", "call_api", {"api": api_by_path["found"], "args": {"x_words": value}})
        yield _called(f"a form of {name}", "call_api", {"api": api_by_path["form"], "args": {"text": value}})
    many = {str(number): number for number in range(20_000)}
    within: dict[str, Any] = {str(number): number for number in range(5_000)}
    for _ in range(200):
        within = {"deeper": within}
    for name, deep in (("long names", {"k" * MB: many}), ("depth", within), ("nothing", {"k" * MB: {key: {} for key in many}})):
        yield _called(f"a deep object of {name}", "call_api", {"api": api_by_path["found"], "args": {"deep": deep}})
    for path in ("form", "parts", "numbers"):
        yield _called(f"{path}: whole floats", "call_api", {"api": api_by_path[path], "args": {"counts": [5.0] * 40_000}})
        yield _called(f"{path}: digits in texts", "call_api", {"api": api_by_path[path], "args": {"counts": ["9" * 20] * 40_000}})
        yield _called(f"{path}: a dry run", "call_api", {"api": api_by_path[path], "args": {"text": " é" * MB}, "dry_run": True})
    texts: Any = ["a"] * 900
    for _ in range(200):
        texts = [texts]
    steps = [{"id": f"s{number}", "api": api_by_path["sent"], "args": {"text": texts}} for number in range(50)]
    yield _called("plan of texts that nest", "batch_execute", {"steps": steps})
    foreign = ["${s1.data.x} and ${s2.data.y}"] * 200
    steps = [{"id": f"s{number}", "api": api_by_path["sent"], "args": {"zones": foreign}} for number in range(50)]
    yield _called("plan of other products' templates", "batch_execute", {"steps": steps})


def _bodies() -> Iterator[tuple[str, Callable[[], bytes]]]:
    yield "lists", lambda: b"[" + b"[]," * 1_300_000 + b"[]]"
    yield "objects", lambda: b"[" + b"{}," * 1_300_000 + b"{}]"
    yield "numbers", lambda: b"[" + b"1," * 1_900_000 + b"1]"
    yield "names", lambda: b"{" + b",".join(b'"%07x":1' % number for number in range(300_000)) + b"}"
    yield "bearable lists", lambda: b"[" + b"[]," * 24_000 + b"[]]"
    yield "bearable rows", lambda: b"[" + b'{"n":1},' * 24_000 + b'{"n":1}]'
    yield "bearable names", lambda: b"{" + b",".join(b'"%07x":1' % number for number in range(45_000)) + b"}"
    yield "nested lists", lambda: b"[" * 2_000_000 + b"]" * 2_000_000
    yield "depth", lambda: b"[" * 900 + b"]" * 900
    yield "a text", lambda: b'"' + b"a" * 4_000_000 + b'"'
    yield "a table in a text", lambda: b'"' + b"a,b;" * 990_000 + b'"'
    yield "a text of escapes", lambda: b'"' + b"\\n" * 1_990_000 + b'"'
    yield "a text of quotes", lambda: b'"' + b'\\":' * 1_300_000 + b'"'
    yield "a text of surrogates", lambda: b'"' + b"\\ud800" * 660_000 + b'"'
    yield "a number", lambda: b"9" * 4_000_000
    yield "blanks", lambda: b" " * 4_000_000 + b"1"
    yield "colons", lambda: b'"' + b" :" * 1_990_000 + b'"'
    yield "a text of quotes beside a name twice", lambda: b'{"t":"' + b'\\":' * 1_300_000 + b'","a":1,"a":2}'
    yield "one name twice", lambda: b"{" + b'"a":1,' * 20_000 + b'"a":1}'
    yield "no JSON", lambda: b"{" * 4_000_000


def _posted(name: str, era: str, api: str, value: Callable[[], bytes]) -> Input:
    params = {"name": "call_api", "arguments": {"api": api, "args": {"text": "@@"}}}
    message = modern_body("tools/call", params) if era == "modern" else legacy_body("tools/call", params)
    headers = modern_headers("tools/call", "call_api") if era == "modern" else legacy_headers()
    start, end = orjson.dumps(message).split(b'"@@"')
    return Input(name, headers, lambda: start + value()[: 4 * MB - 2_000] + end)
