"""`ascend index`: build, search and evaluate the capability index."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

# One search is one small product: more threads would wait for each other. Read when numpy is loaded, hence before it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click

from capability_index.documents import load_pages
from capability_index.encoder import Encoder, EncoderUnavailable, WordTable, load_word_table
from capability_index.evaluation import Evaluation, EvaluationInvalid, evaluate, load_queries, load_tools
from capability_index.index import CapabilityIndex
from capability_index.reembedding import lacking
from capability_index.search import Visible
from capability_index.snapshot import WORDS_ONLY, SnapshotInvalid, load, save
from server.assembly.models import open_models
from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rows import print_rows
from server.commands.terminal import say
from server.config import Settings
from server.storage.store import open_store
from tools.documents import SHARED_SEGMENT, documents_of, segment_of
from tools.operation import Operation

_LABELS = {
    "queries": "queries",
    "ndcg_at_10": "nDCG@10",
    "recall_at_1": "Recall@1",
    "recall_at_5": "Recall@5",
    "recall_at_10": "Recall@10",
    "recall_at_20": "Recall@20",
    "zero_hit_rate": "zero-hit rate",
    "low_confidence_rate": "low-confidence rate",
    "median_ms": "median ms",
}


@click.group()
def command() -> None:
    """Build, search and evaluate the capability index: what discover_apis searches."""


@command.command("build")
@with_settings
@run_async
async def build(settings: Settings) -> None:
    """Index the whole catalogue anew. A running server keeps its own index up to date; this is for repair."""
    required_data(settings)
    index, model = _empty(_folder(settings))
    async with open_store(settings) as store:
        operations = await store.operations.load()
    by_segment: dict[str, list[Operation]] = {SHARED_SEGMENT: []}
    for operation in operations:
        by_segment.setdefault(segment_of(operation), []).append(operation)
    # The three tools have no provider: they are always in front of the model, so finding them would be a place wasted.
    builtins = [page.document for page in load_pages() if page.document.provider]
    for name, held in by_segment.items():
        documents = documents_of(held) + (builtins if name == SHARED_SEGMENT else [])
        with progress_bar(f"indexing {name}") as progress:
            index.upsert(name, documents, progress)
    save(index.segments(), _folder(settings), model)
    total = sum(index.count(name) for name in by_segment)
    say(f"indexed {total} operations of {len(by_segment)} segments in {_folder(settings)}")


@command.command("search")
@click.argument("intent")
@click.option("--tenant", default="default", help="Whose catalogue; the shared one is always searched too.")
@click.option("-k", "--limit", default=10, show_default=True, type=click.IntRange(1, 100), help="How many hits.")
@json_option
@with_settings
def search(settings: Settings, intent: str, tenant: str, limit: int, as_json: bool) -> None:
    """Find the operations for INTENT, with the reason for each."""
    index = _saved(settings)
    with open_models(settings, lambda _segment, slug: slug) as models:
        if models.make_encoder is not None and (warning := _use(index, models.make_encoder)):
            say(f"warning: {warning}", err=True)
        found = index.search(intent, Visible((tenant, SHARED_SEGMENT)), limit, explain=True)
    for warning in found.warnings:
        say(f"warning: {warning}", err=True)
    rows = [{"operation": hit.slug, "score": hit.score, "segment": hit.segment, "reasons": "; ".join(hit.reasons)} for hit in found.hits]
    if as_json:
        click.echo(json.dumps({"hits": [asdict(hit) for hit in found.hits], "low_confidence": found.low_confidence}, indent=2))
        return
    print_rows(rows, as_json=False, empty="nothing is indexed yet; import something with `ascend import`")
    if rows and found.low_confidence:
        say("low confidence: nothing here fits the intent well")


@command.command("stats")
@json_option
@with_settings
def stats(settings: Settings, as_json: bool) -> None:
    """Show what is indexed, by segment, and whether the configured encoder answers."""
    index = _saved(settings)
    with open_models(settings, lambda _segment, slug: slug) as models:
        if models.make_encoder is not None and (warning := _use(index, models.make_encoder)):
            say(f"warning: {warning}", err=True)
    rows = [
        {
            "segment": name,
            "operations": segment.live,
            "parts": len(segment.shards),
            "words": sum(len(shard.part.postings.words) for shard in segment.shards),
            "spaces": ", ".join(sorted({model for shard in segment.shards for model in shard.part.matrices})),
        }
        for name, segment in index.segments().items()
    ]
    print_rows(rows, as_json=as_json, empty="nothing is indexed yet; import something with `ascend import`")


@command.command("eval")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@json_option
@with_settings
def evaluation(_settings: Settings, folder: Path, as_json: bool) -> None:
    """Measure the ranking on DIR/tools.jsonl and DIR/queries.jsonl.

    tools.jsonl: {"id", "name", "description", "parameters"} a line. queries.jsonl: {"id", "query", "gold": [tool ids]} a line.
    """
    try:
        documents, queries = load_tools(folder), load_queries(folder)
    except EvaluationInvalid as error:
        raise CommandFailed(str(error)) from error
    if not documents or not queries:
        raise CommandFailed(f"{folder}: {'tools' if not documents else 'queries'}.jsonl is empty; an evaluation needs both")
    index, _ = _empty()
    with progress_bar("indexing") as progress:
        index.upsert(SHARED_SEGMENT, documents, progress)
    visible = Visible((SHARED_SEGMENT,))

    def find(intent: str) -> tuple[list[str], bool]:
        found = index.search(intent, visible, 20)
        return [hit.slug for hit in found.hits], found.low_confidence

    with progress_bar("searching") as progress:
        result = evaluate(queries, find, progress)
    _print(result, len(documents), as_json)


def _print(result: Evaluation, documents: int, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"tools": documents, **result.as_json()}, indent=2))
        return
    values = {"tools": documents, **{_LABELS[name]: value for name, value in result.as_json().items()}}
    shown = [{"measure": name, "value": value if isinstance(value, int) else f"{value:.4f}"} for name, value in values.items()]
    print_rows(shown, as_json=False, empty="")


def _empty(directory: Path | None = None) -> tuple[CapabilityIndex, str]:
    try:
        table: WordTable | None = load_word_table(directory)
    except EncoderUnavailable as error:
        say(f"warning: {error}", err=True)
        table = None
    return CapabilityIndex(table), table.model if table else WORDS_ONLY


def _saved(settings: Settings) -> CapabilityIndex:
    required_data(settings)
    index, model = _empty(_folder(settings))
    try:
        index.adopt(load(_folder(settings), model))
    except SnapshotInvalid as error:
        raise CommandFailed(str(error)) from error
    return index


def _use(index: CapabilityIndex, make_encoder: Callable[[], Encoder]) -> str:
    """Search in the configured encoder's space, if the saved vectors are whole; return why not."""
    try:
        encoder = make_encoder()
    except EncoderUnavailable as error:
        return f"{error}; searched without it"
    if lacking(index.segments(), encoder.model):
        return f"encoder {encoder.model}: not every operation has its vectors yet; a running server makes them"
    index.reembed(encoder, lambda _segment: ())
    return ""


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "index"
