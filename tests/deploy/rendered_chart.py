"""The Helm chart, rendered by Helm's own engine in a process of its own: it is a Go library with threads and signals of its own."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY

CHART = REPOSITORY / "docs" / "deploy" / "helm"
VALUES: Mapping[str, Any] = {"baseUrl": "https://gateway.example.com", "secret": {"name": "ascend"}}
ONE_ON_SQLITE: Mapping[str, Any] = {"store": "sqlite", "replicas": 1, "autoscaling": {"enabled": False}}
_RENDER = """
import json, sys, helm_python
asked = json.load(sys.stdin)
answer = {"lint": helm_python.lint(asked["chart"], asked["values"], strict=True)["messages"]}
try:
    with helm_python.Chart.load(asked["chart"]) as chart:
        answer["files"] = chart.render(asked["values"], name="crm", namespace="apps")
except helm_python.HelmError as error:
    answer["refused"] = str(error)
print(json.dumps(answer))
"""


def answer_of_helm(**values: Any) -> dict[str, Any]:
    """Return `lint` (messages), and `files` or `refused`. Skips the test where Helm's library is not installed."""
    if importlib.util.find_spec("helm_python") is None:
        pytest.skip("helm-python-sdk is not installed")
    found: dict[str, Any] = json.loads(_answered(json.dumps({"chart": str(CHART), "values": {**VALUES, **values}})))
    return found


@cache
def _answered(asked: str) -> str:
    """Return what Helm answers, as text: several tests ask the same."""
    done = subprocess.run([sys.executable, "-c", _RENDER], input=asked, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def objects(**values: Any) -> dict[str, dict[str, Any]]:
    """Return what the chart makes, by kind; there is one of each."""
    files = answer_of_helm(**values)["files"]
    rendered = [text for name, text in files.items() if not name.endswith(".txt")]
    found = [each for text in rendered for each in yaml.safe_load_all(text) if each]
    by_kind = {each["kind"]: each for each in found}
    assert len(by_kind) == len(found)
    return by_kind
