"""What is a status of an answer, and what is none."""

from tools.egress.body import failed
from tools.errors import UpstreamFailed


def no_status(authority: str, status: int) -> UpstreamFailed | None:
    """Return the failure of an answer whose status is of no class that there is (RFC 9110 §15): nobody could pass it on."""
    if 100 <= status <= 599:
        return None
    return failed(authority, "upstream_malformed", f"answered with a status that there is not ({status})")


def no_final_status(authority: str, status: int) -> UpstreamFailed | None:
    """Return the failure of an answer that no other follows, where its status says that one does (RFC 9110 §15.2) or is none."""
    if 100 <= status < 200:
        return failed(authority, "upstream_malformed", f"switched protocols unasked (status {status})")
    return no_status(authority, status)
