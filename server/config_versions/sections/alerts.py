"""`[alerts]`: which rules hold from where on, and who is told."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from oauth.vault.named_secrets import named_in
from tools.egress.plain_http import PLAIN_HTTP_FAULT, is_in_the_clear

MAX_SINKS = 20
#: `vault:NAME`; whoever knows what it names may write in our name
Secret = Annotated[str, Field(min_length=1, max_length=200)]
#: or the address itself, where nobody could do anything with it
Url = Annotated[str, Field(max_length=2_000, pattern=r"^(vault:\S+|https?://\S+)$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Percent = Annotated[float, Field(gt=0, le=100)]
Days = Annotated[int, Field(ge=1, le=3_650)]
Count = Annotated[int, Field(ge=1, le=1_000_000_000)]
Address = Annotated[str, Field(pattern=r"^[^\s@<>,;:\"\\()\[\]]{1,64}@[A-Za-z0-9.-]{1,253}$")]
_STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What every rule has."""

    __pydantic_config__ = _STRICT
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class ErrorRateSettings(RuleSettings):
    above_percent: Percent = 0.5
    minutes: Annotated[int, Field(ge=1, le=60)] = 15
    at_least_calls: Count = 100


@dataclass(frozen=True, slots=True)
class OverheadSettings(RuleSettings):
    above_ms: Annotated[float, Field(gt=0)] = 10.0
    at_least_calls: Count = 100


@dataclass(frozen=True, slots=True)
class JobLateSettings(RuleSettings):
    periods: Annotated[float, Field(ge=1, le=100)] = 1.5


@dataclass(frozen=True, slots=True)
class SinkBehindSettings(RuleSettings):
    hours: Annotated[float, Field(gt=0, le=8_760)] = 1.0


@dataclass(frozen=True, slots=True)
class AgeSettings(RuleSettings):
    days: Days = 14


@dataclass(frozen=True, slots=True)
class DiskSettings(RuleSettings):
    below_percent: Percent = 10.0


@dataclass(frozen=True, slots=True)
class BudgetSettings(RuleSettings):
    """`usd`: of what a budget has spent in its window; thresholds that a budget names itself are told as well."""

    usd: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(max_length=20)] = (100.0, 300.0, 500.0)


@dataclass(frozen=True, slots=True)
class FallbackSettings(RuleSettings):
    percents: Annotated[tuple[Percent, ...], Field(min_length=1, max_length=5)] = (5.0, 10.0)
    at_least_calls: Count = 20


@dataclass(frozen=True, slots=True)
class BurstSettings(RuleSettings):
    at_least: Count = 20
    minutes: Annotated[int, Field(ge=1, le=1_440)] = 15


@dataclass(frozen=True, slots=True)
class RulesSettings:
    """A table a rule: `[alerts.rules.error-rate]`."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True, alias_generator=lambda name: name.replace("_", "-"))
    store_down: RuleSettings = RuleSettings()
    calls_dropped: RuleSettings = RuleSettings()
    error_rate: ErrorRateSettings = ErrorRateSettings()
    overhead: OverheadSettings = OverheadSettings()
    dependency_down: RuleSettings = RuleSettings()
    refresh_failing: RuleSettings = RuleSettings()
    job_late: JobLateSettings = JobLateSettings()
    backup_old: AgeSettings = AgeSettings(days=8)
    drill_failed: RuleSettings = RuleSettings()
    sink_behind: SinkBehindSettings = SinkBehindSettings()
    disk: DiskSettings = DiskSettings()
    ending: AgeSettings = AgeSettings(days=14)
    rotation: AgeSettings = AgeSettings(days=90)
    budget: BudgetSettings = BudgetSettings()
    fallback: FallbackSettings = FallbackSettings()
    sign_in_burst: BurstSettings = BurstSettings()
    role_changed: RuleSettings = RuleSettings()
    held_tools: AgeSettings = AgeSettings(days=7)

    def of(self, rule: str) -> RuleSettings:
        found: RuleSettings = getattr(self, rule.replace("-", "_"))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sink:
    __pydantic_config__ = _STRICT
    name: Name
    #: names of rules that it is told of; empty: all
    rules: tuple[Name, ...] = ()
    #: what is less severe is not told here
    severity: Literal["warning", "critical"] = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackSink(_Sink):
    kind: Literal["slack"]
    #: of an incoming webhook
    url: Url


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramSink(_Sink):
    kind: Literal["telegram"]
    token: Secret
    chat: Annotated[str, Field(pattern=r"^(-?\d{1,20}|@[A-Za-z0-9_]{1,64})$")]
    api: Annotated[str, Field(pattern=r"^https?://\S{1,200}$")] = "https://api.telegram.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSink(_Sink):
    kind: Literal["webhook"]
    url: Url
    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailSink(_Sink):
    kind: Literal["email"]
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$")]
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls"] = "starttls"
    username: Annotated[str, Field(max_length=320)] = ""
    password: Annotated[str, Field(max_length=200)] = ""
    sender: Address
    recipients: Annotated[tuple[Address, ...], Field(min_length=1, max_length=20)]


AlertSink = Annotated[SlackSink | TelegramSink | WebhookSink | EmailSink, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Alerts:
    """Secrets stand here by their names in the vault only."""

    __pydantic_config__ = _STRICT
    enabled: bool = True
    #: asked once a minute while the gateway looks; whoever is asked there misses it when it stops
    heartbeat_url: Annotated[str, Field(max_length=2_000, pattern=r"^(|vault:\S+|https?://\S+)$")] = ""
    rules: RulesSettings = field(default_factory=RulesSettings)
    sinks: Annotated[tuple[AlertSink, ...], Field(max_length=MAX_SINKS)] = ()

    def faults(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Yield (place, words) of what the types cannot say."""
        names = [each.name for each in self.sinks]
        known = [each.name.replace("_", "-") for each in fields(RulesSettings)]
        if is_in_the_clear(self.heartbeat_url):
            yield ("heartbeat_url",), PLAIN_HTTP_FAULT
        for index, sink in enumerate(self.sinks):
            if sink.name in names[:index]:
                yield ("sinks", index, "name"), f"{sink.name!r} is another sink's; each needs its own"
            for place, rule in enumerate(sink.rules):
                if rule not in known:
                    yield ("sinks", index, "rules", place), f"{rule!r} is no rule; there are {', '.join(known)}"
            for member in ("url", "api"):
                if is_in_the_clear(getattr(sink, member, "")):
                    yield ("sinks", index, member), PLAIN_HTTP_FAULT
            for member in ("token", "secret", "password"):
                if (text := getattr(sink, member, "")) and named_in(text) is None:
                    yield ("sinks", index, member), 'write "vault:NAME" here and put it there with `ascend vault put NAME`'

    @property
    def secrets(self) -> frozenset[str]:
        """Return the names of the secrets that it refers to."""
        texts: list[Any] = [self.heartbeat_url]
        for sink in self.sinks:
            texts += [getattr(sink, name, "") for name in ("url", "token", "password", "secret")]
        return frozenset(name for text in texts if (name := named_in(text)) is not None)
