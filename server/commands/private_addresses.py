"""What an operator does about an address that the gateway may not call."""

from server.config.load import SETTINGS_FILE
from server.config.settings import Settings
from tools.egress.addresses import AddressRules, authority_of
from tools.errors import EgressRefused, ImportFailed


def way_to_allow(settings: Settings, url: str) -> str:
    """Return what lets the gateway call `url`, which is refused: a setting, or another address where none does."""
    try:
        authority = authority_of(url)
        AddressRules([authority]).target(url)
    except (ImportFailed, EgressRefused):
        return "import it with another --base-url"
    file = settings.data_dir / SETTINGS_FILE
    return f"to allow it, start the gateway with {authority} in ASCEND_EGRESS_ALLOW (commas between several) or in egress_allow of {file}"
