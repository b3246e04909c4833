"""`ascend sinks`: how far log sinks have come, and what keeps them."""

import click

from server.commands.frame import json_option, required_data, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.times import shown_time
from server.config.settings import Settings
from server.config_versions.read_document import config_of
from server.storage.history.sink_cursors import SinkCursor
from server.storage.store import open_store
from tools.operation import Json


@click.command()
@json_option
@with_settings
@run_async
async def command(settings: Settings, as_json: bool) -> None:
    """List log sinks, how many rows arrived, for how long the oldest waits, and why the last attempt failed, where it did.

    Sinks are set by `ascend config apply` in [[sinks.logs]].
    """
    required_data(settings)
    async with open_store(settings) as store:
        wanted = config_of(dict((await store.config_versions.newest()).document)).sinks.logs
        cursors = {(cursor.sink, cursor.stream): cursor for cursor in await store.sink_cursors.all()}
    rows = [_row(sink.name, sink.kind, stream, cursors.get((sink.name, stream))) for sink in wanted for stream in sink.streams]
    print_rows(rows, as_json=as_json, empty="no log sinks; [[sinks.logs]] of `ascend config apply` names them")


def _row(name: str, kind: str, stream: str, cursor: SinkCursor | None) -> dict[str, Json]:
    if cursor is None:
        return {"sink": name, "kind": kind, "stream": stream, "state": "not begun", "arrived": 0, "lag_s": None, "lost": 0, "why": ""}
    state = "failing" if cursor.failures else "behind" if cursor.behind_since_us else "up to date"
    return {
        "sink": name,
        "kind": kind,
        "stream": stream,
        "state": state,
        "arrived": cursor.sent_rows,
        "lag_s": round(cursor.lag_s, 1),
        "lost": cursor.lost_rows,
        "last_at": shown_time(cursor.sent_at_us) if cursor.sent_at_us else None,
        "why": cursor.error if cursor.failures else "",
    }
