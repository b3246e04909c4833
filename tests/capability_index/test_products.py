"""A request that names a well-known product which is no provider here is doubted, however well its other words fit."""

import pytest

from capability_index.encoders.encoder import WordTable
from capability_index.index import CapabilityIndex
from capability_index.ranking.named_providers import prepared
from tests.capability_index.test_structure import EVERYTHING, chat


@pytest.mark.parametrize(
    ("request_text", "products"),
    [
        ("send a message to a channel in slack", ("slack",)),
        ("Send a Google Sheets row to Jira", ("google", "google sheets", "jira")),
        ("add a pager duty override", ("pager duty",)),
        ("lock a folder in box", ("box",)),
        ("tick the box of a form", ()),
        ("put a load balancer in front of the servers", ()),
        ("notify the slackers", ()),
    ],
)
def test_products_are_known_by_name_and_everyday_words_only_where_something_is_done_there(
    request_text: str, products: tuple[str, ...]
) -> None:
    assert prepared(request_text, (), None).products == products


def test_a_product_that_is_no_provider_here_is_doubted_and_told(table: WordTable) -> None:
    """The same words of the provider that is here are not."""
    index = CapabilityIndex(table)
    index.upsert("*", [*chat("discord"), *chat("teamspeak")])
    elsewhere = index.search("send a message to a channel in slack", EVERYTHING, 3)
    assert elsewhere.low_confidence
    assert elsewhere.unmet[0] == "slack"
    here = index.search("send a message to a channel in discord", EVERYTHING, 3)
    assert not here.low_confidence
    assert here.hits[0].score > elsewhere.hits[0].score
    assert not index.search("send a message to a channel", EVERYTHING, 3).low_confidence
