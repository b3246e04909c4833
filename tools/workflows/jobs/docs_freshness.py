"""Imported documents that are another upstream by now, and tools of upstream servers that are not what was accepted.

It looks and says so; what is imported stays as it is until somebody imports it again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from oauth.tenants import DEFAULT_TENANT
from tools.catalog.quarantine import HeldTool
from tools.operation import Json
from tools.stores import Source
from tools.text.urls import parts_of
from tools.workflows.errors import StepFailed
from tools.workflows.jobs.document_version import DocumentVersions, Version
from tools.workflows.jobs.report import finding, report
from tools.workflows.run import Retry, Run
from tools.workflows.workflow import Workflow


class Sources(Protocol):
    async def sources(self, tenant_id: str | None) -> Sequence[Source]: ...


class Held(Protocol):
    async def held_of(self, tenant_id: str | None, provider: str) -> Sequence[HeldTool]: ...


class DocsFreshness:
    def __init__(self, sources: Sources, held: Held, versions: DocumentVersions) -> None:
        self._sources, self._held, self._versions = sources, held, versions

    def workflow(self) -> Workflow:
        title = "Look whether imported documents changed upstream"
        return Workflow("docs-freshness", "1", self._body, Retry(3), title=title)

    async def _body(self, run: Run, given: Mapping[str, Json]) -> Json:
        now_us = await run.now_us("now")
        findings: list[Mapping[str, Json]] = []
        states: Counter[str] = Counter()
        for source in await self.sources_of(run.tenant_id):

            async def look(source: Source = source) -> Json:
                return await self._looked_at(run.tenant_id, source)

            name = f"{'own' if source.tenant_id else 'shared'}/{source.provider}"
            try:
                # Sources that come or go while this run is taken over have steps of their own, or none.
                seen = await run.step(name, look, timeout_s=60)
            except StepFailed as error:
                seen = _of_document(source, Version("unreachable", error.failure.message))
            states[seen["state"]] += 1
            findings += [seen["finding"]] if seen["finding"] else []
        counts = {"sources": states.total(), **{state: states[state] for state in sorted(states)}}
        return report("Imported documents", findings, counts, now_us)

    async def sources_of(self, tenant_id: str) -> Sequence[Source]:
        """Return a tenant's sources; those that all tenants share are the default tenant's to look at."""
        shared = await self._sources.sources(None) if tenant_id == DEFAULT_TENANT else ()
        return [*await self._sources.sources(tenant_id), *shared]

    async def _looked_at(self, tenant_id: str, source: Source) -> Json:
        if source.kind == "mcp":
            held = [each for each in await self._held.held_of(source.tenant_id, source.provider) if each.concerns in (None, tenant_id)]
            return _of_tools(source, held)
        return _of_document(source, await self._versions.look(source))


def _of_tools(source: Source, held: Sequence[HeldTool]) -> Json:
    if not held:
        return {"state": "fresh", "finding": None}
    reasons = Counter(each.reason for each in held)
    said = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    message = f"its tools are not what was accepted: {said}"
    return {
        "state": "changed",
        "finding": finding("stale_pin", source.provider, message, f"`ascend import review {source.provider}`", {"tools": len(held)}),
    }


def _of_document(source: Source, version: Version) -> Json:
    if version.state in ("fresh", "not_looked_at"):
        return {"state": version.state, "finding": None}
    again = f"ascend import openapi --provider {source.provider}"
    messages = {
        "changed": ("the document is another one than was imported", f"`{again} --dry-run` shows what would change"),
        "gone": ("the document is not there any more", "find its new address and import it from there"),
        "unknown": ("it was imported before versions were kept, so nobody can tell whether it changed", f"`{again}` keeps its version"),
        "unreachable": ("the document could not be looked at", "see whether its server answers; what is imported goes on working"),
    }
    message, hint = messages[version.state]
    said = f"{message}: {version.detail}" if version.detail else message
    where = {"location": place_of(source.location)}
    return {"state": version.state, "finding": finding(version.state, source.provider, said, hint, where)}


def place_of(location: str) -> str:
    """Return where a document is without what may be a secret: user names and queries."""
    parts = parts_of(location)
    if not parts.scheme:
        return "no address"
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"
