"""Keep feedback about model calls: FeedbackStore on SQL."""

from sqlalchemy import case, func, select

from server.storage.database import Database
from server.storage.insertion import insert_or_replace
from server.storage.row_removal import remove_rows
from server.storage.schema.ai_gateway_tables import model_call_feedback, model_calls
from tools.ai_gateway.feedback import CallFeedback, ScoredArm, ScoredModel


class SqlFeedbackStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def give(self, feedback: CallFeedback) -> bool:
        its_call = (model_calls.c.tenant_id == feedback.tenant_id, model_calls.c.call_id == feedback.call_id)
        values = {
            "tenant_id": feedback.tenant_id,
            "call_id": feedback.call_id,
            "score": feedback.score,
            # PostgreSQL has no text with a zero in it.
            "comment": feedback.comment.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}"),
            "at": feedback.at_us,
        }
        async with self._database.write() as connection:
            if (await connection.execute(select(model_calls.c.call_id).where(*its_call))).first() is None:
                return False
            await insert_or_replace(connection, model_call_feedback, values)
        return True

    async def of_call(self, tenant_id: str, call_id: str) -> CallFeedback | None:
        its_own = (model_call_feedback.c.tenant_id == tenant_id, model_call_feedback.c.call_id == call_id)
        async with self._database.read() as connection:
            row = (await connection.execute(select(model_call_feedback).where(*its_own))).first()
        if row is None:
            return None
        return CallFeedback(tenant_id=row.tenant_id, call_id=row.call_id, score=row.score, comment=row.comment, at_us=row.at)

    async def by_model(self, tenant_id: str | None, since_us: int, until_us: int) -> list[ScoredModel]:
        f, c = model_call_feedback.c, model_calls.c
        joined = model_call_feedback.join(model_calls, (f.tenant_id == c.tenant_id) & (f.call_id == c.call_id))
        negative = func.sum(case((f.score < 0, 1), else_=0)).label("negative")
        query = select(c.provider, c.model, func.count().label("scores"), negative, func.avg(f.score).label("mean")).select_from(joined)
        query = query.where(f.at >= since_us, f.at < until_us)
        if tenant_id is not None:
            query = query.where(f.tenant_id == tenant_id)
        query = query.group_by(c.provider, c.model).order_by(func.count().desc(), c.provider, c.model)
        async with self._database.read() as connection:
            return [
                ScoredModel(model=f"{row.provider}/{row.model}", scores=row.scores, negative=int(row.negative), mean=float(row.mean))
                for row in await connection.execute(query)
            ]

    async def by_experiment(self, experiment: str, since_us: int) -> list[ScoredArm]:
        f, c = model_call_feedback.c, model_calls.c
        joined = model_call_feedback.join(model_calls, (f.tenant_id == c.tenant_id) & (f.call_id == c.call_id))
        query = select(c.experiment, func.count().label("scores"), func.avg(f.score).label("mean")).select_from(joined)
        query = query.where(f.at >= since_us, c.experiment.startswith(f"{experiment}/", autoescape=True))
        async with self._database.read() as connection:
            rows = (await connection.execute(query.group_by(c.experiment).order_by(c.experiment))).all()
        return [ScoredArm(experiment=row.experiment, scores=row.scores, mean=float(row.mean)) for row in rows]

    async def forget_before(self, time_us: int) -> None:
        """Delete feedback of all tenants that is older."""
        await remove_rows(self._database, model_call_feedback, model_call_feedback.c.at < time_us)
