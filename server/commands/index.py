"""`ascend index`: build, search and evaluate the capability index."""

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

# One search is one small product: more threads would wait for each other. Read when numpy is loaded, hence before it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import click

from capability_index.documents import load_pages
from capability_index.encoders.encoder import Encoder, WordTable, load_word_table
from capability_index.encoders.reembedding import lacking
from capability_index.errors import EncoderUnavailable, EvaluationInvalid, SnapshotInvalid
from capability_index.evaluation import (
    Evaluation,
    IntentEvaluation,
    evaluate,
    evaluate_intents,
    load_intents,
    load_queries,
    load_tools,
    without_operation,
)
from capability_index.index import CapabilityIndex
from capability_index.search import Visible
from capability_index.snapshot import WORDS_ONLY, load, save
from server.assembly.index_models import open_models
from server.commands.frame import CommandFailed, json_option, required_data, run_async, with_settings
from server.commands.progress_bar import progress_bar
from server.commands.rows import print_rows
from server.commands.terminal import say
from server.commands.trial_gateway import open_trial, request_of
from server.config.settings import Settings
from server.storage.store import open_store
from tools.catalog.search_documents import SHARED_SEGMENT, documents_of, segment_of
from tools.operation import Operation

_LABELS = {
    "queries": "queries",
    "intents": "intents",
    "first": "right one first",
    "five": "among five",
    "twenty": "among twenty",
    "mrr": "MRR",
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
    index, model = _empty(_folder(settings), settings.search.word_table)
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
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@json_option
@with_settings
@run_async
async def evaluation(_settings: Settings, sources: tuple[str, ...], as_json: bool) -> None:
    """Measure the ranking on judged queries.

    SOURCE is a folder with tools.jsonl and queries.jsonl; or OpenAPI documents with intents.jsonl: in a folder, or named one by one,
    a document also as PROVIDER=FILE.

    tools.jsonl: {"id", "name", "description", "parameters"} a line. queries.jsonl: {"id", "query", "gold": [tool ids]} a line.

    intents.jsonl: {"query", "provider", "operation"} a line; `operation` is a regular expression over "METHOD path", `provider` the
    first word of the document's file name. The documents are imported and asked as a gateway would; nothing of it is kept.
    """
    try:
        if (folder := _folder_of_tools(sources)) is not None:
            _on_tools(folder, as_json)
        else:
            await _on_documents(sources, as_json)
    except EvaluationInvalid as error:
        raise CommandFailed(str(error)) from error


def _folder_of_tools(sources: Sequence[str]) -> Path | None:
    folder = Path(sources[0])
    is_one = len(sources) == 1 and folder.is_dir()
    return folder if is_one and ((folder / "tools.jsonl").is_file() or not (folder / "intents.jsonl").is_file()) else None


def _on_tools(folder: Path, as_json: bool) -> None:
    documents, queries = load_tools(folder), load_queries(folder)
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
    _print(result, {"tools": len(documents)}, as_json)


async def _on_documents(sources: Sequence[str], as_json: bool) -> None:
    documents, files = _sorted_out(sources)
    intents = [intent for path in files for intent in load_intents(path)]
    if not documents or not intents:
        raise CommandFailed("nothing to measure: give OpenAPI documents and intents.jsonl, in a folder or one by one")
    if unknown := sorted({provider for intent in intents for provider in intent.providers} - documents.keys()):
        raise CommandFailed(f"no document is called {unknown[0]!r}; there are {', '.join(documents)}; name it as {unknown[0]}=FILE")
    async with open_trial(documents, lambda provider: say(f"importing {provider}", err=True)) as trial:
        requests = [request_of(operation) for operation in trial.imported()]
        if astray := without_operation(intents, requests):
            raise CommandFailed(
                f"{len(astray)} intents fit no operation: {astray[0].text!r} means {astray[0].pattern.pattern!r}; correct it"
            )
        with progress_bar("searching") as progress:
            result = await evaluate_intents(intents, trial.find, progress)
    _print(result, {"documents": len(documents), "operations": len(requests)}, as_json)


def _sorted_out(sources: Sequence[str]) -> tuple[dict[str, Path], list[Path]]:
    """Return provider -> document, and the files of intents. A document that is named stands in place of one found in a folder."""
    named: dict[str, Path] = {}
    found: list[Path] = []
    intents: list[Path] = []
    for source in sources:
        provider, sign, file = source.rpartition("=")
        path = Path(file if sign else source)
        if not path.exists():
            raise CommandFailed(f"{path}: no such file or folder")
        if sign:
            named[provider] = path
        elif path.is_dir():
            found += sorted(each for each in path.iterdir() if each.suffix in (".json", ".yaml", ".yml"))
            intents += [path / "intents.jsonl"] if (path / "intents.jsonl").is_file() else []
        elif path.suffix == ".jsonl":
            intents.append(path)
        else:
            found.append(path)
    first_words = [re.split(r"[^a-z0-9]+", path.stem.lower())[0] for path in found]
    for path, word in zip(found, first_words, strict=True):
        provider = word if first_words.count(word) == 1 else re.sub(r"[^a-z0-9]+", "-", path.stem.lower())
        named.setdefault(provider, path)
    return named, intents


def _print(result: Evaluation | IntentEvaluation, counts: dict[str, int], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**counts, **result.as_json()}, indent=2))
        return
    values = {**counts, **{_LABELS[name]: value for name, value in result.as_json().items()}}
    shown = [{"measure": name, "value": value if isinstance(value, int) else f"{value:.4f}"} for name, value in values.items()]
    print_rows(shown, as_json=False, empty="")


def _empty(directory: Path | None = None, word_table: str = "") -> tuple[CapabilityIndex, str]:
    try:
        table: WordTable | None = load_word_table(directory, Path(word_table) if word_table else None)
    except EncoderUnavailable as error:
        say(f"warning: {error}", err=True)
        table = None
    return CapabilityIndex(table), table.model if table else WORDS_ONLY


def _saved(settings: Settings) -> CapabilityIndex:
    required_data(settings)
    index, model = _empty(_folder(settings), settings.search.word_table)
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
