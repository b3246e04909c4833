"""A gateway with three tenants, in the process of the test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oauth.tenants import Tenant
from server.app import Gateway
from tests.gateway import opened

METRICS_TOKEN = "who has it may read the metrics"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with opened(tmp_path, metrics_token=METRICS_TOKEN) as found:
        for tenant_id in ("acme", "globex"):
            await found.store.tenants.add(Tenant(tenant_id, tenant_id.title()))
        await found.tenants.load(found.store.tenants.all)
        yield found
