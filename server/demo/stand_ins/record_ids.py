"""Salesforce record ids: fifteen characters that are case-sensitive, and three more by which they are the same in any case."""

_BASE62 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
#: key prefixes of the standard objects
PREFIX_BY_OBJECT = {
    "Account": "001",
    "Contact": "003",
    "Lead": "00Q",
    "Opportunity": "006",
    "OpportunityContactRole": "00K",
    "OpportunityFieldHistory": "017",
    "Task": "00T",
    "Event": "00U",
    "User": "005",
}


def id18(id15: str) -> str:
    """Return an id with its check characters: each stands for five characters, a bit for every capital letter."""
    check = ""
    for begin in (0, 5, 10):
        check += _CHECK[sum(1 << n for n, sign in enumerate(id15[begin : begin + 5]) if sign.isascii() and sign.isupper())]
    return id15 + check


def record_id(kind: str, number: int) -> str:
    """Return the id of the n-th record of an object, 18 characters."""
    # Spread over letters of both cases, as real ids are: what folds case confuses two of them.
    spread, digits = number * 2_654_435_761 % 62**6, ""
    for _ in range(6):
        spread, last = divmod(spread, 62)
        digits += _BASE62[last]
    return id18(f"{PREFIX_BY_OBJECT[kind]}5g0000{digits}")
