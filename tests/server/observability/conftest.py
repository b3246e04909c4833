"""What the observability tests read."""

import io
from collections.abc import Iterator

import pytest

from server.observability.log_lines import configure_logging
from tests.log_as_before import log_as_before


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    with log_as_before():
        configure_logging("json", stream=stream)
        yield stream
