"""Backups over `/admin/api`: listed, read to their end, made by a job, and nobody's but the operator's."""

from pathlib import Path

import anyio.to_thread
import pytest

from tests.command_line import ascend_here
from tests.server.admin.conftest import Administration, administration
from tests.server.admin.ways_in.console_browser import signed_in

pytestmark = pytest.mark.usefixtures("forked_backups")


async def test_backups_are_listed_read_to_their_end_and_found_broken(admin: Administration) -> None:
    """A real backup of the running gateway; then one of its bits is another."""
    data = admin.gateway.settings.data_dir
    assert (await admin.api("GET", "backups", admin.operator)).json()["items"] == []
    for words in (("backup", "init"), ("backup", "create", "--lean")):
        said = await anyio.to_thread.run_sync(lambda words=words: ascend_here(*words, data_dir=data))  # type: ignore[misc]
        assert said.returncode == 0, said.stderr
    [row] = (await admin.api("GET", "backups", admin.operator)).json()["items"]
    assert (row["state"], row["environment"], row["size_bytes"] > 10_000) == ("untried", "development", True)
    whole = await admin.api("POST", f"backups/{row['id']}/verify", admin.operator, {})
    assert whole.status_code == 200, whole.text
    assert whole.json()["item"]["is_whole"] is True
    [path] = (data / "backups").glob("*.age")
    flipped = bytearray(path.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    path.write_bytes(flipped)
    broken = await admin.api("POST", f"backups/{row['id']}/verify", admin.operator, {})
    assert (broken.status_code, broken.json()["error"]["code"]) == (409, "backup_broken")
    assert (await admin.api("POST", "backups/ascend-x.age/verify", admin.operator, {})).status_code == 404


async def test_a_backup_is_made_by_its_job_and_a_second_one_waits_for_it(admin: Administration) -> None:
    made = await admin.api("POST", "backups/make", admin.operator, {})
    assert (made.status_code, made.json()["item"]["run"].startswith("default:backup:")) == (200, True), made.text


async def test_a_tenants_administrator_sees_no_backup(admin: Administration) -> None:
    assert (await admin.api("GET", "backups", admin.acme)).status_code == 403
    assert (await admin.api("POST", "backups/make", admin.acme, {})).status_code == 403


async def test_a_bucket_that_does_not_answer_is_said_to_and_health_is_shown_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASCEND_BACKUP_TO", "s3://NO_BUCKET")
    async with administration(tmp_path, backup_to="s3://NO_BUCKET") as admin:
        refused = await admin.api("GET", "backups", admin.operator)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "backups_unreachable")
        assert "NO_BUCKET" in refused.json()["error"]["message"]
        assert (await admin.api("GET", "backups/ascend-x.age", admin.operator)).status_code == 503
        owner = await signed_in(admin.gateway, "owner@example.com")
        health = await owner.get("/admin/health?format=json")
        assert health.status_code == 200, health.text
        assert "there is none" in [each["words"] for each in health.json()["items"] if each["part"] == "Backups"]
