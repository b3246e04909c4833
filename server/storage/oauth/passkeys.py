"""Keep passkeys and their challenges: PasskeyStore on two tables."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from oauth.errors import AlreadyTaken
from oauth.sign_in.stores import Passkey
from server.storage.database import Database
from server.storage.row_removal import remove_rows
from server.storage.schema.subject_tables import passkey_challenges, passkeys

CHALLENGES_OF_A_BROWSER = 16


class SqlPasskeyStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, passkey: Passkey) -> None:
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(passkeys).values(passkey_values(passkey)))
        except IntegrityError as error:
            raise AlreadyTaken(passkey.name) from error

    async def find(self, tenant_id: str, credential_id: bytes) -> Passkey | None:
        mine = (passkeys.c.tenant_id == tenant_id, passkeys.c.credential_id == credential_id)
        async with self._database.read() as connection:
            row = (await connection.execute(select(passkeys).where(*mine))).one_or_none()
        return None if row is None else passkey_of(row)

    async def find_counting(self, credential_id: bytes) -> Passkey | None:
        query = select(passkeys).where(passkeys.c.credential_id == credential_id, passkeys.c.counts.is_(True))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else passkey_of(row)

    async def of_subject(self, tenant_id: str, subject_id: str) -> Sequence[Passkey]:
        theirs = (passkeys.c.tenant_id == tenant_id, passkeys.c.subject_id == subject_id)
        async with self._database.read() as connection:
            rows = (await connection.execute(select(passkeys).where(*theirs).order_by(passkeys.c.created_at))).all()
        return tuple(passkey_of(row) for row in rows)

    async def used(self, passkey: Passkey, previous_count: int) -> bool:
        table = passkeys
        unmoved = (
            table.c.tenant_id == passkey.tenant_id,
            table.c.credential_id == passkey.credential_id,
            table.c.sign_count == previous_count,
        )
        # Nothing else of it: what was read a moment ago must not bring back that it counts.
        used = {name: passkey_values(passkey)[name] for name in ("sign_count", "last_used_at", "backed_up")}
        async with self._database.write() as connection:
            return (await connection.execute(update(table).where(*unmoved).values(used))).rowcount == 1

    async def remove(self, tenant_id: str, subject_id: str, credential_id: bytes) -> bool:
        table = passkeys
        mine = (table.c.tenant_id == tenant_id, table.c.subject_id == subject_id, table.c.credential_id == credential_id)
        async with self._database.write() as connection:
            return (await connection.execute(delete(table).where(*mine))).rowcount == 1

    async def add_challenge(self, challenge_hash: str, browser: str, purpose: str, expires_at: float) -> None:
        table = passkey_challenges
        mine = table.c.browser_hash == browser
        newest = select(table.c.challenge_hash).where(mine).order_by(table.c.expires_at.desc()).limit(CHALLENGES_OF_A_BROWSER)
        values = {"challenge_hash": challenge_hash, "browser_hash": browser, "purpose": purpose, "expires_at": _us(expires_at)}
        async with self._database.write() as connection:
            await connection.execute(insert(table).values(values))
            await connection.execute(delete(table).where(mine, table.c.challenge_hash.not_in(newest)))

    async def take_challenge(self, challenge_hash: str, browser: str, purpose: str, now: float) -> bool:
        table = passkey_challenges
        # It goes whoever asks: a challenge that turned up in another browser is no secret any more.
        statement = delete(table).where(table.c.challenge_hash == challenge_hash).returning(*table.c)
        async with self._database.write() as connection:
            row = (await connection.execute(statement)).one_or_none()
        return row is not None and (row.browser_hash, row.purpose) == (browser, purpose) and row.expires_at > _us(now)

    async def sweep(self, now: float) -> int:
        return await remove_rows(self._database, passkey_challenges, passkey_challenges.c.expires_at <= _us(now))


def passkey_values(passkey: Passkey) -> dict[str, Any]:
    """Return the columns that hold `passkey`."""
    return {
        "credential_id": passkey.credential_id,
        "tenant_id": passkey.tenant_id,
        "subject_id": passkey.subject_id,
        "public_key": passkey.public_key,
        "sign_count": passkey.sign_count,
        "name": passkey.name,
        "backed_up": passkey.backed_up,
        "aaguid": passkey.aaguid,
        "counts": passkey.counts,
        "created_at": _us(passkey.created_at),
        "last_used_at": None if passkey.last_used_at is None else _us(passkey.last_used_at),
    }


def passkey_of(row: Row[Any]) -> Passkey:
    """Return the passkey that a row of `passkeys` holds."""
    return Passkey(
        credential_id=row.credential_id,
        tenant_id=row.tenant_id,
        subject_id=row.subject_id,
        public_key=row.public_key,
        sign_count=row.sign_count,
        name=row.name,
        created_at=row.created_at / 1e6,
        last_used_at=None if row.last_used_at is None else row.last_used_at / 1e6,
        backed_up=bool(row.backed_up),
        aaguid=row.aaguid,
        counts=bool(row.counts),
    )


def _us(seconds: float) -> int:
    return round(seconds * 1e6)
