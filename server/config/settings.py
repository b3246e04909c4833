"""All settings of a process, section by section, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from server.config.ai import AiSettings
from server.config.authorization import AuthorizationSettings
from server.config.browser import BrowserSettings
from server.config.edge import EdgeSettings
from server.config.egress import EgressSettings
from server.config.mcp import McpSettings
from server.config.observability import ObservabilitySettings
from server.config.origin import OriginSettings, public_origin
from server.config.processes import ProcessSettings
from server.config.search import SearchSettings
from server.config.setting import Setting, declaration_of
from server.config.store import StoreSettings
from server.origins import parse_origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can set, a field a section; and what follows from where the gateway was started."""

    origin: OriginSettings = field(default_factory=OriginSettings)
    processes: ProcessSettings = field(default_factory=ProcessSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    authorization: AuthorizationSettings = field(default_factory=AuthorizationSettings)
    egress: EgressSettings = field(default_factory=EgressSettings)
    edge: EdgeSettings = field(default_factory=EdgeSettings)
    browser: BrowserSettings = field(default_factory=BrowserSettings)
    mcp: McpSettings = field(default_factory=McpSettings)
    ai: AiSettings = field(default_factory=AiSettings)
    search: SearchSettings = field(default_factory=SearchSettings)
    observability: ObservabilitySettings = field(default_factory=ObservabilitySettings)

    data_dir: Path
    #: the operator named the origin; otherwise it follows from where the gateway listens
    is_base_url_set: bool = False
    #: the operator said which environment it is; otherwise it is a development one
    is_environment_set: bool = False
    #: what the last `serve` on this data directory let through
    served_egress_allow: tuple[str, ...] = ()

    @property
    def base_url(self) -> str:
        """Our public origin, without a trailing slash."""
        return self.origin.base_url

    @property
    def admin_url(self) -> str:
        """The origin of the console: passkeys belong to a host name, never to an address (WebAuthn 3 §5.1.3)."""
        base = parse_origin(self.base_url)
        if self.origin.admin_url or base is None or not base.is_loopback:
            return self.origin.admin_url or self.base_url
        return str(replace(base, host="localhost"))

    @property
    def host(self) -> str:
        """The authority that browsers and clients use, with its port where it is not the default."""
        return urlsplit(self.base_url).netloc

    @property
    def egress_allow_beside(self) -> tuple[str, ...]:
        """What a command may call that looks at what the running gateway calls."""
        return (*self.egress.egress_allow, *self.served_egress_allow)

    def mcp_url(self, tenant_id: str, base_url: str | None = None) -> str:
        """The protected resource of a tenant (RFC 9728): compared byte for byte, so it is made in this one place.

        `base_url`: our origin as a client spells it, where that is not ours (server/origins.py).
        """
        base = base_url or self.base_url
        return f"{base}/mcp" if tenant_id == "default" else f"{base}/mcp/{tenant_id}"

    def at(self, base_url: str) -> "Settings":
        """Return these settings with another public origin. Raises SettingsError."""
        return self.changed(base_url=public_origin(base_url, may_be_http=self.origin.insecure_http))

    def changed(self, **values: object) -> "Settings":
        """Return these settings with other values, by the names of the settings; they are not checked."""
        return replace(self, **sections(values, self))


def declared_in(section: Any) -> dict[str, Setting]:
    """Return the declarations of a section by the names of its settings."""
    return {each.name: declaration_of(each.metadata) for each in fields(section)}


def sections(values: Mapping[str, object], settings: Settings | None = None) -> dict[str, Any]:
    """Return the sections that hold `values`: those of `settings` with these put in, or new ones."""
    found: dict[str, Any] = {}
    for name, section in SECTIONS.items():
        own = {each.name: values[each.name] for each in fields(section) if each.name in values}
        found[name] = replace(getattr(settings, name), **own) if settings is not None else section(**own)
    return found


#: name of a section -> its class, in the order of the list of settings
SECTIONS: Mapping[str, Any] = {each.name: each.default_factory for each in fields(Settings) if is_dataclass(each.default_factory)}
#: name of a setting, also in `ascend.toml` -> its declaration
DECLARED: Mapping[str, Setting] = {name: declared for section in SECTIONS.values() for name, declared in declared_in(section).items()}
