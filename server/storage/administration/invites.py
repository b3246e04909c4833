"""Keep invites to the administration: AdminInviteStore on `admin_invites`."""

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from oauth.administration.roles import AdminRole
from oauth.administration.stores import AdminInvite
from oauth.errors import AlreadyTaken
from oauth.sign_in.stores import Passkey
from server.storage.administration.roles import locked_role
from server.storage.database import Database
from server.storage.insertion import insert_or_replace
from server.storage.oauth.passkeys import passkey_values
from server.storage.row_mapping import TIME, RowMapping, to_us
from server.storage.schema.admin_tables import admin_invites
from server.storage.schema.subject_tables import passkeys

_INVITES = RowMapping(AdminInvite, expires_at=TIME)


class SqlAdminInviteStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, invite: AdminInvite, role: AdminRole) -> bool:
        async with self._database.write() as connection:
            kept = await locked_role(connection, invite.tenant_id, invite.subject_id)
            if kept is None or not kept.is_within(role):
                return False
            await insert_or_replace(connection, admin_invites, _INVITES.values(invite))
        return True

    async def find(self, token_hash: str, now: float) -> AdminInvite | None:
        living = (admin_invites.c.token_hash == token_hash, admin_invites.c.expires_at > to_us(now))
        async with self._database.read() as connection:
            row = (await connection.execute(select(admin_invites).where(*living))).one_or_none()
        return None if row is None else _INVITES.record(row)

    async def redeem(self, token_hash: str, passkey: Passkey, now: float) -> bool:
        table = admin_invites
        theirs = (table.c.tenant_id == passkey.tenant_id, table.c.subject_id == passkey.subject_id)
        living = (table.c.token_hash == token_hash, table.c.expires_at > to_us(now))
        try:
            async with self._database.write() as connection:
                if (await connection.execute(delete(table).where(*theirs, *living))).rowcount != 1:
                    return False
                await connection.execute(insert(passkeys).values(passkey_values(passkey)))
        except IntegrityError as error:
            raise AlreadyTaken(passkey.name) from error
        return True

    async def sweep(self, now: float) -> int:
        async with self._database.write() as connection:
            return (await connection.execute(delete(admin_invites).where(admin_invites.c.expires_at <= to_us(now)))).rowcount
