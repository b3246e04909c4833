"""Alerts: what holds that a rule looks for, who was told, or why nobody was; and what keeps them untold."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from oauth.administration.roles import Role
from server.admin.administrators import Administrator
from server.admin.lists.cursors import page_of
from server.admin.refusals import AdminRefused, not_found
from server.admin.resource import Change, Column, Done, Field, Filter, ListQuery, Resource, Row, Rows
from server.alerts.board import SeenAlert, SeesAlerts
from server.alerts.catalogue import KINDS
from server.alerts.trial import Tried
from server.storage.alerts.records import AlertDelivery, Silence
from tools.errors import ToolError
from tools.operation import Json

#: how long a silence may last, as a form offers it -> seconds
LASTS = {"30m": 1_800, "2h": 7_200, "8h": 28_800, "1d": 86_400, "3d": 259_200, "7d": 604_800, "30d": 2_592_000}
SHOWN_MESSAGES = 20


@dataclass(frozen=True, slots=True)
class AlertNoun:
    """`try_sinks`: sends a test message to every sink and returns what became of it."""

    board: SeesAlerts
    try_sinks: Callable[[], Awaitable[Sequence[Tried]]]

    def resource(self) -> Resource:
        return Resource(
            name="alerts",
            title="Alerts",
            about="What holds that a rule looks for, the worst first. Rules and sinks are in the configuration's section `alerts`.",
            columns=(
                Column(name="rule", title="Rule"),
                Column(name="severity", title="How bad", kind="state"),
                Column(name="state", title="State", kind="state"),
                Column(name="summary", title="What"),
                Column(name="labels", title="Of what", is_aside=True),
                Column(name="since", title="Since", kind="time"),
                Column(name="told_at", title="Told", kind="time"),
                Column(name="why_untold", title="Why not told"),
            ),
            facts=(Column(name="hint", title="What to do"), Column(name="messages", title="Messages"), Column(name="id", title="Alert")),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
            filters=(
                Filter(name="state", title="State", choices=("firing", "pending", "resolved")),
                Filter(name="rule", title="Rule", choices=tuple(KINDS)),
            ),
            changes=(
                Change("silence", "Silence", self.silence, fields=(_LASTS, _WHY)),
                Change("test", "Test the sinks", self.test, is_of_list=True, least=Role.OPERATOR),
            ),
            is_of_gateway=True,
            when_empty="Nothing holds that a rule looks for.",
        )

    async def rows(self, _administrator: Administrator, query: ListQuery) -> Rows:
        wanted_state, wanted_rule = query.filters.get("state"), query.filters.get("rule")
        found = [each for each in await self.board.alerts() if wanted_state in (None, each.state) and wanted_rule in (None, each.rule)]
        return page_of([_row(each) for each in found], query, "id")

    async def one(self, _administrator: Administrator, key: str) -> Row | None:
        alert = await self._alert(key)
        if alert is None:
            return None
        messages: list[Json] = [_message(each) for each in await self.board.deliveries(SHOWN_MESSAGES, alert.rule)]
        return {**_row(alert), "hint": alert.hint, "messages": messages}

    async def silence(self, administrator: Administrator, key: str, values: Mapping[str, str]) -> Done:
        alert = await self._alert(key)
        if alert is None:
            raise not_found(f"there is no alert {key[:80]!r}")
        made = await _silenced(self.board, {"rule": alert.rule, **alert.labels}, values, administrator.by)
        return Done(f"Nobody is told of it for {values['for']}.", {"silence": made.silence_id, "until": made.until_us})

    async def test(self, _administrator: Administrator, _key: str, _values: Mapping[str, str]) -> Done:
        tried = await self.try_sinks()
        if not tried:
            raise AdminRefused(
                409, "no_sinks", "no sink is set", "section `alerts` of the configuration names them (docs/guides/alerts.md)"
            )
        sinks: list[Json] = [{"sink": each.sink, "kind": each.kind, "why": each.why} for each in tried]
        failed = [f"{each.sink}: {each.why}" for each in tried if each.why]
        return Done(f"Not taken by {'; '.join(failed)}" if failed else f"Taken by {len(tried)}.", {"sinks": sinks})

    async def _alert(self, key: str) -> SeenAlert | None:
        return next((each for each in await self.board.alerts() if _key(each) == key), None)


@dataclass(frozen=True, slots=True)
class SilenceNoun:
    board: SeesAlerts

    def resource(self) -> Resource:
        return Resource(
            name="silences",
            title="Silences",
            about="What nobody is told of, until when, and why. An alert that fits still shows.",
            columns=(
                Column(name="matches", title="Of what"),
                Column(name="until", title="Until", kind="time"),
                Column(name="by", title="By"),
                Column(name="why", title="Why"),
            ),
            facts=(Column(name="began", title="Since", kind="time"), Column(name="id", title="Silence")),
            rows=self.rows,
            is_read_whole=True,
            one=self.one,
            changes=(
                Change("add", "Silence a rule", self.add, fields=(_RULE, _LASTS, _WHY), is_of_list=True),
                Change("end", "End it", self.end, method="DELETE", confirm="What fits it is told again."),
            ),
            is_of_gateway=True,
            when_empty="Nothing is silenced.",
        )

    async def rows(self, _administrator: Administrator, _query: ListQuery) -> Rows:
        return Rows([_silence_row(each) for each in await self.board.silences()])

    async def one(self, _administrator: Administrator, key: str) -> Row | None:
        return next((_silence_row(each) for each in await self.board.silences() if each.silence_id == key), None)

    async def add(self, administrator: Administrator, _key: str, values: Mapping[str, str]) -> Done:
        made = await _silenced(self.board, {"rule": values["rule"]}, values, administrator.by)
        return Done(f"Nobody is told of {values['rule']} for {values['for']}.", _silence_row(made))

    async def end(self, _administrator: Administrator, key: str, _values: Mapping[str, str]) -> Done:
        if not await self.board.unsilence(key):
            raise not_found(f"no silence {key[:80]!r} holds")
        return Done("The silence is over.", {"id": key})


_LASTS = Field(name="for", title="For how long", choices=tuple(LASTS))
_WHY = Field(name="why", title="Why", max_chars=300, hint="whoever finds the silence wants to know")
_RULE = Field(name="rule", title="Rule", choices=tuple(KINDS))


async def _silenced(board: SeesAlerts, matchers: Mapping[str, str], values: Mapping[str, str], by: str) -> Silence:
    until_us = time.time_ns() // 1_000 + LASTS[values["for"]] * 1_000_000
    try:
        return await board.silence(matchers, until_us, values["why"], by)
    except ToolError as error:
        raise AdminRefused(422, error.failure.code, error.failure.message, error.failure.hint or "") from error


def _key(alert: SeenAlert) -> str:
    return "·".join((alert.rule, *(f"{name}={value}" for name, value in sorted(alert.labels.items()))))


def _row(alert: SeenAlert) -> dict[str, Json]:
    return {
        "id": _key(alert),
        "rule": alert.rule,
        "severity": alert.severity,
        "state": alert.state,
        "summary": alert.summary,
        "labels": " ".join(f"{name}={value}" for name, value in sorted(alert.labels.items())),
        "since": alert.resolved_at_us or alert.fired_at_us or alert.began_at_us,
        "told_at": alert.told_at_us,
        "why_untold": alert.why_untold,
    }


def _message(delivery: AlertDelivery) -> dict[str, Json]:
    return {
        "created_us": delivery.created_at_us,
        "sink": delivery.sink,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "error": delivery.error,
    }


def _silence_row(silence: Silence) -> dict[str, Json]:
    return {
        "id": silence.silence_id,
        "matches": " ".join(f"{name}={value}" for name, value in silence.matchers.items()),
        "began": silence.created_at_us,
        "until": silence.until_us,
        "by": silence.by,
        "why": silence.why,
    }
