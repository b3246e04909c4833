"""Three nodes on one PostgreSQL behind a balancer, a system that they call, people, and what goes wrong."""

import asyncio
import json
import random
import secrets
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2

from oauth.sign_in.passwords import Passwords
from oauth.tenants import DEFAULT_TENANT
from server.config.load import load
from server.storage.store import Store, open_store
from tests.contracts.postgres import postgres_server
from tests.flows.node_chaos.clients import Client, GaveUp, Session, Unknown
from tests.flows.node_chaos.ledger import Ledger
from tests.flows.node_chaos.network import Balancer, Link
from tests.flows.node_chaos.nodes import Node
from tests.flows.node_chaos.upstream import Notes
from tests.flows.person import Person
from tests.ports import free_port
from tools.sources.importing import ImportRequest, import_openapi

PASSWORD = "correct-horse-battery"
#: share of each kind of work
MIX: tuple[tuple[str, int], ...] = (("read", 66), ("write", 12), ("plan", 6), ("refresh", 15), ("onboard", 1))


@dataclass
class Cluster:
    postgres_url: str
    nodes: list[Node]
    notes: Notes
    store: Store
    http: httpx2.AsyncClient
    base_url: str
    balancer: Balancer
    ledger: Ledger = field(default_factory=Ledger)
    sessions: list[Session] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    imported: list[str] = field(default_factory=list)

    async def add_session(self) -> None:
        session = Session(Client(self.base_url, self.ledger, self.http))
        await session.begin(random.choice(self.people))
        self.sessions.append(session)

    async def work(self, what: str) -> None:
        """Do one piece of work as whoever comes next."""
        session = random.choice(self.sessions)
        doing: dict[str, Callable[[], Awaitable[None]]] = {
            "read": session.client.read,
            "write": session.client.write,
            "plan": session.client.plan,
            "refresh": session.refresh,
            "onboard": self.add_session,
        }
        try:
            await doing[what]()
        except Unknown:
            self.ledger.done["unknown"] += 1
        except GaveUp as error:
            self.ledger.wrong.append(f"never answered: {error}")

    async def load(self, per_s: float, is_over: asyncio.Event) -> None:
        """Begin work at a steady pace until told to end; return when all of it has ended."""
        deck = list[str]()
        began, count = time.monotonic(), 0
        async with asyncio.TaskGroup() as group:
            while not is_over.is_set():
                deck = deck or _deck()
                group.create_task(self.work(deck.pop()))
                count += 1
                await asyncio.sleep(max(0.0, began + count / per_s - time.monotonic()))

    async def bring(self, name: str) -> None:
        """Import a document under a name of its own; all nodes are to know it."""
        document = self.nodes[0].folder / f"{name}.json"
        document.write_text(json.dumps(self.notes.document()))
        await import_openapi(self.store.operations, ImportRequest(str(document), name, None))
        self.imported.append(name)

    def well(self) -> set[int]:
        """Return the ports of the nodes that the balancer thinks well of."""
        return self.balancer.well


def _deck() -> list[str]:
    """Return a hundred pieces of work by their shares, shuffled; the last five, which are dealt first, are one of each kind."""
    rest = [kind for kind, share in MIX for _ in range(share - 1)]
    random.shuffle(rest)
    return rest + [kind for kind, _share in MIX]


@asynccontextmanager
async def cluster(folder: Path, *, sessions: int = 4) -> AsyncIterator[Cluster]:
    """Start all nodes at the same moment on an empty database; leaving it ends them with SIGTERM, which must exit 0."""
    async with AsyncExitStack() as stack:
        url = stack.enter_context(postgres_server())
        place = f"{parse_qs(urlsplit(url).query)['host'][0]}/.s.PGSQL.5432"
        notes = await stack.enter_async_context(Notes().serving())
        extra = {
            "ASCEND_EGRESS_ALLOW": urlsplit(notes.url).netloc,
            "ASCEND_VAULT_KEK": b64encode(secrets.token_bytes(32)).decode(),
            "ASCEND_RATE_LIMIT_SCALE": "100000",
        }
        ports = [free_port() for _ in range(3)]
        balancer = await stack.enter_async_context(Balancer(ports).listening())
        base_url = f"http://127.0.0.1:{balancer.port}"
        nodes = []
        for number, port in enumerate(ports, 1):
            link = await stack.enter_async_context(Link(lambda: asyncio.open_unix_connection(place)).listening())
            nodes.append(Node(f"node{number}", folder, port, base_url, link, extra))
        for node in nodes:
            node.start()
        try:
            for node in nodes:
                await asyncio.to_thread(node.until_ready)
            store = await stack.enter_async_context(open_store(load(folder / "outside", {"ASCEND_DATABASE_URL": url})))
            http = await stack.enter_async_context(
                httpx2.AsyncClient(timeout=8, limits=httpx2.Limits(max_keepalive_connections=0, max_connections=None))
            )
            made = Cluster(url, nodes, notes, store, http, base_url, balancer)
            for number in range(3):
                await Passwords(store.subjects).add_subject(DEFAULT_TENANT, f"person{number}@example.com", PASSWORD)
                made.people.append(Person(f"person{number}@example.com", PASSWORD))
            await made.bring("notes")
            for _ in range(sessions):
                await made.add_session()
            yield made
            assert [await asyncio.to_thread(node.terminate) for node in nodes] == [0, 0, 0]
        finally:
            for node in nodes:
                if node.process is not None and node.process.poll() is None:
                    node.go_on()
                    node.kill()
