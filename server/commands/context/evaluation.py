"""`ascend context eval`."""

import json
from pathlib import Path

import click

from capability_index.errors import EvaluationInvalid
from server.commands.context.opened import word_table
from server.commands.frame import CommandFailed, Settings, json_option, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rows import print_rows
from tools.context_plane.retrieval.judged import load_judged, measure


@click.command("eval")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--undated", is_flag=True, help="Ask dated questions as they stand, without a day: what the dates are worth.")
@click.option("--words", is_flag=True, help="By words alone, without vectors.")
@json_option
@with_settings
def command(settings: Settings, folder: Path, undated: bool, words: bool, as_json: bool) -> None:
    """Measure how well questions are answered: nDCG@10, recall at 1, 5, 10, 20.

    \b
    DIR holds queries.jsonl, {"id", "query", "gold": [ids]} a line, and one of
      facts.jsonl     {"id", "subject", "predicate", "object", "valid_from", "valid_to", "text"}; a question may have "as_of",
                      and "undated": itself without its dates
      passages.jsonl  {"id", "document", "text"}, with documents.jsonl {"id", "title"} beside it
      tools.jsonl     as `ascend index eval` reads it
    Nothing of it is kept.
    """
    try:
        judged = load_judged(folder, dated=not undated)
    except EvaluationInvalid as error:
        raise CommandFailed(str(error)) from error
    if not judged.texts or not judged.queries:
        raise CommandFailed(f"{folder}: there is nothing to {'ask' if judged.texts else 'search'}")
    with progress_bar("indexing") as indexing, progress_bar("asking") as asking:
        result = measure(judged, None if words else word_table(settings), indexing, asking)
    counts = {judged.kind: len(judged.texts)}
    if as_json:
        click.echo(json.dumps({**counts, **result.as_json()}, indent=2))
        return
    values = {**counts, **result.as_json()}
    labels = {"ndcg_at_10": "nDCG@10", **{f"recall_at_{k}": f"Recall@{k}" for k in (1, 5, 10, 20)}}
    rows = [
        {"measure": labels.get(name, name.replace("_", " ")), "value": value if isinstance(value, int) else f"{value:.4f}"}
        for name, value in values.items()
    ]
    print_rows(rows, as_json=False, empty="")
