"""Settings: where the gateway is reached, and by whom."""

from dataclasses import dataclass
from typing import ClassVar

from server.config.errors import SettingsError
from server.config.setting import setting
from server.config.value_kinds import CONSOLE_ORIGIN, NETWORKS, ORIGINS, Switch, Text
from server.networks import is_loopback_host
from server.origins import parse_origin


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginSettings:
    """Our public origin, and who may speak to it or for others."""

    title: ClassVar[str] = "Where the gateway is reached, and by whom"

    #: without a trailing slash; it is the issuer, byte for byte
    base_url: str = setting(
        "ASCEND_BASE_URL",
        Text("an origin"),
        "http://127.0.0.1:8080",
        "the public origin: issuer, resource and redirect URIs are made of it; a default port is left out",
        unset="where it listens; commands beside it use what the last `serve` had",
        guide="proxies.md",
        option="--base-url",
    )
    admin_url: str = setting(
        "ASCEND_ADMIN_URL",
        CONSOLE_ORIGIN,
        "",
        "the origin of the console `/admin`, whose host is the one that its passkeys belong to",
        unset="the public origin; on loopback `localhost` at the same port",
        guide="console.md",
    )
    insecure_http: bool = setting(
        "ASCEND_INSECURE_HTTP",
        Switch(),
        False,
        "passwords and tokens may travel by plain http to other machines, knowingly; without it an http origin off this machine is "
        "refused, and `--host 0.0.0.0` with one warns at every start",
        option="--insecure-http",
    )
    allowed_origins: tuple[str, ...] = setting(
        "ASCEND_ALLOWED_ORIGINS",
        ORIGINS,
        (),
        "origins of browser clients that may call `/mcp` and `/v1`",
        unset="our own; on loopback every loopback origin",
        guide="connecting.md#clients-in-a-browser",
    )
    trusted_proxies: tuple[str, ...] = setting(
        "ASCEND_TRUSTED_PROXIES",
        NETWORKS,
        ("127.0.0.0/8", "::1"),
        "your reverse proxies: their `X-Forwarded-For` says who the caller is; `FORWARDED_ALLOW_IPS` is read where this is not set",
        unset="this machine (`127.0.0.0/8,::1`)",
        guide="proxies.md",
        other_variable="FORWARDED_ALLOW_IPS",
    )


def public_origin(url: str, *, may_be_http: bool) -> str:
    """Return `url` as browsers write an origin: without the port that the scheme implies (RFC 6454 §6.2). Raises SettingsError."""
    origin = parse_origin(url.strip().rstrip("/"))
    if origin is None or origin.scheme not in ("http", "https"):
        raise SettingsError(f"ASCEND_BASE_URL: {url!r} is not an origin; give scheme and host only, like https://gateway.example.com")
    if origin.scheme == "http" and not may_be_http and not is_loopback_host(origin.host.strip("[]")):
        raise SettingsError(
            f"ASCEND_BASE_URL: {url!r} is not https; only loopback may be http, because passwords and tokens travel here; put TLS in "
            "front and give its https:// origin, or set ASCEND_INSECURE_HTTP=1 (serve --insecure-http) to let them travel in the clear"
        )
    return str(origin)
