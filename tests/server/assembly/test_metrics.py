"""What a running gateway shows at `/metrics` of its stores and its token endpoint, and what it leaves in the history."""

from pathlib import Path

import httpx2

from server.identity import VERSION
from server.storage.database import now_us
from server.storage.store import open_store
from tests.gateway import opened


async def test_operators_see_the_token_endpoint_the_stores_and_the_newest_backup(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        backups = tmp_path / "backups"
        backups.mkdir()
        (backups / "ascend-development-20261128T000000Z.age").write_bytes(b"age")
        transport = httpx2.ASGITransport(app=gateway.app, client=("127.0.0.1", 1))
        async with httpx2.AsyncClient(transport=transport, base_url=gateway.settings.base_url) as http:
            await http.post("/token", data={"grant_type": "refresh_token", "client_id": "nobody", "refresh_token": "rt"})
            await http.post("/token", data={"grant_type": "made_up", "client_id": "nobody"})
            text = (await http.get("/metrics")).text
    assert 'ascend_token_requests_total{grant_type="refresh_token",outcome="invalid_client"} 1.0' in text
    assert 'ascend_token_requests_total{grant_type="other",outcome="invalid_client"} 1.0' in text
    assert f'ascend_build_info{{version="{VERSION}"}} 1.0' in text
    sizes = [line for line in text.splitlines() if line.startswith("ascend_store_bytes{")]
    assert [line.split("}")[0] for line in sizes] == ['ascend_store_bytes{store="state"', 'ascend_store_bytes{store="history"']
    assert all(float(line.split()[1]) > 10_000 for line in sizes)
    assert "ascend_disk_free_ratio 0." in text
    assert "ascend_backup_newest_timestamp_seconds " in text
    assert 'ascend_sign_ins_total{outcome="failed"} 0.0' in text
    # What was asked before the end is in the history after it.
    async with open_store(gateway.settings) as store:
        sums = await store.token_hours.sums(0, now_us())
    assert [(each.grant_type, each.outcome, each.requests) for each in sums] == [
        ("other", "invalid_client", 1),
        ("refresh_token", "invalid_client", 1),
    ]
