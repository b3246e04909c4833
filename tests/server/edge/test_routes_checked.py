"""Routes are checked whole: every fault with its place, and nothing of the gateway's own can be taken over."""

from pathlib import Path

import pytest
from starlette.routing import Route

from server.config.errors import SettingsError
from server.config.load import load
from server.config_versions.read_document import read_toml, section_of
from server.config_versions.sections.edge_paths import OWN
from server.config_versions.sections.rate import Rate, rate_of
from tests.gateway import opened, served
from tests.server.edge.backend import backend
from tests.waiting import until
from tools.versioned_documents.faults import ConfigInvalid


def faults_of(**route: object) -> dict[str, str]:
    said = {"name": "orders", "backends": [{"url": "https://a.example.com"}], **route}
    _section, faults = section_of("edge", [said])
    return {fault.place: fault.message for fault in faults}


def test_every_fault_is_named_with_its_place() -> None:
    document = b"""
[[edge]]
name = "Orders"
path = "api"
auth = "required"
limit = "5 per hour"
backends = [{ url = "ftp://a" }, { url = "http://example.com", weight = -1 }]
colour = "red"
"""
    with pytest.raises(ConfigInvalid) as invalid:
        read_toml(document)
    places = {fault.place for fault in invalid.value.faults}
    assert places == {"edge[0].name", "edge[0].limit", "edge[0].backends[1].weight", "edge[0].colour"}


@pytest.mark.parametrize(
    ("route", "place"),
    [
        ({"name": "", "path": ""}, "edge[0].name"),
        ({"path": "/admin/*"}, "edge[0].path"),
        ({"path": "/api/../admin"}, "edge[0].path"),
        ({"path": "/api//x"}, "edge[0].path"),
        ({"path": "/%61pi"}, "edge[0].path"),
        ({"path": "/a*"}, "edge[0].path"),
        ({"backends": [{"url": "ftp://a"}]}, "edge[0].backends[0].url"),
        ({"backends": [{"url": "https://u:p@a.example.com"}]}, "edge[0].backends[0].url"),
        ({"backends": [{"url": "https://a.example.com/?a=1"}]}, "edge[0].backends[0].url"),
        ({"backends": [{"url": "http://a.example.com"}]}, "edge[0].backends[0].url"),
        ({"backends": [{"url": "https://a.example.com", "weight": 0}]}, "edge[0].backends"),
        ({"backends": [{"url": "https://a.example.com"}] * 2}, "edge[0].backends[1].url"),
        ({"auth": "required"}, "edge[0].issuer"),
        ({"issuer": "https://id.example.com"}, "edge[0].issuer"),
        ({"auth": "required", "jwks_uri": "foo"}, "edge[0].jwks_uri"),
        ({"auth": "required", "jwks_uri": "https://[::1"}, "edge[0].jwks_uri"),
        ({"auth": "required", "jwks_uri": "https://u:p@id.example.com/keys"}, "edge[0].jwks_uri"),
        ({"auth": "required", "jwks_uri": "http://id.example.com/keys"}, "edge[0].jwks_uri"),
        ({"algorithms": ["none"]}, "edge[0].algorithms[0]"),
        ({"algorithms": ["HS256"]}, "edge[0].algorithms[0]"),
        ({"cors": {"origins": ["*"], "credentials": True}}, "edge[0].cors.origins"),
        ({"cors": {"origins": ["app.example.com"]}}, "edge[0].cors.origins[0]"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(route: dict[str, object], place: str) -> None:
    assert place in faults_of(**route)


def test_two_routes_of_one_name_or_path_are_refused() -> None:
    one = {"name": "a", "path": "/x", "backends": [{"url": "https://a.example.com"}]}
    _section, faults = section_of("edge", [one, {**one, "name": "b"}, {**one, "path": "/y"}])
    assert {fault.place for fault in faults} == {"edge[1].path", "edge[2].name"}


def test_rates_are_written_as_the_contract_has_them() -> None:
    written = {"5/h": (5, 3_600), "10/15min": (10, 900), "200/d": (200, 86_400), "1/s": (1, 1)}
    assert {text: (rate_of(text).requests, rate_of(text).window_s) for text in written} == written
    assert rate_of("off") == Rate()
    for text in ("5", "5/0h", "0/h", "-1/h", "5/w", "5/h ", "5 / h"):
        with pytest.raises(ValueError, match="is no rate"):
            rate_of(text)


async def test_no_route_can_take_what_the_gateway_answers_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        seen, app = set[str](), gateway.app
        while not hasattr(app, "routes"):
            app = next(getattr(app, name) for name in ("_rest", "_app", "app") if hasattr(app, name))
        for route in app.routes:
            seen.add(getattr(route, "path", "/").split("/")[1].partition("{")[0])
            assert isinstance(route, Route) or route.path
        assert seen - {""} <= OWN


async def test_routes_of_the_file_hold_until_the_configuration_has_some(tmp_path: Path) -> None:
    async with backend() as server:
        (tmp_path / "ascend.toml").write_text(f'[[edge]]\nname = "orders"\nbackends = [{{ url = "{server.url}" }}]\n', encoding="utf-8")
        async with served(tmp_path, egress_allow=("127.0.0.1:*",)) as gateway:
            plane = gateway.edge.plane
            assert plane is not None
            assert [route.label for route in plane.routes] == ["orders"]
            await gateway.store.config_versions.put({"edge": [{"name": "other", "backends": [{"url": server.url}]}]}, "another process")
            await until(lambda: gateway.config.version == 1)
            assert [route.label for route in plane.routes] == ["other"]
            await gateway.store.config_versions.put({}, "another process")
            await until(lambda: gateway.config.version == 2)
            assert [route.label for route in plane.routes] == ["orders"]


async def test_a_fault_in_the_file_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "ascend.toml").write_text('[[edge]]\nname = "orders"\nbackends = []\nlimit = "x"\n', encoding="utf-8")
    with pytest.raises(SettingsError) as wrong:
        async with opened(tmp_path):
            pass
    assert sorted(line.partition(": ")[2].partition(":")[0] for line in str(wrong.value).splitlines()) == [
        "edge[0].backends",
        "edge[0].limit",
    ]


def test_the_variable_takes_a_list_in_json(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ASCEND_EDGE: is no list of tables"):
        load(tmp_path, {"ASCEND_EDGE": "orders"})
    assert load(tmp_path, {"ASCEND_EDGE": '[{"name": "orders"}]'}).edge.routes == [{"name": "orders"}]
