"""nginx, Caddy and Traefik, started with the files of docs/deploy: only addresses, names and certificates are put in."""

import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import REPOSITORY
from tests.deploy.programs import program
from tests.ports import free_port
from tests.tools.egress.certificate import Certificate
from tests.waiting import until_here

DEPLOY = REPOSITORY / "docs" / "deploy"


@dataclass(frozen=True, slots=True)
class Places:
    """Where a proxy listens, at 127.0.0.1 and [::1], and whom it passes requests on to (`host:port`)."""

    folder: Path
    port: int
    port_v6: int
    upstreams: Sequence[str]
    held: Certificate


def nginx(places: Places) -> list[str]:
    server = "    server 127.0.0.1:8080;  # a line for each gateway on the same store: any of them answers any request\n"
    text = _replaced(
        (DEPLOY / "nginx.conf").read_text(encoding="utf-8"),
        {
            server: "".join(f"    server {each};\n" for each in places.upstreams),
            "listen 443 ssl http2;": f"listen 127.0.0.1:{places.port} ssl http2;",
            "listen [::]:443 ssl http2;": f"listen [::1]:{places.port_v6} ssl http2;",
            "/etc/ssl/certs/gateway.example.com.pem": str(places.held.file),
            "/etc/ssl/private/gateway.example.com.key": str(places.held.key_file),
        },
    )
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {places.folder / kind};\n" for kind in kinds)
    process = f"daemon off; master_process off; pid {places.folder / 'pid'}; error_log stderr;"
    around = f"{process}\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{text}\n}}\n"
    (places.folder / "nginx.conf").write_text(around, encoding="utf-8")
    return [program("nginx"), "-c", str(places.folder / "nginx.conf"), "-p", str(places.folder)]


def caddy(places: Places) -> list[str]:
    site = f"https://127.0.0.1:{places.port}, https://127.0.0.1:{places.port_v6} {{\n\ttls {places.held.file} {places.held.key_file}\n"
    text = _replaced(
        (DEPLOY / "Caddyfile").read_text(encoding="utf-8"),
        {"{$ASCEND_UPSTREAMS:127.0.0.1:8080}": " ".join(places.upstreams), "{$ASCEND_SITE:gateway.example.com} {\n": site},
    )
    options = f"{{\n\tadmin off\n\tauto_https off\n\tstorage file_system {places.folder}\n}}\n"
    (places.folder / "Caddyfile").write_text(options + text, encoding="utf-8")
    return [program("caddy"), "run", "--config", str(places.folder / "Caddyfile"), "--adapter", "caddyfile"]


def traefik(places: Places) -> list[str]:
    servers = "".join(f"          - url: http://{each}\n" for each in places.upstreams)
    text = _replaced(
        (DEPLOY / "traefik.yaml").read_text(encoding="utf-8"),
        {
            "          - url: http://127.0.0.1:8080\n": servers,
            "Host(`gateway.example.com`)": "Host(`127.0.0.1`)",
            "[websecure]": "[websecure, websecure6]",
        },
    )
    pair = f"tls:\n  certificates:\n    - certFile: {places.held.file}\n      keyFile: {places.held.key_file}\n"
    (places.folder / "dynamic.yaml").write_text(text + pair, encoding="utf-8")
    return [
        program("traefik"),
        f"--entryPoints.websecure.address=127.0.0.1:{places.port}",
        f"--entryPoints.websecure6.address=[::1]:{places.port_v6}",
        f"--providers.file.filename={places.folder / 'dynamic.yaml'}",
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
    ]


PROXIES: dict[str, Callable[[Places], list[str]]] = {"nginx": nginx, "caddy": caddy, "traefik": traefik}


@contextmanager
def running(name: str, folder: Path, upstreams: Sequence[str], held: Certificate) -> Iterator[Places]:
    """Run a proxy before `upstreams` until the block ends."""
    program(name)
    places = Places(folder, free_port(), free_port(), upstreams, held)
    with running_program(PROXIES[name](places), places.port, folder / "proxy.log"):
        yield places


@contextmanager
def running_program(command: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={"HOME": str(log.parent), "PATH": "/usr/bin:/bin"})
    try:
        until_here(lambda: _answers(port) or process.poll() is not None)
        assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


def _replaced(text: str, places: dict[str, str]) -> str:
    for printed, here in places.items():
        assert text.count(printed) == 1, printed
        text = text.replace(printed, here)
    return text


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
