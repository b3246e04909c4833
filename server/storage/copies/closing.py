"""What a restored store must not open again: tokens, sessions and everything that was under way when the copy was made.

Between the copy and now people signed out, tokens were revoked, refresh tokens were turned: a copy knows nothing of it.
"""

from sqlalchemy import Connection, delete, func, select

from server.storage.schema.admin_tables import admin_invites, admin_sessions, share_links
from server.storage.schema.alert_tables import alert_outbox, alert_watch
from server.storage.schema.connection_tables import connect_flows
from server.storage.schema.oauth_tables import (
    access_tokens,
    authorization_codes,
    authorization_requests,
    device_codes,
    pushed_requests,
    refresh_tokens,
)
from server.storage.schema.subject_tables import browser_sessions, federated_sign_ins, passkey_challenges

_ENDED = {
    "access tokens": access_tokens,
    "refresh tokens": refresh_tokens,
    "sign-ins under way": authorization_requests,
    "pushed requests": pushed_requests,
    "authorization codes": authorization_codes,
    "device codes": device_codes,
    "browser sessions": browser_sessions,
    "sessions of the console": admin_sessions,
    "invites to the console": admin_invites,
    "share links": share_links,
    "passkey challenges": passkey_challenges,
    "federated sign-ins under way": federated_sign_ins,
    "connections under way": connect_flows,
    # What was told then is no news now, and who looked is gone.
    "messages of alerts": alert_outbox,
    "watch over alerts": alert_watch,
}


def end_all(connection: Connection) -> dict[str, int]:
    """End them, in one transaction, and return how many of each there were; what people allowed stays, and who they are."""
    counted = {}
    for name, table in _ENDED.items():
        counted[name] = int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        connection.execute(delete(table))
    return {name: count for name, count in counted.items() if count}
