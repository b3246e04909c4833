"""AWS Signature Version 4, with botocore's own signer as the judge, and the values that AWS documents."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import botocore.auth
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from oauth.connections.credentials import Credential, Readiness
from oauth.principal import Principal
from tests.examples import examples
from tests.tools.sources.http.upstream import Upstream
from tests.tools.sources.openapi.callable import call_of
from tools.egress.client import Egress
from tools.egress.sigv4 import scope_of, sign
from tools.errors import EgressRefused
from tools.sources.http.runner import OpenApiRunner
from tools.sources.openapi.import_document import import_document

#: the key pair of AWS's published test suite
KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
NOW = dt.datetime(2015, 8, 30, 12, 36, tzinfo=dt.UTC)
SUITE = Credential("sigv4", SECRET, KEY_ID, region="us-east-1", service="service")


def judged(method: str, url: str, headers: Mapping[str, str], body: bytes, *, service: str, region: str, token: str = "") -> str:
    """Return the Authorization that botocore writes for the same request at the same moment."""
    request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(Credentials(KEY_ID, SECRET, token or None), service, region)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))
        signer.add_auth(request)
    return str(request.headers["Authorization"])


def ours(credential: Credential, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> str:
    return dict(sign(credential, method, url, list(headers.items()), body, NOW.timestamp()))["Authorization"]


def test_the_published_suites_first_request_has_its_published_signature() -> None:
    """AWS's test suite, get-vanilla."""
    assert ours(SUITE, "GET", "https://example.amazonaws.com/", {}, None) == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, "
        "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
    )


#: (name in AWS's suite, method, path and query, headers, body)
SUITE_REQUESTS: tuple[tuple[str, str, str, Mapping[str, str], bytes], ...] = (
    ("get-vanilla-query-order-key-case", "GET", "/?Param2=value2&Param1=value1", {}, b""),
    ("get-vanilla-query-order-value", "GET", "/?Param1=value2&Param1=value1", {}, b""),
    ("get-vanilla-query-unreserved", "GET", "/?-._~0123456789ABCabc=-._~0123456789ABCabc", {}, b""),
    ("get-vanilla-utf8-query", "GET", "/?%E1%88%B4=bar", {}, b""),
    ("get-vanilla-empty-query-key", "GET", "/?Param1=value1", {}, b""),
    ("get-utf8", "GET", "/%E1%88%B4", {}, b""),
    ("get-space", "GET", "/example%20space/", {}, b""),
    ("get-relative", "GET", "/example/..", {}, b""),
    ("get-relative-relative", "GET", "/example1/example2/../..", {}, b""),
    ("get-slash-dot-slash", "GET", "/./", {}, b""),
    ("get-slashes", "GET", "//example//", {}, b""),
    ("get-header-value-trim", "GET", "/", {"My-Header1": " value1", "My-Header2": ' "a   b   c"'}, b""),
    ("post-vanilla", "POST", "/", {}, b""),
    ("post-x-www-form-urlencoded", "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, b"Param1=value1"),
)


@pytest.mark.parametrize(("name", "method", "path", "headers", "body"), SUITE_REQUESTS, ids=[one[0] for one in SUITE_REQUESTS])
def test_a_request_of_the_published_suite_is_signed_as_aws_signs_it(
    name: str, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> None:
    """AWS's test suite, recomputed with botocore."""
    url = f"https://example.amazonaws.com{path}"
    assert ours(SUITE, method, url, headers, body) == judged(method, url, headers, body, service="service", region="us-east-1")


def test_a_session_token_is_sent_and_signed() -> None:
    """AWS's test suite, post-sts-header-before: temporary keys."""
    token = "AQoDYXdzEPT//////////wEXAMPLE"
    credential = Credential("sigv4", SECRET, KEY_ID, region="us-east-1", service="service", session_token=token)
    sent = dict(sign(credential, "POST", "https://example.amazonaws.com/", [], b"", NOW.timestamp()))
    assert sent["X-Amz-Security-Token"] == token
    assert sent["Authorization"] == judged(
        "POST", "https://example.amazonaws.com/", {}, b"", service="service", region="us-east-1", token=token
    )


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
SEGMENT = TEXT.filter(lambda text: text not in (".", ".."))
VALUE = st.text("abcXYZ 019-_/;=\"'", max_size=20)


@examples(150)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]),
    service=st.sampled_from(["s3", "dynamodb", "execute-api", "lambda"]),
    region=st.sampled_from(["us-east-1", "eu-central-1", "us-gov-west-1"]),
    segments=st.lists(SEGMENT, max_size=4),
    query=st.lists(st.tuples(TEXT, st.text(max_size=8)), max_size=4),
    headers=st.dictionaries(st.sampled_from(["Content-Type", "Accept", "X-Amz-Target", "X-Thing", "If-None-Match"]), VALUE),
    body=st.binary(max_size=64),
    token=st.sampled_from(["", "FwoGZX/token=="]),
    port=st.sampled_from(["", ":443", ":8443"]),
)
def test_any_request_is_signed_as_botocore_signs_it(
    method: str,
    service: str,
    region: str,
    segments: list[str],
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: bytes,
    token: str,
    port: str,
) -> None:
    """botocore's signer is the oracle: method, path, query, headers, body, session token, region, service, port."""
    path = "/" + "/".join(quote(segment, safe="") for segment in segments)
    pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query)
    url = f"https://{service}.{region}.amazonaws.com{port}{path}{'?' if pairs else ''}{pairs}"
    credential = Credential("sigv4", SECRET, KEY_ID, session_token=token)
    assert ours(credential, method, url, headers, body) == judged(method, url, headers, body, service=service, region=region, token=token)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("dynamodb.eu-west-1.amazonaws.com", ("eu-west-1", "dynamodb")),
        ("bucket.with.dots.s3.eu-west-1.amazonaws.com", ("eu-west-1", "s3")),
        ("bucket.s3.dualstack.eu-west-1.amazonaws.com", ("eu-west-1", "s3")),
        ("s3-eu-west-1.amazonaws.com", ("eu-west-1", "s3")),
        ("a1b2.execute-api.us-east-2.amazonaws.com", ("us-east-2", "execute-api")),
        ("search-logs-x1.eu-central-1.es.amazonaws.com", ("eu-central-1", "es")),
        ("iam.amazonaws.com", ("us-east-1", "iam")),
        ("sts.us-gov-west-1.amazonaws.com", ("us-gov-west-1", "sts")),
        ("ec2.cn-north-1.amazonaws.com.cn", ("cn-north-1", "ec2")),
        ("lambda.eu-west-1.api.aws", ("eu-west-1", "lambda")),
        ("email.eu-west-1.amazonaws.com", ("eu-west-1", "ses")),
    ],
)
def test_region_and_service_are_told_by_the_host(host: str, expected: tuple[str, str]) -> None:
    """AWS General Reference, service endpoints."""
    assert scope_of(Credential("sigv4", "s", "id"), host) == expected


def test_the_accounts_region_and_service_come_before_the_hosts() -> None:
    """A service behind a name of one's own, or one whose label is not its signing name."""
    credential = Credential("sigv4", "s", "id", region="eu-west-3", service="execute-api")
    assert scope_of(credential, "api.example.com") == ("eu-west-3", "execute-api")
    assert scope_of(credential, "dynamodb.eu-west-1.amazonaws.com") == ("eu-west-3", "execute-api")


@pytest.mark.parametrize(
    ("credential", "missing"),
    [
        (Credential("sigv4", "s", "id"), "region and service"),
        (Credential("sigv4", "s", "id", region="eu-west-1"), "service"),
        (Credential("sigv4", "s", "id", service="s3"), "region"),
    ],
)
def test_a_request_that_cannot_be_signed_says_what_is_missing(credential: Credential, missing: str) -> None:
    """Errors name the thing and the way out; a host that merely begins like AWS's tells nothing."""
    with pytest.raises(EgressRefused) as refused:
        sign(credential, "GET", "https://dynamodb.eu-west-1.amazonaws.com.evil.example/", [], None, 0)
    assert f"AWS {missing} is unknown" in refused.value.failure.message
    assert "--region" in (refused.value.failure.hint or "")


class Keys:
    """AWS keys as the account of everybody."""

    def __init__(self, credential: Credential) -> None:
        self.credential = credential

    def readiness(self, principal: Principal, provider: str, scopes: frozenset[str]) -> Readiness:
        return Readiness(provider, "ready", ("default",), "default", kinds=("sigv4",))

    async def for_call(self, principal: Principal, provider: str, scopes: frozenset[str], account: str | None) -> Credential:
        return self.credential

    async def rejected(self, principal: Principal, provider: str, credential: Credential) -> Credential | None:
        return None


PUT_ITEM: dict[str, Any] = {
    "operationId": "putItem",
    "parameters": [
        {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}},
        {"name": "tag", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "X-Amz-Target", "in": "header", "schema": {"type": "string"}},
    ],
    "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
    "responses": {},
    "security": [{"hmac": []}],
}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {},
    "paths": {"/items/{key}": {"put": PUT_ITEM}},
    "components": {"securitySchemes": {"hmac": {"type": "apiKey", "in": "header", "name": "Authorization"}}},
}
ARGUMENTS: dict[str, Any] = {"key": "a b/ü~", "tag": ["x y", "z&é:"], "X-Amz-Target": "Items.Put", "body": {"name": "Ada"}}


@pytest.mark.parametrize("service", ["dynamodb", "s3"])
@pytest.mark.parametrize("is_lean", [True, False])
async def test_what_arrives_is_what_was_signed(service: str, is_lean: bool) -> None:
    """Issue 6: SigV4 over the exact request: recomputed by botocore from what a real server got, over both ways out."""
    token = "FwoGZX/temporary=="
    keys = Keys(Credential("sigv4", SECRET, KEY_ID, region="eu-west-1", service=service, session_token=token))
    async with Upstream() as upstream, Egress(allow=["127.0.0.1:*"], is_lean=is_lean) as egress:
        upstream.answer(200, "{}")
        document = json.dumps(DOCUMENT | {"servers": [{"url": upstream.base_url}]}).encode()
        (operation,) = import_document(document, provider="aws", tenant_id=None, location="d.json", base_url=upstream.base_url).operations
        body = {"name": "Ada"}
        arguments = {name: ARGUMENTS.get(name, body.get(name, ARGUMENTS["X-Amz-Target"])) for name in operation.input_schema["properties"]}
        runner = OpenApiRunner(egress, keys, clock=NOW.timestamp)
        outcome = await runner.run(call_of(operation, arguments))
        assert outcome.status == "ok", outcome.error
        shown = json.dumps(await runner.preview(call_of(operation, arguments)))
    [got] = upstream.got
    signed = re.search(r"SignedHeaders=([^,]+)", got.headers["Authorization"])
    assert signed
    assert {"host", "x-amz-date", "x-amz-security-token", "x-amz-target", "accept"} <= set(signed[1].split(";"))
    names = set(signed[1].split(";")) - {"host", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"}
    headers = {name: value for name, value in got.headers.items() if name.lower() in names}
    # botocore takes a query as it is; the wire's may be spelt otherwise and mean the same.
    path, _, query = got.target.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")]
    strict = "&".join(f"{quote(unquote(name), safe='')}={quote(unquote(value), safe='')}" for name, _, value in pairs)
    expected = judged(
        got.method, f"{upstream.base_url}{path}?{strict}", headers, got.body, service=service, region="eu-west-1", token=token
    )
    assert got.headers["Authorization"] == expected
    assert "AWS4-HMAC-SHA256 ***" in shown
    assert not [secret for secret in (SECRET, KEY_ID, token) if secret in shown]
    assert SECRET not in str(got.headers)
