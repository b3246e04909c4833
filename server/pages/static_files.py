"""The stylesheet, the script and the mark: read once, named by their content, cached for ever."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_YEAR_S = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class StaticFile:
    body: bytes
    media_type: str
    version: str


class StaticFiles:
    def __init__(self, folder: Path = FOLDER, prefix: str = "/static") -> None:
        """`prefix`: the path under which the files of `folder` are served."""
        #: file name -> what is served
        self._files: dict[str, StaticFile] = {}
        self._prefix = prefix
        for path in sorted(folder.iterdir()):
            body = path.read_bytes()
            self._files[path.name] = StaticFile(body, MEDIA_TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:12])

    def url(self, name: str) -> str:
        """Return the address of a file; it changes with its content."""
        return f"{self._prefix}/{name}?v={self._files[name].version}"

    def routes(self) -> list[Route]:
        return [Route("/static/{name}", self.serve, methods=["GET"]), Route("/favicon.ico", self.icon, methods=["GET"])]

    async def serve(self, request: Request) -> Response:
        return self._answer(request, request.path_params["name"])

    async def icon(self, request: Request) -> Response:
        return self._answer(request, "ascend.svg")

    def _answer(self, request: Request, name: str) -> Response:
        file = self._files.get(name)
        if file is None:
            return Response("no such file\n", 404, media_type="text/plain")
        current = request.query_params.get("v") == file.version
        headers = {
            "Cache-Control": f"public, max-age={_YEAR_S}, immutable" if current else "no-cache",
            "ETag": f'"{file.version}"',
            "X-Content-Type-Options": "nosniff",
            # An SVG opened by itself is a document: it may run and load nothing.
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(file.body, headers=headers, media_type=file.media_type)
