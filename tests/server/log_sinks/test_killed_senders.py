"""kill -9 at the steps of sending, one process after the other: everything arrives, and in a bucket nothing is there twice."""

import gzip
import json
import os
import sys
from collections import defaultdict
from pathlib import Path

import anyio
import orjson

from tests.conftest import REPOSITORY
from tests.empty_store import put_data_directory
from tests.s3_server import S3Server
from tests.server.log_sinks.senders import opened_senders
from tests.tools.sources.http.upstream import Upstream

OPERATIONS = [f"op.{number}" for number in range(9)]


async def killed_at_every_step(folder: Path | str, environ: dict[str, str], stride: int = 1, **said: object) -> int:
    """Have what is in `folder` sent by processes that die, and return after how many steps the last one did."""
    of = orjson.dumps({**said, "max_rows": 3}).decode()
    command = [sys.executable, "-m", "tests.server.log_sinks.dying_sender", str(folder), of, str(stride)]
    done = await anyio.run_process(command, check=False, env={**os.environ, **environ}, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout)


async def filled(folder: Path | str) -> Path | str:
    async with opened_senders(folder if isinstance(folder, str) else put_data_directory(folder)) as senders:
        # Over midnight: a batch of two days is two objects.
        await senders.called(*OPERATIONS[:4], at_us=1_700_006_399_999_997)
        await senders.called(*OPERATIONS[4:])
    return folder


async def test_every_row_is_once_in_the_bucket(s3: S3Server, tmp_path: Path) -> None:
    bucket = s3.bucket()
    steps = await killed_at_every_step(await filled(tmp_path), s3.environ, kind="s3", url=f"s3://{bucket}/logs")
    rows = [json.loads(line) for name in s3.names(bucket) for line in gzip.decompress(s3.read(bucket, name)).splitlines()]
    assert sorted((row["seq"], row["operation"]) for row in rows) == list(enumerate(OPERATIONS, 1))
    days = {name.split("/")[2] for name in s3.names(bucket)}
    assert days == {"date=2023-11-14", "date=2023-11-15"}
    assert steps > 20


async def test_every_row_reaches_a_url_and_what_comes_again_is_the_same(tmp_path: Path) -> None:
    await every_row_reaches_a_url(await filled(tmp_path))


async def every_row_reaches_a_url(folder: Path | str, stride: int = 2) -> None:
    async with Upstream() as upstream:
        upstream.answer(204, "")
        steps = await killed_at_every_step(folder, {}, stride=stride, kind="http", url=upstream.base_url)
    bodies = defaultdict(set)
    for got in upstream.got:
        bodies[got.headers["Idempotency-Key"]].add(got.body)
    assert len(upstream.got) > len(bodies)
    assert {len(each) for each in bodies.values()} == {1}
    # Whoever takes each key once has each row once.
    rows = [json.loads(line) for [body] in bodies.values() for line in body.splitlines()]
    sent = sorted((row["seq"], row["operation"]) for row in rows)
    # Where other tests used the database before, numbers go on from theirs.
    assert sent == list(enumerate(OPERATIONS, sent[0][0]))
    assert steps > 20
