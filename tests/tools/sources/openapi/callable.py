"""Call every operation of a document against the stub that is made from it, and count which calls it accepts."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import jsonschema_rs

from oauth.connections.credentials import Credential, Readiness
from oauth.principal import Principal
from tests.tools.sources.openapi.argument_maker import ArgumentMaker, NoArguments
from tests.tools.sources.openapi.stub_server import StubServer
from tools.egress.client import Egress
from tools.operation import Call, CallOptions, ClientInfo, Json, Operation, Outcome
from tools.sources.http.runner import OpenApiRunner
from tools.sources.openapi.import_document import import_document

REQUIRED_SHARE = 0.99
ADA = Principal("acme", "ada", "client", frozenset({"mcp"}), "grant")
SEEDS = (1, 2, 3)


class EveryKind:
    """Credentials of the kind that the operation's first security scheme wants."""

    def __init__(self) -> None:
        self.kind_wanted = "bearer"

    def readiness(self, principal: Principal, provider: str, scopes: frozenset[str]) -> Readiness:
        return Readiness(provider, "ready")

    async def for_call(self, principal: Principal, provider: str, scopes: frozenset[str], account: str | None) -> Credential:
        if self.kind_wanted == "basic":
            return Credential("basic", "password", username="user")
        return Credential("api_key", "key-1") if self.kind_wanted == "api_key" else Credential("bearer", "token-1")

    async def rejected(self, principal: Principal, provider: str, credential: Credential) -> Credential | None:
        return None


@dataclass
class Tally:
    in_document: int
    callable: int = 0
    calls: int = 0
    faults: dict[str, list[str]] = field(default_factory=dict)


async def not_again(operation_id: str, arguments: Mapping[str, Json], options: CallOptions = CallOptions()) -> Outcome:
    raise AssertionError("an OpenAPI operation runs no other")


def call_of(operation: Operation, arguments: Mapping[str, Json], options: CallOptions = CallOptions()) -> Call:
    deadline = asyncio.get_running_loop().time() + 20
    return Call(ADA, operation, arguments, options, "call_api", "trace", deadline, ClientInfo("2026-07-28"), not_again)


async def tally_of(raw: bytes, location: str, seeds: tuple[int, ...] = SEEDS) -> Tally:
    """Call each operation with the required arguments and with all of them; callable is one whose every call is accepted."""
    async with StubServer(raw) as stub, Egress(allow=["127.0.0.1:*"]) as egress:
        imported = import_document(raw, provider="api", tenant_id=None, location=location, base_url=stub.base_url)
        credentials = EveryKind()
        runner = OpenApiRunner(egress, credentials)
        tally = Tally(len(stub.document.operations))
        tally.faults = {skipped.where: [f"note: {skipped.reason}"] for skipped in imported.skipped}
        for operation in imported.operations:
            faults = await faults_of(operation, stub, runner, credentials, seeds, tally)
            if faults:
                tally.faults[operation.id] = faults
            else:
                tally.callable += 1
        return tally


async def faults_of(
    operation: Operation, stub: StubServer, runner: OpenApiRunner, credentials: EveryKind, seeds: tuple[int, ...], tally: Tally
) -> list[str]:
    security = operation.binding["security"]
    credentials.kind_wanted = security[0][0]["kind"] if security else "bearer"
    for seed in seeds:
        for everything in (False, True):
            try:
                arguments = ArgumentMaker(operation.input_schema, seed).arguments(everything=everything)
            except (NoArguments, ValueError, RecursionError, jsonschema_rs.ReferencingError) as error:
                return [f"no valid arguments were made: {error}"]
            stub.expected = (operation.binding["method"], operation.binding["path"])
            stub.seen.clear()
            outcome = await runner.run(call_of(operation, arguments))
            tally.calls += 1
            if outcome.status != "ok":
                return [str(stub.seen[-1].faults if stub.seen else ""), str(outcome.error), str(arguments)]
    return []
