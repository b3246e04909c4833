"""Whether there is anything for durable work to do, of all tenants: asked before any of it is loaded (docs/decisions/0059)."""

from sqlalchemy import Connection, Table, exists, literal, select

from server.storage.database import Database
from server.storage.history.tables import call_records
from server.storage.schema.ai_gateway_tables import model_calls
from server.storage.schema.connection_tables import connections, vault_secrets
from server.storage.schema.oauth_tables import static_tokens
from server.storage.schema.tool_tables import sources
from server.storage.schema.workflows.schedule_tables import schedules
from server.storage.schema.workflows.webhook_tables import webhook_inbox
from server.storage.schema.workflows.workflow_tables import workflow_runs

#: what runs, is kept for a while and then swept, or is looked at by the schedules that the gateway brings along
_LOOKED_AT: tuple[Table, ...] = (workflow_runs, webhook_inbox, connections, sources, static_tokens, model_calls)


async def is_needed(state: Database, history: Database) -> bool:
    """Say whether a run is on record, or what starts one: an event, a schedule that somebody set, what a built-in schedule looks at."""

    def look(connection: Connection) -> bool:
        there = [select(literal(1)).select_from(table).limit(1) for table in _LOOKED_AT]
        own = select(literal(1)).where(exists().where(schedules.c.origin == "custom"))
        renewed = select(literal(1)).select_from(vault_secrets).where(vault_secrets.c.name.like("%/%")).limit(1)
        return any(connection.execute(query).first() for query in (*there, own, renewed))

    def was_called(connection: Connection) -> bool:
        return connection.execute(select(literal(1)).select_from(call_records).limit(1)).first() is not None

    return await state.look(look) or await history.look(was_called)
