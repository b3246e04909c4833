"""What a step writes in our store, in the transaction that also records it: Writes on SQL."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property, partial

from sqlalchemy import Connection

from server.storage.context_plane.context_changes import context_change
from server.storage.context_plane.documents.document_changes import add_document, delete_which
from server.storage.schema.document_tables import documents
from server.storage.workflows.marks import SqlMarks
from server.storage.workflows.runs.new_runs import QueuedRun, is_open, open_runs, put_run
from tools.context_plane.quotas import ContextQuotas
from tools.context_plane.rag.records import DocumentRecord
from tools.context_plane.stores import ContextRows, Scope
from tools.errors import ToolError
from tools.operation import Failure, Json
from tools.quotas import Quotas
from tools.workflows.engine.durable_workflows import MAX_OPEN_OF_PERSON, MAX_OPEN_RUNS
from tools.workflows.engine.records import Claim

#: (transaction, the run whose step it is) -> what the step writes through
WritesOf = Callable[[Connection, Claim], AbstractContextManager["SqlWrites"]]


def writes_within(context: ContextQuotas, kept_documents: Quotas) -> WritesOf:
    """Return what gives a step its writes, within these quotas."""
    return partial(_writes, context, kept_documents)


@contextmanager
def _writes(context: ContextQuotas, kept_documents: Quotas, connection: Connection, claim: Claim) -> "Iterator[SqlWrites]":
    with ExitStack() as stack:
        yield SqlWrites(connection, claim, context, kept_documents, stack)


_NO_ROOM = Failure(
    "quota_exceeded",
    f"{MAX_OPEN_RUNS:,} runs of the tenant, or {MAX_OPEN_OF_PERSON:,} that act for this person, have not ended, which is the quota",
    retryable=True,
    retry_after_s=30.0,
    hint="the step is tried again as its retry says; start fewer at a time",
)


class SqlWrites:
    """Keeps `tools.workflows.run.Writes`."""

    def __init__(self, connection: Connection, claim: Claim, context: ContextQuotas, kept_documents: Quotas, stack: ExitStack) -> None:
        self._connection, self._claim, self._quotas, self._stack = connection, claim, context, stack
        self.documents = SqlDocumentWrites(connection, claim.tenant_id, kept_documents)
        self.marks = SqlMarks(connection, claim.tenant_id)
        #: what the runs were given that it started
        self.started_bytes = 0

    @cached_property
    def _room(self) -> int:
        """How many runs may be started besides."""
        tenant_id, acts_for = self._claim.tenant_id, self._claim.acts_for
        room = MAX_OPEN_RUNS - open_runs(self._connection, tenant_id)
        return room if acts_for is None else min(room, MAX_OPEN_OF_PERSON - open_runs(self._connection, tenant_id, acts_for.subject))

    @cached_property
    def context(self) -> ContextRows:
        # Only where it is asked for: it is what all writers of the tenant's context wait for.
        return self._stack.enter_context(context_change(self._connection, self._claim.tenant_id, self._quotas))

    def is_open(self, run_id: str) -> bool:
        return is_open(self._connection, self._claim.tenant_id, run_id)

    def enqueue(self, workflow: str, given: Mapping[str, Json], *, key: str) -> str:
        queued, room = QueuedRun(self._claim.tenant_id, workflow, key, given, "workflow", self._claim.acts_for), self._room
        if put_run(self._connection, queued):
            if room < 1:
                raise ToolError(_NO_ROOM)
            self._room = room - 1
            self.started_bytes += len(queued.given_text)
        return queued.run_id


class SqlDocumentWrites:
    """Keeps `tools.workflows.run.DocumentWrites`. A run's documents are the gateway's: nobody's share but the tenant's."""

    def __init__(self, connection: Connection, tenant_id: str, quotas: Quotas) -> None:
        self._connection, self._tenant_id, self._quotas = connection, tenant_id, quotas

    def add(self, document: DocumentRecord, content: bytes) -> int:
        scope = Scope(self._tenant_id, document.audience)
        return add_document(self._connection, scope, document, content, self._quotas).document.document_id

    def forget(self, url: str) -> int:
        return delete_which(self._connection, self._tenant_id, documents.c.url == url)
