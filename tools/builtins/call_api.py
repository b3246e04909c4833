"""call_api: one operation, through the door."""

from tools.always_on import CALL_API, asked_of
from tools.operation import Call, Outcome
from tools.sources.builtin import BuiltinFunction


async def call_api(call: Call) -> Outcome:
    """Run `api` with `args`; the record names that operation, not this tool.

    The door opens for what a call names before it comes here (0018): only one whose catalogue changed in between does.
    """
    return await call.again(*asked_of(call.arguments))


FUNCTION = BuiltinFunction(
    slug=CALL_API.name,
    run=call_api,
    input_schema=CALL_API.input_schema,
    idempotent=False,
    scope="mcp",
    reenters=True,
    described=True,
    example={"api": "crm.contacts.search", "args": {"query": "Ada"}, "select": "results[].{id: id, email: email}"},
)
