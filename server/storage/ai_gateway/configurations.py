"""Versions of the configuration and held experiments, in SQL. Tables: ai_configs, ai_experiment_holds, security_events."""

from collections.abc import Callable, Mapping

from sqlalchemy import delete, select, update

from oauth.audit import SecurityEvent
from server.storage.database import Database, announce, now_us
from server.storage.document_versions import newest_version, put_version, version_of
from server.storage.insertion import insert_once, insert_rows
from server.storage.oauth.rows import EVENTS
from server.storage.schema.ai_config_tables import ai_configs, ai_experiment_holds, ai_rollout_steps
from server.storage.schema.oauth_tables import security_events
from tools.ai_gateway.configuration.versions import LOCAL_ACT, TOPIC, ConfigAct, ExperimentHold, RolloutStep
from tools.operation import Json
from tools.versioned_documents.versions import ConfigVersion


class SqlAiConfigs:
    """Keeps `tools.ai_gateway.configuration.versions.AiConfigStore`."""

    def __init__(self, database: Database, *, now_us: Callable[[], int] = now_us) -> None:
        self._database = database
        self._now_us = now_us

    async def newest(self) -> ConfigVersion:
        async with self._database.read() as connection:
            return await newest_version(connection, ai_configs)

    async def version(self, number: int) -> ConfigVersion | None:
        async with self._database.read() as connection:
            return await version_of(connection, ai_configs, number)

    async def put(self, document: Mapping[str, Json], by: str, expected: int | None = None, act: ConfigAct = LOCAL_ACT) -> ConfigVersion:
        async with self._database.write() as connection:
            kept = await put_version(connection, ai_configs, document, by, self._now_us(), expected)
            await insert_rows(connection, security_events, [EVENTS.values(_event(act, kept))])
            await announce(connection, TOPIC, None, str(kept.version))
        return kept

    async def holds(self) -> Mapping[str, ExperimentHold]:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(ai_experiment_holds))).all()
        return {row.name: ExperimentHold(name=row.name, why=row.why, by=row.held_by, at_us=row.held_at) for row in rows}

    async def hold(self, name: str, why: str, by: str) -> bool:
        values = {"name": name, "why": why, "held_by": by, "held_at": self._now_us()}
        async with self._database.write() as connection:
            is_new = await insert_once(connection, ai_experiment_holds, values)
            if is_new:
                await announce(connection, TOPIC, None, name)
        return is_new

    async def steps(self) -> Mapping[str, RolloutStep]:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(ai_rollout_steps))).all()
        return {row.name: RolloutStep(name=row.name, of=row.rollout_of, step=row.step) for row in rows}

    async def advance(self, step: RolloutStep) -> bool:
        values = {"rollout_of": step.of, "step": step.step, "reached_at": self._now_us()}
        table = ai_rollout_steps.c
        is_behind = (table.name == step.name) & ((table.rollout_of != step.of) | (table.step < step.step))
        async with self._database.write() as connection:
            is_new = await insert_once(connection, ai_rollout_steps, {"name": step.name, **values})
            if not is_new:
                is_new = (await connection.execute(update(ai_rollout_steps).where(is_behind).values(values))).rowcount == 1
            if is_new:
                await announce(connection, TOPIC, None, step.name)
        return is_new

    async def resume(self, name: str) -> bool:
        async with self._database.write() as connection:
            was_held = (await connection.execute(delete(ai_experiment_holds).where(ai_experiment_holds.c.name == name))).rowcount == 1
            if was_held:
                await announce(connection, TOPIC, None, name)
        return was_held


def _event(act: ConfigAct, kept: ConfigVersion) -> SecurityEvent:
    facts = {"version": str(kept.version), "by": kept.by} | ({"about": act.about} if act.about else {})
    return SecurityEvent(act.action, kept.at_us / 1_000_000, act.tenant_id, act.subject, facts=facts)
