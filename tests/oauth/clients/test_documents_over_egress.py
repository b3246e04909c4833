"""Client metadata documents through the real guarded egress, from a real HTTPS server: what is refused is never connected to."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from oauth.clients.metadata_documents import ClientDocuments
from oauth.errors import RegistrationRefused
from server.storage.memory.oauth import MemoryClientStore
from tools.egress.client import Egress

NOW = 1_000_000.0


def certificate(folder: Path) -> Path:
    """Write a self-signed certificate for localhost with its key, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    today = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "localhost.pem"
    path.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return path


class Site:
    """An HTTPS server on a free loopback port that counts its connections."""

    def __init__(self, pem: Path) -> None:
        self.hits: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.hits.append(self.path)
                if self.path == "/moved":
                    self.send_response(302)
                    self.send_header("Location", f"{site.origin}/client.json")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                url = f"{site.origin}{self.path}"
                content = {"client_id": url, "client_name": "Sited", "redirect_uris": ["http://127.0.0.1/cb"]}
                body = json.dumps(content).encode() + b" " * (6000 if self.path == "/large.json" else 0)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.origin = f"https://localhost:{self.server.server_port}"


@contextmanager
def serving(pem: Path) -> Iterator[Site]:
    site = Site(pem)
    thread = threading.Thread(target=site.server.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        site.server.shutdown()
        thread.join(10)
        site.server.server_close()


async def read(url: str, *allowed: str) -> str:
    """Return the name of the client behind `url`, with these addresses allowed although they are private."""
    async with Egress(allowed) as egress:
        client = await ClientDocuments(MemoryClientStore(), egress.outbound, "http://127.0.0.1:8080").find(url, NOW)
        return client.name


async def test_a_document_is_read_over_https(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """contracts.md, ASCEND_EGRESS_ALLOW and SSL_CERT_FILE; positive control of oauth-behaviour §8."""
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with serving(pem) as site:
        assert await read(f"{site.origin}/client.json", f"localhost:{site.server.server_port}") == "Sited"


@pytest.mark.parametrize("path", ["/moved", "/large.json"])
async def test_s7_s8_redirects_and_large_documents_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """oauth-behaviour S7, S8: the target of the redirect is not contacted."""
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with serving(pem) as site:
        with pytest.raises(RegistrationRefused):
            await read(f"{site.origin}{path}", f"localhost:{site.server.server_port}")
        assert site.hits == [path]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "[fd00::1]", "[fe80::1]"]
)
async def test_s2_private_addresses_are_refused_without_connecting(host: str) -> None:
    """oauth-behaviour S2: no TCP connect."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        with pytest.raises(RegistrationRefused):
            await read(f"https://{host}:{listener.getsockname()[1]}/client.json")
        with pytest.raises(BlockingIOError):
            listener.accept()


async def test_an_untrusted_certificate_is_refused(tmp_path: Path) -> None:
    """RFC 9110 §4.3.4."""
    with serving(certificate(tmp_path)) as site:
        with pytest.raises(RegistrationRefused):
            await read(f"{site.origin}/client.json", f"localhost:{site.server.server_port}")
        assert site.hits == []
