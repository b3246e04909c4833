"""`serve --demo`: a model that answers without a key of any provider, as `bulk` and `standard`, until somebody configures others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from oauth.connections.connecting.keys import add_key
from oauth.connections.connection import ConnectionSecret
from oauth.tenants import DEFAULT_TENANT
from server.app import Gateway
from server.config.errors import SettingsError
from server.demo.models.provider import MODEL, serving_models
from server.demo.start import typed
from server.http.listen import listen
from tools.ai_gateway.caller_keys import CallerKeyIssuer
from tools.ai_gateway.configuration.changes import ConfigChanges
from tools.ai_gateway.configuration.versions import ConfigAct
from tools.operation import Json

PROVIDER = "demo"
KEY_NAME = "demo"
USUAL_PORT = 8091
#: as versions name who applied them: all of it is the demo's, and may be replaced
BY = "ascend serve --demo"
#: the demo provider looks at no key; the gateway sends one to every provider, and this way shows where keys are kept
_KEY = "sk-demo-needs-no-key"
#: made up, so that budgets and reports have something to show
_PRICE = {"model": f"{PROVIDER}/*", "from": "2026-01-01", "input": 0.1, "output": 0.4}


@dataclass(slots=True)
class DemoModels:
    """The running demo provider, and what a newcomer is told."""

    url: str
    data_dir: Path
    lines: list[str] = field(default_factory=list)

    @property
    def authority(self) -> str:
        return self.url.removeprefix("http://")

    async def prepare(self, gateway: Gateway) -> None:
        """Have models answer where nobody has configured any, and give a newcomer a key."""
        if not await self._configured(gateway):
            return
        if not gateway.ai_gateway.provider_keys.has_key(DEFAULT_TENANT, gateway.ai_gateway.config.current.providers[PROVIDER]):
            store, vault, secret = gateway.store.connections, gateway.connections.vault, ConnectionSecret(_KEY)
            added = await add_key(store, vault, tenant_id=DEFAULT_TENANT, subject="", provider=PROVIDER, secret=secret)
            await gateway.connections.known.renew(DEFAULT_TENANT, [added.account_id])
        base_url = gateway.settings.base_url
        self.lines.append(
            f"models     {base_url}/v1 (OpenAI's API), {base_url} (Anthropic's): a demo model answers until you configure others"
        )
        if any(key.name == KEY_NAME for key in await gateway.store.caller_keys.of_tenant(DEFAULT_TENANT)):
            mint = typed(f"ai key mint NAME --tenant {DEFAULT_TENANT}", self.data_dir)
            self.lines.append(f"           with the key that the first start showed, or a new one: {mint}")
            return
        key, _ = await CallerKeyIssuer(gateway.store.caller_keys, gateway.store.security_events).mint(DEFAULT_TENANT, KEY_NAME)
        self.lines.append(f"model key  {key}   (shown only now)")
        body = '{"messages": [{"role": "user", "content": "hello"}]}'
        self.lines.append(f"           curl {base_url}/v1/chat/completions -H 'Authorization: Bearer {key}' -d '{body}'")

    async def _configured(self, gateway: Gateway) -> bool:
        """Say whether the demo provider is in the configuration; it is put into one that nobody but this wrote, or moved to its port."""
        store = gateway.store.ai_configs
        newest = await store.newest()
        provider = {"dialect": "openai", "base_url": f"{self.url}/v1", "shared_key": True}
        routes = {name: {"targets": [f"{PROVIDER}/{MODEL}"]} for name in ("bulk", "standard")}
        if newest.version == 0 or newest.by == BY:
            await ConfigChanges(store).apply({"providers": {PROVIDER: provider}, "routes": routes, "prices": [_PRICE]}, BY)
        elif PROVIDER not in newest.document.get("providers", {}):
            return False
        elif newest.document["providers"][PROVIDER].get("base_url") != provider["base_url"]:
            await ConfigChanges(store).edit(self._move, f"{BY}: moved")
        await gateway.ai_gateway.config.load()
        return True

    def _move(self, document: dict[str, Json]) -> ConfigAct:
        document["providers"][PROVIDER]["base_url"] = f"{self.url}/v1"
        return ConfigAct(about=f"provider {PROVIDER} moved to {self.url}")


@asynccontextmanager
async def start_models(data_dir: Path) -> AsyncIterator[DemoModels]:
    """Serve the demo provider on 127.0.0.1 while entered, at its usual port or at any free one."""
    try:
        listener = listen("127.0.0.1", USUAL_PORT)
    except SettingsError:
        listener = listen("127.0.0.1", 0)
    async with serving_models(listener) as provider:
        yield DemoModels(provider.url, data_dir)
