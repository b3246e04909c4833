"""An S3 that checks who asks, in a process of its own (tests/s3_program.py), and AWS's own client to look at what ours did."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import botocore.session
from botocore.config import Config

from tests.conftest import REPOSITORY

REGION = "eu-central-1"


@dataclass
class S3Server:
    """A server on loopback, and a key that may do everything there."""

    port: int
    key_id: str
    secret: str

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environ(self) -> dict[str, str]:
        """What AWS's own clients read."""
        return {
            "AWS_ACCESS_KEY_ID": self.key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
        }

    @cached_property
    def client(self) -> Any:
        """AWS's own client, which looks at what ours did."""
        return botocore.session.get_session().create_client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.key_id,
            aws_secret_access_key=self.secret,
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )

    def bucket(self) -> str:
        """Make a bucket of its own and return its name."""
        name = f"b-{uuid4().hex[:20]}"
        self.client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def names(self, bucket: str) -> list[str]:
        return [each["Key"] for each in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def read(self, bucket: str, name: str) -> bytes:
        return bytes(self.client.get_object(Bucket=bucket, Key=name)["Body"].read())


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Start a server in a process of its own, and end it."""
    command = [sys.executable, "-m", "tests.s3_program"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=REPOSITORY, env=dict(os.environ))
    assert process.stdout is not None
    try:
        port, key_id, secret = process.stdout.readline().split()
        yield S3Server(int(port), key_id, secret)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
