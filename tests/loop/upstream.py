"""An upstream that answers as a malicious or broken one might, in a process of its own.

`python -m tests.loop.upstream 1`; 8: an eighth of their size."""

import gzip
import http.server
import json
import socketserver
import sys
import threading
from collections.abc import Callable

from tests.loop.mcp_upstream import answered
from tests.loop.model_upstream import model_answer

MB = 1 << 20
JSON = "application/json"


def repeated(part: bytes, size: int, start: bytes = b"[", end: bytes = b"]") -> bytes:
    """Return a JSON list of one element again and again."""
    return start + b",".join([part] * (size // (len(part) + 1))) + end


def members(size: int) -> bytes:
    """Return an object of many different names."""
    return b"{" + b",".join(b'"%07x":1' % number for number in range(size // 12)) + b"}"


#: name -> (status, headers, the body once it is asked for)
ANSWERS: dict[str, tuple[int, dict[str, str], Callable[[], bytes]]] = {
    "rows": (200, {"Content-Type": JSON}, lambda: repeated(b'{"id":12345,"name":"abcdefgh"}', 24 * MB, b'{"rows":[', b"]}")),
    "empty_objects": (200, {"Content-Type": JSON}, lambda: repeated(b"{}", 31 * MB)),
    "empty_lists": (200, {"Content-Type": JSON}, lambda: repeated(b"[]", 31 * MB)),
    "nested_lists": (200, {"Content-Type": JSON}, lambda: repeated(b"[[[[[[]]]]]]", 31 * MB)),
    "numbers": (200, {"Content-Type": JSON}, lambda: repeated(b"0.1", 31 * MB)),
    "texts": (200, {"Content-Type": JSON}, lambda: repeated(b'"a"', 31 * MB)),
    "names": (200, {"Content-Type": JSON}, lambda: members(31 * MB)),
    "one_text": (200, {"Content-Type": JSON}, lambda: b'"' + b"a" * 31 * MB + b'"'),
    "one_text_of_escapes": (200, {"Content-Type": JSON}, lambda: b'"' + b"\\n" * 15 * MB + b'"'),
    "one_text_of_surrogates": (200, {"Content-Type": JSON}, lambda: b'"' + b"\\ud800" * 5 * MB + b'"'),
    "bearable_lists": (200, {"Content-Type": JSON}, lambda: repeated(b"[]", 85_000)),
    "bearable_rows": (200, {"Content-Type": JSON}, lambda: repeated(b'{"k":"abc"}', 230_000)),
    "bearable_names": (200, {"Content-Type": JSON}, lambda: members(500_000)),
    "bearable_text": (200, {"Content-Type": JSON}, lambda: b'"' + b"\\n" * 1_100_000 + b'"'),
    "not_finite": (200, {"Content-Type": JSON}, lambda: repeated(b"NaN", 170_000)),
    "long_integers": (200, {"Content-Type": JSON}, lambda: repeated(b"9" * 40, 1_500_000)),
    "one_integer": (200, {"Content-Type": JSON}, lambda: b"9" * 2 * MB),
    "malformed": (200, {"Content-Type": JSON}, lambda: repeated(b"{}", 24 * MB, b"[", b"")),
    "bearable_malformed": (200, {"Content-Type": JSON}, lambda: repeated(b"{}", 85_000, b"[", b"")),
    "deep": (200, {"Content-Type": JSON}, lambda: b"[" * 50_000 + b"]" * 50_000),
    "lines": (200, {"Content-Type": "application/x-ndjson"}, lambda: b'{"a":1}\n' * (24 * MB // 8)),
    "bearable_lines": (200, {"Content-Type": "application/x-ndjson"}, lambda: b"1\n" * 1_000_000),
    "text": (200, {"Content-Type": "text/plain"}, lambda: b"a, b\n" * (31 * MB // 5)),
    "text_of_euros": (200, {"Content-Type": "text/plain; charset=utf-8"}, lambda: "€".encode() * (31 * MB // 3)),
    "text_of_no_charset": (200, {"Content-Type": "text/plain"}, lambda: b"\xff" * 31 * MB),
    "bearable_text_of_no_charset": (200, {"Content-Type": "text/plain"}, lambda: b"\xff" * 2 * MB),
    "shift_jis": (200, {"Content-Type": "text/plain; charset=shift_jis"}, lambda: "日本".encode("shift_jis") * (31 * MB // 4)),
    "gb18030": (200, {"Content-Type": "text/plain; charset=gb18030"}, lambda: b"\xff" * 31 * MB),
    "bearable_gb18030": (200, {"Content-Type": "text/plain; charset=gb18030"}, lambda: b"\xff" * 2_300_000),
    "utf_32": (200, {"Content-Type": "text/plain; charset=utf-32"}, lambda: b"\xff" * 31 * MB),
    "bearable_utf_32": (200, {"Content-Type": "text/plain; charset=utf-32"}, lambda: b"\xff" * 2_300_000),
    "punycode": (200, {"Content-Type": "text/plain; charset=punycode"}, lambda: b"a-" * 400_000),
    "utf_7": (200, {"Content-Type": "text/plain; charset=utf-7"}, lambda: b"\xff" * 2 * MB),
    "idna": (200, {"Content-Type": "text/plain; charset=idna"}, lambda: b"xn--" + b"a" * 800_000),
    "xml": (200, {"Content-Type": "application/xml"}, lambda: b"<a>" * (31 * MB // 3)),
    "file": (200, {"Content-Type": "application/octet-stream"}, lambda: b"[{,:" * (31 * MB // 4)),
    "packed": (200, {"Content-Type": JSON, "Content-Encoding": "gzip"}, lambda: gzip.compress(repeated(b"0", 31 * MB), mtime=0)),
    "packed_text": (200, {"Content-Type": JSON, "Content-Encoding": "gzip"}, lambda: gzip.compress(b'"' + b"\0" * 31 * MB + b'"', mtime=0)),
    "error_of_rows": (500, {"Content-Type": JSON}, lambda: repeated(b'{"detail":"down"}', 24 * MB)),
    "error_of_text": (400, {"Content-Type": "text/plain"}, lambda: b"no " * (10 * MB)),
    "error_of_blanks": (400, {"Content-Type": JSON}, lambda: b" " * 31 * MB),
    "error_nested": (400, {"Content-Type": JSON}, lambda: b'{"error":' * 900 + b'"x"' + b"}" * 900),
    "redirect": (302, {"Content-Type": "text/plain", "Location": "/" + "a" * 7_000}, lambda: b"x" * 31 * MB),
    "links": (200, {"Content-Type": JSON, "Link": "<" * 60_000}, lambda: b"{}"),
    "links_and_relations": (200, {"Content-Type": JSON, "Link": "<a>;" * 15_000}, lambda: b"{}"),
    "links_of_blanks": (200, {"Content-Type": JSON, "Link": '<a>; rel="' + " " * 60_000}, lambda: b"{}"),
    "disposition": (200, {"Content-Type": "image/png", "Content-Disposition": "filename*=" * 6_000}, lambda: b"x"),
    "limits": (429, {"Content-Type": JSON, "X-RateLimit-Reset": "9" * 60_000}, lambda: b"{}"),
    "retry_after": (429, {"Content-Type": JSON, "Retry-After": "1 " * 30_000}, lambda: b"{}"),
    "cache_control": (200, {"Content-Type": JSON, "Cache-Control": 'a="' * 20_000, "ETag": '"1"'}, lambda: b"{}"),
    "expires": (200, {"Content-Type": JSON, "Expires": "1 " * 30_000}, lambda: b"{}"),
    "authenticate": (401, {"Content-Type": JSON, "WWW-Authenticate": 'Bearer scope="' * 4_000}, lambda: b"{}"),
    "media_type": (200, {"Content-Type": "text/plain; charset=" * 3_000}, lambda: b"x"),
}
#: what every operation of the corpus answers that is about what a client sends
DEFAULT = b'{"id": 1}'


def document(url: str) -> bytes:
    """Return an OpenAPI document with an operation for each answer, and some that take what clients send wrong."""
    answers = {"200": {"description": "one"}}
    zones = {"type": "array", "items": {"enum": [f"Zone/City_{number}" for number in range(590)]}}
    row = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
    body = {"type": "object", "properties": {"zones": zones, "rows": {"type": "array", "items": row}, "text": {"type": "string"}}}
    paths: dict[str, object] = {f"/{name}": {"get": {"operationId": f"answers_get_{name}", "responses": answers}} for name in ANSWERS}
    content = {"application/json": {"schema": {**body, "additionalProperties": False}}}
    paths["/sent"] = {"post": {"operationId": "sent_create", "requestBody": {"required": True, "content": content}, "responses": answers}}
    query = [{"name": "q", "in": "query", "schema": {"type": "string"}}]
    deep = {"name": "deep", "in": "query", "style": "deepObject", "schema": {"type": "object"}}
    header = {"name": "X-Words", "in": "header", "schema": {"type": "string"}}
    parameters = [*query, deep, header]
    paths["/found"] = {"get": {"operationId": "found_list", "parameters": parameters, "responses": answers}}
    fields = {"text": {"type": "string"}, "counts": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"enum": ["a"]}]}}}
    for name, media_type in (("form", "application/x-www-form-urlencoded"), ("parts", "multipart/form-data"), ("numbers", JSON)):
        content = {media_type: {"schema": {"type": "object", "properties": fields}}}
        written = {"operationId": f"{name}_create", "requestBody": {"required": True, "content": content}, "responses": answers}
        paths[f"/{name}"] = {"post": written}
    for number in range(2_000):
        paths[f"/things{number}"] = {"get": {"operationId": f"getThings{number}", "parameters": query, "responses": answers}}
    info = {"title": "Stalls", "version": "1"}
    return json.dumps({"openapi": "3.1.0", "info": info, "servers": [{"url": url}], "paths": paths}).encode()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/mcp":
            self.send_error(405)
            return
        status, headers, body = ANSWERS.get(self.path.strip("/").partition("?")[0], (200, {"Content-Type": JSON}, lambda: DEFAULT))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = body()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        if self.path.startswith("/ai/"):
            sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            status, headers, content = model_answer(self.path, sent["model"], int(sys.argv[1]))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        if self.path != "/mcp":
            self.do_GET()
            return
        status, media_type, content = answered(self.rfile.read(int(self.headers.get("Content-Length", 0))), int(sys.argv[1]))
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_given: object) -> None:
        """Say nothing."""


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_given: object) -> None:
        """Say nothing: a gateway that has read enough leaves."""


if __name__ == "__main__":
    MB //= int(sys.argv[1])
    server = _Server(("127.0.0.1", 0), _Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()  # until whoever started it is gone
