"""Errors of the administration.

LastOwner        nobody would be left who may everything
InviteRefused    an invite opens nothing (any more)
MachineRefused   a service principal or a trust policy cannot be as it was said
TooManyMachines  a tenant has as many of them as it may

FederationRefused (oauth.sign_in.errors)
  NotStrongEnough  a provider did not say that a sign-in was of the kind that opens the console
"""

from collections.abc import Sequence

from oauth.sign_in.errors import FederationRefused
from oauth.sign_in.identity_providers import IdentityProvider


class LastOwner(Exception):
    """The gateway would be without an owner: somebody else has to be one first."""


class InviteRefused(Exception):
    """The invite is unknown, used, replaced or expired, or its person administers nothing any more: people are told one thing."""


class MachineRefused(ValueError):
    """What was said of a machine cannot be; the message names the member and the rule."""


class TooManyMachines(Exception):
    """The tenant's quota is used up; the message says of what, and how many there may be."""


class NotStrongEnough(FederationRefused):
    """The provider signed somebody in, and did not say that it was in a way that opens the console. `wanted`: one of these."""

    def __init__(self, provider: IdentityProvider, said: Sequence[str]) -> None:
        super().__init__(f"neither acr nor amr has one of {', '.join(provider.admin_acr)}; they have {', '.join(said) or 'nothing'}")
        self.provider, self.said, self.wanted = provider, tuple(said), provider.admin_acr
