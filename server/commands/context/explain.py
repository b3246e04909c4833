"""`ascend context explain`."""

import json
from typing import Any

import click

from server.commands.context.asking import question_options
from server.commands.context.opened import open_context, tenant_option, told
from server.commands.frame import CommandFailed, Settings, json_option, run_async, with_settings
from server.commands.rows import print_rows
from tools.context_plane.errors import ContextRefused
from tools.context_plane.retrieval.asked_facts import read_asked


@click.command("explain")
@question_options
@click.option("--fact", "fact_id", metavar="ID", help="This fact alone, also where it is not answered.")
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, given: dict[str, Any], fact_id: str | None, tenant: str, as_json: bool) -> None:
    """Say why facts are answered to QUESTION in this order: scores, belief, validity, what they superseded; or what kept one out."""
    async with open_context(settings, tenant) as (plane, scope):
        try:
            data = await plane.explanation.explain(scope, None, read_asked(given, plane.query.now_us()), fact_id)
        except ContextRefused as refusal:
            raise CommandFailed(told(refusal)) from refusal
    if as_json:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    rows = [
        {
            "rank": fact["rank"],
            "fact": fact["text"],
            "scores": ", ".join(f"{name} {value}" for name, value in fact["scores"].items()),
            "believed": f"{fact['belief']['recorded_at']} – {fact['belief']['retired_at'] or ''}",
            "superseded": "; ".join(each["text"] for each in fact["superseded"]),
            "kept out by": "; ".join(fact["kept_out_by"]),
        }
        for fact in data["facts"]
    ]
    print_rows(rows, as_json=False, empty="nothing is answered; --fact ID says what keeps a fact out")
