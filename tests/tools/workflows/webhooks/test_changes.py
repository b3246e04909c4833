"""Webhooks put in force: what they refer to is looked up first."""

from collections.abc import Sequence
from typing import cast

import pytest

from oauth.errors import SealBroken
from oauth.sign_in.subjects import Subject
from oauth.vault.named_secrets import NamedSecrets
from tests.tools.workflows.webhooks.test_definition import GOOD
from tools.workflows.webhooks.changes import WebhookChanges
from tools.workflows.webhooks.definition import read_webhooks
from tools.workflows.webhooks.errors import WebhooksInvalid
from tools.workflows.webhooks.stores import WebhookStore


class Damaged:
    async def reveal(self, _tenant_id: str, _name: str, _actor: str, _purpose: str) -> bytes | None:
        raise SealBroken("not with this key")


class Nobody:
    async def of_tenant(self, _tenant_id: str) -> Sequence[Subject]:
        return []


async def test_a_secret_that_does_not_open_is_a_fault_of_its_place() -> None:
    """A store that was restored under another key: the file is told what to do, and nothing is put."""
    changes = WebhookChanges(cast("WebhookStore", None), cast("NamedSecrets", Damaged()), Nobody())
    with pytest.raises(WebhooksInvalid) as refused:
        await changes.apply("default", read_webhooks(GOOD.encode())[1:])
    (fault,) = refused.value.faults
    assert fault.place == "webhooks[0].secrets[0]"
    assert "does not open" in fault.message
    assert "`ascend vault put factory`" in fault.message
