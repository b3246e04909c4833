"""Sign a request with AWS Signature Version 4, over exactly the method, path, query, headers and body that are sent.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
import posixpath
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote, unquote_to_bytes, urlsplit

from oauth.connections.credentials import Credential
from tools.errors import EgressRefused
from tools.operation import Failure

ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"
#: written by whoever sends the request, or changed on the way: not part of what is signed
_UNSIGNED = frozenset(
    {
        "accept-encoding", "authorization", "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer",
        "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id",
    }
)  # fmt: skip
#: they decode a path once and leave its dots alone, and want the body's hash as a header
_OBJECT_STORES = frozenset({"s3", "s3express", "s3-object-lambda", "s3-outposts"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SUFFIX = re.compile(r"\.(?:amazonaws\.com(?:\.cn)?|api\.aws)$")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z0-9]+)+-\d+")
_OLD_S3_LABEL = re.compile(rf"s3-({_REGION.pattern})")
#: labels of hosts whose service goes by another name in signatures
_SERVICE_BY_LABEL = {"email": "ses", "bedrock-runtime": "bedrock", "queue": "sqs", "streams": "dynamodb"}
#: services without a region of their own sign for this one
GLOBAL_REGION = "us-east-1"


def sign(
    credential: Credential, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes | None, now: float
) -> list[tuple[str, str]]:
    """Return `headers` with the date, the session token and the signature. Raises EgressRefused where region or service is unknown."""
    parts = urlsplit(url)
    region, service = scope_of(credential, parts.hostname or "")
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    payload = hashlib.sha256(body or b"").hexdigest()
    # A caller's own would be signed, or stand beside ours unsigned.
    ours = {"x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "authorization"}
    sent = [(name, value) for name, value in headers if name.lower() not in ours]
    sent.append(("X-Amz-Date", stamp))
    # Signed with the rest: temporary credentials are valid only with their token.
    if credential.session_token:
        sent.append(("X-Amz-Security-Token", credential.session_token))
    if service in _OBJECT_STORES:
        sent.append(("X-Amz-Content-SHA256", payload))
    names, lines = _canonical_headers([*sent, ("host", _host(parts.scheme, parts.hostname or "", parts.port))])
    # The path as it is sent: a signature over another spelling is refused, or worse, fits another object.
    path = _canonical_path(parts.path, service)
    request = "\n".join((method, path, _canonical_query(parts.query), lines, names, payload))
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = "\n".join((ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
    signature = hmac.digest(_signing_key(credential.secret, stamp[:8], region, service), to_sign.encode(), "sha256").hex()
    sent.append(("Authorization", f"{ALGORITHM} Credential={credential.username}/{scope}, SignedHeaders={names}, Signature={signature}"))
    return sent


def signature_of(headers: Sequence[tuple[str, str]]) -> str:
    """Return the signature that `sign` put there: for some minutes it proves as much as the key."""
    return next((value.rpartition("Signature=")[2] for name, value in headers if name == "Authorization"), "")


def scope_of(credential: Credential, host: str) -> tuple[str, str]:
    """Return region and service: the account's, where it names them, otherwise those that the host tells."""
    region, service = _told_by(host)
    region, service = credential.region or region, credential.service or service
    if region and service:
        return region, service
    missing = "region and service" if not region and not service else "region" if not region else "service"
    raise EgressRefused(
        Failure(
            "egress_refused",
            f"the request to {host[:100]} cannot be signed: its AWS {missing} is unknown",
            hint="connect the account with --region and --service, e.g. `ascend connection add-key aws --kind sigv4`",
        )
    )


def _told_by(host: str) -> tuple[str, str]:
    name = host.lower()
    found = _SUFFIX.search(name)
    if found is None:
        return "", ""
    labels = [label for label in name[: found.start()].split(".") if label != "dualstack"]
    if joined := _OLD_S3_LABEL.fullmatch(labels[-1]):
        return joined[1], "s3"
    region, label = GLOBAL_REGION, labels[-1]
    if len(labels) > 1 and _REGION.fullmatch(labels[-1]):  # most: what.service.region
        region, label = labels[-1], labels[-2]
    elif len(labels) > 1 and _REGION.fullmatch(labels[-2]):  # search domains: what.region.service
        region = labels[-2]
    return region, _SERVICE_BY_LABEL.get(label, label)


def _canonical_headers(headers: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the names that are signed and their lines; a name that comes twice has its values in order, joined by commas."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        if name.lower() not in _UNSIGNED or name == "host":
            values.setdefault(name.lower(), []).append(" ".join(value.split()))
    names = sorted(values)
    return ";".join(names), "".join(f"{name}:{','.join(values[name])}\n" for name in names)


def _host(scheme: str, hostname: str, port: int | None) -> str:
    host = f"[{hostname}]" if ":" in hostname else hostname
    return host if port is None or port == _DEFAULT_PORTS.get(scheme) else f"{host}:{port}"


def _canonical_path(path: str, service: str) -> str:
    if service in _OBJECT_STORES:
        return "/".join(map(_escaped, (path or "/").split("/")))
    # Every other service takes the path as it is on the wire, its dots resolved, and escapes it once more.
    resolved = posixpath.normpath(path or "/")
    resolved = "/" + resolved.lstrip("/")
    if path.endswith("/") and resolved != "/":
        resolved += "/"
    return quote(resolved, safe=f"/{_UNRESERVED}")


def _canonical_query(query: str) -> str:
    pairs = [piece.partition("=") for piece in query.split("&") if piece]
    return "&".join(f"{name}={value}" for name, value in sorted((_escaped(name), _escaped(value)) for name, _, value in pairs))


def _escaped(text: str) -> str:
    return quote(unquote_to_bytes(text), safe=_UNRESERVED)


def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
