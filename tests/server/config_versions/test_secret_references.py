"""No secret gets into a configuration: it is named, and whatever looks like one is refused and not repeated."""

import pytest

from server.config_versions.read_document import read_document
from server.config_versions.secret_references import references_in, secret_faults
from tools.versioned_documents.faults import ConfigInvalid

SECRETS = [
    "xoxb-1234567890-abcdefghij",
    "https://hooks.slack.com/services/T0/B0/abcdef",
    "ghp_abcdefghijklmnopqrstuvwx",
    "sk-proj-abcdefghijklmnop",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "123456789:AAE-abcdefghijklmnopqrstuvwxyz_1234",
    "AKIAIOSFODNN7EXAMPLE",
    "-----BEGIN PRIVATE KEY-----",
    "AGE-SECRET-KEY-1QQQQQQQ",
    "https://user:pass@example.com/x",
    "https://collector.example.com/in?api_key=abc&token=abc",
    "Bearer abcdefghijkl",
    "asc_live_abcdefghijklmnopqrst",
    "0123456789abcdef0123456789abcdef",
    "https://example.webhook.office.com/webhookb2/IncomingWebhook/0123456789abcdef0123456789abcdef",
    "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY1",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_what_looks_like_a_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        read_document({"alerts": {"note": [secret]}, "retention": {secret: 3}})
    said = str(refused.value)
    assert "alerts.note[0]: looks like a secret" in said
    assert "`ascend vault put NAME`" in said
    assert secret not in said.replace(f'"{secret}"', "").replace(f".{secret}:", ".")


@pytest.mark.parametrize("member", ["token", "bot_token", "api_key", "secrets", "password", "client-secret", "Authorization"])
def test_a_member_for_secrets_takes_nothing_but_a_reference(member: str) -> None:
    assert [fault.place for fault in secret_faults({"sinks": {"ops": {member: "hunter2"}}})] == [f"sinks.ops.{member}"]
    assert not list(secret_faults({"sinks": {"ops": {member: "vault:slack-ops"}}}))


@pytest.mark.parametrize(
    "plain",
    [
        "https://collector.example.com/v1/logs",
        "ops@example.com",
        "age1qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqs3290gq",
        "#alerts",
        "0 3 * * 1",
        "s3://backups-of-acme/eu-central-1/2026",
        "workflow:send-a-long-digest-to-everybody-in-the-company",
        "vault:slack-ops",
    ],
)
def test_what_is_no_secret_stays(plain: str) -> None:
    assert not list(secret_faults({"sinks": {"ops": {"to": plain, "public_key": plain, "key_id": plain}}}))


def test_a_reference_that_names_nothing_is_refused() -> None:
    [fault] = secret_faults({"sinks": {"ops": {"url": "vault:Slack Ops"}}})
    assert fault.place == "sinks.ops.url"
    assert list(references_in({"sinks": {"ops": {"url": "vault:slack", "more": ["vault:b"]}}})) == [
        ("sinks.ops.url", "slack"),
        ("sinks.ops.more[0]", "b"),
    ]
