"""Where a request goes when it is not where the document says: the account's own instance, the next page."""

from collections.abc import Mapping
from urllib.parse import quote

from oauth.connections.credentials import Credential
from tools.errors import UpstreamFailed
from tools.operation import REDACTED, Failure, Json
from tools.sources.http.credentials import AuthParameters
from tools.text.urls import joined, parts_of


def connection_base(base_url: str, credential: Credential) -> str | None:
    """Return the address that the provider named for this account (an instance URL), with the path of the document's server."""
    if not credential.api_base:
        return None
    base = credential.api_base.rstrip("/")
    return base if parts_of(base).path else f"{base}{parts_of(base_url).path}".rstrip("/")


def next_page_url(follow: str, url: str, proofs: AuthParameters, credential: Credential | None) -> str:
    """Return the URL of a next page, with what it has of the credential. Another origin never gets the credential.

    The upstream gave the address, and nobody could change it since: where it held the secret, it does so again.
    """
    wanted, own = parts_of(joined(url, follow)), parts_of(url)
    # An upstream behind a proxy often calls itself http, or names the port inside: it is asked where it is known to be.
    is_own_name = wanted.hostname == own.hostname and wanted.netloc.lower() in (own.netloc.lower(), own.hostname)
    if wanted.scheme not in ("http", "https") or not is_own_name:
        raise UpstreamFailed(
            Failure("upstream_malformed", f"the next page is said to be at {wanted.netloc[:100]}, not at {own.netloc}; it is not followed")
        )
    if credential is not None:
        secret = quote(credential.secret, safe="")
        wanted = wanted._replace(path=wanted.path.replace(REDACTED, secret), query=wanted.query.replace(REDACTED, secret))
    names = {quote(name, safe="") for name, _ in proofs.query}
    kept = [pair for pair in wanted.query.split("&") if pair and pair.partition("=")[0] not in names]
    pairs = [*kept, *(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in proofs.query)]
    return f"{own.scheme}://{own.netloc}{wanted.path}{'?' if pairs else ''}{'&'.join(pairs)}"


def with_secret(arguments: Mapping[str, Json], name: str, credential: Credential) -> Mapping[str, Json]:
    """Return arguments with the secret where the upstream's own cursor held it; nobody could have put it there since."""
    cursor = arguments.get(name)
    return {**arguments, name: cursor.replace(REDACTED, credential.secret)} if isinstance(cursor, str) else arguments
