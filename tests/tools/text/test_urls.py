"""Addresses that are none: whoever writes one is told, and nothing ends by it."""

import pytest

from oauth.administration.errors import MachineRefused
from oauth.services.service_principal import check_address
from server.config_versions.read_document import section_of
from server.object_storage.errors import ObjectStorageError
from server.object_storage.location import read_location
from tools.errors import UpstreamFailed
from tools.operation import Json
from tools.sources.http.addresses import next_page_url
from tools.sources.http.credentials import AuthParameters
from tools.sources.http.outcome import shown_url
from tools.sources.openapi.external_documents import is_beside, referred
from tools.text.urls import joined, parts_of
from tools.workflows.jobs.docs_freshness import place_of

HERE = "https://api.test/v1/contacts"
ADDRESSES = ["https://[::1", "http://[", "//[", "http://[#/x"]


@pytest.mark.parametrize("url", [*ADDRESSES, "https://a.test:99999/x", "https://a.test:x/"])
def test_what_is_no_url_has_no_parts_and_stands_as_it_is(url: str) -> None:
    assert (parts_of(url).scheme, parts_of(url).hostname, parts_of(url).path) == ("", None, "")
    assert joined(HERE, url) == url


def test_a_url_has_its_parts_and_is_read_against_another() -> None:
    assert (parts_of("https://[::1]:8080/x?y").hostname, parts_of("https://[::1]:8080/x?y").port) == ("::1", 8080)
    assert joined(HERE, "people?page=2") == "https://api.test/v1/people?page=2"


@pytest.mark.parametrize("url", ADDRESSES)
def test_what_an_operator_wrote_is_a_fault_with_its_place(url: str) -> None:
    with pytest.raises(MachineRefused, match="issuer"):
        check_address("issuer", url)
    for place in (f"s3://{url.partition('//')[2]}", f"s3://rows?region=eu-west-1&endpoint={url.partition('#')[0]}"):
        with pytest.raises(ObjectStorageError):
            read_location(place, {})
    sink: Json = {"name": "archive", "kind": "http", "url": url, "streams": ["calls"]}
    route: Json = {"path": "/api/*", "auth": "none", "backends": [{"url": url}]}
    for section, value in (("sinks", {"logs": [sink]}), ("edge", [route])):
        _read, faults = section_of(section, value)
        assert "url" in str(faults[0])


@pytest.mark.parametrize("url", ADDRESSES)
def test_what_an_upstream_wrote_is_a_failure_with_its_name(url: str) -> None:
    with pytest.raises(UpstreamFailed, match="next page"):
        next_page_url(url, HERE, AuthParameters(), None)
    assert shown_url(url) == "no address"
    assert place_of(url) == "no address"


@pytest.mark.parametrize("url", ADDRESSES)
def test_what_a_document_wrote_is_a_document_elsewhere(url: str) -> None:
    assert list(referred({"$ref": url}, HERE)) == [url.partition("#")[0]]
    assert not is_beside(url, HERE)
