"""`ascend.toml` and ASCEND_* environment -> frozen settings, read once at start."""

import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

from server.networks import Networks, is_loopback
from server.origins import parse_origin

DEFAULT_BASE_URL = "http://127.0.0.1:8080"


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it, the rule and the way out."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator can set. Durations in seconds."""

    data_dir: Path
    #: the public origin, without a trailing slash; it is the issuer, byte for byte
    base_url: str
    database_url: str
    #: the operator named the origin; otherwise it follows from where the gateway listens
    is_base_url_set: bool = False
    environment: str = "development"
    #: `host:port` that may be called although private; port may be `*`
    egress_allow: tuple[str, ...] = ()
    #: origins of browser clients that may call the MCP endpoint, besides our own
    allowed_origins: tuple[str, ...] = ()
    rate_limit_scale: float = 1.0
    #: how long a tool of an MCP server may take that keeps reporting progress
    mcp_tool_timeout_s: float = 300
    code_ttl_s: float = 60
    access_token_ttl_s: float = 3600
    #: None: the default of each client kind
    refresh_grace_s: float | None = None
    conformance_fixtures: bool = False
    vault_kek: str | None = None
    #: OpenAI-compatible /embeddings endpoint; empty: the embedded encoder
    embeddings_url: str = ""
    embeddings_model: str = ""
    embeddings_api_key: str = field(default="", repr=False)
    #: folder of another word table than the one that comes with the gateway
    word_table: str = ""
    #: /rerank endpoint as Jina, Cohere, TEI and vLLM serve it; empty: none
    reranker_url: str = ""
    reranker_model: str = ""
    reranker_api_key: str = field(default="", repr=False)
    log_format: str = "text"
    #: addresses and networks of reverse proxies whose `X-Forwarded-For` is believed
    trusted_proxies: tuple[str, ...] = ("127.0.0.0/8", "::1")
    #: addresses and networks that may read what is for operators, beside this machine
    admin_allow: tuple[str, ...] = ()
    #: who presents it as a bearer token may read `/metrics` from anywhere; empty: nobody
    metrics_token: str = field(default="", repr=False)
    #: the operator knows that passwords and tokens travel in the clear
    insecure_http: bool = False
    #: what the last `serve` on this data directory let through
    served_egress_allow: tuple[str, ...] = ()

    @property
    def egress_allow_beside(self) -> tuple[str, ...]:
        """What a command may call that looks at what the running gateway calls."""
        return (*self.egress_allow, *self.served_egress_allow)

    @property
    def host(self) -> str:
        """The authority that browsers and clients use, with its port where it is not the default."""
        return urlsplit(self.base_url).netloc

    def at(self, base_url: str) -> "Settings":
        """Return these settings with another public origin. Raises SettingsError."""
        return replace(self, base_url=_origin(base_url, self.insecure_http))

    def remember_served(self) -> None:
        """Note where this gateway is served and what it may call, so that commands beside it speak of the same addresses."""
        (self.data_dir / _SERVED_AT).write_text("\n".join((self.base_url, *self.egress_allow, "")), encoding="utf-8")

    def mcp_url(self, tenant_id: str, base_url: str | None = None) -> str:
        """The protected resource of a tenant (RFC 9728): compared byte for byte, so it is made in this one place.

        `base_url`: our origin as a client spells it, where that is not ours (server/origins.py).
        """
        base = base_url or self.base_url
        return f"{base}/mcp" if tenant_id == "default" else f"{base}/mcp/{tenant_id}"


SETTINGS_FILE = "ascend.toml"
#: one line each: the origin, then every `host:port` that may be called although private
_SERVED_AT = "served-at"


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _switch(text: str) -> bool:
    return text.lower() in ("1", "true", "yes", "on")


#: setting -> (environment variable, how its text is read)
_VARIABLES: dict[str, tuple[str, Callable[[str], object]]] = {
    "base_url": ("ASCEND_BASE_URL", str),
    "database_url": ("ASCEND_DATABASE_URL", str),
    "environment": ("ASCEND_ENV", str),
    "egress_allow": ("ASCEND_EGRESS_ALLOW", _list),
    "allowed_origins": ("ASCEND_ALLOWED_ORIGINS", _list),
    "rate_limit_scale": ("ASCEND_RATE_LIMIT_SCALE", float),
    "mcp_tool_timeout_s": ("ASCEND_MCP_TOOL_TIMEOUT_S", float),
    "code_ttl_s": ("ASCEND_CODE_TTL_S", float),
    "access_token_ttl_s": ("ASCEND_ACCESS_TOKEN_TTL_S", float),
    "refresh_grace_s": ("ASCEND_REFRESH_GRACE_S", float),
    "conformance_fixtures": ("ASCEND_CONFORMANCE_FIXTURES", _switch),
    "vault_kek": ("ASCEND_VAULT_KEK", str),
    "word_table": ("ASCEND_WORD_TABLE", str),
    "embeddings_url": ("ASCEND_EMBEDDINGS_URL", str),
    "embeddings_model": ("ASCEND_EMBEDDINGS_MODEL", str),
    "embeddings_api_key": ("ASCEND_EMBEDDINGS_API_KEY", str),
    "reranker_url": ("ASCEND_RERANKER_URL", str),
    "reranker_model": ("ASCEND_RERANKER_MODEL", str),
    "reranker_api_key": ("ASCEND_RERANKER_API_KEY", str),
    "log_format": ("ASCEND_LOG_FORMAT", str),
    "trusted_proxies": ("ASCEND_TRUSTED_PROXIES", _list),
    "admin_allow": ("ASCEND_ADMIN_ALLOW", _list),
    "metrics_token": ("ASCEND_METRICS_TOKEN", str),
    "insecure_http": ("ASCEND_INSECURE_HTTP", _switch),
}

#: what other servers of this kind read; ours comes first
_FORWARDED_ALLOW_IPS = "FORWARDED_ALLOW_IPS"
_LISTS = ("egress_allow", "allowed_origins", "trusted_proxies", "admin_allow")
#: setting that is a number -> the smallest it may be
_NUMBERS = {"rate_limit_scale": 1e-9, "code_ttl_s": 1e-9, "access_token_ttl_s": 1e-9, "refresh_grace_s": 0.0, "mcp_tool_timeout_s": 1e-9}
_ALLOWED = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+):(?:[0-9]{1,5}|\*)")


def load(data_dir: Path | None, environ: Mapping[str, str] = os.environ, **overrides: object) -> Settings:
    """Return the settings of `data_dir`: the file first, the environment over it, `overrides` (command line) over both."""
    directory = directory_of(data_dir, environ)
    values: dict[str, object] = dict(_from_file(directory / SETTINGS_FILE))
    for name, (variable, read) in _VARIABLES.items():
        if text := environ.get(variable):
            try:
                values[name] = read(text)
            except ValueError as error:
                raise SettingsError(f"{variable}: {text!r} is not a number; give one or unset it") from error
    if "trusted_proxies" not in values and (text := environ.get(_FORWARDED_ALLOW_IPS)):
        values["trusted_proxies"] = _list(text)
    values |= {name: value for name, value in overrides.items() if value is not None}
    for name, value in values.items():
        _check(_VARIABLES[name][0] if name in _VARIABLES else name, name, value)
    values["is_base_url_set"] = "base_url" in values
    served_at, *served_allow = served(directory)
    values["served_egress_allow"] = tuple(served_allow)
    # What a gateway served at it was allowed to: its --insecure-http was given to it alone.
    may_be_http = bool(values.get("insecure_http") or (served_at and not values.get("base_url")))
    values["base_url"] = _origin(str(values.get("base_url") or served_at or DEFAULT_BASE_URL), may_be_http)
    values["database_url"] = engine_url(str(values.get("database_url") or sqlite_url(directory / "ascend.sqlite3")))
    return Settings(data_dir=directory, **values)  # type: ignore[arg-type]  # names are checked against _VARIABLES


def directory_of(data_dir: Path | None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the data directory: the one that a command names, else what the environment says, else the usual one."""
    return (data_dir or Path(environ.get("ASCEND_DATA_DIR", ".ascend"))).expanduser().resolve()


def engine_url(url: str) -> str:
    """Return `url` with the driver we bring; operators write `postgresql://…` as everywhere else. Raises SettingsError."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme in ("postgresql", "postgres"):
        return f"postgresql+psycopg://{rest}"
    if not url.startswith(("sqlite+aiosqlite:///", "postgresql+psycopg://")):
        raise SettingsError(f"ASCEND_DATABASE_URL: {scheme!r} is not a kind of store we know; give postgresql://user:password@host/name")
    return url


def served(directory: Path) -> list[str]:
    """Return the origin that the last `ascend serve` on this data directory had, then what it let through; else an empty origin."""
    try:
        return (directory / _SERVED_AT).read_text(encoding="utf-8").split() or [""]
    except OSError:
        return [""]


def misspelled_variables(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return each ASCEND_* variable that sets nothing, and the one that was probably meant, or nothing."""
    known = ["ASCEND_DATA_DIR", *(variable for variable, _read in _VARIABLES.values())]
    unknown = sorted(name for name in environ if name.startswith("ASCEND_") and name not in known)
    return {name: next(iter(get_close_matches(name, known, 1, 0.8)), "") for name in unknown}


def _from_file(path: Path) -> Mapping[str, object]:
    if not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}; correct or remove the file") from error
    if unknown := sorted(set(values) - set(_VARIABLES)):
        raise SettingsError(f"{path}: unknown setting {unknown[0]!r}; known are {', '.join(_VARIABLES)}")
    return {name: tuple(value) if name in _LISTS and isinstance(value, list) else value for name, value in values.items()}


def _check(variable: str, name: str, value: object) -> None:
    """Raise SettingsError for a value of another type, or one that would switch a limit or an expiry off."""
    if name in _NUMBERS:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # Not a number and infinity compare as false with every moment: such a code would never expire.
        if not is_number or not _NUMBERS[name] <= value < math.inf:  # type: ignore[operator]  # a number here
            bound = "above 0" if _NUMBERS[name] > 0 else "0 or more"
            raise SettingsError(f"{variable}: {value!r} is not a number {bound}; give one or unset it")
    elif name == "egress_allow":
        for entry in value if isinstance(value, tuple) else (value,):
            if not isinstance(entry, str) or _ALLOWED.fullmatch(entry) is None:
                raise SettingsError(f"{variable}: {entry!r} is not host:port; give one like crm.internal:8443, or * for any port")
    elif name == "allowed_origins":
        for entry in value if isinstance(value, tuple) else (value,):
            if not isinstance(entry, str) or parse_origin(entry) is None:
                raise SettingsError(f"{variable}: {entry!r} is not an origin; give scheme and host only, like https://app.example.com")
    elif name in ("trusted_proxies", "admin_allow"):
        try:
            Networks(value if isinstance(value, tuple) else (value,))
        except ValueError as error:
            rule = "give addresses and networks with commas between, like 10.0.0.5,192.168.0.0/16"
            raise SettingsError(f"{variable}: {str(error)[:200]}; {rule}") from error
    elif name in ("conformance_fixtures", "insecure_http"):
        if not isinstance(value, bool):
            raise SettingsError(f"{variable}: {value!r} is not true or false; give one or unset it")
    elif name == "log_format":
        if value not in ("text", "json"):
            raise SettingsError(f"{variable}: {value!r} is not text or json; give one or unset it")
    elif not isinstance(value, str):
        raise SettingsError(f"{variable}: {value!r} is not text; put it in quotes")


def _origin(url: str, may_be_http: bool = False) -> str:
    origin = parse_origin(url.strip().rstrip("/"))
    if origin is None or origin.scheme not in ("http", "https"):
        raise SettingsError(f"ASCEND_BASE_URL: {url!r} is not an origin; give scheme and host only, like https://gateway.example.com")
    if origin.scheme == "http" and not may_be_http and not is_loopback_host(origin.host.strip("[]")):
        raise SettingsError(
            f"ASCEND_BASE_URL: {url!r} is not https; only loopback may be http, because passwords and tokens travel here; put TLS in "
            "front and give its https:// origin, or set ASCEND_INSECURE_HTTP=1 (serve --insecure-http) to let them travel in the clear"
        )
    return str(origin)  # The port that the scheme implies is left out, as browsers leave it out of `Origin` (RFC 6454 §6.2).


def is_loopback_host(host: str) -> bool:
    return host == "localhost" or is_loopback(host)


def sqlite_url(path: Path) -> str:
    """Return the engine URL of a SQLite file."""
    return f"sqlite+aiosqlite:///{path}"
