"""`config`: the whole configuration, read and replaced; the operator's alone."""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from oauth.tenants import Tenants
from server.admin.answers import thing
from server.admin.asked import administrator_of, json_of, raw_body
from server.admin.refusals import AdminRefused, invalid
from tools.ai_gateway.configuration.build_config import build_config
from tools.ai_gateway.configuration.changes import ConfigChanges
from tools.ai_gateway.configuration.live import LiveConfig
from tools.ai_gateway.configuration.notes import notes_on
from tools.ai_gateway.configuration.read_document import read_toml
from tools.ai_gateway.configuration.versions import AiConfigStore, ConfigAct
from tools.operation import Json
from tools.versioned_documents.versions import VersionConflict, version_json

_NUMBERS = re.compile(r'\s*"?(\d{1,9})"?\s*')
_WHOSE = "the configuration"


@dataclass(frozen=True, slots=True)
class ConfigEndpoint:
    """A version's number is its entity tag: who replaces the configuration says which one they have seen."""

    store: AiConfigStore
    live: LiveConfig
    tenants: Tenants

    async def show(self, request: Request) -> Response:
        """GET: `{version, applied_at, applied_by, config}`."""
        administrator_of(request).must_reach_gateway(_WHOSE)
        found = await self.store.newest()
        return thing(version_json(found), headers={"etag": f'"{found.version}"'})

    async def replace(self, request: Request) -> Response:
        """PUT: a document as JSON (alone, or under `config` as GET gives it) or as TOML; it is checked whole or refused whole."""
        administrator = administrator_of(request)
        administrator.must_reach_gateway(_WHOSE)
        expected = await self._seen(request.headers.get("if-match"))
        document = _document(request.headers.get("content-type", ""), await raw_body(request))
        act = ConfigAct(subject=administrator.subject, about="admin API")
        tenants = [tenant.tenant_id for tenant in self.tenants.all()]
        version = await ConfigChanges(self.store, tenants).apply(document, administrator.by, expected, act)
        await self.live.load()
        notes = list(notes_on(build_config(version.document), tenants))
        return thing({**version_json(version), "notes": notes}, headers={"etag": f'"{version.version}"'})

    async def _seen(self, if_match: str | None) -> int | None:
        """Return the version that the writer has seen; None: whichever is in force. Raises AdminRefused, VersionConflict."""
        if if_match is None:
            hint = "send If-Match with the ETag of your GET, or * to replace whatever is in force"
            raise AdminRefused(428, "precondition_required", "say which version you have seen", hint)
        if if_match.strip() == "*":
            return None
        named = [_NUMBERS.fullmatch(each) for each in if_match.split(",")]
        newest = (await self.store.newest()).version
        # RFC 9110 §13.1.1: a tag that is none of ours matches nothing.
        if newest not in {int(each[1]) for each in named if each is not None}:
            raise VersionConflict(newest)
        return newest


def _document(content_type: str, raw: bytes) -> Json:
    kind = content_type.partition(";")[0].strip().lower()
    if kind.endswith("toml"):
        return read_toml(raw)
    if kind not in ("", "application/json"):
        raise invalid("send application/json or application/toml", "the file that `ascend ai apply` takes is TOML")
    document = json_of(raw)
    # As GET gives it: `config` is no section, so that one is never taken for the other.
    whole = document.get("config")
    return whole if isinstance(whole, dict) else document
