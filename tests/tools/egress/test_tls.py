"""TLS: whom we trust, and what never travels in the clear."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.tools.egress.certificate import Certificate, certificate
from tests.tools.egress.fault_server import answer, says, serving
from tools.egress.client import Egress, OutboundRequest
from tools.errors import EgressRefused, UpstreamFailed


@asynccontextmanager
async def serving_tls(held: Certificate, reply: bytes) -> AsyncIterator[str]:
    """Answer every request over TLS with `reply`; yield the origin."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            writer.transport.abort()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(held.file, held.key_file)
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.sleep(0)


async def test_trust_follows_ssl_cert_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_lean: bool) -> None:
    """contracts.md: TLS trust follows SSL_CERT_FILE."""
    held = certificate(tmp_path, "127.0.0.1")
    async with serving_tls(held, answer("200 OK", body=b"secret")) as origin:
        async with Egress(["127.0.0.1:*"], is_lean=is_lean) as egress:
            with pytest.raises(UpstreamFailed) as caught:
                await egress.send(OutboundRequest("GET", origin))
        assert caught.value.failure.code == "upstream_unreachable"
        assert "certificate" in caught.value.failure.message
        assert not caught.value.failure.retryable
        monkeypatch.setenv("SSL_CERT_FILE", str(held.file))
        async with Egress(["127.0.0.1:*"], is_lean=is_lean) as egress:
            assert (await egress.send(OutboundRequest("GET", origin))).body == b"secret"


async def test_a_certificate_of_another_host_is_not_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_lean: bool) -> None:
    """RFC 9525: the identity in the certificate must be the one that was asked for."""
    held = certificate(tmp_path, "127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(held.file))
    async with serving_tls(held, answer("200 OK")) as origin, Egress(["127.0.0.1:*"], is_lean=is_lean) as egress:
        with pytest.raises(UpstreamFailed):
            await egress.send(OutboundRequest("GET", origin))


async def test_a_redirect_from_https_to_http_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_lean: bool) -> None:
    """What was asked for over TLS is not sent on in the clear."""
    held = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(held.file))
    async with (
        serving(says(answer("200 OK", body=b"in the clear"))) as plain,
        serving_tls(held, answer("302 Found", f"Location: {plain}/")) as origin,
        Egress(["127.0.0.1:*"], is_lean=is_lean) as egress,
    ):
        with pytest.raises(EgressRefused) as caught:
            await egress.send(OutboundRequest("GET", origin))
    assert "from https to http" in caught.value.failure.message


async def test_plain_http_spoken_to_a_tls_client_is_unreachable(is_lean: bool) -> None:
    """A broken handshake is a fault of the upstream, not ours."""
    async with serving(says(answer("200 OK"))) as origin, Egress(["127.0.0.1:*"], is_lean=is_lean) as egress:
        with pytest.raises(UpstreamFailed) as caught:
            await egress.send(OutboundRequest("GET", origin.replace("http://", "https://"), timeout_s=2))
    assert caught.value.failure.code in ("upstream_unreachable", "upstream_reset", "upstream_timeout")


async def test_one_trust_serves_all_pools_of_a_process() -> None:
    async with Egress() as one, Egress() as another:
        contexts = {each._session.connector._tls for each in (one, another)}  # type: ignore[union-attr]
    assert len(contexts) == 1
