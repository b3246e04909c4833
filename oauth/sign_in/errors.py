"""Errors of signing people in.

InvalidInput        what was typed breaks a rule, which is said
FederationRefused   an identity provider signs nobody in: its answer, its documents, or the person
PasskeyRefused      a passkey signs nobody in, or cannot be added
HashingBusy         try again shortly
"""


class InvalidInput(ValueError):
    """An e-mail address, a password or the settings of an identity provider break a rule; the message names it and the way out."""


class FederationRefused(Exception):
    """The person is not signed in, or the provider is of no use: it cannot be reached, or publishes or signs what cannot be right.

    `reason` is for the audit log, people are told one and the same thing; `is_denial`: the provider itself said no.
    `is_stranger`: the provider vouches for somebody who has no subject here; `is_unvouched`: it does not for the address.
    `is_unbound`: nobody knows which sign-in the answer belongs to.
    """

    def __init__(
        self, reason: str, *, is_denial: bool = False, is_stranger: bool = False, is_unvouched: bool = False, is_unbound: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_denial = is_denial
        self.is_stranger = is_stranger
        self.is_unvouched = is_unvouched
        self.is_unbound = is_unbound


class PasskeyRefused(Exception):
    """The passkey does not sign in, or cannot be added. `reason` is for the log, people are told one and the same thing.

    `status`: 400; 403 a cloned authenticator; 409 already registered."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class HashingBusy(Exception):
    """More passwords wait to be checked than can be in a few seconds; try again shortly."""
