"""A file of webhooks: what it says, and everything that is wrong with it at once."""

import pytest

from tools.workflows.webhooks.definition import read_webhooks
from tools.workflows.webhooks.errors import WebhooksInvalid
from tools.workflows.webhooks.schemes.generic import GenericHmac

GOOD = """
[[webhooks]]
source = "stripe"
scheme = "stripe"
secrets = ["vault:stripe-new", "vault:stripe-old"]
to = "workflow:order-paid"
acts_for = "ada@example.com"
scopes = ["crm:write"]

[[webhooks]]
source = "factory"
scheme = "hmac"
secrets = ["vault:factory"]
to = "workflow:noted"
header = "X-Factory-Signature"
encoding = "base64"
prefix = "v1="
timestamp_header = "X-Factory-Time"
id_path = "data.id"
body_kept_days = 2
"""


def faults_of(text: str | bytes) -> list[str]:
    with pytest.raises(WebhooksInvalid) as refused:
        read_webhooks(text if isinstance(text, bytes) else text.encode())
    return [str(fault) for fault in refused.value.faults]


def test_a_file_says_which_requests_start_which_workflow() -> None:
    stripe, factory = read_webhooks(GOOD.encode())
    assert (stripe.source, stripe.workflow, stripe.acts_for, stripe.scopes) == ("stripe", "order-paid", "ada@example.com", ["crm:write"])
    assert (stripe.secrets, stripe.generic, stripe.body_kept_days) == (["vault:stripe-new", "vault:stripe-old"], None, 7)
    assert factory.generic == GenericHmac(
        header="X-Factory-Signature",
        encoding="base64",
        prefix="v1=",
        signs="{timestamp}.{body}",
        timestamp_header="X-Factory-Time",
        id_path=("data", "id"),
    )


def test_all_faults_are_said_at_once_with_their_places() -> None:
    text = """
[[webhooks]]
source = "Stripe Inc"
scheme = "strip"
secrets = ["whsec_the_secret_itself"]
to = "order-paid"
scopes = ["crm:write"]

[[webhooks]]
source = "b"
scheme = "stripe"
secret = "vault:x"
to = "workflow:x"

[[webhooks]]
source = "c"
scheme = "hmac"
secrets = ["vault:x"]
to = "workflow:x"
header = "X Sig"
timestamp_header = "X-Time"
signs = "{body}"
id_header = "X-Id"
id_path = "id"

[[webhooks]]
source = "c"
scheme = "github"
secrets = []
to = "workflow:x"
prefix = "sha256="
body_kept_days = 30
"""
    found = faults_of(text)
    places = [fault.partition(":")[0] for fault in found]
    assert places == [
        "webhooks[0].source",
        "webhooks[0].scheme",
        "webhooks[0].secrets[0]",
        "webhooks[0].to",
        "webhooks[0].scopes",
        "webhooks[1].secrets",
        "webhooks[1].secret",
        "webhooks[2].header",
        "webhooks[2].id_path",
        "webhooks[2].signs",
        "webhooks[3].secrets",
        "webhooks[3].body_kept_days",
    ]
    assert "did you mean 'stripe'?" in found[1]
    assert "did you mean 'secrets'?" in found[6]
    assert "the_secret_itself" not in " ".join(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff", "not UTF-8"),
        (b"[[webhooks", "not TOML"),
        (b"", "webhooks: is missing"),
        (b"webhooks = 1", "webhooks: input should be a valid list"),
        (b"[[webhook]]\nsource = 'a'", "did you mean 'webhooks'?"),
        (b"#" * 300_000, "262,144 are the most"),
        (b"webhooks = " + b"[" * 5_000, "the file"),
    ],
    ids=["bytes", "no TOML", "empty", "no list", "misspelt", "large", "deep"],
)
def test_what_is_no_such_file_is_said_to_be_none(text: bytes, said: str) -> None:
    assert any(said in fault for fault in faults_of(text))


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('algorithm = "md5"', "algorithm"),
        ('signs = "constant"', "signs"),
        ('signs = "{id}.{body}"', "signs"),
        ('signs = "{timestamp}.{body}"', "signs"),
        ('id_path = "a..b"', "id_path"),
        ('header = ""', "header"),
        ('scheme = "github"', "header"),
    ],
)
def test_a_signature_that_would_protect_nothing_is_refused(line: str, place: str) -> None:
    """What is not signed can be changed on the way, and a time that is not signed says nothing."""
    named = {"source": '"a"', "scheme": '"hmac"', "secrets": '["vault:x"]', "to": '"workflow:x"', "header": '"X-Sig"'}
    name, _, value = line.partition(" = ")
    named[name] = value
    text = "[[webhooks]]\n" + "\n".join(f"{name} = {value}" for name, value in named.items())
    assert any(fault.startswith(f"webhooks[0].{place}:") for fault in faults_of(text))
