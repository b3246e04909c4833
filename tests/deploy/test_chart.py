"""The Helm chart: no cluster is here, so Helm renders it and the schemas of Kubernetes judge what comes out."""

import subprocess
import tomllib
from typing import Any

import pytest
import yaml

from server.config.settings import DECLARED
from tests.conftest import REPOSITORY
from tests.deploy.programs import program
from tests.deploy.rendered_chart import CHART, ONE_ON_SQLITE, answer_of_helm, objects

INGRESS: dict[str, Any] = {
    "ingress": {"enabled": True, "host": "gateway.example.com", "tlsSecret": "gateway-tls", "className": "nginx"},
    "trustedProxies": ["10.244.0.0/16"],
}
STORES = [{"to": [{"ipBlock": {"cidr": "10.0.5.0/24"}}], "ports": [{"port": 5432}]}]
CASES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "one on SQLite": dict(ONE_ON_SQLITE),
    "behind an ingress": INGRESS,
    "in a private network": {"network": {"stores": STORES, "private": ["10.7.0.0/16"]}, "autoscaling": {"enabled": False}, "replicas": 3},
}


@pytest.mark.parametrize("case", CASES)
def test_kubernetes_takes_what_helm_makes_of_it(case: str) -> None:
    """Without a field that its schemas do not know; Helm's linter finds nothing that is more than a remark."""
    schemas = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    assert [message for message in answer_of_helm(**CASES[case])["lint"] if message["severity"] > 1] == []
    for each in objects(**CASES[case]).values():
        schemas.validate(each, schemas.latest_version(), strict=True)


def test_its_own_yaml_is_tidy() -> None:
    rules = "{extends: default, rules: {line-length: disable, document-start: disable, comments: {min-spaces-from-content: 1}}}"
    files = [str(CHART / "Chart.yaml"), str(CHART / "values.yaml"), str(CHART.parent / "compose.yaml"), str(CHART.parent / "traefik.yaml")]
    done = subprocess.run([program("yamllint"), "-s", "-d", rules, *files], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_what_it_makes() -> None:
    always = {"Deployment", "NetworkPolicy", "Service", "ServiceAccount"}
    assert objects().keys() == always | {"PodDisruptionBudget", "HorizontalPodAutoscaler"}
    assert objects(**ONE_ON_SQLITE).keys() == always | {"PersistentVolumeClaim"}
    assert objects(**INGRESS).keys() == always | {"PodDisruptionBudget", "HorizontalPodAutoscaler", "Ingress"}


def test_secrets_are_named_and_never_held() -> None:
    made = objects()
    [container] = made["Deployment"]["spec"]["template"]["spec"]["containers"]
    by_name = {each["name"]: each for each in container["env"]}
    assert "Secret" not in made
    assert by_name["ASCEND_DATABASE_URL"]["valueFrom"] == {"secretKeyRef": {"name": "ascend", "key": "database-url"}}
    assert by_name["ASCEND_VAULT_KEK"]["valueFrom"] == {"secretKeyRef": {"name": "ascend", "key": "vault-kek"}}
    assert by_name.keys() <= {declared.variable for declared in DECLARED.values()}


def test_a_pod_may_do_nothing_that_the_program_does_not() -> None:
    pod = objects()["Deployment"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_it_is_asked_whether_it_lives_and_whether_it_is_ready() -> None:
    """A store that is away takes a gateway out of the balance; it does not have it killed."""
    [container] = objects()["Deployment"]["spec"]["template"]["spec"]["containers"]
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert probes == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


def test_it_goes_on_until_every_proxy_has_heard_that_it_ends() -> None:
    pod = objects(drain={"pause_s": 7, "grace_s": 90})["Deployment"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][-1] == "import time; time.sleep(7)"
    assert pod["terminationGracePeriodSeconds"] == 97


def test_the_network_lets_out_what_the_guard_lets_out() -> None:
    """To the internet, to names, to the stores that were named: not to metadata services and neighbours."""
    policy = objects(network={"stores": STORES})["NetworkPolicy"]["spec"]
    blocks = [block for rule in policy["egress"] for target in rule["to"] if (block := target.get("ipBlock"))]
    assert [block["cidr"] for block in blocks] == ["0.0.0.0/0", "2000::/3", "10.0.5.0/24"]
    assert {"169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8"} <= set(blocks[0]["except"])
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["ports"] for rule in policy["ingress"]] == [[{"port": 8080}]]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"baseUrl": "http://gateway.example.com"}, "/baseUrl"),
        ({"secret": {"name": ""}}, "/secret/name"),
        ({"store": "sqlite"}, "set replicas: 1 and autoscaling.enabled: false"),
        ({"secret": {"name": "ascend", "keys": {"ASCEND_VAULT_KEK": None}}}, "set secret.keys.ASCEND_VAULT_KEK"),
        ({"settings": {"ASCEND_DATABASE_URL": "postgresql://x:y@z/a"}}, "invalid propertyName"),
        ({**INGRESS, "trustedProxies": []}, "set trustedProxies"),
        ({"replicsa": 2}, "replicsa"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_installed(values: dict[str, Any], said: str) -> None:
    assert said in answer_of_helm(**values)["refused"]


def test_its_version_is_ours() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == version_of_the_project()


def version_of_the_project() -> str:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])
