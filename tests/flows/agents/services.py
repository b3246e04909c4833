"""Board and Chat, the two services of the guide: one application, its records in memory."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

#: what the person types into the page's fields -> the header in which it must arrive
KEYS = {"key:team": ("crew", "x-team"), "key:apiKey": ("chat-key", "x-key")}


class Services:
    """What the guide's calls read and change; `requests` are those that arrived, as `POST /tasks`."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.projects = [{"id": "p1", "name": "Website"}, {"id": "p2", "name": "Old website"}]
        self.tasks: list[dict[str, Any]] = [
            self._task("t1", "Write the imprint", "2026-11-02"),
            self._task("t2", "Renew the certificate", "2026-11-20"),
            self._task("t3", "Choose a typeface", "2026-12-24"),
        ]

    def app(self) -> Starlette:
        """Return the application of both services."""
        return Starlette(
            routes=[
                Route("/projects", self._noted(self._projects)),
                Route("/projects/{project_id}", self._noted(self._delete_project), methods=["DELETE"]),
                Route("/tasks", self._noted(self._list), methods=["GET"]),
                Route("/tasks", self._noted(self._create), methods=["POST"]),
                Route("/tasks/{task_id}/comments", self._noted(self._comment), methods=["POST"]),
                Route("/channels/{channel_id}/messages", self._noted(self._message), methods=["POST"]),
            ]
        )

    def _noted(self, handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
        async def noted(request: Request) -> Response:
            self.requests.append(f"{request.method} {request.url.path}")
            return await handler(request)

        return noted

    async def _projects(self, _request: Request) -> Response:
        return JSONResponse({"projects": self.projects})

    async def _delete_project(self, request: Request) -> Response:
        self.projects = [each for each in self.projects if each["id"] != request.path_params["project_id"]]
        return Response(status_code=204)

    async def _list(self, request: Request) -> Response:
        day = request.query_params.get("due_before", "9999-12-31")
        return JSONResponse({"tasks": [task for task in self.tasks if task["due"] is None or task["due"] < day]})

    async def _create(self, request: Request) -> Response:
        given = await request.json()
        task = self._task(f"t{len(self.tasks) + 1}", given["title"], given.get("due")) | given
        self.tasks.append(task)
        return JSONResponse(task, 201)

    async def _comment(self, request: Request) -> Response:
        task_id = request.path_params["task_id"]
        return JSONResponse({"id": f"c-{task_id}", "task_id": task_id, **await request.json()}, 201)

    async def _message(self, request: Request) -> Response:
        if any(request.headers.get(header) != key for key, header in KEYS.values()):
            return JSONResponse({"error": "unknown key"}, 401)
        return JSONResponse({"id": "m1", "channel_id": request.path_params["channel_id"], **await request.json()}, 201)

    @staticmethod
    def _task(task_id: str, title: str, due: str | None) -> dict[str, Any]:
        return {"id": task_id, "project_id": "p1", "title": title, "status": "open", "due": due, "priority": "normal"}
