"""Backups in a bucket, by command, on a real server that judges signatures."""

import os
import signal
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.assembly.workflows.backup_jobs import BackupJobs
from server.backups.keys import make_keys
from server.backups.making import backup_name
from server.config.load import load
from tests.command_line import Said, answered, ascend_here
from tests.empty_store import put_data_directory
from tests.flows.gateway_process import environment
from tests.forked.program import ForkedProgram
from tests.s3_server import S3Server
from tests.waiting import until_here


class Place:
    """A data directory whose backups go into a bucket of its own."""

    def __init__(self, s3: S3Server, folder: Path) -> None:
        self.s3, self.folder, self.bucket = s3, folder, s3.bucket()
        self.environ: Mapping[str, str] = {
            **s3.environ,
            "ASCEND_BACKUP_TO": f"s3://{self.bucket}/gateway",
            "ASCEND_EGRESS_ALLOW": f"127.0.0.1:{s3.port}",
        }
        put_data_directory(folder)
        (folder.parent / "recovery.key").write_text(answered(self("backup", "init", "--json"))[0]["recovery_key"])

    def __call__(self, *words: str, data_dir: Path | None = None, more: Mapping[str, str] | None = None) -> Said:
        elsewhere = data_dir is not None
        return ascend_here(*words, data_dir=data_dir or self.folder, environ={**self.environ, **(more or {})}, is_first_start=elsewhere)

    def create(self) -> str:
        return str(answered(self("backup", "create", "--json"))[0]["backup"])


@pytest.fixture
def place(s3: S3Server, tmp_path: Path) -> Place:
    return Place(s3, tmp_path / "used")


def test_a_backup_goes_there_is_read_tried_and_restored_elsewhere(place: Place, tmp_path: Path) -> None:
    """The whole way; nothing of it stays on this disk."""
    backup = place.create()
    name = backup.rpartition("/")[2]
    assert backup == f"s3://{place.bucket}/gateway/{name}"
    assert [each["backup"] for each in answered(place("backup", "list", "--json"))] == [backup]
    assert answered(place("backup", "verify", "--json"))[0]["is_whole"]
    assert answered(place("backup", "verify", backup, "--json"))[0]["backup"] == backup
    assert answered(place("backup", "drill", "--json"))[0]["backup"] == name
    restored = place("backup", "restore", backup, "--key", str(tmp_path / "recovery.key"), data_dir=tmp_path / "elsewhere")
    assert restored.returncode == 0, restored.stderr
    assert place("audit", "verify", data_dir=tmp_path / "elsewhere").returncode == 0
    left = [path.name for folder in (place.folder, tmp_path / "elsewhere") for path in folder.glob(".*")]
    assert not left + list(place.folder.glob("*.age"))
    assert not (place.folder / "backups").exists()


def test_one_flipped_bit_in_the_object_fails_verify_and_restores_nothing(place: Place, tmp_path: Path) -> None:
    backup = place.create()
    key = backup.removeprefix(f"s3://{place.bucket}/")
    spoilt = bytearray(place.s3.read(place.bucket, key))
    spoilt[len(spoilt) // 2] ^= 1
    place.s3.client.put_object(Bucket=place.bucket, Key=key, Body=bytes(spoilt))
    said = place("backup", "verify")
    assert (said.returncode, f"{backup} cannot be relied on" in said.stderr) == (1, True)
    refused = place("backup", "restore", backup, "--key", str(tmp_path / "recovery.key"), data_dir=tmp_path / "elsewhere")
    assert (refused.returncode, (tmp_path / "elsewhere" / "ascend.sqlite3").exists()) == (1, False)


def test_the_newest_five_and_one_a_month_stay_there(place: Place) -> None:
    """And what is of another environment, or no backup, is nobody's to remove."""
    now = datetime.now(UTC)
    names = [backup_name("development", now - timedelta(weeks=week)) for week in range(1, 60)]
    others = [backup_name("production", now - timedelta(weeks=90)), "notes.txt"]
    for name in names + others:
        place.s3.client.put_object(Bucket=place.bucket, Key=f"gateway/{name}", Body=b"x")
    place.create()
    stay = [name.removeprefix("gateway/") for name in place.s3.names(place.bucket)]
    ours = sorted(name for name in stay if name.startswith("ascend-development-"))
    assert set(others) < set(stay)
    assert ours[-5:-1] == sorted(names[:4])
    assert len({name.split("-")[2][:6] for name in ours}) == 12


def test_keys_may_be_in_the_vault_but_not_for_an_empty_place(place: Place, tmp_path: Path) -> None:
    """A secret of the store cannot open the backup that holds the store."""
    put = ascend_here("vault", "put", "store", data_dir=place.folder, stdin=f"{place.s3.key_id}:{place.s3.secret}")
    assert put.returncode == 0, put.stderr
    to = {"ASCEND_BACKUP_TO": f"s3://{place.bucket}/gateway?keys=vault:store", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    backup = answered(place("backup", "create", "--json", more=to))[0]["backup"]
    assert answered(place("backup", "verify", backup, "--json", more=to))[0]["is_whole"]
    refused = place("backup", "restore", backup, "--key", str(tmp_path / "recovery.key"), data_dir=tmp_path / "elsewhere", more=to)
    assert "no vault here yet that could open bucket" in refused.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": ""}, "set AWS_ACCESS_KEY_ID"),
        ({"ASCEND_BACKUP_TO": "s3://no-such-bucket"}, "bucket no-such-bucket: NoSuchBucket"),
        ({"ASCEND_BACKUP_TO": "s3://UPPER"}, "is no bucket"),
        ({"ASCEND_EGRESS_ALLOW": ""}, "ASCEND_EGRESS_ALLOW=host:port"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(place: Place, more: dict[str, str], said: str) -> None:
    for words in (("create",), ("list",), ("verify",)):
        answer = place("backup", *words, more=more)
        assert (answer.returncode, answer.stderr.count("\n"), said in answer.stderr) == (1, 1, True), answer.stderr
        assert place.s3.secret not in answer.stderr


def test_an_upload_that_is_killed_is_in_no_list(place: Place, tmp_path: Path) -> None:
    """kill -9 between two parts: no half backup, here or there, and the next one clears up."""
    with closing(sqlite3.connect(place.folder / "history.sqlite3")) as history:
        history.execute("CREATE TABLE padding AS SELECT randomblob(24000000) AS noise")
        history.commit()
    words = ["backup", "create", "--data", str(place.folder)]
    process = ForkedProgram(words, environment(place.environ), tmp_path / "out", tmp_path / "err")

    def is_under_way() -> bool:
        return process.poll() is not None or "Uploads" in place.s3.client.list_multipart_uploads(Bucket=place.bucket)

    until_here(is_under_way)
    process.send_signal(signal.SIGKILL)
    process.wait(20)
    assert place.s3.names(place.bucket) == []
    assert answered(place("backup", "list", "--json")) == []
    assert list(place.folder.glob(".transfer-*"))
    with closing(sqlite3.connect(place.folder / "history.sqlite3")) as history:
        history.execute("DROP TABLE padding")
        history.commit()
    place.create()
    assert answered(place("backup", "verify", "--json"))[0]["is_whole"]
    assert not list(place.folder.glob(".transfer-*"))
    assert "Uploads" not in place.s3.client.list_multipart_uploads(Bucket=place.bucket)


@pytest.mark.usefixtures("forked_backups")
async def test_the_weekly_job_puts_one_there_and_the_daily_one_tries_it(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = s3.bucket()
    told = {"ASCEND_BACKUP_TO": f"s3://{bucket}", "ASCEND_EGRESS_ALLOW": f"127.0.0.1:{s3.port}"}
    for name, value in {**s3.environ, **told}.items():
        monkeypatch.setenv(name, value)
    backups = BackupJobs(load(put_data_directory(tmp_path), os.environ))
    assert await backups.try_newest() is None
    make_keys(tmp_path)
    made = await backups.make()
    assert made is not None
    assert (made.failure, s3.names(bucket)) == ("", [made.name])
    tried = await backups.try_newest()
    assert tried is not None
    assert (tried.name, tried.failure, tried.rows >= 1) == (made.name, "", True)
