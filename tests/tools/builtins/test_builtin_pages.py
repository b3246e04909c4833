"""Code, page and table agree."""

import json

import pytest

from capability_index.documents import load_pages, tools_table
from tests.conftest import REPOSITORY
from tests.tools.stand_ins import gateway
from tools import always_on
from tools.always_on import ALWAYS_ON, BATCH_EXECUTE, ToolDefinition, offered
from tools.operation import Call, Outcome
from tools.sources.builtin import PROVIDER, BuiltinFunction, PageMissing, builtin_operations

MAX_TOKENS = 900


def test_the_three_tools_stay_under_their_budget_and_in_order() -> None:
    """three-tools.md: under 900 tokens together (characters / 4, laid out as a model sees them), constant, in this order."""
    assert [tool.name for tool in ALWAYS_ON] == ["discover_apis", "call_api", "batch_execute"]
    assert len(json.dumps([tool.to_wire() for tool in ALWAYS_ON], indent=1)) / 4 <= MAX_TOKENS


@pytest.mark.parametrize("tool", ALWAYS_ON, ids=lambda tool: tool.name)
def test_a_tool_and_its_page_name_the_same_arguments(tool: ToolDefinition) -> None:
    """The definition is what clients see, the page is what people read."""
    page_by_slug = {page.document.slug: page for page in load_pages()}
    if tool.name not in page_by_slug:
        pytest.fail(f"docs/tools/{tool.name}.md is missing")
    parameters = [parameter.name for parameter in page_by_slug[tool.name].document.parameters]
    assert parameters == list(tool.input_schema["properties"])
    assert tool.to_wire()["_meta"] == {"anthropic/alwaysLoad": True}


@pytest.mark.parametrize("tool", ALWAYS_ON, ids=lambda tool: tool.name)
def test_what_a_tool_shows_is_what_it_takes(tool: ToolDefinition) -> None:
    """The list leaves out bounds and rare arguments; it names nothing that would be refused, and every list says of what."""
    shown = tool.to_wire()["inputSchema"]
    assert list(shown["properties"]) == [name for name in tool.input_schema["properties"] if name not in tool.rare]
    assert tool.rare <= set(tool.input_schema["properties"])
    for name, member in shown["properties"].items():
        taken = tool.input_schema["properties"][name]
        assert member.get("type", "string") in (taken.get("type", "string"), "string")
        assert "items" in member or "array" not in member.get("type", ())
        inner = taken.get("items", taken).get("properties", {})
        description = member.get("items", member).get("description", "")
        assert all(each in description for each in (*inner, *taken.get("enum", ()))) or "enum" in member


def test_code_is_offered_only_where_its_sandbox_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not there is not promised; the list is made once, and the same for everybody."""
    monkeypatch.setattr(always_on, "find_spec", lambda name: None)
    assert "code" not in offered()[2].to_wire()["inputSchema"]["properties"]
    monkeypatch.setattr(always_on, "find_spec", lambda name: object())
    assert offered() == ALWAYS_ON == (*offered()[:2], BATCH_EXECUTE)


async def test_every_built_in_has_a_page_that_names_its_arguments_and_says_what_they_mean() -> None:
    """docs/tools/<slug>.md is the source of truth for the words."""
    house = await gateway([])
    page_by_slug = {page.document.slug: page for page in load_pages()}
    for operation in house.catalog.operations_of(None, PROVIDER):
        page = page_by_slug[operation.id]
        parameters = {parameter.name: parameter.description for parameter in page.document.parameters}
        assert list(parameters) == list(operation.input_schema["properties"]), operation.id
        assert all(parameters.values()), operation.id
        assert page.access == operation.access


def test_a_built_in_without_a_page_is_named_with_the_file_to_write() -> None:
    """mutants.md 8."""

    async def run(call: Call) -> Outcome:
        raise AssertionError(call)

    with pytest.raises(PageMissing, match=r"built-in 'gateway\.nothing' has no page; write docs/tools/gateway\.nothing\.md"):
        builtin_operations([BuiltinFunction("gateway.nothing", run, {"type": "object"})])


def test_the_table_of_built_ins_is_the_one_that_the_pages_make() -> None:
    """TOOLS.md is generated; write it with `make TOOLS.md`."""
    assert (REPOSITORY / "TOOLS.md").read_text(encoding="utf-8") == tools_table(load_pages())
