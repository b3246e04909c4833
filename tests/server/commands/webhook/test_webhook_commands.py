"""`ascend webhook`: from a file to deliveries, and what is wrong with it said at once."""

from pathlib import Path

import anyio
import pytest

from server.config.load import load
from server.storage.store import open_store
from tests.command_line import Said, answered, ascend_here
from tools.workflows.webhooks.stores import Arrival

FILE = """
[[webhooks]]
source = "stripe"
scheme = "stripe"
secrets = ["vault:stripe"]
to = "workflow:noted"
acts_for = "Ada@example.com"
"""


def webhook(data: Path, *words: str, stdin: str = "") -> Said:
    return ascend_here("webhook", *words, data_dir=data, stdin=stdin)


def applied(data: Path, text: str, *words: str) -> Said:
    file = data.parent / "hooks.toml"
    file.write_text(text, encoding="utf-8")
    return webhook(data, "apply", str(file), *words)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a person, a secret and one webhook."""
    folder = tmp_path_factory.mktemp("webhook") / "data"
    assert ascend_here("user", "add", "ada@example.com", "--tenant", "default", data_dir=folder).returncode == 0
    assert ascend_here("vault", "put", "stripe", data_dir=folder, stdin="whsec_secret\n").returncode == 0
    assert applied(folder, FILE).returncode == 0
    return folder


def test_a_webhook_is_listed_with_its_address(data: Path) -> None:
    [row] = answered(webhook(data, "list", "--json"))
    assert (row["source"], row["scheme"], row["to"], row["acts_for"]) == ("stripe", "stripe", "workflow:noted", "ada@example.com")
    assert row["url"].endswith("/hooks/stripe")
    assert "/hooks/stripe" in webhook(data, "list").stdout


def test_what_a_file_refers_to_has_to_be_there(data: Path) -> None:
    """Every fault in one go, nothing changed, and each says what to do."""
    said = applied(data, FILE.replace("vault:stripe", "vault:strype").replace("Ada@", "bob@") + FILE.replace('"stripe"', '"telegram"'))
    assert said.returncode == 1
    assert "3 faults, nothing was changed" in said.stderr
    assert "`ascend vault put strype`" in said.stderr
    assert "webhooks[0].acts_for: is nobody" in said.stderr
    assert "webhooks[1].secrets[0]: the secret 'stripe' is no secret token of Telegram" in said.stderr
    assert "whsec_secret" not in said.stderr + said.stdout
    assert len(answered(webhook(data, "list", "--json"))) == 1


def test_a_dry_run_changes_nothing(data: Path) -> None:
    said = applied(data, FILE.replace('source = "stripe"', 'source = "other"'), "--dry-run")
    assert (said.returncode, "would take" in said.stdout) == (0, True)
    assert len(answered(webhook(data, "list", "--json"))) == 1


def test_what_came_is_listed_and_replayed(data: Path) -> None:
    async def receive() -> str:
        async with open_store(load(data, {})) as store:
            [stripe] = await store.durable.webhooks.of_tenant("default")
            arrival = Arrival(stripe, "evt_1", "invoice.paid", "a" * 64, None, "application/json", b"{}")
            return (await store.durable.deliveries.receive(arrival)).delivery.delivery_id

    delivery = anyio.run(receive)
    [row] = answered(webhook(data, "deliveries", "--json"))
    assert (row["delivery"], row["event"], row["type"], row["replays"]) == (delivery, "evt_1", "invoice.paid", 0)
    assert answered(webhook(data, "replay", delivery, "--json"))["run"].endswith("-r1")
    assert answered(webhook(data, "deliveries", "--source", "other", "--json")) == []
    said = webhook(data, "replay", "d_nowhere")
    assert (said.returncode, "webhook deliveries" in said.stderr) == (1, True)


def test_a_test_says_that_no_gateway_runs(data: Path) -> None:
    said = webhook(data, "test", "stripe")
    assert (said.returncode, "ascend serve" in said.stderr) == (1, True)
    assert webhook(data, "test", "nobody").returncode == 1


def test_tenants_are_apart(data: Path) -> None:
    assert ascend_here("tenant", "add", "acme", data_dir=data).returncode == 0
    assert answered(webhook(data, "list", "--tenant", "acme", "--json")) == []
    said = applied(data, FILE, "--tenant", "acme")
    assert "there is no secret 'stripe' in the vault of 'acme'" in said.stderr
    assert webhook(data, "remove", "stripe", "--tenant", "acme").returncode == 1
    assert webhook(data, "list", "--tenant", "nobody").returncode == 1


def test_a_removed_webhook_is_gone_and_its_secret_can_be_dropped(data: Path) -> None:
    """The last of these tests: the others need it."""
    assert ascend_here("vault", "drop", "stripe", data_dir=data).returncode == 0
    assert "the secret 'stripe' is gone" in webhook(data, "test", "stripe").stderr
    assert webhook(data, "remove", "stripe").returncode == 0
    assert answered(webhook(data, "list", "--json")) == []
    assert webhook(data, "remove", "stripe").returncode == 1


@pytest.mark.parametrize("name", ["", "../connection", "UPPER", "a" * 101])
def test_a_secret_has_a_plain_name(data: Path, name: str) -> None:
    assert ascend_here("vault", "put", name, data_dir=data, stdin="x").returncode == 2
    assert ascend_here("vault", "put", "empty", data_dir=data, stdin="").returncode == 1
