"""Rows to a collector of OpenTelemetry: OTLP over HTTP in JSON (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP")."""

from collections.abc import Sequence

import anyio.to_thread
import orjson

from server.log_sinks.batch import Batch, packed
from server.log_sinks.destinations.http import post
from server.log_sinks.otlp_logs import logs_request
from tools.egress.client import Egress

#: the specification's path, where a URL has none
PATH = "/v1/logs"


class OtlpDestination:
    """Keeps `Destination`."""

    def __init__(self, egress: Egress, url: str, headers: Sequence[tuple[str, str]], service: str, environment: str) -> None:
        self._egress, self._headers, self._service, self._environment = egress, headers, service, environment
        self._url = url if url.rstrip("/").count("/") > 2 else url.rstrip("/") + PATH

    async def send(self, batch: Batch) -> int:
        body = await anyio.to_thread.run_sync(lambda: packed(logs_request(batch, self._service, self._environment)))
        answer = await post(self._egress, self._url, body, (("Content-Type", "application/json"), *self._headers))
        return _refused(answer.body)


def _refused(body: bytes) -> int:
    """Return how many records a partial success left out; the specification forbids to send them again."""
    try:
        return max(0, int(orjson.loads(body)["partialSuccess"]["rejectedLogRecords"]))
    except (ValueError, KeyError, TypeError):
        return 0
