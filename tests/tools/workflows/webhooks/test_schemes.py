"""What each scheme takes for genuine, and what a forger tries."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import RSAKey

from oauth import base64url
from tests.tools.workflows.webhooks.signing import EVENT, GONG_KEY, HMAC, NOW, PEM, SENDERS, URL, WHSEC, Sender, request_of
from tools.workflows.webhooks.intake import arrival_of, prove
from tools.workflows.webhooks.schemes.generic import GenericHmac
from tools.workflows.webhooks.schemes.known import SCHEMES
from tools.workflows.webhooks.schemes.scheme import HookEvent, Reply
from tools.workflows.webhooks.signature import TOLERANCE_S
from tools.workflows.webhooks.stores import Arrival

BY_NAME = {sender.name: sender for sender in SENDERS}
each = pytest.mark.parametrize("sender", SENDERS, ids=lambda sender: sender.name)
hmacs = pytest.mark.parametrize(
    "sender", [each for each in SENDERS if each.name not in ("telegram", "gong")], ids=lambda sender: sender.name
)


def is_taken(sender: Sender, *keys: bytes, headers: dict[str, str] | None = None, body: bytes = EVENT, at_s: float = NOW) -> bool:
    """Say whether a request is genuine; without `headers` it is signed now."""
    request = request_of(sender.headers(body) if headers is None else headers, body)
    return sender.reader.proof(request, keys or (sender.key,), at_s) is not None


@each
def test_what_the_sender_signed_is_taken(sender: Sender) -> None:
    assert is_taken(sender)


@each
def test_any_of_several_keys_may_have_signed(sender: Sender) -> None:
    """While a sender rotates, its old and its new secret are both in force."""
    other = RSAKey.generate_key(2048).as_pem(private=False) if sender.name == "gong" else b"another-secret-of-theirs"
    assert is_taken(sender, other, sender.key)
    assert is_taken(sender, sender.key, other)
    assert not is_taken(sender, other)


@each
def test_without_any_key_nothing_is_genuine(sender: Sender) -> None:
    """A secret that was dropped from the vault opens nothing, and neither does an empty one."""
    request = sender.request()
    assert sender.reader.proof(request, (), NOW) is None


@pytest.mark.parametrize("sender", [each for each in SENDERS if each.name != "telegram"], ids=lambda sender: sender.name)
def test_another_body_is_not_what_was_signed(sender: Sender) -> None:
    headers = sender.headers()
    assert not is_taken(sender, headers=headers, body=EVENT + b" ")
    assert not is_taken(sender, headers=headers, body=b"")


@each
def test_each_header_is_needed_once(sender: Sender) -> None:
    """Of two values nobody knows which one was signed, and which one a proxy behind us reads."""
    headers = sender.headers()
    signature = next(name for name in headers if any(word in name.lower() for word in ("signature", "token", "authorization")))
    without = {name: value for name, value in headers.items() if name != signature}
    assert not is_taken(sender, headers=without)
    assert not is_taken(sender, headers=without | {signature: ""})
    fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    twice = request_of(headers, EVENT).of([*fields, (signature.lower().encode(), headers[signature].encode())], EVENT, URL)
    assert sender.reader.proof(twice, (sender.key,), NOW) is None


@pytest.mark.parametrize("sender", [each for each in SENDERS if each.stated], ids=lambda sender: sender.name)
@pytest.mark.parametrize("side", [-1, 1])
def test_a_signature_holds_for_five_minutes_both_ways(sender: Sender, side: int) -> None:
    """Clocks differ, and mail is slow; what is older is somebody's recording."""
    headers = sender.headers()
    assert is_taken(sender, headers=headers, at_s=NOW + side * TOLERANCE_S)
    assert not is_taken(sender, headers=headers, at_s=NOW + side * (TOLERANCE_S + 61 if sender.name == "gong" else TOLERANCE_S + 1))


@pytest.mark.parametrize(
    "at", ["", "soon", "-1", "+1795000000", "1.795e9", "1795000000.0", "١٧٩٥٠٠٠٠٠٠", "1795000000 ", "0x6AFDA2C0", "9" * 40, "nan"]
)
@pytest.mark.parametrize("name", ["stripe", "slack", "standard", "hmac"])
def test_a_time_is_written_in_digits(name: str, at: str) -> None:
    """Signed by the right key even: what no sender writes is not interpreted."""
    sender, raw = BY_NAME[name], at.encode()
    made: dict[str, str]
    if name == "stripe":
        made = {"stripe-signature": f"t={at},v1={hmac.digest(sender.key, raw + b'.' + EVENT, 'sha256').hex()}"}
    elif name == "slack":
        signature = hmac.digest(sender.key, b"v0:" + raw + b":" + EVENT, "sha256").hex()
        made = {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={signature}"}
    elif name == "standard":
        signature = base64.b64encode(hmac.digest(sender.key, b"m." + raw + b"." + EVENT, "sha256")).decode()
        made = {"webhook-id": "m", "webhook-timestamp": at, "webhook-signature": f"v1,{signature}"}
    else:
        made = {"x-time": at, "x-id": "m", "x-signature": hmac.digest(sender.key, raw + b".m." + EVENT, "sha256").hex()}
    fields = [(name.encode(), value.encode()) for name, value in made.items()]
    assert sender.reader.proof(request_of({}, b"").of(fields, EVENT), (sender.key,), NOW) is None


@hmacs
@pytest.mark.parametrize("algorithm", ["sha1", "md5", "sha512"])
def test_the_algorithm_is_ours_to_choose(sender: Sender, algorithm: str) -> None:
    """A signature of the right key by another hash, under the name that the scheme expects: nothing of the request picks the hash."""
    right = sender.headers()
    name = next(each for each in right if "signature" in each.lower())
    length = {"sha1": 40, "md5": 32, "sha512": 128}[algorithm]
    wrong = "11" if right[name].endswith("00") else "00"
    forged = right[name].replace("sha256=", f"{algorithm}=") if "sha256=" in right[name] else right[name][:-2] + wrong * (length // 64 + 1)
    assert not is_taken(sender, headers=right | {name: forged})
    digest = hmac.digest(sender.key, EVENT, algorithm)
    for written in (
        digest.hex(),
        f"sha256={digest.hex()}",
        f"v0={digest.hex()}",
        f"t={NOW},v1={digest.hex()}",
        f"v1,{base64.b64encode(digest).decode()}",
    ):
        assert not is_taken(sender, headers=right | {name: written})


def test_a_weaker_signature_beside_the_right_header_counts_for_nothing() -> None:
    """GitHub sends SHA-1 along; Stripe's v0 is of test keys; v1a of Standard Webhooks has a public key."""
    github, stripe, standard = BY_NAME["github"], BY_NAME["stripe"], BY_NAME["standard"]
    sha1 = hmac.digest(github.key, EVENT, "sha1").hex()
    assert not is_taken(github, headers={"x-hub-signature": f"sha1={sha1}", "x-github-event": "push"})
    v1 = stripe.headers()["stripe-signature"]
    assert not is_taken(stripe, headers={"stripe-signature": v1.replace("v1=", "v0=")})
    headers = standard.headers()
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v1a,")
    assert not is_taken(standard, headers=headers)


def test_one_of_several_signatures_is_enough() -> None:
    """Stripe and Standard Webhooks sign with the old and the new secret while one is rolled; a hundred are not looked at."""
    stripe, standard = BY_NAME["stripe"], BY_NAME["standard"]
    at, right = stripe.headers()["stripe-signature"].split(",")
    wrong = "v1=" + "00" * 32
    assert is_taken(stripe, headers={"stripe-signature": f"{at},{wrong},v0=00,{right}"})
    assert not is_taken(stripe, headers={"stripe-signature": ",".join([at, *[wrong] * 100, right])})
    assert not is_taken(stripe, headers={"stripe-signature": f"{at},t=1,{right}"})
    headers = standard.headers()
    right, wrong = headers["webhook-signature"], "v1," + base64.b64encode(bytes(32)).decode()
    assert is_taken(standard, headers=headers | {"webhook-signature": f"{wrong} v1 v1,? {right}"})


def test_what_the_senders_documentation_signs_is_taken() -> None:
    """GitHub, "Validating webhook deliveries"; Standard Webhooks, the vector of its libraries; Slack, "Verifying requests from Slack"."""
    github = request_of(
        {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}, b"Hello, World!"
    )
    assert SCHEMES["github"].proof(github, [b"It's a Secret to Everybody"], NOW) == b"Hello, World!"
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    standard = request_of(headers, b'{"test": 2432232314}')
    assert SCHEMES["standard"].proof(standard, [SCHEMES["standard"].key_of(WHSEC)], 1_614_265_330) is not None
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
        b"&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
        b"%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    assert SCHEMES["slack"].proof(request_of(headers, body), [b"8f742231b10e8888abcd99yyyzzz85a5"], 1_531_420_618) is not None


@given(body=st.text(max_size=200), event_id=st.from_regex(r"[a-zA-Z0-9_.-]{1,40}", fullmatch=True))
def test_standard_webhooks_agree_with_their_own_library(body: str, event_id: str) -> None:
    """Both ways: what the library signs is taken, and what we sign it verifies."""
    webhooks = pytest.importorskip("standardwebhooks.webhooks", reason="the library of Standard Webhooks is not installed")
    library, ours = webhooks.Webhook(WHSEC.decode()), SCHEMES["standard"]
    key, now = ours.key_of(WHSEC), datetime.now(UTC)
    signature = library.sign(event_id, now, body)
    headers = {"webhook-id": event_id, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    assert ours.proof(request_of(headers, body.encode()), [key], now.timestamp()) is not None
    example = ours.example(key, now.timestamp(), URL, body.encode())
    library.verify(body, dict(example.headers), json_parse=False)


@pytest.mark.parametrize(
    ("encoding", "prefix", "written"),
    [
        ("hex", "", lambda d: d.hex()),
        ("hex", "sha256=", lambda d: f"sha256={d.hex().upper()}"),
        ("base64", "", lambda d: base64.b64encode(d).decode()),
    ],
    ids=["hex", "prefix", "base64"],
)
def test_a_signature_of_anybodys_form_is_read(encoding: str, prefix: str, written: object) -> None:
    scheme = GenericHmac("X-Sig", encoding=encoding, prefix=prefix)  # type: ignore[arg-type]
    digest = hmac.digest(b"key", EVENT, "sha256")
    said = written(digest)  # type: ignore[operator]
    assert scheme.proof(request_of({"x-sig": said}, EVENT), [b"key"], NOW) == EVENT
    for wrong in (said + "=", f"{said} ", f" {said}x", said[:-1], f"x{said}"):
        fields = [(b"x-sig", wrong.encode())]
        is_same = wrong.strip() == said
        assert (scheme.proof(request_of({}, b"").of(fields, EVENT), [b"key"], NOW) is not None) == is_same


def test_a_body_that_looks_like_a_mark_is_signed_as_it_is() -> None:
    """`{timestamp}` in a body or an id is no place to fill: or two different events would have one signature."""
    sender = BY_NAME["hmac"]
    body = b'{"note":"{timestamp}{id}{body}"}'
    assert is_taken(sender, headers=sender.headers(body), body=body)
    message = HMAC._message(body, "1", "{body}")
    assert message == b"1.{body}." + body


@pytest.mark.parametrize(
    ("name", "request_headers", "content", "expected"),
    [
        ("stripe", {}, {"id": "evt_1", "type": "invoice.paid"}, HookEvent("evt_1", "invoice.paid")),
        ("stripe", {}, ["no", "object"], HookEvent("", "")),
        ("github", {"x-github-event": "push", "x-github-delivery": "d1"}, {}, HookEvent("d1", "push")),
        ("github", {"x-github-event": "ping"}, {}, Reply({"pong": True})),
        ("slack", {}, {"type": "url_verification", "challenge": "c"}, Reply({"challenge": "c"})),
        ("slack", {}, {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message"}}, HookEvent("Ev1", "message")),
        ("slack", {}, {"command": "/weather"}, HookEvent("", "/weather")),
        ("telegram", {}, {"update_id": 7, "message": {}}, HookEvent("7", "message")),
        ("standard", {"webhook-id": "m1"}, {"type": "user.created"}, HookEvent("m1", "user.created")),
        ("gong", {}, {"callData": {"metaData": {"id": "42", "started": "2026-11-01"}}}, HookEvent("42 2026-11-01", "call")),
        ("gong", {}, {"isTest": True, "callData": {}}, Reply({"test": True})),
    ],
)
def test_an_event_has_its_senders_name(name: str, request_headers: dict[str, str], content: object, expected: object) -> None:
    assert SCHEMES[name].event(request_of(request_headers, b""), content) == expected


def forged(algorithm: str) -> str:
    """Return a token about the very request, by an algorithm that is not RS256."""
    claims = {"webhook_url": URL, "body_sha256": hashlib.sha256(EVENT).hexdigest(), "iat": NOW}
    if algorithm in ("PS256", "RS512"):
        return jwt.encode({"alg": algorithm}, claims, GONG_KEY, algorithms=[algorithm])
    signed = ".".join(base64url.encode(json.dumps(part).encode()) for part in ({"alg": algorithm}, claims))
    signature = hmac.digest(PEM, signed.encode(), "sha256") if algorithm == "HS256" else b""
    return f"{signed}.{base64url.encode(signature)}"


@pytest.mark.parametrize("algorithm", ["HS256", "none", "PS256", "RS512"])
def test_a_token_by_any_other_algorithm_proves_nothing(algorithm: str) -> None:
    """RFC 8725 §2.1: with the public key as the secret of an HMAC, anybody could sign."""
    assert not is_taken(BY_NAME["gong"], headers={"authorization": f"Bearer {forged(algorithm)}"})


def test_a_token_for_another_address_proves_nothing() -> None:
    """A second gateway of the same customer has the same rule's key, perhaps; and `Host` is whatever a caller writes."""
    sender = BY_NAME["gong"]
    assert not is_taken(sender, headers=sender.headers(url="https://elsewhere.example/hooks/test"))
    assert is_taken(sender, headers={**sender.headers(), "authorization": sender.headers()["authorization"].removeprefix("Bearer ")})


@pytest.mark.parametrize(
    ("name", "secret", "why"),
    [
        ("stripe", b"", "empty"),
        ("standard", b"whsec_!!!", "base64"),
        ("standard", b"whsec_c2hvcnQ=", "24 bytes"),
        ("telegram", b"short", "16 to 256"),
        ("gong", b"secret", "PEM"),
        ("gong", GONG_KEY.as_pem(private=True), "private"),
    ],
    ids=["empty", "no base64", "short", "short token", "no key", "private key"],
)
def test_a_secret_that_cannot_be_one_is_said_to_be_none(name: str, secret: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        SCHEMES[name].key_of(secret)
    assert not secret or secret.decode() not in str(refused.value)


@each
async def test_what_could_come_again_for_ever_is_remembered_and_nothing_else(sender: Sender) -> None:
    """A scheme says that it signs its time only where an old copy is refused; a token of Gong's may leave its times out."""
    is_genuine_later = is_taken(sender, headers=sender.headers(), at_s=NOW + 40 * 24 * 3600)
    assert not (sender.reader.signs_time and is_genuine_later)
    genuine = prove(sender.webhook(), (sender.key,), sender.request(), NOW)
    assert genuine is not None
    arrival = await arrival_of(genuine)
    assert isinstance(arrival, Arrival)
    assert (arrival.lasting_mark is None) == sender.reader.signs_time
    assert {each.name for each in SENDERS if not each.reader.signs_time} == {"github", "telegram", "gong"}
    assert not GenericHmac("X-Signature").signs_time
