"""What people thought of models' answers (`/v1/feedback`, `llm.feedback`)."""

from server.reports.report import Figure, Report, Table, rows_of
from server.reports.sources import Scope, Sources
from tools.operation import Json
from tools.workflows.jobs.report import finding

#: below this many judgements a mean says nothing
FEW_SCORES = 5
BAD_MEAN = -0.2


async def satisfaction(sources: Sources, scope: Scope) -> Report:
    """Return the judgements given since the scope begins, by model; models that people are unhappy with are findings."""
    scores = await sources.store.feedback.by_model(scope.tenant_id, scope.from_us, scope.to_us)
    total = sum(each.scores for each in scores)
    mean = sum(each.mean * each.scores for each in scores) / total if total else None
    rows: list[list[Json]] = [[each.model, each.scores, each.negative, round(each.mean, 2)] for each in scores]
    findings = tuple(
        finding(
            "unhappy",
            each.model,
            f"{each.negative} of {each.scores} judgements were negative, {each.mean:.2f} in the mean",
            "ascend ai logs",
        )
        for each in scores
        if each.scores >= FEW_SCORES and each.mean <= BAD_MEAN
    )
    figures = (Figure("judgements", total), Figure("in the mean, from -1 to 1", mean))
    table = Table("By model", ("model", "judgements", "negative", "mean"), rows_of(rows))
    return Report("What people thought of answers", figures, (table,), findings, {"judgements": total})
