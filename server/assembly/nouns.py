"""What is administered, put together with the stores that it is kept in; every face is given the same."""

from server.admin.nouns.calls import Calls
from server.admin.resource import Resource
from server.storage.store import Store


def assemble_nouns(store: Store) -> tuple[Resource, ...]:
    """Return every noun of the administration, in the order in which menus show them."""
    return (Calls(store.calls, store.subjects).resource(),)
