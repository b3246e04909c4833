"""How far a source was read, by name, in one transaction of one tenant. Table: workflow_marks."""

import orjson
from sqlalchemy import Connection, delete, select

from server.storage.database import now_us
from server.storage.insertion import upsert
from server.storage.schema.workflows.workflow_tables import workflow_marks
from tools.operation import Failure, Json
from tools.workflows.errors import PermanentFault

MAX_MARK_BYTES = 4 * 1024 * 1024
MAX_NAME_CHARS = 200


class SqlMarks:
    """Keeps `tools.workflows.run.Marks`."""

    def __init__(self, connection: Connection, tenant_id: str) -> None:
        self._connection, self._tenant_id = connection, tenant_id

    def get(self, name: str) -> Json:
        c = workflow_marks.c
        value = self._connection.execute(select(c.value).where(c.tenant_id == self._tenant_id, c.name == name)).scalar()
        return None if value is None else orjson.loads(value)

    def put(self, name: str, value: Json) -> None:
        c = workflow_marks.c
        if value is None:
            self._connection.execute(delete(workflow_marks).where(c.tenant_id == self._tenant_id, c.name == name))
            return
        text = orjson.dumps(value)
        if len(text) > MAX_MARK_BYTES or not 0 < len(name) <= MAX_NAME_CHARS:
            message = (
                f"the mark '{name[:80]}' has {len(text):,} bytes; {MAX_MARK_BYTES:,} are kept, under a name of {MAX_NAME_CHARS} characters"
            )
            raise PermanentFault(Failure("too_large", message, hint="keep it in parts"))
        values = {"value": text.decode(), "updated_at": now_us()}
        first = upsert(self._connection.dialect.name, workflow_marks).values(tenant_id=self._tenant_id, name=name, **values)
        self._connection.execute(first.on_conflict_do_update(index_elements=[c.tenant_id, c.name], set_=values))
