"""Whose keys sign: those of AWS's own variables, or a secret of the vault."""

from collections.abc import Awaitable, Callable, Mapping

from oauth.connections.credentials import Credential
from oauth.errors import SealBroken
from oauth.vault.named_secrets import named_in
from server.object_storage.errors import KeysMissing
from server.object_storage.location import BucketLocation

#: name of a secret -> what the vault has under it
Reveal = Callable[[str], Awaitable[bytes | None]]
SERVICE = "s3"


async def credential_for(location: BucketLocation, environ: Mapping[str, str], reveal: Reveal | None) -> Credential:
    """Return the keys that sign requests to a bucket. `reveal` None: there is no vault here yet. Raises KeysMissing."""
    if not location.keys:
        key_id, secret = environ.get("AWS_ACCESS_KEY_ID", ""), environ.get("AWS_SECRET_ACCESS_KEY", "")
        if not key_id or not secret:
            way_out = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write ?keys=vault:NAME behind it"
            raise KeysMissing(f"nobody said whose keys open bucket {location.bucket}: {way_out}")
        return _signing(location, key_id, secret, environ.get("AWS_SESSION_TOKEN", ""))
    name = named_in(location.keys)
    if name is None:
        raise KeysMissing(f"the keys of bucket {location.bucket} are no reference; write ?keys=vault:NAME and put them there")
    if reveal is None:
        way_out = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY and leave out ?keys="
        raise KeysMissing(f"there is no vault here yet that could open bucket {location.bucket}: {way_out}")
    try:
        secret_text = await reveal(name)
    except SealBroken as error:
        way_out = f"it is damaged, or was sealed with another key; pipe 'KEY_ID:SECRET' into `ascend vault put {name}`"
        raise KeysMissing(f"vault:{name} does not open, which has the keys of bucket {location.bucket}: {way_out}") from error
    key_id, _, rest = (secret_text or b"").decode(errors="replace").strip().partition(":")
    secret, _, token = rest.partition(":")
    if not key_id or not secret:
        way_out = f"pipe 'KEY_ID:SECRET' into `ascend vault put {name}`"
        raise KeysMissing(f"vault:{name} does not hold the keys of bucket {location.bucket}: {way_out}")
    return _signing(location, key_id, secret, token)


def _signing(location: BucketLocation, key_id: str, secret: str, token: str) -> Credential:
    return Credential("sigv4", secret, key_id, session_token=token, region=location.region, service=SERVICE)
