"""Which account a call is for, whatever it is called: everything that is remembered of a call is remembered by this."""

from oauth.connections.credentials import Credentials
from tools.call_failures import takes_connection
from tools.operation import Call


def connection_id_of(call: Call, credentials: Credentials | None) -> str:
    """Return the id of the account that `call` goes out with; its name where no such account is connected; "" for none."""
    options, operation = call.options, call.operation
    if call.directions.account_id is not None or credentials is None or not takes_connection(operation):
        return call.directions.account_id or options.account or ""
    readiness = credentials.readiness(call.principal, operation.connection or operation.provider, operation.connection_scopes)
    return readiness.id_of(options.account) or options.account or ""
