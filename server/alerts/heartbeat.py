"""A dead man's switch: somebody outside is asked once a minute, and misses it when the gateway stops (healthchecks.io and others)."""

import logging
from collections.abc import Awaitable, Callable

from server.alerts.errors import DeliveryFailed
from server.alerts.sinks.posted import Send
from server.config_versions.sections.alerts import Alerts
from server.storage.database import StoreUnavailable
from tools.egress.client import OutboundRequest
from tools.errors import ToolError

EVERY_US = 60 * 1_000_000
TIMEOUT_S = 10.0

log = logging.getLogger("ascend.alerts")


class Heartbeat:
    """Beats while looks go well: a gateway that runs and cannot look is as dead."""

    def __init__(self, send: Send, text: Callable[[str], Awaitable[str]], settings: Callable[[], Alerts]) -> None:
        """`text`: what a text says, or the secret that it names."""
        self._send, self._text, self._settings = send, text, settings
        self._beaten_us, self._fails = 0, False

    async def beat(self, now_us: int) -> None:
        """Ask, where it is time; that it fails is said once."""
        url = self._settings().heartbeat_url
        if not url or now_us - self._beaten_us < EVERY_US:
            return
        self._beaten_us = now_us
        try:
            answer = await self._send(OutboundRequest("GET", await self._text(url), timeout_s=TIMEOUT_S, max_body_bytes=65_536))
            wrong = "" if 200 <= answer.status < 300 else f"it answered {answer.status}"
        except ToolError as error:
            wrong = f"it was not reached ({error.failure.code})"
        except (DeliveryFailed, StoreUnavailable) as error:
            wrong = str(error)
        if wrong and not self._fails:
            log.error("heartbeat_failed", extra={"facts": {"why": wrong}})
        self._fails = bool(wrong)
