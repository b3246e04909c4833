"""The MCP endpoint put together: what answers, what tasks are made of, and what the conformance suite asks for beside the tools."""

from server.assembly.connections import Connections
from server.assembly.operations import Operations
from server.assembly.workflows.late_work import LateWork
from server.bearer import Challenges
from server.config.settings import Settings
from server.mcp.conformance.fixtures import ConformanceFixtures
from server.mcp.endpoint import McpEndpoint
from server.mcp.pending_plans import PendingPlans
from server.mcp.request_state import RequestStates
from server.mcp.tasks.ledger import TaskLedger
from server.mcp.tasks.runs import RunTasks
from server.storage.store import Store
from server.storage.tools.pending_plans import SqlPendingPlans
from tools.long_work import RUNS


def assemble_mcp(settings: Settings, store: Store, connections: Connections, operations: Operations, work: LateWork) -> McpEndpoint:
    """Return what answers below `/mcp`."""
    return McpEndpoint(
        dispatcher=operations.dispatcher,
        step_up=Challenges(settings).step_up,
        settings=settings,
        tracing=operations.tracing,
        states=RequestStates(connections.proof_key("request state")),
        plans=PendingPlans(SqlPendingPlans(store.database), connections.proof_key("pending plans")),
        extras=ConformanceFixtures(lists_all=settings.mcp.conformance_listed) if settings.mcp.conformance_fixtures else None,
        tasks=TaskLedger(store.tasks, connections.proof_key("tasks")),
        long_work={RUNS: RunTasks(work.workflows, connections.proof_key("tasks of runs"))},
    )
