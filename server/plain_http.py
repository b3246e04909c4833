"""Sign-in by plain http to other machines: it is said, unless the operator says that it is known."""

from pathlib import Path

from server.config.settings import Settings
from server.networks import is_loopback_host

_LISTENS_ON = "listens-on"


def danger(settings: Settings, host: str) -> str | None:
    """Return what to tell the operator of a gateway that listens on `host`; None where all is well, or known."""
    if not settings.base_url.startswith("http://") or is_loopback_host(host) or settings.origin.insecure_http:
        return None
    return (
        f"listening on {host or 'all addresses'} by plain http: other machines can reach the sign-in, and passwords and tokens can be read "
        "on the way. Put TLS in front and name its origin (--base-url https://...), or listen on this machine only (--host 127.0.0.1); "
        "--insecure-http (ASCEND_INSECURE_HTTP=1) says that you know"
    )


def remember_listening(data_dir: Path, host: str) -> None:
    """Note the address that this gateway listens on, for `ascend doctor`."""
    (data_dir / _LISTENS_ON).write_text(host, encoding="utf-8")


def listens_on(data_dir: Path) -> str:
    """Return the address that the last `ascend serve` on this data directory listened on."""
    try:
        return (data_dir / _LISTENS_ON).read_text(encoding="utf-8").strip()
    except OSError:
        return "127.0.0.1"
