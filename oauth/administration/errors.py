"""Errors of the administration.

LastOwner        nobody would be left who may everything
InviteRefused    an invite opens nothing (any more)
MachineRefused   a service principal or a trust policy cannot be as it was said
TooManyMachines  a tenant has as many of them as it may
"""


class LastOwner(Exception):
    """The gateway would be without an owner: somebody else has to be one first."""


class InviteRefused(Exception):
    """The invite is unknown, used, replaced or expired, or its person administers nothing any more: people are told one thing."""


class MachineRefused(ValueError):
    """What was said of a machine cannot be; the message names the member and the rule."""


class TooManyMachines(Exception):
    """The tenant's quota is used up; the message says of what, and how many there may be."""
