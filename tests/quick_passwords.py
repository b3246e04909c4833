"""Passwords whose hashes cost next to nothing: a test pays 45 ms for each of a person whom it only needs to be there.

What the program's own cost is, tests/oauth/sign_in/test_passwords.py says; commands in processes of their own pay it.
"""

from argon2 import PasswordHasher, Type

from oauth.sign_in import passwords

#: as the program hashes
OWASP = passwords.HASHER
QUICK = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1, type=Type.ID)


def hash_quickly() -> None:
    """Have whoever checks passwords in this process, and in those forked from it, hash with little memory."""
    passwords.HASHER = QUICK
