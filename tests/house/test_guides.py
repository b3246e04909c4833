"""What the guides name exists: commands and their options, settings, benchmarks, pages."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click
import pytest

from server.cli import ascend
from server.config import reference
from server.config.settings import DECLARED
from tests.conftest import REPOSITORY

PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), REPOSITORY / "server" / "mcp" / "incident_response.md"])
_CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
_OPTION = re.compile(r"--?[a-z][a-z-]*")


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def commands_in(text: str) -> Iterator[str]:
    """Yield what follows `ascend` in each command of a page's code; Python code and prose have no such lines."""
    for block, inline in _CODE.findall(text):
        for line in (block or inline).splitlines():
            if found := re.search(r"(?:^|[|(=] ?|\.venv/bin/|\d )ascend ([a-z-].*)", line):
                yield re.split(r"\s+#|…|\)$|[<>]", found[1])[0]


def fault_of(line: str) -> str | None:
    """Return what of one command does not exist."""
    words = shlex.split(line)
    command: click.Command = ascend
    context = click.Context(ascend)
    while words and isinstance(command, click.Group):
        name = words.pop(0).rstrip(",:;.")
        if name.startswith("-"):
            return None
        inner = command.get_command(context, name)
        if inner is None:
            return f"`ascend {line}`: no command '{name}'"
        command = inner
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    unknown = [word for word in words if _OPTION.fullmatch(word) and word not in known]
    return f"`ascend {line}`: no option {unknown[0]}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_a_page_shows_can_be_typed(page: Path) -> None:
    """The command line's own parameters are the source."""
    faults = [fault for line in commands_in(page.read_text(encoding="utf-8")) if (fault := fault_of(line))]
    assert not faults, "\n".join(faults)


def test_a_command_that_does_not_exist_is_noticed() -> None:
    """The reader of pages itself: a wrong command and a wrong option are found, in a block and in a line."""
    text = "Type `ascend import rewiew` or\n\n```sh\n.venv/bin/ascend import review --al   # all\n```\n"
    assert [fault_of(line) for line in commands_in(text)] == [
        "`ascend import rewiew`: no command 'rewiew'",
        "`ascend import review --al`: no option --al",
    ]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    """Links between pages are relative."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


def test_the_list_of_settings_is_written_from_their_declarations() -> None:
    """server/config declares each once; `python -m server.config.reference` writes the page anew."""
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page()


def test_no_page_names_a_setting_that_there_is_not() -> None:
    """Nor does the guide miss one."""
    known = {"ASCEND_DATA_DIR", *(declared.variable for declared in DECLARED.values())}
    named = {name for page in PAGES for name in re.findall(r"ASCEND_[A-Z_]+", page.read_text(encoding="utf-8"))}
    assert named == known


def test_every_benchmark_that_a_page_names_exists() -> None:
    """A figure without a command that shows it is a rumour."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"python -m benchmarks[ .]([a-z_]+)", text))
    assert named
    assert not [name for name in named if not (REPOSITORY / "benchmarks" / f"{name}.py").is_file()]


def test_every_guide_is_in_the_readme() -> None:
    """A page that nothing leads to is not read."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert not [page.name for page in (REPOSITORY / "docs" / "guides").glob("*.md") if f"(docs/guides/{page.name})" not in readme]


def test_every_dependency_has_its_sentence() -> None:
    """docs/decisions/dependencies.md: a dependency that loses its sentence goes; extras, development and the build, too."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    page = (REPOSITORY / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    required = chain(project["project"]["dependencies"], *extras, *groups, project["build-system"]["requires"])
    names = {found[0] for each in required if (found := re.match(r"[A-Za-z0-9._-]+", each))}
    names |= json.loads((REPOSITORY / "package.json").read_text(encoding="utf-8"))["devDependencies"].keys()
    assert {"aiohttp", "moto", "types-pyyaml", "axe-core"} <= names
    assert not [name for name in names if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", page)]


def test_every_command_of_the_runbook_is_one() -> None:
    """Whoever is on call types what stands there."""
    text = (REPOSITORY / "docs" / "runbooks" / "incident-response.md").read_text(encoding="utf-8")
    named = set(re.findall(r"ascend ((?:[a-z-]+ ?)+)", text))
    assert len(named) > 15
    for words in named:
        command: click.Command = ascend
        context = click.Context(ascend)
        for word in words.split():
            if not isinstance(command, click.Group):
                break
            found = command.get_command(context, word)
            assert found is not None, words
            command = found
