"""`[alerts]`: what is told of the gateway, and the tokens that it is told with, do not go past strangers in the clear."""

from typing import Any

import pytest

from server.config_versions.read_document import config_of, read_document
from tools.versioned_documents.faults import ConfigInvalid

SINKS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "slack"}, "url"),
    ({"kind": "webhook", "secret": "vault:x"}, "url"),
    ({"kind": "telegram", "token": "vault:x", "chat": "1"}, "api"),
]


@pytest.mark.parametrize(("sink", "member"), SINKS)
def test_a_sink_of_strangers_takes_https(sink: dict[str, Any], member: str) -> None:
    def told(url: str) -> dict[str, Any]:
        return {"alerts": {"sinks": [{"name": "team", **sink, member: url}]}}

    for url in ("http://hooks.example.com/x", "http://8.8.8.8/x"):
        with pytest.raises(ConfigInvalid) as invalid:
            read_document(told(url))
        [fault] = invalid.value.faults
        assert (fault.place, "must begin with https://" in fault.message) == (f"alerts.sinks[0].{member}", True)
    for url in ("https://hooks.example.com/x", "http://127.0.0.1:9/x", "http://relay/x"):
        assert len(config_of(read_document(told(url))).alerts.sinks) == 1


def test_a_heartbeat_is_asked_for_by_https() -> None:
    with pytest.raises(ConfigInvalid) as invalid:
        read_document({"alerts": {"heartbeat_url": "http://hc.example.com/x"}})
    assert invalid.value.faults[0].place == "alerts.heartbeat_url"
    for url in ("https://hc.example.com/x", "http://localhost:1/x", "vault:heartbeat", ""):
        assert config_of(read_document({"alerts": {"heartbeat_url": url}})).alerts.heartbeat_url == url
