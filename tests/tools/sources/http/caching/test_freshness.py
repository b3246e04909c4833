"""How long an answer may be used again, by its header."""

from email.utils import formatdate

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from tools.sources.http.caching.freshness import Freshness, freshness_of
from tools.sources.http.caching.response_cache import MAX_FRESH_S
from tools.sources.response_headers import facts_of

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"cache-control": 'max-age="60", private'}, Freshness(60, 0, None)),
        ({"cache-control": "max-age=60", "age": "20"}, Freshness(40, 0, None)),
        ({"cache-control": "max-age=60, stale-while-revalidate=30, must-revalidate"}, Freshness(60, 0, None)),
        ({"cache-control": "max-age=60, no-cache", "etag": '"a"'}, Freshness(0, 0, '"a"')),
        ({"expires": formatdate(NOW + 90), "date": formatdate(NOW)}, Freshness(90, 0, None)),
        ({"cache-control": "max-age=60", "age": "20, 0"}, Freshness(40, 0, None)),
        ({"cache-control": "max-age=0, max-age=600"}, Freshness(0, 0, None)),
        ({"cache-control": "max-age=60, private, no-store"}, None),
        ({"cache-control": "s-maxage=60"}, Freshness(0, 0, None)),
        ({"cache-control": 'max-age=60, no-cache="set-cookie"'}, Freshness(0, 0, None)),
        ({"cache-control": "max-age=60", "vary": "Accept-Language, *"}, None),
        ({"expires": "0"}, Freshness(0, 0, None)),
        ({"cache-control": "max-age=-1"}, Freshness(0, 0, None)),
        ({"cache-control": "max-age=99999999"}, Freshness(MAX_FRESH_S, 0, None)),
        ({"cache-control": "max-age=60", "vary": "*"}, None),
        ({"cache-control": "max-age=60, no-store"}, None),
    ],
)
def test_freshness_follows_the_header(headers: dict[str, str], expected: Freshness | None) -> None:
    """RFC 9111 §4.2.1, §5.2; invalid freshness is stale."""
    assert freshness_of(200, headers, NOW, MAX_FRESH_S) == expected


def test_several_lines_of_one_header_are_one_list() -> None:
    """RFC 9110 §5.3: `no-store` on the line above `max-age` still keeps the answer out of the cache."""
    headers = CIMultiDictProxy(CIMultiDict([("Cache-Control", "no-store"), ("cache-control", "max-age=60"), ("Date", "x")]))
    facts = facts_of(200, headers, "https://crm.test/")
    assert facts.headers is not None
    assert facts.headers["cache-control"] == "no-store, max-age=60"
    assert freshness_of(200, facts.headers, NOW, MAX_FRESH_S) is None
