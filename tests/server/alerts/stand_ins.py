"""Slack, Telegram and somebody's webhook, on loopback: each checks what comes as the real one would, and says no as it does."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

TOKEN, SLACK_PATH = "7654321:AAE-not_a_real_token_but_of_its_shape1", "/services/T000/B000/notarealsecretwordforslack"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class StandIns:
    """`answers`: what to answer next instead of taking it."""

    base_url: str = ""
    slack: list[dict[str, Any]] = field(default_factory=list)
    telegram: list[dict[str, Any]] = field(default_factory=list)
    #: (id, body)
    webhook: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    beats: int = 0
    answers: list[Callable[[], web.Response]] = field(default_factory=list)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.answers:
            return self.answers.pop(0)()
        if request.method == "GET" and request.path == "/beat":
            self.beats += 1
            return web.Response(text="OK")
        if request.path == SLACK_PATH:
            return self._slack(orjson.loads(body))
        if request.path.startswith("/bot"):
            return self._telegram(request.path, orjson.loads(body))
        return self._webhook(request, body)

    def _slack(self, body: dict[str, Any]) -> web.Response:
        """api.slack.com/messaging/webhooks: text, and blocks of known kinds within their limits."""
        texts = [block["text"] if "text" in block else block["elements"][0] for block in body["blocks"]]
        fits = all(len(text["text"]) <= (150 if text["type"] == "plain_text" else 3_000) for text in texts)
        if not body["text"] or not fits:
            return web.Response(status=400, text="invalid_blocks")
        self.slack.append(body)
        return web.Response(text="ok")

    def _telegram(self, path: str, body: dict[str, Any]) -> web.Response:
        """core.telegram.org/bots/api: an unknown token is 401, HTML that does not parse is 400."""
        if path != f"/bot{TOKEN}/sendMessage":
            return web.json_response({"ok": False, "error_code": 401, "description": "Unauthorized"}, status=401)
        bare = re.sub(r"</?(b|i)>", "", body["text"])
        if body["parse_mode"] != "HTML" or re.search(r"[<>]|&(?!(amp|lt|gt|quot|#x27);)", bare) or not 0 < len(bare) <= 4_096:
            return web.json_response({"ok": False, "error_code": 400, "description": "can't parse entities"}, status=400)
        self.telegram.append(body)
        return web.json_response({"ok": True, "result": {"message_id": len(self.telegram)}})

    def _webhook(self, request: web.Request, body: bytes) -> web.Response:
        """The library of Standard Webhooks decides."""
        try:
            content = Webhook(WEBHOOK_SECRET).verify(body, dict(request.headers))
        except WebhookVerificationError:
            return web.Response(status=401)
        self.webhook.append((request.headers["webhook-id"], content))
        return web.Response(status=204)


@asynccontextmanager
async def stand_ins() -> AsyncIterator[StandIns]:
    """Serve all of them on one port of this machine."""
    found = StandIns()
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", found.take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()
