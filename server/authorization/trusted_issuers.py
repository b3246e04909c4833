"""`trusted-issuers.toml` in the data directory: the identity providers that may vouch for people (enterprise-managed authorization)."""

import tomllib
from pathlib import Path

from oauth.grants.jwt_bearer import TrustedIssuer
from server.config.errors import SettingsError

FILE = "trusted-issuers.toml"
_MEMBERS = {"tenant", "issuer", "jwks_uri"}


def load_trusted_issuers(data_dir: Path) -> tuple[TrustedIssuer, ...]:
    """Return the trusted issuers; none where the file is absent, which keeps the grant type off. Raises SettingsError."""
    path = data_dir / FILE
    if not path.is_file():
        return ()
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("issuer", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not TOML: {error}; correct or remove the file") from error
    if not isinstance(entries, list):
        raise SettingsError(f"{path}: issuer is not a list; begin each with [[issuer]]")
    return tuple(_issuer(path, entry) for entry in entries)


def _issuer(path: Path, entry: object) -> TrustedIssuer:
    # Exactly these: nothing misspelt is passed over in a file that says whom to believe.
    if not isinstance(entry, dict) or set(entry) != _MEMBERS or not all(isinstance(value, str) and value for value in entry.values()):
        raise SettingsError(f"{path}: each [[issuer]] needs exactly {', '.join(sorted(_MEMBERS))}, as text")
    # RFC 8414 §2 (issuer); keys that come over plain http are whoever's the network is.
    if not entry["issuer"].startswith("https://") or not entry["jwks_uri"].startswith("https://"):
        raise SettingsError(f"{path}: issuer and jwks_uri of {entry['issuer']!r} must be https URLs")
    return TrustedIssuer(entry["tenant"], entry["issuer"], entry["jwks_uri"])
