"""The ways of people to an account, in memory: for tests. No await inside a method, so each is one step."""

from collections.abc import Sequence
from dataclasses import replace

from oauth.connections.connecting.connect_flow import AuthorizationAttempt, ConnectFlow, FlowState


class MemoryConnectFlowStore:
    """Keeps `oauth.connections.connecting.connect_flow.ConnectFlowStore`."""

    def __init__(self) -> None:
        self._flows: dict[str, ConnectFlow] = {}
        self._trips: dict[str, AuthorizationAttempt] = {}
        #: hash of a flow -> its last trip, which was taken
        self._taken: dict[str, AuthorizationAttempt] = {}

    async def add(self, flow: ConnectFlow) -> None:
        self._flows[flow.flow_hash] = flow

    async def get(self, flow_hash: str) -> ConnectFlow | None:
        return self._flows.get(flow_hash)

    async def done(self, tenant_id: str, subject: str, client_id: str, provider: str, since: float) -> Sequence[ConnectFlow]:
        theirs = (tenant_id, subject, client_id, provider, "done")
        found = [flow for flow in self._flows.values() if flow.created_at >= since]
        found = [flow for flow in found if (flow.tenant_id, flow.subject, flow.client_id, flow.provider, flow.state) == theirs]
        return sorted(found, key=lambda flow: -flow.created_at)

    async def start(self, flow_hash: str, trip: AuthorizationAttempt, expires_at: float) -> bool:
        flow = self._flows.get(flow_hash)
        if flow is None or flow.state not in ("new", "started"):
            return False
        self._flows[flow_hash] = replace(flow, state="started", expires_at=expires_at)
        self._trips[flow_hash] = trip
        return True

    async def take(self, trip_hash: str) -> tuple[ConnectFlow, AuthorizationAttempt] | None:
        for flow_hash, trip in self._trips.items():
            if trip.trip_hash == trip_hash:
                self._taken[flow_hash] = self._trips.pop(flow_hash)
                return self._flows[flow_hash], trip
        return None

    async def taken(self, trip_hash: str) -> tuple[ConnectFlow, str] | None:
        for flow_hash, trip in self._taken.items():
            if trip.trip_hash == trip_hash and flow_hash not in self._trips:
                return self._flows[flow_hash], trip.browser
        return None

    async def finish(self, flow_hash: str, state: FlowState, account_id: str) -> None:
        if trip := self._trips.pop(flow_hash, None):
            self._taken[flow_hash] = trip
        if flow := self._flows.get(flow_hash):
            self._flows[flow_hash] = replace(flow, state=state, account_id=account_id)

    async def sweep(self, before: float) -> int:
        old = [flow_hash for flow_hash, flow in self._flows.items() if flow.expires_at < before]
        for flow_hash in old:
            self._trips.pop(flow_hash, None)
            self._taken.pop(flow_hash, None)
            del self._flows[flow_hash]
        return len(old)
