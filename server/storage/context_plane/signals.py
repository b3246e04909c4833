"""SignalStore on SQL."""

from collections.abc import Sequence

import orjson
from sqlalchemy import select

from server.storage.database import Database
from server.storage.insertion import insert_in_thread
from server.storage.schema.context_tables import signal_evaluations
from tools.context_plane.signals.evaluation import SignalEvaluation


class SqlSignalStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, tenant_id: str, evaluations: Sequence[SignalEvaluation]) -> None:
        rows = [
            {
                "tenant_id": tenant_id,
                "evaluation_id": each.evaluation_id,
                "signal": each.signal,
                "rule_version": each.rule_version,
                "subject_id": each.subject_id,
                "verdict": each.verdict,
                "score": each.score,
                "reason": each.reason,
                "fact_ids": orjson.dumps(each.fact_ids).decode(),
                "evaluated_at": each.evaluated_at_us,
                "run_id": each.run_id,
            }
            for each in evaluations
        ]
        if rows:
            await self._database.transact(lambda connection: insert_in_thread(connection, signal_evaluations, rows))

    async def latest(self, tenant_id: str, subject_ids: Sequence[int], limit: int) -> Sequence[SignalEvaluation]:
        c = signal_evaluations.c
        among = [c.subject_id.in_(subject_ids)] if subject_ids else []
        query = (
            select(signal_evaluations).where(c.tenant_id == tenant_id, *among).order_by(c.evaluated_at.desc(), c.evaluation_id).limit(limit)
        )
        return await self._database.look(
            lambda connection: [
                SignalEvaluation(
                    evaluation_id=row.evaluation_id,
                    signal=row.signal,
                    rule_version=row.rule_version,
                    subject_id=row.subject_id,
                    verdict=row.verdict,
                    score=row.score,
                    reason=row.reason,
                    fact_ids=tuple(orjson.loads(row.fact_ids)),
                    evaluated_at_us=row.evaluated_at,
                    run_id=row.run_id,
                )
                for row in connection.execute(query)
            ]
        )
