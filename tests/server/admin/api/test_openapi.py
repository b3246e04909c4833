"""`/admin/api/openapi.json`: valid, complete, and what it says is what the addresses answer."""

from typing import Any

import jsonschema_rs
from openapi_spec_validator import OpenAPIV31SpecValidator

from server.admin.resource import Resource
from server.assembly.administration.api import ai_administration
from tests.server.admin.call_records import call_record
from tests.server.admin.conftest import Administration


async def document(admin: Administration) -> dict[str, Any]:
    answer = await admin.api("GET", "openapi.json", admin.operator)
    assert answer.status_code == 200
    return dict(answer.json())


async def test_the_document_is_openapi_and_for_administrators(admin: Administration) -> None:
    OpenAPIV31SpecValidator(await document(admin)).validate()
    assert (await admin.api("GET", "openapi.json")).status_code == 401


async def test_the_document_has_every_list_thing_and_change(admin: Administration) -> None:
    said = {
        operation["operationId"]
        for path in (await document(admin))["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    }
    wanted = {name for resource in admin.gateway.administration.nouns for name in operations_of(resource)}
    models = ai_administration(admin.gateway.administration).routes()
    assert said == wanted | {route.name for route in models}
    assert len({route.name for route in models}) == len(models) > 10


def operations_of(resource: Resource) -> set[str]:
    things = {f"{resource.name}.get"} if resource.one is not None else set()
    return {f"{resource.name}.list", *things, *(f"{resource.name}.{change.name}" for change in resource.changes)}


async def test_every_list_answers_as_the_document_says(admin: Administration) -> None:
    """Rows, things and refusals."""
    await admin.gateway.store.calls.append_calls([call_record(), call_record(code="timeout")])
    whole = await document(admin)
    for resource in admin.gateway.administration.nouns:
        name = "".join(part.capitalize() for part in resource.name.replace("_", "-").split("-"))
        rows = jsonschema_rs.validator_for({"$ref": f"#/components/schemas/{name}", "components": whole["components"]})
        answer = await admin.api("GET", resource.name, admin.operator)
        assert answer.status_code == 200, (resource.name, answer.text)
        for row in answer.json()["items"]:
            rows.validate(row)
            if resource.one is not None:
                thing = await admin.http.get(f"/admin/api/{resource.name}/{row[resource.key]}", headers=bearer(admin))
                assert thing.status_code == 200, (resource.name, thing.text)
                rows.validate(thing.json())
    refused = await admin.api("GET", "calls?limit=0", admin.operator)
    jsonschema_rs.validator_for({"$ref": "#/components/schemas/Error", "components": whole["components"]}).validate(refused.json())


def bearer(admin: Administration) -> dict[str, str]:
    return {"authorization": f"Bearer {admin.operator}"}
