"""What the observability tests read."""

import io
import logging
from collections.abc import Iterator

import pytest

from server.observability.log_lines import configure_logging


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers, root.level
    stream = io.StringIO()
    configure_logging("json", stream=stream)
    yield stream
    root.handlers = before
    root.setLevel(level)
