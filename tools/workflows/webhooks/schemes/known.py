"""Every scheme by its name in the file."""

from collections.abc import Mapping
from typing import Final

from tools.workflows.webhooks.schemes.generic import GenericHmac
from tools.workflows.webhooks.schemes.github import GitHub
from tools.workflows.webhooks.schemes.gong import Gong
from tools.workflows.webhooks.schemes.scheme import Scheme
from tools.workflows.webhooks.schemes.slack import Slack
from tools.workflows.webhooks.schemes.standard import Standard
from tools.workflows.webhooks.schemes.stripe import Stripe
from tools.workflows.webhooks.schemes.telegram import Telegram

#: the one whose particulars the file gives
GENERIC: Final = "hmac"
SCHEMES: Final[Mapping[str, Scheme]] = {
    "github": GitHub(),
    "gong": Gong(),
    "slack": Slack(),
    "standard": Standard(),
    "stripe": Stripe(),
    "telegram": Telegram(),
}
NAMES: Final = tuple(sorted([*SCHEMES, GENERIC]))


def scheme_of(name: str, generic: GenericHmac | None) -> Scheme:
    """Return a scheme by its name; `generic`: what the file says of one. Raises KeyError for a name that there is not."""
    return generic if name == GENERIC and generic is not None else SCHEMES[name]
