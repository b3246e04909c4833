"""An authenticator in software: makes and uses passkeys as a browser would hand them over, and misbehaves where a test asks for it."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftwareAuthenticator:
    """One passkey. `origin` is what the browser in front of it says; `counter` is sent as it stands and then moves by `step`."""

    origin: str
    counter: int = 0
    step: int = 0
    flags: int = USER_PRESENT | USER_VERIFIED
    #: members of the client data that replace or join the right ones
    client_data: dict[str, Any] = field(default_factory=dict)
    rp_id: str | None = None
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    user_handle: bytes = b""

    def create(self, options_text: str) -> str:
        """Answer the options of navigator.credentials.create()."""
        options = json.loads(options_text)
        self.user_handle = bytes_of(options["user"]["id"])
        client_data = self._client_data("webauthn.create", options["challenge"])
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self._public_key()
        data = self._authenticator_data(self.rp_id or options["rp"]["id"], self.flags | ATTESTED) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer({"clientDataJSON": text_of(client_data), "attestationObject": text_of(attestation)})

    def get(self, options_text: str) -> str:
        """Answer the options of navigator.credentials.get()."""
        options = json.loads(options_text)
        client_data = self._client_data("webauthn.get", options["challenge"])
        data = self._authenticator_data(self.rp_id or options["rpId"], self.flags)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": text_of(client_data),
            "authenticatorData": text_of(data),
            "signature": text_of(signature),
            "userHandle": text_of(self.user_handle),
        }
        return self._answer(response)

    @staticmethod
    def damaged(answer: str, name: str, place: int, byte: int) -> str:
        """Return the answer with one byte of one member of its response replaced, if the member is that long."""
        credential = json.loads(answer)
        member = bytearray(bytes_of(credential["response"][name]))
        if place < len(member):
            member[place] = byte
        credential["response"][name] = text_of(bytes(member))
        return json.dumps(credential)

    def _client_data(self, kind: str, challenge: str) -> bytes:
        facts = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False} | self.client_data
        return json.dumps(facts).encode()

    def _authenticator_data(self, rp_id: str, flags: int) -> bytes:
        data = hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")
        self.counter += self.step
        return data

    def _public_key(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})

    def _answer(self, response: dict[str, str]) -> str:
        name = text_of(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}})
