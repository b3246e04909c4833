"""The calls of an experiment, for its report. Table: model_calls."""

from collections.abc import Sequence

from sqlalchemy import null, select

from server.storage.ai_gateway.model_call_rows import call_of
from server.storage.database import Database
from server.storage.schema.ai_gateway_tables import model_calls
from tools.ai_gateway.records.call_record import ModelCallRecord

MAX_CALLS = 20_000
#: a report counts; what was said in the calls is nobody's but their tenant's
_NO_WORDS = (null().label("request"), null().label("answer"))


class SqlExperimentCalls:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def recent(self, experiment: str, since_us: int) -> Sequence[ModelCallRecord]:
        """Return the newest calls of all arms, MAX_CALLS at most; of all tenants, since an experiment is the operator's."""
        its_arms = model_calls.c.experiment.startswith(f"{experiment}/", autoescape=True)
        query = (
            select(model_calls, *_NO_WORDS).where(model_calls.c.at >= since_us, its_arms).order_by(model_calls.c.at.desc()).limit(MAX_CALLS)
        )
        async with self._database.read() as connection:
            return [call_of(row) for row in await connection.execute(query)]
