"""Connections to mail servers: judged as every other way out, and handed to whoever speaks SMTP on them."""

import socket

from tools.egress.addresses import AddressRules
from tools.egress.connector import GuardedConnector


async def mail_connection(rules: AddressRules, host: str, port: int) -> socket.socket:
    """Return a connection to a mail server; the caller closes it. Raises EgressRefused, and OSError (AddressRefused among it)."""
    rules.check_mail_server(host, port)
    connector = GuardedConnector(rules)
    try:
        return await connector.connected(await connector.addresses(host, port))
    finally:
        await connector.close()
