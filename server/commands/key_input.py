"""The key of an account, or all of them where its API wants several: out of the environment, piped in, or typed unseen."""

import os
from collections.abc import Sequence

from server.commands.frame import CommandFailed
from server.commands.secret_input import read_secret
from tools.sources.key_parts import KeyPart, found_in, missing_of, secret_of, variables_of


def read_keys(provider: str, parts: Sequence[KeyPart], *, from_env: bool) -> str:
    """Return the secret to keep: the key itself, or a JSON object of the keys by scheme where there are several.

    Raises CommandFailed where one of them is missing: half of the keys would be no account.
    """
    if len(parts) < 2 and not from_env:
        return read_secret(f"secret of {provider}")
    if from_env and not parts:
        raise CommandFailed(f"no operation of {provider!r} says which keys it takes; import it first, or pipe the key in")
    keys: dict[str, str] = {}
    for part in parts:
        if from_env:
            keys[part.scheme] = found_in(os.environ, provider, part)
            continue
        keys[part.scheme] = read_secret(f"{part.scheme} of {provider} ({part.place} {part.name})")
    if missing := missing_of(parts, keys):
        named = ", ".join(f"{part.scheme} ({part.place} {part.name})" for part in missing)
        ways = ", ".join(" or ".join(variables_of(provider, part)) for part in missing)
        way = f"set {ways}" if from_env else f"give {len(parts)} lines: {', '.join(part.scheme for part in parts)}"
        raise CommandFailed(f"{provider} takes {len(parts)} keys, and there is no {named}; {way}")
    return secret_of(parts, keys)
