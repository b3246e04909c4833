"""robots.txt, by RFC 9309."""

import pytest
from aiohttp import web

from tests.tools.browser.hostile_site import hostile_site
from tools.browser.robots import MAX_PIECES, MAX_RULE_CHARS, MAX_RULES, Robots, robots_of
from tools.errors import EgressRefused
from tools.fair_semaphore import GATEWAY

SITE = "https://site.test"


@pytest.mark.parametrize(
    ("text", "path", "is_allowed"),
    [
        ("User-agent: *\nDisallow: /private", "/private/x", False),
        ("User-agent: *\nDisallow: /private", "/public", True),
        # §2.2.2: the longest, wherever it stands; between equals, allow
        ("User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b/c", True),
        ("User-agent: *\nAllow: /page\nDisallow: /page", "/page", True),
        # §2.2.3: * and $
        ("User-agent: *\nDisallow: /*.pdf$", "/files/a.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/files/a.pdf?x", True),
        ("User-agent: *\nDisallow: /a*b*c", "/a--b--c--", False),
        ("User-agent: *\nDisallow: /$", "/", False),
        ("User-agent: *\nDisallow: /$", "/a", True),
        # §2.2.1: the group that names us alone; groups of one name are one; names have no case
        ("User-agent: *\nDisallow: /\n\nUser-agent: Ascend-Gateway\nDisallow: /secret", "/open", True),
        ("User-agent: ascend-gateway\nDisallow: /a\nUser-agent: x\nDisallow: /c\nUser-agent: ascend-gateway\nDisallow: /b", "/b", False),
        ("User-agent: other\nUser-agent: *\nDisallow: /x", "/x", False),
        ("User-agent: other\nDisallow: /", "/", True),
        # one spelling
        ("User-agent: *\nDisallow: /a%c3%a4", "/aä", False),
        ("User-agent: *\nDisallow:", "/", True),
        ("# all\nUser-agent : * # everybody\nDisallow : /x # no\r\nnonsense", "/x", False),
        ("", "/", True),
    ],
)
def test_a_rule_means_what_the_rfc_says(text: str, path: str, is_allowed: bool) -> None:
    assert Robots.read(text).allows(SITE + path) is is_allowed


def test_a_file_made_to_take_forever_does_not() -> None:
    """A regular expression of these wildcards would try more ways than there is time for; what is asked is done when it is answered."""
    robots = Robots.read("User-agent: *\nDisallow: /" + "a*" * 30 + "b$\n")
    assert robots.allows(SITE + "/" + "a" * 2_000)


def test_rules_are_bounded_by_number_length_and_wildcards() -> None:
    """Each of them is looked for in each address that a page leads to."""
    group = "User-agent: *\n"
    assert sum(len(rule.pieces) for rule in Robots.read(group + f"Disallow: /{'*a' * 120}b\n" * 2_000).rules) <= MAX_PIECES
    assert len(Robots.read(group + "".join(f"Disallow: /{number}\n" for number in range(2 * MAX_RULES))).rules) == MAX_RULES
    assert not Robots.read(group + f"Disallow: /{'a' * MAX_RULE_CHARS}\n").rules


def test_a_group_that_names_somebody_many_times_has_its_rules_once() -> None:
    """Each rule would be one for each name: half a megabyte of names and rules would be hundreds of millions."""
    assert len(Robots.read("User-agent: *\n" * 1_000 + "Disallow: /a\n").rules) == 1


@pytest.mark.parametrize("url", ["http://[foo/", "http://a\u2100b.com/", "http://site.test:99999/"])
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    async with hostile_site() as (_, egress):
        with pytest.raises(EgressRefused):
            await robots_of(url, egress, GATEWAY)
    assert Robots.read("User-agent: *\nDisallow: /a").allows(url)


@pytest.mark.parametrize(("status", "is_allowed"), [(404, True), (403, True), (503, False)])
async def test_a_site_that_cannot_say_its_rules_is_closed_and_one_without_rules_is_open(status: int, is_allowed: bool) -> None:
    """§2.3.1.3, §2.3.1.4."""

    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status)

    async with hostile_site() as (site, egress):
        site.handlers["/robots.txt"] = answer
        assert (await robots_of(f"{site.url}/a", egress, GATEWAY)).allows(f"{site.url}/a") is is_allowed


async def test_a_site_that_cannot_be_reached_is_closed() -> None:
    async with hostile_site() as (site, egress):
        site.handlers["/robots.txt"] = hang_up
        assert not (await robots_of(f"{site.url}/a", egress, GATEWAY)).allows(f"{site.url}/a")


async def hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
