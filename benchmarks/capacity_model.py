"""What a gateway of given numbers takes, computed from measured points; `benchmarks/capacity.py` measures them and prints this."""

from collections.abc import Iterator
from dataclasses import dataclass

#: server/storage/change_feed.py: a node looks ten times a second, and gathers what comes within 10 ms of news
POLLS_PER_S, MOST_LOOKS_PER_S = 10.0, 100.0
#: a refresh: claim, request, keep
STATEMENTS_PER_REFRESH = 6.0
#: of one core of PostgreSQL, for short statements of others beside the feed
STORE_SHARE = 0.5
BASE_MB = 130.0
FEWER = "fewer, larger nodes: workers of one machine, or looks less often"


@dataclass(frozen=True, slots=True)
class Points:
    """Measured on one core of the machine that made docs/scale.md; each has its line there."""

    call_cpu_us: float = 225.0
    operation_bytes: float = 6_450.0
    connection_bytes: float = 850.0
    index_per_s: float = 6_700.0
    look_server_us: float = 300.0
    look_node_us: float = 900.0
    notify_us_per_node: float = 65.0
    #: rows that a call leaves in the history, and transactions that write them, in batches
    rows_per_call: float = 1.0


@dataclass(frozen=True, slots=True)
class Company:
    """What is asked of it. `changes_per_s`: commits that nodes must hear of: sign-ins, imports, runs, revocations."""

    calls_per_s: float = 300.0
    operations: int = 10_000
    connections: int = 10_000
    tenants: int = 50
    nodes: int = 3
    cores_per_node: int = 2
    changes_per_s: float = 5.0
    token_life_s: float = 3_600.0


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that it takes. `of`: what there is of it; 0: nobody knows."""

    what: str
    amount: float
    unit: str
    of: float = 0.0
    then: str = ""

    @property
    def is_beyond(self) -> bool:
        return self.of > 0 and self.amount > self.of


def needs(company: Company, points: Points) -> Iterator[Need]:
    """Yield what `company` takes, each with where it bends and what then."""
    cores = company.nodes * company.cores_per_node
    yield Need("cores for calls", company.calls_per_s * points.call_cpu_us / 1e6 / 0.6, "cores at 60 %", cores, "more nodes, or workers")
    memory = BASE_MB + (company.operations * points.operation_bytes + company.connections * points.connection_bytes) / 1e6
    yield Need("memory of a node", memory, "MB", 16_000, "catalogues of tenants apart: a group of nodes for some of the tenants each")
    looks = company.nodes * min(MOST_LOOKS_PER_S, POLLS_PER_S + company.changes_per_s)
    store = looks * points.look_server_us / 1e6
    yield Need("looks at the change feed", looks, "a second")
    yield Need(
        "store, for the feed",
        store,
        "cores of PostgreSQL",
        STORE_SHARE,
        "fewer, larger nodes (workers of one machine), or looks less often",
    )
    told = company.changes_per_s * company.nodes * points.notify_us_per_node / 1e6
    yield Need("store, for NOTIFY", told, "cores of PostgreSQL", STORE_SHARE, FEWER)
    hears = min(MOST_LOOKS_PER_S, POLLS_PER_S + company.changes_per_s) * points.look_node_us / 1e6
    yield Need("each node, for the feed", hears, "cores", 0.1 * company.cores_per_node, "imports in one transaction and not one by one")
    refreshes = company.connections / company.token_life_s
    yield Need("refreshes of tokens", refreshes, "a second", 200, "longer lives, where the provider gives them")
    yield Need("statements for refreshes", refreshes * STATEMENTS_PER_REFRESH, "a second", 5_000, "the same")
    yield Need(
        "rows of history",
        company.calls_per_s * points.rows_per_call * 86_400 / 1e6,
        "million a day",
        100,
        "log sinks, and a shorter retention",
    )
    yield Need(
        "a node starts on an index",
        company.operations / points.index_per_s,
        "s where none is saved",
        120,
        "the index is saved: only what changed is built",
    )
    connections = company.nodes * (16 + 14)
    yield Need("connections to PostgreSQL", connections, "at most", 500, "PgBouncer by session for the pools, or smaller pools")
