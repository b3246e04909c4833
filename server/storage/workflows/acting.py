"""Whom runs act for, in the columns that rows of runs, schedules and webhooks have for it; "": nobody."""

from typing import Any

from sqlalchemy import Row

from oauth.scopes import render
from server.storage.row_mapping import scopes_of
from tools.workflows.stores import ActsFor


def acting(acts_for: ActsFor | None) -> dict[str, str]:
    """Return the columns `acts_for` and `scopes`."""
    if acts_for is None:
        return {"acts_for": "", "scopes": ""}
    return {"acts_for": acts_for.subject, "scopes": render(acts_for.scopes)}


def acts_for_of(row: Row[Any]) -> ActsFor | None:
    """Return whom the runs of a row act for."""
    return ActsFor(row.acts_for, scopes_of(row.scopes)) if row.acts_for else None
