"""A look into the pool of an egress."""

import aiohttp

from tools.egress.client import Egress


def connector_of(egress: Egress) -> aiohttp.BaseConnector:
    assert egress._session is not None
    assert egress._session.connector is not None
    return egress._session.connector


def busy_count(egress: Egress) -> int:
    """Return how many connections carry a request."""
    return len(connector_of(egress)._acquired) + (egress._pool.busy_count if egress._pool else 0)
