"""Our generic package names are ours alone, and the wheel holds what a running gateway needs."""

import subprocess
import sys
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

DISTRIBUTION = "ascend-gateway"


@pytest.mark.parametrize("name", ["server", "tools", "oauth", "capability_index"])
def test_no_other_distribution_ships_our_top_level_package(name: str) -> None:
    """A wheel with a top-level `tools/` installed after ours would overwrite our files without a word."""
    owners = set(packages_distributions().get(name, [DISTRIBUTION]))
    assert owners == {DISTRIBUTION}


def test_the_wheel_made_from_the_source_distribution_is_whole(tmp_path: Path) -> None:
    """Every module, page, style sheet, provider file and operation page travels (sdist -> wheel)."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path), str(REPOSITORY)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        str(path.relative_to(REPOSITORY))
        for package in ("server", "tools", "oauth", "capability_index")
        for path in (REPOSITORY / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    expected |= {f"capability_index/_docs/{path.name}" for path in (REPOSITORY / "docs" / "tools").glob("*.md")}
    assert not expected - packed
