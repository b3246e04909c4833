"""Backups over `/admin/api`: listed, read to their end, made by a job, and nobody's but the operator's."""

import anyio.to_thread

from tests.command_line import ascend_here
from tests.server.admin.conftest import Administration


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
