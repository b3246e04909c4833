"""From what the configuration says of a sink to what takes its rows, with its secrets."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from oauth.errors import SealBroken
from oauth.vault.errors import KeyUnavailable
from oauth.vault.named_secrets import named_in
from server.config_versions.sections.sinks import LogSink
from server.log_sinks.destinations.bucket import BucketDestination
from server.log_sinks.destinations.destination import Destination, SinkFailed
from server.log_sinks.destinations.http import HttpDestination
from server.log_sinks.destinations.otlp import OtlpDestination
from server.object_storage.bucket import open_bucket
from server.object_storage.errors import ObjectStorageError
from server.object_storage.location import read_location
from tools.egress.client import Egress

SERVICE = "ascend-gateway"
#: name of a secret -> what the vault has under it
Reveal = Callable[[str], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True)
class Destinations:
    """Opens destinations. `environment`: which one this gateway is of."""

    egress: Egress
    reveal: Reveal
    environment: str

    async def open(self, sink: LogSink) -> Destination:
        """Return what takes the rows of `sink`. Raises SinkFailed."""
        if sink.kind == "s3":
            return await self._bucket(sink)
        headers = [(name, await self._text(value, f"headers.{name}")) for name, value in sink.headers.items()]
        if sink.bearer:
            headers.append(("Authorization", f"Bearer {await self._text(sink.bearer, 'bearer')}"))
        if sink.kind == "otlp":
            return OtlpDestination(self.egress, sink.url, headers, SERVICE, self.environment)
        return HttpDestination(self.egress, sink.url, headers, sink.format)

    async def _bucket(self, sink: LogSink) -> Destination:
        url = f"{sink.url}{'&' if '?' in sink.url else '?'}keys={sink.keys}" if sink.keys else sink.url
        try:
            location = read_location(url, os.environ)
            return BucketDestination(await open_bucket(self.egress, location, os.environ, self._revealed))
        except ObjectStorageError as error:
            raise SinkFailed(str(error)) from error

    async def _text(self, value: str, member: str) -> str:
        if (name := named_in(value)) is None:
            return value
        secret = await self._revealed(name)
        if secret is None:
            raise SinkFailed(f"vault:{name} of `{member}` is not there; put it there with `ascend vault put {name}`")
        return secret.decode(errors="replace").strip()

    async def _revealed(self, name: str) -> bytes | None:
        try:
            return await self.reveal(name)
        except SealBroken as error:
            way_out = f"put it there again with `ascend vault put {name}`"
            raise SinkFailed(f"vault:{name} does not open: it is damaged, or was sealed with another key; {way_out}") from error
        except KeyUnavailable as error:
            raise SinkFailed(f"vault:{name} does not open: {error}") from error
