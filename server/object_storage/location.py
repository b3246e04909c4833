"""Which bucket is meant and how it is addressed: `s3://bucket/prefix?endpoint=…&region=…&style=path|virtual&keys=vault:NAME`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, quote

from server.object_storage.errors import LocationInvalid
from tools.text.urls import parts_of

SCHEME = "s3://"
Style = Literal["path", "virtual"]
_STYLES: Mapping[str, Style] = {"path": "path", "virtual": "virtual"}
#: S3 user guide, "Bucket naming rules": what is none of these is also no label of a host or segment of a path
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_REGION = re.compile(r"[a-z0-9-]{1,40}")
#: what AWS's own clients read; the first that is set counts
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_MEMBERS = frozenset({"endpoint", "region", "style", "keys"})
#: S3: a key is at most 1,024 bytes; what is put under a prefix needs some of them
MAX_PREFIX_BYTES = 512
#: where a server of one's own knows no regions, and where AWS looks first
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class BucketLocation:
    """`prefix` is "" or ends in a slash. `endpoint` "": AWS's own of `region`. `keys` "": those of the environment."""

    bucket: str
    prefix: str
    region: str
    endpoint: str = ""
    style: Style = "virtual"
    keys: str = ""

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}"

    def url(self, key: str = "") -> str:
        """Return the URL of an object, or of the bucket itself; its path is percent-encoded as it is signed."""
        suffix = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        base = parts_of(self.endpoint or f"https://s3.{self.region}.{suffix}")
        path = f"/{quote(key, safe='/-_.~')}"
        if self.style == "path":
            return f"{base.scheme}://{base.netloc}/{self.bucket}{path if key else ''}"
        return f"{base.scheme}://{self.bucket}.{base.netloc}{path}"


def is_bucket_url(text: str) -> bool:
    return text.startswith(SCHEME)


def read_location(text: str, environ: Mapping[str, str]) -> BucketLocation:
    """Read the URL of a bucket; what it leaves open is as AWS's variables say. Raises LocationInvalid."""
    parts = parts_of(text)
    said = dict(parse_qsl(parts.query, keep_blank_values=True))
    if (
        not is_bucket_url(text)
        or parts.fragment
        or parts.username is not None
        or not _BUCKET.fullmatch(parts.netloc)
        or ".." in parts.netloc
    ):
        raise LocationInvalid(f"{_shown(parts.netloc)} is no bucket: write s3://bucket/prefix, the bucket in a-z, 0-9, '-' and '.'")
    if unknown := sorted(said.keys() - _MEMBERS):
        raise LocationInvalid(f"{SCHEME}{parts.netloc} has {unknown[0][:40]!r} behind it; {', '.join(sorted(_MEMBERS))} may stand there")
    endpoint = _endpoint(said.get("endpoint") or _first(environ, _ENDPOINTS), parts.netloc)
    region = said.get("region") or _first(environ, _REGIONS) or (DEFAULT_REGION if endpoint else "")
    if not _REGION.fullmatch(region):
        raise LocationInvalid(f"the region of bucket {parts.netloc} is unknown: set AWS_REGION, or write ?region=eu-central-1 behind it")
    # A certificate of *.s3.… covers no further dot, and a server of one's own seldom has a name for each bucket.
    default: Style = "path" if endpoint or "." in parts.netloc else "virtual"
    style = _STYLES.get(said.get("style", ""), default)
    if "style" in said and said["style"] not in _STYLES:
        raise LocationInvalid(f"style={said['style'][:20]!r} of bucket {parts.netloc} is neither path nor virtual")
    prefix = parts.path.strip("/")
    if (
        len(prefix.encode()) > MAX_PREFIX_BYTES
        or not prefix.isprintable()
        or any(part in (".", "..", "") for part in prefix.split("/") if prefix)
    ):
        raise LocationInvalid(f"the prefix of bucket {parts.netloc} is no path of at most {MAX_PREFIX_BYTES} bytes without '..' and '//'")
    return BucketLocation(parts.netloc, f"{prefix}/" if prefix else "", region, endpoint, style, said.get("keys", ""))


def _endpoint(text: str, bucket: str) -> str:
    if not text:
        return ""
    parts = parts_of(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query or parts.username is not None:
        raise LocationInvalid(f"the endpoint of bucket {bucket} is no https://host:port: no path, query or user belongs to it")
    return f"{parts.scheme}://{parts.netloc}"


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")


def _shown(text: str) -> str:
    return repr(text[:80])
