"""An arm that fails is held by itself, from what real calls showed."""

from tests.server.model_api.conftest import Models
from tests.waiting import until


async def test_an_arm_that_falls_back_too_often_gets_no_more_callers(models: Models) -> None:
    routes = {"r": {"targets": ["one/m"]}, "r-b": {"targets": ["one/fails-503", "two/m"]}}
    hold = {"min_calls": 3, "error_rate": 0.5, "fallback_rate": 0.2}
    trial = {"name": "x", "route": "r", "arms": {"b": "r-b"}, "share": {"b": 1.0}, "hold": hold}
    await models.configure(routes=routes, experiments=[trial])
    for _ in range(3):
        response = await models.chat("r")
        assert (response.headers["x-gateway-experiment"], response.headers["x-gateway-provider"]) == ("x/b", "two")

    async def is_held() -> bool:
        await models.gateway.ai_gateway.config.load()
        return bool(models.gateway.ai_gateway.config.current.experiments["x"].held)

    await until(is_held)
    response = await models.chat("r")
    assert (response.headers["x-gateway-experiment"], response.headers["x-gateway-provider"]) == ("x/control", "one")


async def test_an_arm_stays_that_refuses_what_its_callers_send(models: Models) -> None:
    routes = {"r": {"targets": ["one/m"]}, "r-b": {"targets": ["one/fails-400"]}}
    trial = {"name": "x", "route": "r", "arms": {"b": "r-b"}, "share": {"b": 1.0}, "hold": {"min_calls": 3, "error_rate": 0.5}}
    await models.configure(routes=routes, experiments=[trial])
    for _ in range(6):
        assert (await models.chat("r")).status_code == 400
    await models.gateway.ai_gateway.ledger.flush()
    assert await models.gateway.store.ai_configs.holds() == {}
