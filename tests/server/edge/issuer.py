"""Somebody else's authorization server: its keys at an address, and the tokens that it signs."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey

from tests.server.edge.backend import Backend, Speak, saying

ISSUER, AUDIENCE = "https://id.example.com", "orders-api"


@dataclass
class Issuer:
    key: Key = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "k1"}))

    @property
    def speaks(self) -> Speak:
        """Return what its server of keys says."""
        return saying(orjson.dumps({"keys": [self.key.as_dict(private=False)]}), "Content-Type: application/json")

    def token(self, header: Mapping[str, object] | None = None, key: Key | None = None, **claims: object) -> str:
        """Return a token of `ada`; claims given as None are left out."""
        usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ada", "exp": int(time.time()) + 600}
        said: dict[str, Any] = {name: value for name, value in {**usual, **claims}.items() if value is not None}
        algorithm = "HS256" if isinstance(key, OctKey) else "ES256"
        head = {"typ": "JWT", "alg": algorithm, "kid": "k1", **(header or {})}
        # In ASCII: a claim may have half a character.
        return jws.serialize_compact(head, json.dumps(said).encode(), key or self.key)

    def bearer(self, **claims: object) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(None, None, **claims)}"}


def verified(keys: Backend, auth: str = "required") -> dict[str, object]:
    """Return the members of a route that takes tokens of this issuer."""
    return {"auth": auth, "issuer": ISSUER, "audience": AUDIENCE, "jwks_uri": f"{keys.url}/jwks"}
