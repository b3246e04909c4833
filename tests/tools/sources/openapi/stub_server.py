"""A real HTTP server made from an OpenAPI document, which validates every request that it gets against that document."""

import email.parser
import email.policy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from aiohttp import web

from tests.tools.sources.openapi.stub_document import StubDocument, StubOperation, StubParameter
from tests.tools.sources.openapi.stub_parsing import (
    NotParsable,
    item_schema,
    leaf,
    member_schema,
    parse_cookies,
    parse_header,
    parse_path,
    parse_query,
    shapes_of,
    split_pairs,
)

CREDENTIAL_NAMES = {"token", "access_token", "api_key", "authorization"}


@dataclass
class Seen:
    """One request as the stub understood it: which operation, what it carried, what is wrong with it."""

    operation: tuple[str, str] | None
    values: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    faults: list[str] = field(default_factory=list)


class StubServer:
    """Answers 200 to a request that fits the document and 422 with the faults to any other.

    `expected` (METHOD, path template) says which operation the next request means, where two share method and path.
    """

    def __init__(self, raw: bytes) -> None:
        self.document = StubDocument(raw)
        self.seen: list[Seen] = []
        self.expected: tuple[str, str] | None = None
        self._runner: web.AppRunner | None = None
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "StubServer":
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{rest:.*}", self._answer)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        seen = self.understand(request.method, request.raw_path, dict(request.headers), await request.read())
        self.seen.append(seen)
        if seen.faults:
            return web.json_response({"errors": seen.faults}, status=422)
        return web.json_response({"ok": True})

    def understand(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Seen:
        """Return what a request means; its `faults` are empty where it fits the document."""
        path, _, query = target.partition("?")
        found = self._route(method, path)
        if found is None:
            return Seen(None, faults=[f"no operation {method} {path}"])
        operation, raws = found
        seen = Seen(operation.key)
        lower = {name.lower(): value for name, value in headers.items()}
        self._read_parameters(operation, raws, query, lower, seen)
        self._read_body(operation, lower.get("content-type", ""), body, seen)
        self._check_security(operation, query, lower, seen)
        return seen

    def _route(self, method: str, path: str) -> tuple[StubOperation, list[str]] | None:
        candidates = []
        for operation in self.document.operations:
            match = operation.pattern.fullmatch(path) if operation.method.upper() == method else None
            if match:
                candidates.append((operation, list(match.groups())))
        for operation, raws in candidates:
            if operation.key == self.expected:
                return operation, raws
        if self.expected is not None:
            return None
        return min(candidates, key=lambda candidate: len(candidate[0].path_names), default=None)

    def _read_parameters(self, operation: StubOperation, raws: list[str], query: str, headers: Mapping[str, str], seen: Seen) -> None:
        pairs = split_pairs(query)
        known = {parameter.name for parameter in operation.parameters if parameter.place == "query"}
        secrets = {str(s.get("name")) for one in operation.security for s in one if s.get("in") == "query"}
        taken: set[str] = set()
        raw_by_name = dict(zip(operation.path_names, raws, strict=True))
        for parameter in operation.parameters:
            where = f"{parameter.place} {parameter.name}"
            try:
                if parameter.place == "path":
                    raw = raw_by_name[parameter.name] if parameter.name in raw_by_name else _in_query(operation, parameter.name, pairs)
                    there, value = True, parse_path(self.document, parameter, raw)
                elif parameter.place == "query":
                    there, value, names = parse_query(self.document, parameter, pairs, known | secrets)
                    taken |= names
                elif parameter.place == "header":
                    there = parameter.name.lower() in headers
                    value = parse_header(self.document, parameter, headers[parameter.name.lower()]) if there else None
                else:
                    cookies = {p.name for p in operation.parameters if p.place == "cookie"}
                    there, value = parse_cookies(self.document, parameter, headers.get("cookie", ""), cookies)
            except (NotParsable, ValueError, KeyError) as error:
                seen.faults.append(f"{where}: cannot be read: {error}")
                continue
            if there:
                seen.values[where] = value
                seen.faults += self.document.faults(parameter.schema, value, where)
            elif parameter.required:
                seen.faults.append(f"{where} is missing")
        fixed = {name for name, _ in split_pairs(operation.path.partition("#")[0].partition("?")[2])}
        stray = {name for name, _ in pairs} - taken - secrets - fixed
        seen.faults += [f"query {name} is not in the document" for name in sorted(stray)]

    def _read_body(self, operation: StubOperation, content_type: str, body: bytes, seen: Seen) -> None:
        if not content_type:
            if body:
                seen.faults.append("a body without a Content-Type")
            elif operation.body_required:
                seen.faults.append("the body is missing")
            return
        bare = content_type.split(";")[0].strip().lower()
        offered = {name.split(";")[0].strip().lower(): value for name, value in operation.bodies.items()}
        if bare not in offered and "*/*" not in offered:
            seen.faults.append(f"a body of type {bare}, which is not one of {sorted(offered)}")
            return
        schema, encoding = offered.get(bare) or offered["*/*"]
        try:
            seen.body = self._parse_body(bare, content_type, body, schema, encoding)
        except (ValueError, NotParsable) as error:
            seen.faults.append(f"the body cannot be read: {error}")
            return
        if bare != "application/octet-stream" and not bare.startswith("image/") and not bare.endswith("xml"):
            seen.faults += self.document.faults(schema, seen.body, "body")

    def _parse_body(self, bare: str, content_type: str, body: bytes, schema: Any, encoding: Mapping[str, Any]) -> Any:
        if bare == "application/json" or bare.endswith("+json"):
            return json.loads(body)
        if bare == "application/x-www-form-urlencoded":
            return self._form(split_pairs(body.decode()), schema, encoding)
        if bare.startswith("multipart/"):
            return self._multipart(content_type, body, schema, encoding)
        return body.decode("utf-8", errors="surrogateescape")

    def _form(self, pairs: list[tuple[str, str]], schema: Any, encoding: Mapping[str, Any]) -> dict[str, Any]:
        grouped: dict[str, list[str]] = {}
        for name, raw in pairs:
            grouped.setdefault(name, []).append(raw)
        out: dict[str, Any] = {}
        nested: dict[str, list[tuple[str, str]]] = {}
        for name, raws in grouped.items():
            base = name if member_schema(self.document, schema, name) != {} else name.split("[")[0]
            rules = encoding.get(base, {})
            member = member_schema(self.document, schema, base)
            if "[" in name and member_schema(self.document, schema, name) == {}:
                nested.setdefault(base, []).extend((name, raw) for raw in raws)
            elif "array" in shapes_of(self.document, member) and rules.get("explode", True):
                out[name] = [leaf(self.document, item_schema(self.document, member), unquote_plus(raw)) for raw in raws]
            elif "array" in shapes_of(self.document, member):
                items = item_schema(self.document, member)
                out[name] = [leaf(self.document, items, unquote_plus(part)) for part in raws[0].split(",")]
            else:
                out[name] = leaf(self.document, member, unquote_plus(raws[0]))
        for base, raw_pairs in nested.items():
            parameter = StubParameter(base, "query", False, "deepObject", True, member_schema(self.document, schema, base))
            out[base] = parse_query(self.document, parameter, raw_pairs, set())[1]
        return out

    def _multipart(self, content_type: str, body: bytes, schema: Any, encoding: Mapping[str, Any]) -> dict[str, Any]:
        if body.startswith(b"--") and body.rstrip().endswith(b"--") and body.count(b"\r\n") == 1:
            # The closing delimiter alone: a form without fields.
            return {}
        head = f"Content-Type: {content_type}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        if not message.is_multipart():
            raise ValueError("not multipart")
        out: dict[str, Any] = {}
        styled: list[tuple[str, str]] = []
        exploded = {key for name, rules in encoding.items() if _is_spread(rules) for key in self._keys_of(schema, name)}
        for part in message.iter_parts():
            name = unquote(str(part.get_param("name", header="content-disposition")))
            if name in exploded or name.split("[")[0] in {key for key, rules in encoding.items() if {"style", "explode"} & rules.keys()}:
                styled.append((name, _text_of(part)))
                continue
            member = member_schema(self.document, schema, name)
            raw = part.get_payload(decode=True)
            assert isinstance(raw, bytes)
            is_list = "array" in shapes_of(self.document, member)
            inner = item_schema(self.document, member) if is_list else member
            if part.get_content_type().endswith("json") and part["content-type"]:
                value = json.loads(raw)
                is_list = is_list and not isinstance(value, list)
            else:
                text = raw.decode("utf-8", errors="surrogateescape")
                value = text if part.get_filename() else leaf(self.document, inner, text)
            if is_list:
                out.setdefault(name, []).append(value)
            else:
                out[name] = value
        return out | self._styled(styled, schema, encoding)

    def _keys_of(self, schema: Any, name: str) -> list[str]:
        member = self.document.deref(member_schema(self.document, schema, name))
        return list(member.get("properties", {})) if isinstance(member, Mapping) else []

    def _styled(self, pairs: list[tuple[str, str]], schema: Any, encoding: Mapping[str, Any]) -> dict[str, Any]:
        """Read parts whose field has a style of its own: as in a query, only not percent-encoded."""
        out: dict[str, Any] = {}
        quoted = [(name, quote(value, safe=",%")) for name, value in pairs]
        for name, rules in encoding.items():
            if not {"style", "explode"} & rules.keys():
                continue
            style = rules.get("style", "form")
            explode = rules.get("explode", style == "form")
            parameter = StubParameter(name, "query", False, style, explode, member_schema(self.document, schema, name))
            separator = {"pipeDelimited": "%7C"}.get(style, "")
            known = set(encoding)
            there, value, _ = parse_query(self.document, parameter, [(k, v.replace("|", separator)) for k, v in quoted], known)
            if there:
                out[name] = value
        return out

    def _check_security(self, operation: StubOperation, query: str, headers: Mapping[str, str], seen: Seen) -> None:
        if operation.is_public or not operation.security:
            return
        names = {name for name, _ in split_pairs(query)}
        if not any(all(_is_proven(scheme, names, headers) for scheme in schemes) for schemes in operation.security):
            seen.faults.append("no credential of a security scheme")


def _in_query(operation: StubOperation, name: str, pairs: list[tuple[str, str]]) -> str:
    """Return the raw value of a path parameter whose placeholder stands in the query that the path carries."""
    fixed = split_pairs(operation.path.partition("#")[0].partition("?")[2])
    key = next(key for key, value in fixed if value == f"{{{name}}}")
    return next(value for found, value in pairs if found == key)


def _is_proven(scheme: Mapping[str, Any], query_names: set[str], headers: Mapping[str, str]) -> bool:
    if scheme.get("type") == "apiKey":
        name = str(scheme["name"])
        if scheme["in"] == "query":
            return name in query_names
        return name.lower() in headers if scheme["in"] == "header" else f"{name}=" in headers.get("cookie", "")
    wanted = "basic " if scheme.get("type") == "basic" or str(scheme.get("scheme", "")).lower() == "basic" else "bearer "
    return headers.get("authorization", "").lower().startswith(wanted)


def _is_spread(rules: Mapping[str, Any]) -> bool:
    style = rules.get("style", "form" if "explode" in rules else "")
    return style == "form" and rules.get("explode", True) is True


def _text_of(part: Any) -> str:
    raw = part.get_payload(decode=True)
    assert isinstance(raw, bytes)
    return raw.decode("utf-8", errors="surrogateescape")
