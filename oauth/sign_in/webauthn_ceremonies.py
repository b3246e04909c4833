"""What browsers are asked for, and what they answer, verified: the two ceremonies of WebAuthn 3 for one relying party.

Loaded when somebody first signs in or enrols by a passkey; nothing else imports it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from oauth.sign_in.errors import PasskeyRefused

_BROKEN = (WebAuthnException, ValueError, TypeError, KeyError)
# WebAuthn 3 §5.8.6: without it a found security key would sign in by itself. Checked again in the answer.
_VERIFIED = UserVerificationRequirement.REQUIRED


@dataclass(frozen=True, slots=True)
class Assertion:
    """A verified sign-in."""

    sign_count: int
    backed_up: bool


@dataclass(frozen=True, slots=True)
class Attestation:
    """A verified new credential."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    backed_up: bool
    aaguid: str


class Ceremonies:
    """`rp_id`: the host whose passkeys these are; `origin`: the one origin whose pages may use them."""

    def __init__(self, rp_id: str, origin: str) -> None:
        self._rp_id, self._origin = rp_id, origin

    def sign_in_options(self, challenge: bytes, timeout_s: int) -> str:
        """Return the options for navigator.credentials.get() as JSON."""
        options = generate_authentication_options(
            rp_id=self._rp_id, challenge=challenge, timeout=timeout_s * 1000, user_verification=_VERIFIED
        )
        return options_to_json(options)

    def enrolment_options(
        self, challenge: bytes, timeout_s: int, user_handle: bytes, names: tuple[str, str], known_ids: Sequence[bytes]
    ) -> str:
        """Return the options for navigator.credentials.create() as JSON. `names`: the user's, and as it is displayed."""
        options = generate_registration_options(
            rp_id=self._rp_id,
            rp_name=f"Ascend Gateway ({self._rp_id})",
            user_name=names[0],
            user_id=user_handle,
            user_display_name=names[1],
            challenge=challenge,
            timeout=timeout_s * 1000,
            # WebAuthn 3 §5.4.6: discoverable, so nobody types a name at sign-in, and who exists is never asked
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFIED
            ),
            # WebAuthn 3 §5.4 (excludeCredentials): the same authenticator is not registered twice
            exclude_credentials=[PublicKeyCredentialDescriptor(id=credential_id) for credential_id in known_ids],
        )
        return options_to_json(options)

    def assertion(self, answer: Mapping[str, object], challenge: bytes, public_key: bytes) -> Assertion:
        """Verify who signs in. Raises PasskeyRefused."""
        try:
            verified = verify_authentication_response(
                credential=dict(answer),
                expected_challenge=challenge,
                # WebAuthn 3 §7.2: rpIdHash, so that a signature for another site is none here
                expected_rp_id=self._rp_id,
                expected_origin=self._origin,
                credential_public_key=public_key,
                credential_current_sign_count=0,  # compared by who keeps it, where going back is told from other faults
                # WebAuthn 3 §7.2: the UV flag is under the signature; that it was asked for proves nothing
                require_user_verification=True,
            )
        except _BROKEN as error:
            raise PasskeyRefused(f"the assertion does not verify: {type(error).__name__}") from error
        return Assertion(verified.new_sign_count, verified.credential_backed_up)

    def attestation(self, answer: Mapping[str, object], challenge: bytes) -> Attestation:
        """Verify a new credential. Raises PasskeyRefused."""
        try:
            verified = verify_registration_response(
                credential=dict(answer),
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                # WebAuthn 3 §7.1, §13.4.9: one exact origin, not a suffix
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except _BROKEN as error:
            raise PasskeyRefused(f"the attestation does not verify: {type(error).__name__}") from error
        # WebAuthn 3 §7.1: at most 1023 bytes; §4 (Credential ID): at least 16.
        if not 16 <= len(verified.credential_id) <= 1023:
            raise PasskeyRefused("the credential id has an impossible length")
        return Attestation(
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            backed_up=verified.credential_backed_up,
            aaguid=verified.aaguid,
        )
