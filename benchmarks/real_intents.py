"""How an agent finds what it needs in real documents: `python -m benchmarks.real_intents [--json] [--misses]`.

All documents of ../shared/specs are imported into one catalogue, as the gateway imports them, and asked as discover_apis is asked:
the given intents (over their own seven documents), our own (`intents/`: `given` to tune by, `aside` only to judge by), tasks in three
wordings and as a person says them, and what nothing answers: nonsense, and intents whose provider is left out.

`visible`: the right operation can be read in the answer a model gets when it asks for nothing but the query. Tokens are characters / 4.
Fails where an intent fits no operation of the documents.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read when numpy is loaded

import argparse
import asyncio
import gzip
import json
import re
import statistics
import tarfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from capability_index.evaluation import IntentEvaluation, JudgedIntent, Request, evaluate_intents, judged, load_intents, without_operation
from server.commands.trial_gateway import TrialGateway, open_trial, request_of
from tools.always_on import ALWAYS_ON
from tools.operation import Operation

SHARED = Path(__file__).resolve().parents[2] / "shared"
OWN = Path(__file__).with_name("intents")
#: provider -> its document; the first seven are those that the given intents are about
DOCUMENTS = {
    "discord": "discord.json",
    "figma": "figma.yaml",
    "netlify": "netlify-swagger2.yml",
    "openai": "openai.yaml",
    "sendgrid": "sendgrid.json",
    "k8s": "kubernetes-swagger2.json.gz",
    "digitalocean": "digitalocean.tar.xz",
    "slack": "slack-web-swagger2.json",
    "twilio": "twilio-api-v2010.json",
    "box": "box-openapi3.json",
    "trains": "oas-examples-3.1-json-train-travel.json",
    "startrek": "oas-examples-3.0-json-star-trek.json",
}
SEVEN = tuple(DOCUMENTS)[:7]
#: asked with the argument `providers`, as agents do when a first query fails
FILTERED = "few words + providers"
#: one in so many operations is shown in full
FULL_SAMPLE = 15
GOALS = "goals: first 62, five 88, twenty 96, visible 93; answer <= 450 tokens, signature <= 80 / 400, full <= 1,500, tools/list <= 900"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--json", action="store_true", help="print everything as JSON")
    arguments.add_argument("--misses", action="store_true", help="name the intents that are not visible; never those set aside")
    asked = arguments.parse_args()
    if not (SHARED / "specs").is_dir():
        raise SystemExit(f"no documents in {SHARED / 'specs'}")
    report = asyncio.run(measured())
    if asked.json:
        print(json.dumps(report, indent=2))
        return
    _print(report, with_misses=asked.misses)


async def measured() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        documents = {provider: unpacked(SHARED / "specs" / name, Path(folder)) for provider, name in DOCUMENTS.items()}
        began = time.perf_counter()
        async with open_trial(documents) as trial:
            imported_s = time.perf_counter() - began
            operations = trial.imported()
            report: dict[str, Any] = {"operations": len(operations), "sets": {}}
            for name, intents in own_sets().items():
                report["sets"][name] = await measure(trial, intents, is_filtered=FILTERED in name)
            async with trial.without(set(DOCUMENTS) - set(SEVEN)):
                shared = load_intents(SHARED / "retrieval" / "real_documents" / "intents.jsonl")
                report["sets"] = {f"shared given (of {len(SEVEN)})": await measure(trial, shared)} | report["sets"]
            report["negatives"] = await negatives(trial)
            report["tokens"] = await token_counts(trial, operations)
        report["imported_s"], report["measured_s"] = round(imported_s, 1), round(time.perf_counter() - began - imported_s, 1)
    return report


def unpacked(path: Path, folder: Path) -> Path:
    """Return the document in `path`, out of its gzip or tar."""
    if path.suffix == ".gz":
        plain = folder / path.stem
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        return plain
    if path.name.endswith(".tar.xz"):
        with tarfile.open(path) as packed:
            packed.extractall(folder, filter="data")
        return next(folder.glob("specification/*.yaml"))
    return path


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (OWN / name).read_text(encoding="utf-8").splitlines() if line]


def own_sets() -> dict[str, list[JudgedIntent]]:
    """Return our own intents by the name of their set: tasks once for each wording, those of agent.md by their first query."""
    sets = {"own given": load_intents(OWN / "given.jsonl"), "own aside": load_intents(OWN / "aside.jsonl")}
    tasks = lines("tasks.jsonl")
    sets["tasks of agent.md"] = [judged(task | {"query": task["queries"][0]}, "tasks.jsonl") for task in tasks if "agent_task" in task]
    for part in ("given", "aside"):
        own = [task for task in tasks if task["part"] == part and "agent_task" not in task]
        for at, wording in enumerate(("first query", FILTERED, "provider's name")):
            sets[f"tasks {part}: {wording}"] = [judged(task | {"query": task["queries"][at]}, "tasks.jsonl") for task in own]
        sets[f"tasks {part}: as said"] = [judged(task | {"query": task["task"]}, "tasks.jsonl") for task in own]
    return sets


async def measure(trial: TrialGateway, intents: Sequence[JudgedIntent], *, is_filtered: bool = False) -> dict[str, Any]:
    requests = {operation.id: request_of(operation) for operation in trial.imported()}
    if astray := without_operation(intents, list(requests.values())):
        raise SystemExit("no operation fits: " + "; ".join(f"{one.text!r} ({one.pattern.pattern})" for one in astray))
    filters = {intent.text: {"providers": sorted(intent.providers)} if is_filtered else {} for intent in intents}

    async def find(text: str) -> tuple[Sequence[Request], bool]:
        return await trial.find(text, **filters[text])

    found: IntentEvaluation = await evaluate_intents(intents, find)
    seen, tokens, misses = 0, [], []
    for intent in intents:
        text = (await trial.discover(query=intent.text, **filters[intent.text])).text or ""
        is_seen = any(is_shown(operation_id, text) for operation_id, request in requests.items() if intent.accepts(request))
        seen += is_seen
        tokens.append(len(text) / 4)
        if not is_seen:
            misses.append(intent.text)
    return {**found.as_json(), "visible": seen / len(intents), "answer_tokens": spread(tokens), "misses": misses}


def is_shown(operation_id: str, text: str) -> bool:
    """Say whether a reader of an answer meets an operation: its id, or its last word in the line of a group that ends in a colon.

    `crm.contacts: create · list` shows `crm.contacts.create`; the group may leave out the provider.
    """
    if re.search(rf"(?<![\w.]){re.escape(operation_id)}(?![\w.])", text):
        return True
    group, _, verb = operation_id.rpartition(".")
    names = {group, group.partition(".")[2]} - {""}
    for line in text.splitlines():
        head, colon, tail = line.partition(":")
        if colon and head.split()[-1:] and head.split()[-1] in names and re.search(rf"(?<![\w.]){re.escape(verb)}(?![\w.])", tail):
            return True
    return False


async def negatives(trial: TrialGateway) -> dict[str, dict[str, float]]:
    """Return, by kind and part, how many there are and which share is called low confidence."""
    flagged: dict[str, list[bool]] = {}
    by_absence: dict[str, list[dict[str, Any]]] = {}
    for line in lines("negatives.jsonl"):
        by_absence.setdefault(line["without"], []).append(line)
    for absence, group in by_absence.items():
        async with trial.without(absence.split("|")):
            for line in group:
                _found, low = await trial.find(line["query"])
                flagged.setdefault(f"{line['kind']} {line['part']}", []).append(low)
    return {kind: {"count": len(each), "flagged": sum(each) / len(each)} for kind, each in sorted(flagged.items())}


async def token_counts(trial: TrialGateway, operations: Sequence[Operation]) -> dict[str, Any]:
    ordered = sorted(operations, key=lambda each: each.id)
    shown = [(await trial.discover(ids=[each.id], detail="full")).text or "" for each in ordered[::FULL_SAMPLE]]
    return {
        "signature": spread(len(each.signature) / 4 for each in operations),
        "full": spread(len(text) / 4 for text in shown),
        "tools_list": round(len(json.dumps([tool.to_wire() for tool in ALWAYS_ON], indent=1)) / 4),
    }


def spread(values: Iterable[float]) -> dict[str, int]:
    known = list(values)
    return {"median": round(statistics.median(known)), "largest": round(max(known))}


def _print(report: dict[str, Any], *, with_misses: bool) -> None:
    print(f"{report['operations']:,} operations of {len(DOCUMENTS)} documents")
    print(f"{'':36}{'n':>5}{'first':>7}{'five':>7}{'twenty':>7}{'MRR':>7}{'visible':>9}{'flagged':>9}{'tokens':>8}{'largest':>9}{'ms':>7}")
    for name, one in report["sets"].items():
        shares = "".join(f"{100 * one[each]:7.1f}" for each in ("first", "five", "twenty", "mrr"))
        rest = f"{100 * one['visible']:9.1f}{100 * one['low_confidence_rate']:9.1f}"
        tokens = f"{one['answer_tokens']['median']:8}{one['answer_tokens']['largest']:9}{one['median_ms']:7.1f}"
        print(f"{name:36}{one['intents']:5}{shares}{rest}{tokens}")
    for kind, one in report["negatives"].items():
        print(f"flagged of {kind:25}{one['count']:5}{100 * one['flagged']:7.1f}")
    for name in ("signature", "full"):
        one = report["tokens"][name]
        print(f"tokens of {name:12} median {one['median']:,}, largest {one['largest']:,}")
    print(f"tokens of tools/list   {report['tokens']['tools_list']:,} (laid out as clients show JSON to a model)")
    print(GOALS)
    print(f"imported and indexed in {report['imported_s']} s, measured in {report['measured_s']} s")
    if with_misses:
        for name, one in report["sets"].items():
            if "aside" not in name:
                print(f"\nnot visible, {name}:", *one["misses"], sep="\n  ")


if __name__ == "__main__":
    main()
