"""Runs are accepted in the transaction of whatever asks for them, and handed to the engine after its commit. Table: workflow_outbox."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from sqlalchemy import Connection

from oauth.scopes import render
from server.storage.database import announce_in_thread, now_us
from server.storage.insertion import insert_once_in_thread
from server.storage.schema.workflow_tables import workflow_outbox
from tools.operation import Json
from tools.workflows.stores import ActsFor

#: its news say that a run waits for the engine
TOPIC = "workflows"


@dataclass(frozen=True, slots=True)
class QueuedRun:
    """A run that is to be. `key`: the same is the same run; no ':' and no control characters in it. `start_at_us` None: at once."""

    tenant_id: str
    workflow: str
    key: str
    given: Mapping[str, Json]
    started_by: str
    acts_for: ActsFor | None = None
    start_at_us: int | None = None

    @property
    def run_id(self) -> str:
        return f"{self.tenant_id}:{self.workflow}:{self.key}"


def enqueue(connection: Connection, queued: QueuedRun) -> str:
    """Start a run with the commit of this transaction and return its id; one that waits already stays as it is."""
    values = {
        "tenant_id": queued.tenant_id,
        "workflow": queued.workflow,
        "key": queued.key,
        "given": orjson.dumps(dict(queued.given)).decode(),
        "acts_for": queued.acts_for.subject if queued.acts_for else "",
        "scopes": render(queued.acts_for.scopes) if queued.acts_for else "",
        "started_by": queued.started_by,
        "start_at": queued.start_at_us,
        "created_at": now_us(),
    }
    if insert_once_in_thread(connection, workflow_outbox, values):
        announce_in_thread(connection, TOPIC, queued.tenant_id, queued.run_id)
    return queued.run_id
