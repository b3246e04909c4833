"""A webhook: whose requests at which address start which workflow, in whose name."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from tools.workflows.stores import ActsFor
from tools.workflows.webhooks.kept import BODY_KEPT_DAYS
from tools.workflows.webhooks.schemes.generic import GenericHmac

if TYPE_CHECKING:
    from tools.workflows.webhooks.schemes.scheme import Scheme

#: what one request may carry
MAX_BODY_BYTES = 1024 * 1024
MAX_SECRETS = 5


@dataclass(frozen=True, slots=True)
class Webhook:
    """`secrets`: names in the tenant's vault, any of which may have signed. `generic`: what the scheme `hmac` is told by the file."""

    tenant_id: str
    source: str
    scheme: str
    secrets: tuple[str, ...]
    workflow: str
    #: None: the run calls no operation
    acts_for: ActsFor | None = None
    generic: GenericHmac | None = None
    body_kept_days: int = BODY_KEPT_DAYS

    @property
    def reader(self) -> "Scheme":
        """How its sender signs; loaded with the first request (0059)."""
        found: Scheme = import_module("tools.workflows.webhooks.schemes.known").scheme_of(self.scheme, self.generic)
        return found
