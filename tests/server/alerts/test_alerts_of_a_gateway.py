"""A whole gateway: its configuration, its vault, its own figures, and sinks that check what comes."""

import io
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from oauth.vault.named_secrets import NamedSecrets
from server.alerts.delivery import Deliveries
from server.alerts.watch import Watch
from server.app import Gateway
from server.assembly import alerts
from server.assembly.alert_sources import open_alerts
from server.config_versions.changes import ConfigChanges
from server.config_versions.read_document import read_toml
from server.storage.database import now_us
from tests.gateway import opened
from tests.server.alerts.mail_server import PASSWORD, USERNAME, mail_server
from tests.server.alerts.nodes import SECOND_US
from tests.server.alerts.stand_ins import SLACK_PATH, TOKEN, WEBHOOK_SECRET, StandIns, stand_ins
from tests.tools.egress.certificate import certificate

SINKS = """
[alerts]
heartbeat_url = "{base}/beat"
[alerts.rules.disk]
below_percent = 100
[alerts.rules.rotation]
enabled = false
[[alerts.sinks]]
name = "ops"
kind = "slack"
url = "vault:slack"
[[alerts.sinks]]
name = "phone"
kind = "telegram"
token = "vault:telegram"
chat = "-100123"
api = "{base}"
[[alerts.sinks]]
name = "pager"
kind = "webhook"
url = "{base}/hook"
secret = "vault:webhook"
"""
MAIL = """
[[alerts.sinks]]
name = "mail"
kind = "email"
host = "127.0.0.1"
port = {port}
username = "{username}"
password = "vault:smtp"
sender = "alerts@example.com"
recipients = ["ada@example.com"]
"""


@pytest.fixture(autouse=True)
def _only_who_is_told_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "FIRST_LOOK_S", 3_600.0)


@asynccontextmanager
async def gateway_with(folder: Path, servers: StandIns, more: str = "") -> AsyncIterator[tuple[Gateway, Watch]]:
    """Open a gateway whose secrets are in the vault and whose sinks are in the configuration; what looks does so when it is told."""
    async with opened(folder, egress_allow=("127.0.0.1:*",)) as gateway:
        secrets = NamedSecrets(gateway.connections.vault)
        kept = {"slack": servers.base_url + SLACK_PATH, "telegram": TOKEN, "webhook": WEBHOOK_SECRET, "smtp": PASSWORD}
        for name, secret in kept.items():
            await secrets.put("default", name, secret.encode(), "test")
        await ConfigChanges(gateway.store.config_versions, gateway.connections.has_named_secret).apply(
            read_toml((SINKS.format(base=servers.base_url) + more).encode()), "test"
        )
        await gateway.config.load()
        yield gateway, open_alerts(gateway.alerts)


async def tell(watch: Watch, deliveries: Deliveries) -> None:
    """Look until an alert of now is told, as if two minutes had passed."""
    now = now_us()
    for second in range(0, 120, 15):
        await watch.look(now + second * SECOND_US)
    deliveries._clock_us = lambda: now + 120 * SECOND_US
    await deliveries.deliver_due()


async def test_an_alert_reaches_every_kind_of_sink_and_no_secret_leaves_by_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the configuration to the mailbox; logs, rows and errors have no secret and no address that is one."""
    own = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(own.file))
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logging.getLogger().addHandler(handler)
    try:
        async with stand_ins() as servers:
            with mail_server(own) as box:
                more = MAIL.format(port=box.port, username=USERNAME)
                async with gateway_with(tmp_path / "data", servers, more) as (gateway, watch):
                    await tell(watch, watch._deliveries)
                    kept = [(each.sink, each.state, each.error) for each in await gateway.store.alerts.outbox.recent()]
                    rows = [each.message for each in await gateway.store.alerts.outbox.recent()]
                    firing = dict(watch.firing)
    finally:
        logging.getLogger().removeHandler(handler)
    assert sorted(kept) == [("mail", "sent", ""), ("ops", "sent", ""), ("pager", "sent", ""), ("phone", "sent", "")]
    assert (len(servers.slack), len(servers.telegram), len(servers.webhook), len(box.mails)) == (1, 1, 1, 1)
    assert firing == {"disk": 1}
    for secret in (SLACK_PATH, TOKEN, WEBHOOK_SECRET, PASSWORD):
        assert secret not in log.getvalue() + "".join(rows)


async def test_a_secret_that_is_missing_is_said_and_one_that_is_replaced_holds_at_once(tmp_path: Path) -> None:
    async with stand_ins() as servers, gateway_with(tmp_path / "data", servers) as (gateway, watch):
        secrets = NamedSecrets(gateway.connections.vault)
        await secrets.put("default", "telegram", b"1:wrong", "test")
        await secrets.forget("default", "webhook", "test")
        await tell(watch, watch._deliveries)
        errors = {each.sink: each.error for each in await gateway.store.alerts.outbox.recent()}
        assert errors == {
            "ops": "",
            "phone": "it answered 401",
            "pager": "there is no secret vault:webhook; `ascend vault put webhook` takes it in",
        }


async def test_the_heartbeat_beats_once_a_minute(tmp_path: Path) -> None:
    """Whoever is asked misses it when it stops."""
    async with stand_ins() as servers, gateway_with(tmp_path / "data", servers) as (_gateway, watch):
        now = now_us()
        for second in range(0, 180, 15):
            await watch._beat(now + second * SECOND_US)
        assert servers.beats == 3


async def test_metrics_say_what_fires_and_what_became_of_messages(tmp_path: Path) -> None:
    async with stand_ins() as servers, gateway_with(tmp_path / "data", servers) as (gateway, watch):
        gateway.alerts.watch = watch
        await tell(watch, watch._deliveries)
        shown = gateway.operations.telemetry.exposition().decode()
    assert 'ascend_alerts_firing{rule="disk"} 1.0' in shown
    assert 'ascend_alert_deliveries_total{kind="slack",outcome="sent"} 1.0' in shown
    assert 'ascend_alert_looks_total{outcome="held"} 8.0' in shown
