from collections.abc import Iterator

import pytest

from tests.s3_server import S3Server, running_s3


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """One server for all tests of a worker, each with a bucket of its own."""
    with running_s3() as server:
        yield server
