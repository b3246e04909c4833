"""What it cost, by model, by person, by tool."""

from server.reports.report import Figure, Report, Table, rows_of
from server.reports.sources import Scope, Sources
from tools.ai_gateway.stores import ModelUsage
from tools.metering.money import to_usd
from tools.operation import Json
from tools.workflows.jobs.report import finding


async def cost(sources: Sources, scope: Scope) -> Report:
    """Return what model calls and priced operations came to in the scope, the dearest first."""
    models = await sources.store.model_calls.usage("model", scope.tenant_id, scope.from_us, scope.to_us)
    people = await sources.store.model_calls.usage("user", scope.tenant_id, scope.from_us, scope.to_us)
    operations = await sources.store.operation_charges.usage(scope.tenant_id, scope.from_us, scope.to_us)
    of_models, of_tools = sum(each.cost_nano_usd for each in models), sum(each.cost_nano_usd for each in operations)
    unpriced = [each for each in models if each.unpriced]
    figures = (
        Figure("models and tools together", to_usd(of_models + of_tools), "usd"),
        Figure("models", to_usd(of_models), "usd"),
        Figure("priced operations", to_usd(of_tools), "usd"),
    )
    columns = ("of", "dollars", "calls", "failed", "tokens in", "tokens out")
    priced: list[list[Json]] = [[each.operation, to_usd(each.cost_nano_usd), each.calls, each.errors] for each in operations]
    tables = (
        Table("By model", columns, rows_of([_row(each) for each in models])),
        Table("By person", columns, rows_of([_row(each) for each in people])),
        Table("By priced operation", ("operation", "dollars", "calls", "failed"), rows_of(priced)),
    )
    findings = tuple(
        finding(
            "unpriced", each.of, f"{each.unpriced:,} calls have no known price, so they are in no sum", "give it a price: ascend ai apply"
        )
        for each in unpriced
    )
    return Report("What it cost", figures, tables, findings, {"models": len(models), "people": len(people)})


def _row(usage: ModelUsage) -> list[Json]:
    return [usage.of or "nobody named", to_usd(usage.cost_nano_usd), usage.calls, usage.errors, usage.input_tokens, usage.output_tokens]
