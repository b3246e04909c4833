"""Versions of the configuration and held experiments, in SQL. Tables: ai_configs, ai_experiment_holds, security_events."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from oauth.audit import SecurityEvent
from server.storage.database import Database, announce, now_us
from server.storage.insertion import insert_once, insert_rows
from server.storage.oauth.rows import EVENTS
from server.storage.schema.ai_config_tables import ai_configs, ai_experiment_holds, ai_rollout_steps
from server.storage.schema.oauth_tables import security_events
from tools.ai_gateway.configuration.versions import (
    LOCAL_ACT,
    MAX_KEPT,
    TOPIC,
    ConfigAct,
    ConfigVersion,
    ExperimentHold,
    RolloutStep,
    VersionConflict,
)
from tools.operation import Json


class SqlAiConfigs:
    """Keeps `tools.ai_gateway.configuration.versions.AiConfigStore`."""

    def __init__(self, database: Database, *, now_us: Callable[[], int] = now_us) -> None:
        self._database = database
        self._now_us = now_us

    async def newest(self) -> ConfigVersion:
        async with self._database.read() as connection:
            row = (await connection.execute(select(ai_configs).order_by(ai_configs.c.version.desc()).limit(1))).first()
        return ConfigVersion() if row is None else _version(row)

    async def version(self, number: int) -> ConfigVersion | None:
        async with self._database.read() as connection:
            row = (await connection.execute(select(ai_configs).where(ai_configs.c.version == number))).first()
        return None if row is None else _version(row)

    async def put(self, document: Mapping[str, Json], by: str, expected: int | None = None, act: ConfigAct = LOCAL_ACT) -> ConfigVersion:
        async with self._database.write() as connection:
            await _one_at_a_time(connection)
            newest = await connection.scalar(select(func.coalesce(func.max(ai_configs.c.version), 0))) or 0
            if expected is not None and newest != expected:
                raise VersionConflict(newest)
            kept = ConfigVersion(newest + 1, document, by, self._now_us())
            values = {"version": kept.version, "document": orjson.dumps(document).decode(), "applied_by": by, "applied_at": kept.at_us}
            await insert_rows(connection, ai_configs, [values])
            await connection.execute(delete(ai_configs).where(ai_configs.c.version <= kept.version - MAX_KEPT))
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


async def _one_at_a_time(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        # Two that read the newest number at the same time would both take the next one.
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(ai_configs.name))))


def _event(act: ConfigAct, kept: ConfigVersion) -> SecurityEvent:
    facts = {"version": str(kept.version), "by": kept.by} | ({"about": act.about} if act.about else {})
    return SecurityEvent(act.action, kept.at_us / 1_000_000, act.tenant_id, act.subject, facts=facts)


def _version(row: Row[Any]) -> ConfigVersion:
    return ConfigVersion(version=row.version, document=orjson.loads(row.document), by=row.applied_by, at_us=row.applied_at)
