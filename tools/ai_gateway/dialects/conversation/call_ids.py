"""Ids where a provider gives none."""

import secrets


def new_call_id() -> str:
    return f"call_{secrets.token_hex(12)}"


def new_answer_id(prefix: str) -> str:
    return f"{prefix}{secrets.token_hex(12)}"
