"""The image and the compose file: no daemon builds them here, so linters read them, and the program is tried with what they promise."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.config.settings import DECLARED
from tests.conftest import REPOSITORY
from tests.deploy.programs import program
from tests.flows.gateway_process import running_gateway

DEPLOY = REPOSITORY / "docs" / "deploy"
CONTAINERFILE = (DEPLOY / "Containerfile").read_text(encoding="utf-8")
STAGES = re.split(r"^FROM ", CONTAINERFILE, flags=re.MULTILINE)[1:]


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_the_linter_of_containerfiles_finds_nothing() -> None:
    done = subprocess.run([program("hadolint"), str(DEPLOY / "Containerfile")], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_the_image_is_built_of_all_that_the_wheel_is_built_of() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    target = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = {source for line in re.findall(r"^COPY (?!--)(.*) \S+$", STAGES[0], re.MULTILINE) for source in line.split()}
    assert copied >= {*target["packages"], *target["force-include"], "pyproject.toml", project["project"]["readme"]}
    assert all((REPOSITORY / source).exists() for source in copied)


def test_the_image_takes_extras_that_there_are() -> None:
    known = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    [extras] = re.findall(r"^ARG EXTRAS=(.*)$", CONTAINERFILE, re.MULTILINE)
    assert set(extras.split(",")) <= known.keys()


def test_the_image_that_runs_has_nothing_of_what_built_it() -> None:
    build, runs = STAGES
    assert "--without-pip" in build
    assert "pip uninstall" in runs
    assert re.findall(r"^COPY (.*)$", runs, re.MULTILINE) == ["--from=build /opt/ascend /opt/ascend"]
    assert re.findall(r"^USER (.*)$", runs, re.MULTILINE) == ["10001:10001"]


def test_its_health_check_asks_a_gateway_that_is_ready(tmp_path: Path) -> None:
    [code] = re.findall(r'CMD \["python", "-c", "(.*)"\]', STAGES[1])
    with running_gateway(tmp_path / "data", demo=False) as gateway:
        here = code.replace("http://127.0.0.1:8080", gateway.base_url)
        assert subprocess.run([sys.executable, "-c", here], timeout=30, check=False).returncode == 0
    assert subprocess.run([sys.executable, "-c", here], timeout=30, check=False, stderr=subprocess.DEVNULL).returncode == 1


def test_the_compose_file_is_of_the_specification() -> None:
    """compose-spec reads it and checks that each network, volume and secret that a service names is there."""
    reader = pytest.importorskip("compose_spec", reason="compose-spec is not installed")
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    read = reader.PyOptions(apply_merge=True).from_yaml(text)
    read.validate()
    assert set(read.service_names()) == {"gateway-1", "gateway-2", "caddy", "postgres", "valkey"}


def test_every_container_is_held_to_limits_and_what_we_wrote_to_a_root_it_cannot_write() -> None:
    for name, service in compose()["services"].items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert service["restart"] == "unless-stopped", name
        assert not {"privileged", "network_mode", "pid"} & service.keys(), name
        if name in ("gateway-1", "gateway-2", "caddy", "valkey"):
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name


def test_the_compose_file_publishes_the_proxy_alone_and_trusts_it_alone() -> None:
    found = compose()
    services = found["services"]
    assert [name for name, service in services.items() if service.get("ports")] == ["caddy"]
    assert services["gateway-1"]["environment"]["ASCEND_TRUSTED_PROXIES"] == services["caddy"]["networks"]["front"]["ipv4_address"]
    assert found["networks"]["back"]["internal"] is True
    assert all(services[name]["networks"] == ["back"] for name in ("postgres", "valkey"))


def test_the_compose_file_sets_settings_that_there_are_and_asks_for_what_it_needs() -> None:
    """Secrets come from the environment file or a file, never from the compose file; what is missing is said before anything starts."""
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    environment = compose()["services"]["gateway-1"]["environment"]
    known = {declared.variable for declared in DECLARED.values()}
    assert environment.keys() <= known
    asked = set(re.findall(r"\$\{(\w+)", text))
    offered = set(re.findall(r"^(\w+)=", (DEPLOY / "compose.env").read_text(encoding="utf-8"), re.MULTILINE))
    assert asked == offered == set(re.findall(r"\$\{(\w+):\?", text))


def test_images_are_named_with_their_versions() -> None:
    images = [service["image"] for service in compose()["services"].values()]
    images += [f"python:{value}" for value in re.findall(r"^ARG PYTHON=(.*)$", CONTAINERFILE, re.MULTILINE)]
    assert all(re.fullmatch(r"[a-z/-]+:[\w.-]+", image) for image in images), images
