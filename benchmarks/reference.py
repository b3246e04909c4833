"""Pages that say what there is, written from what there is: `python -m benchmarks.reference` writes docs/reference/*.md.

commands.md comes from the command line's own parameters, metrics.md from where the program makes its metrics: some are there only once
there is something to measure. tests/house/test_reference.py notices when one is out of date.
"""

import ast
import re
from collections.abc import Iterator

import click

from benchmarks.structure import ROOT
from server.cli import ascend

FOLDER = ROOT / "docs" / "reference"
_COMMANDS_HEAD = """\
# Commands

Every command and its options, written by `python -m benchmarks.reference`. All that touch data also take `--data DIR`.
Exit code 0: done, 1: failed, with one line on standard error, 2: wrong usage.
"""
_METRICS_HEAD = """\
# Metrics

Every metric of `GET /metrics` but those of the process and of Python, written by `python -m benchmarks.reference`.
Who may read them, and which to look at first: [operations](../guides/operations.md#metrics).
"""
#: what makes a metric -> its type, and how its samples end in the text format
_MAKERS = {"Counter": ("counter", "_total"), "Gauge": ("gauge", ""), "Histogram": ("histogram", ""), "Info": ("info", "_info")}


def commands_page() -> str:
    """Return a section for each command, a row for each of its own."""
    return "\n".join([_COMMANDS_HEAD, *_sections()]) + "\n"


def metrics_page() -> str:
    """Return a row for each metric of a gateway."""
    rows = dict(sorted(row for path in (ROOT / "server").rglob("*.py") for row in _metrics_in(path.read_text(encoding="utf-8"))))
    return "\n".join([_METRICS_HEAD, "| metric | type | labels | means |", "|---|---|---|---|", *rows.values()]) + "\n"


def _metrics_in(source: str) -> Iterator[tuple[str, str]]:
    """Yield (name, row) of each metric that a file makes."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name) or len(call.args) < 2:
            continue
        maker = _MAKERS.get(call.func.id.removesuffix("MetricFamily"))
        name, what = (each.value if isinstance(each, ast.Constant) else None for each in call.args[:2])
        if maker is not None and isinstance(name, str) and isinstance(what, str):
            kind, ending = maker
            labels = ", ".join(f"`{label}`" for label in _labels_of(call))
            yield name, f"| `{name}{ending}` | {kind} | {labels} | {_cell(what)} |"


def _labels_of(call: ast.Call) -> list[str]:
    given = [*call.args[2:3], *(keyword.value for keyword in call.keywords if keyword.arg in ("labels", "labelnames"))]
    return [
        str(each.value) for node in given if isinstance(node, ast.List | ast.Tuple) for each in node.elts if isinstance(each, ast.Constant)
    ]


def _sections() -> Iterator[str]:
    context = click.Context(ascend, info_name="ascend")
    for name in sorted(ascend.list_commands(context)):
        command = ascend.get_command(context, name)
        assert command is not None, name
        yield from (f"## ascend {name}", "", _prose(command), "", "| command | does | options |", "|---|---|---|")
        yield from _rows(command, click.Context(command, info_name=name, parent=context))
        yield ""


def _rows(command: click.Command, context: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None, name
            yield from _rows(inner, click.Context(inner, info_name=name, parent=context))
        return
    words = [context.command_path, *(each.make_metavar(context) for each in command.params if isinstance(each, click.Argument))]
    options = [_option(each) for each in command.params if isinstance(each, click.Option) and not each.hidden and each.name != "data"]
    yield f"| `{_cell(' '.join(words))}` | {_cell(_prose(command).partition('. ')[0].rstrip('.'))}. | {'<br>'.join(options)} |"


def _option(option: click.Option) -> str:
    return f"`{'/'.join([*option.opts, *option.secondary_opts])}` {_cell(option.help or '')}".rstrip()


def _prose(command: click.Command) -> str:
    """Return the first paragraph of a command's help."""
    return " ".join((command.help or "").partition("\n\n")[0].split())


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in (("commands.md", commands_page()), ("metrics.md", metrics_page())):
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"docs/reference/{name} is written anew")


if __name__ == "__main__":
    main()
