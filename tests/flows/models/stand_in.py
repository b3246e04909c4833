"""Providers of models on loopback, each under a path of its own: what the model's name says is what happens."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

TEXT = "Hello from the model."
WORDS = ("Hello ", "from ", "the ", "model.")


@dataclass
class StandIn:
    """`asked`: provider, headers and body of each request, oldest first. `away` are providers that answer 503, but to streams."""

    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    away: set[str] = field(default_factory=set)

    def app(self) -> Starlette:
        """Return the application: OpenAI's chat and Anthropic's messages for any first part of the path."""
        chat = Route("/{provider}/v1/chat/completions", self._chat, methods=["POST"])
        messages = Route("/{provider}/v1/messages", self._messages, methods=["POST"])
        return Starlette(routes=[chat, messages])

    async def _chat(self, request: Request) -> Response:
        body = await self._noted(request)
        if refused := self._refusal(request, body):
            return refused
        if body.get("stream"):
            return StreamingResponse(_chunks(body["model"]), media_type="text/event-stream")
        choice = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}
        return JSONResponse(
            {"id": "c1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": [choice], "usage": usage}
        )

    async def _messages(self, request: Request) -> Response:
        body = await self._noted(request)
        if refused := self._refusal(request, body):
            return refused
        if body.get("stream"):
            return StreamingResponse(_events(body["model"]), media_type="text/event-stream")
        return JSONResponse(_message(body["model"]) | {"content": [{"type": "text", "text": TEXT}], "stop_reason": "end_turn"})

    async def _noted(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        self.asked.append((request.path_params["provider"], dict(request.headers), body))
        return body

    def _refusal(self, request: Request, body: dict[str, Any]) -> Response | None:
        if request.path_params["provider"] in self.away and not body.get("stream"):
            return JSONResponse({"error": {"message": "overloaded", "type": "server_error"}}, 503)
        return None


def _message(model: str) -> dict[str, Any]:
    usage = {"input_tokens": 12, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 5}
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_sequence": None, "usage": usage}


async def _chunks(model: str) -> AsyncIterator[bytes]:
    """OpenAI's events; a model called `cut` breaks off in the middle."""
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": model}

    def chunk(**more: Any) -> bytes:
        return b"data: " + json.dumps(head | more).encode() + b"\n\n"

    for word in WORDS[: 2 if model.startswith("cut") else None]:
        yield chunk(choices=[{"index": 0, "delta": {"content": word}, "finish_reason": None}])
    if model.startswith("cut"):
        return
    yield chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    yield chunk(choices=[], usage={"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17})
    yield b"data: [DONE]\n\n"


async def _events(model: str) -> AsyncIterator[bytes]:
    """Anthropic's events."""

    def event(kind: str, **more: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind} | more)}\n\n".encode()

    yield event("message_start", message=_message(model) | {"content": [], "stop_reason": None})
    yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    for word in WORDS:
        yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": word})
    yield event("content_block_stop", index=0)
    yield event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 5})
    yield event("message_stop")
