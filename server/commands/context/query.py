"""`ascend context query`."""

import json
from typing import Any

import click

from server.commands.context.asking import question_options
from server.commands.context.opened import open_context, tenant_option, told
from server.commands.frame import CommandFailed, Settings, json_option, run_async, with_settings
from server.commands.rows import print_rows
from server.commands.terminal import say
from tools.context_plane.errors import ContextRefused
from tools.context_plane.retrieval.asked_facts import read_asked
from tools.context_plane.retrieval.shown_fact import shown_answer


@click.command("query")
@question_options
@tenant_option
@json_option
@with_settings
@run_async
async def command(settings: Settings, given: dict[str, Any], tenant: str, as_json: bool) -> None:
    """Look up what is known about QUESTION; without one, the newest facts.

    \b
    ascend context query "who is the champion" --entity Kahuna
    ascend context query "who is the champion" --entity Kahuna --as-of 2026-02-15
    """
    async with open_context(settings, tenant) as (plane, scope):
        try:
            asked = read_asked(given, plane.query.now_us())
            answer = await plane.query.answer(scope, asked)
        except ContextRefused as refusal:
            raise CommandFailed(told(refusal)) from refusal
    data = shown_answer(answer, asked.max_chars)
    if as_json:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    rows = [
        {
            "fact": fact["text"],
            "from": fact["valid_from"] or "",
            "to": fact["valid_to"] or "",
            "state": fact["state"],
            "source": ", ".join(dict.fromkeys(source["source"] for source in fact["sources"])),
            "score": fact["score"],
            "id": fact["id"],
        }
        for fact in data["facts"]
    ]
    print_rows(rows, as_json=False, empty="nothing is known; `ascend context assert FILE` remembers facts")
    if rows and data["low_confidence"]:
        say("low confidence: nothing that is known fits the question well")
