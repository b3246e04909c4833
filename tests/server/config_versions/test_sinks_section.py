"""`[sinks]`: what is wrong with it is said with its place; secrets are references."""

from typing import Any

import pytest

from server.config_versions.read_document import config_of, read_document
from tools.versioned_documents.faults import ConfigInvalid

SINK = {"name": "archive", "kind": "http", "url": "https://logs.example/in", "streams": ["calls"]}


def test_a_sink_is_read_with_what_its_kind_does() -> None:
    document = read_document({"sinks": {"logs": [SINK, {**SINK, "name": "s3", "kind": "s3", "url": "s3://logs"}]}})
    http, s3 = config_of(document).sinks.logs
    assert (http.wait_s, http.rows, http.begins_with_kept) == (5.0, 500, False)
    assert (s3.wait_s, s3.rows, s3.begins_with_kept) == (300.0, 5_000, True)


def test_lines_are_wanted_by_a_sink_or_by_themselves() -> None:
    for section, wants in (({}, False), ({"keep_lines": True}, True), ({"logs": [{**SINK, "streams": ["lines"]}]}, True)):
        assert config_of(read_document({"sinks": section})).sinks.wants_lines is wants


@pytest.mark.parametrize(
    ("member", "place", "said"),
    [
        ({"kind": "kafka"}, "sinks.logs[0].kind", ""),
        ({"url": "s3://logs"}, "sinks.logs[0].url", "of kind http begins with https:// or http://"),
        ({"url": "https://u:p@logs.example"}, "sinks.logs[0].url", "looks like a secret"),
        ({"url": "http://logs.example/in", "bearer": "vault:x"}, "sinks.logs[0].url", "must begin with https://"),
        ({"url": "http://8.8.8.8/in", "kind": "otlp"}, "sinks.logs[0].url", "must begin with https://"),
        ({"streams": []}, "sinks.logs[0].streams", ""),
        ({"streams": ["calls", "calls"]}, "sinks.logs[0].streams", "names one twice"),
        ({"bearer": "abc"}, "sinks.logs[0].bearer", "vault:NAME"),
        ({"keys": "vault:x"}, "sinks.logs[0].keys", "is not of kind http"),
        ({"headers": {"Authorization": "vault:x"}}, "sinks.logs[0].headers.Authorization", "there is `bearer`"),
        ({"headers": {"X-Api-Key": "abcdefgh"}}, "sinks.logs[0].headers.X-Api-Key", "vault:NAME"),
        ({"headers": {"a b": "x"}}, "sinks.logs[0].headers", "is none that a sink may have"),
        ({"name": "No"}, "sinks.logs[0].name", ""),
        ({"max_rows": 0}, "sinks.logs[0].max_rows", ""),
        ({"colour": "red"}, "sinks.logs[0]", ""),
    ],
)
def test_what_is_wrong_is_said_with_its_place(member: dict[str, Any], place: str, said: str) -> None:
    with pytest.raises(ConfigInvalid) as invalid:
        read_document({"sinks": {"logs": [{**SINK, **member}]}})
    faults = [str(fault) for fault in invalid.value.faults]
    assert any(place in fault and said in fault for fault in faults), faults


@pytest.mark.parametrize("url", ["http://127.0.0.1:4318/v1/logs", "http://10.1.2.3/x", "http://collector:4318", "http://logs.internal/x"])
def test_plain_http_will_do_within_the_house(url: str) -> None:
    assert config_of(read_document({"sinks": {"logs": [{**SINK, "url": url, "bearer": "vault:x"}]}})).sinks.logs[0].url == url


def test_names_are_ones_and_there_are_eight_at_most() -> None:
    for sinks, said in (([SINK, SINK], "stands there twice"), ([{**SINK, "name": f"s{number}"} for number in range(9)], "8")):
        with pytest.raises(ConfigInvalid) as invalid:
            read_document({"sinks": {"logs": sinks}})
        assert said in str([str(fault) for fault in invalid.value.faults])


def test_keys_of_a_bucket_are_no_part_of_its_url() -> None:
    """There the check of references would not see them."""
    with pytest.raises(ConfigInvalid) as invalid:
        read_document({"sinks": {"logs": [{**SINK, "kind": "s3", "url": "s3://logs?keys=vault:x"}]}})
    assert 'write keys = "vault:NAME" beside it' in str([str(fault) for fault in invalid.value.faults])
