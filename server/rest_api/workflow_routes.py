"""The URLs of durable work (context contract §3)."""

from server.rest_api.route import Route, Routes

WORKFLOW_ROUTES: Routes = {
    "/v1/workflows": {"GET": Route("workflow_list", "none", takes=frozenset({"limit"}))},
    "/v1/workflows/runs": {"GET": Route("workflow_list", "none", takes=frozenset({"workflow", "states", "limit", "cursor"}))},
    "/v1/workflows/{}/runs": {"POST": Route("workflow_start", "optional", names="workflow", status=202)},
    "/v1/workflows/runs/{}": {"GET": Route("workflow_status", "none", names="run_id", takes=frozenset({"step"}))},
    "/v1/workflows/runs/{}/cancel": {"POST": Route("workflow_cancel", "none", names="run_id")},
    "/v1/workflows/runs/{}/resume": {"POST": Route("workflow_resume", "optional", names="run_id", status=202)},
}
