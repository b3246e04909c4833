"""Our generic package names are ours alone, and what `make dist` makes is whole, always the same, and starts where nothing else is."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import REPOSITORY
from tests.deploy.programs import program
from tests.flows.gateway_process import environment, read_until_ready
from tests.ports import free_port

DISTRIBUTION = "ascend-gateway"
PACKAGES = ("server", "tools", "oauth", "capability_index")
#: the program that the wheel names `ascend`
BEGIN = "import sys; from importlib.metadata import entry_points as of; sys.exit([*of(group='console_scripts', name='ascend')][0].load()())"
EPOCH = {"SOURCE_DATE_EPOCH": "1700000000"}


def outside(**extra: str) -> dict[str, str]:
    """Return the environment of a person: who asks a registry trusts the authorities of the system, not those of the suite."""
    return {name: value for name, value in (environment() | extra).items() if name not in ("SSL_CERT_FILE", "VIRTUAL_ENV")}


@pytest.fixture(scope="module")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make dist` makes; without the tools that it takes, the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("dist")
    command = ["make", "--directory", str(REPOSITORY), "dist", f"DIST={folder}", "--assume-old", ".venv/.installed-deploy"]
    if not shutil.which("cyclonedx-py", path=str(Path(sys.executable).parent)):
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=outside(**EPOCH))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize("name", PACKAGES)
def test_no_other_distribution_ships_our_top_level_package(name: str) -> None:
    """A wheel with a top-level `tools/` installed after ours would overwrite our files without a word."""
    owners = set(packages_distributions().get(name, [DISTRIBUTION]))
    assert owners == {DISTRIBUTION}


def test_the_wheel_made_from_the_source_distribution_is_whole(distributions: Path) -> None:
    """Every module, page, style sheet, migration, provider file and operation page travels (sdist -> wheel)."""
    (wheel,) = distributions.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        str(path.relative_to(REPOSITORY))
        for package in PACKAGES
        for path in (REPOSITORY / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected |= {f"capability_index/_docs/{path.name}" for path in (REPOSITORY / "docs" / "tools").glob("*.md")}
    assert not expected - packed


def test_the_wheel_holds_nothing_that_belongs_to_nobody_else(distributions: Path) -> None:
    (wheel,) = distributions.glob("*.whl")
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_another_build_of_the_same_source_gives_the_same_bytes(distributions: Path, tmp_path: Path) -> None:
    """In another folder, where every file has another time."""
    copy, again = tmp_path / "copy", tmp_path / "again"
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as archive:
        for member in archive.getmembers():
            source = Path(member.name).relative_to(Path(member.name).parts[0])
            if member.isfile() and source.name != "PKG-INFO":
                (copy / source).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(REPOSITORY / source, copy / source)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(again), str(copy)]
    subprocess.run(command, capture_output=True, timeout=120, check=True, env=outside(**EPOCH))
    made = {path.name: path.read_bytes() for path in again.iterdir()}
    assert len(made) == 2
    assert [name for name, content in made.items() if (distributions / name).read_bytes() != content] == []


def test_a_bill_of_materials_names_what_the_gateway_needs(distributions: Path) -> None:
    program("cyclonedx-py")
    bill = json.loads((distributions / "ascend-gateway.cdx.json").read_text(encoding="utf-8"))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {each["name"].lower().replace("_", "-"): each for each in bill["components"]}
    needed = {requirement.split("[")[0].split(">")[0].split("=")[0].split(";")[0].strip() for requirement in project["dependencies"]}
    assert bill["bomFormat"] == "CycloneDX"
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == (project["name"], project["version"])
    assert needed <= named.keys() | {"uvloop"}
    assert "pytest" not in named
    assert named["pydantic"]["purl"] == f"pkg:pypi/pydantic@{named['pydantic']['version']}"


def environment_of(wheel: Path, folder: Path) -> Path:
    """Make an environment of a wheel and what it asks for, as it is installed here, so that no registry is asked; return its Python."""
    venv.create(folder, symlinks=True)
    [packages] = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    [own] = packages.glob("*.dist-info")
    for needed in needed_by(Distribution.at(own)):
        for path in needed.files or ():
            if path.parts[0] != ".." and path.suffix != ".pyc":
                (packages / path).parent.mkdir(parents=True, exist_ok=True)
                (packages / path).symlink_to(Path(str(path.locate())))
    return folder / "bin" / "python"


def needed_by(own: Distribution) -> list[Distribution]:
    """Return what a distribution asks for, and what that asks for in turn, each once."""
    found: dict[str, Distribution] = {}
    seen, waiting = set[tuple[str, str]](), [(own, "")]
    while waiting:
        asking, extra = waiting.pop()
        for asked in map(Requirement, asking.requires or ()):
            if asked.marker is not None and not asked.marker.evaluate({"extra": extra}):
                continue
            name = canonicalize_name(asked.name)
            found[name] = found.get(name) or distribution(name)
            more = {(name, each) for each in ("", *asked.extras)} - seen
            seen |= more
            waiting += [(found[name], each) for _, each in sorted(more)]
    return list(found.values())


@pytest.fixture
def started(distributions: Path, tmp_path: Path) -> Iterator[str]:
    """`ascend serve --demo` in an environment that holds the wheel and what it asks for, away from the repository."""
    (wheel,) = distributions.glob("*.whl")
    served = ["serve", "--demo", "--port", str(free_port()), "--demo-port", str(free_port()), "--data", str(tmp_path / "data")]
    command = [str(environment_of(wheel, tmp_path / "alone")), "-c", BEGIN, *served]
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("w") as output, err.open("w") as errors:
        clean = {name: value for name, value in outside().items() if not name.startswith("PYTHON")}
        process = subprocess.Popen(command, stdout=output, stderr=errors, text=True, cwd=tmp_path, env=clean, start_new_session=True)
    try:
        yield read_until_ready(process, out, err)
    finally:
        with suppress(ProcessLookupError):  # It ended by itself: what it said is the fault to show.
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(timeout=60)
        finally:
            process.kill()


@pytest.mark.time_limit(180)
def test_the_wheel_starts_with_its_demo_where_nothing_else_is_installed(started: str) -> None:
    assert "sign in" in started
    assert "claude mcp add --transport http" in started
