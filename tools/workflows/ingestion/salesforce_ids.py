"""Salesforce record ids: fifteen characters that are case-sensitive, and three more by which they are the same in any case."""

_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def id18(record_id: str) -> str:
    """Return an id with its check characters, of which each stands for five characters, a bit for every capital letter.

    What is no id of fifteen characters stays as it is.
    """
    if len(record_id) != 15:
        return record_id
    check = ""
    for begin in (0, 5, 10):
        check += _CHECK[sum(1 << n for n, sign in enumerate(record_id[begin : begin + 5]) if sign.isascii() and sign.isupper())]
    return record_id + check


def object_of(record_id: str) -> str:
    """Return the object whose record this is, by its first three characters; '' for others than the standard ones."""
    return OBJECT_BY_PREFIX.get(record_id[:3], "")


OBJECT_BY_PREFIX = {
    "001": "Account",
    "003": "Contact",
    "00Q": "Lead",
    "006": "Opportunity",
    "00K": "OpportunityContactRole",
    "017": "OpportunityFieldHistory",
    "00T": "Task",
    "00U": "Event",
    "005": "User",
}
