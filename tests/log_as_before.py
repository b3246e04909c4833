"""A log that a test sets up, as the program does at its start, is none for the tests after it in the same process."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def log_as_before() -> Iterator[None]:
    """Give the root logger its handlers back, and every logger its level."""
    root = logging.getLogger()
    handlers, level_by_name = root.handlers, {logger.name: logger.level for logger in _loggers()}
    try:
        yield
    finally:
        root.handlers = handlers
        for logger in _loggers():
            logger.setLevel(level_by_name.get(logger.name, logging.NOTSET))


def _loggers() -> list[logging.Logger]:
    known = logging.root.manager.loggerDict.values()
    return [logging.root, *(logger for logger in known if isinstance(logger, logging.Logger))]
