"""In CI nothing is skipped for a missing program."""

from pathlib import Path

import pytest

from tests.forked.module import AS_LOADED, ForkedModule

SUITE = """
import pytest

def test_with_a_missing_program():
    pytest.skip("Chromium is not installed")

@pytest.mark.skipif(True, reason="Node is not installed")
def test_by_a_mark():
    pass

@pytest.mark.xfail(reason="known")
def test_that_is_known_to_fail():
    assert False

def test_without_shared_data():
    pytest.skip("the folder of shared development data is not beside this repository")
"""


@pytest.mark.parametrize(("is_ci", "said"), [("true", "1 failed, 1 skipped, 1 xfailed, 1 error"), ("", "3 skipped, 1 xfailed")])
def test_a_skipped_test_fails_in_ci_unless_its_reason_is_allowed(tmp_path: Path, is_ci: str, said: str) -> None:
    (tmp_path / "test_some.py").write_text(SUITE, encoding="utf-8")
    words = ("-q", *AS_LOADED, "-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path))
    told = ForkedModule("pytest", *words, cwd=tmp_path, environ={"CI": is_ci}).communicate()
    assert said in told, told
