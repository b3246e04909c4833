"""What a file may say, and how all that is wrong with it is told at once. The shapes are those of the AI gateway's contract."""

import pytest

from tests.tools.ai_gateway.configuration.example import EXAMPLE
from tools.ai_gateway.configuration.read_document import MAX_BYTES, read_document, read_toml
from tools.versioned_documents.faults import ConfigInvalid

ROLLOUT = "[[experiments]]\nname = 'a'\nroute = 'bulk'\narms = { b = 'standard' }\n"


def faults(text: str | bytes) -> list[str]:
    with pytest.raises(ConfigInvalid) as refused:
        read_toml(text.encode() if isinstance(text, str) else text)
    return [str(fault) for fault in refused.value.faults]


def test_a_file_with_every_section_is_read_and_reads_the_same_as_json() -> None:
    """The API puts what `ascend ai config --json` printed."""
    document = read_toml(EXAMPLE.encode())
    assert document["routes"]["deepseek-chat"]["sunset"] == "2026-12-31"
    assert read_document(document) == document


def test_every_fault_is_told_at_once_with_its_place_and_what_was_meant() -> None:
    assert faults(
        """
        [provider.x]
        [defaults]
        total = 3
        first_byte_s = nan
        [providers.opnai]
        [providers.openai]
        dialect = "opnai"
        [models.gpt]
        can = ["tool"]
        [routes.a]
        targets = ["b"]
        [routes.b]
        targets = ["c", { use = "bulkk", weight = 1.5, wait = 3 }]
        [routes.c]
        when = [{ complexity = "hard", use = "b" }]
        [[budgets]]
        name = "n"
        window = "fortnight"
        usd = -1
        [[experiments]]
        name = "e"
        route = "bulk"
        arms = { b = "nobody/m" }
        share = { b = 0.7, d = 0.5 }
        """
    ) == [
        "budgets[0].usd: must be at least 0",
        "budgets[0].window: 'fortnight' is none of minute, hour, day, month, total",
        "defaults.first_byte_s: must be a number",
        "defaults.total: no such name; did you mean 'total_s'?",
        "experiments[0].arms.b: no provider 'nobody'; describe it in [providers.nobody]",
        "experiments[0].share: is more than everybody: shares add up to 1 at most",
        "experiments[0].share.d: no arm 'd'",
        "models.gpt: is no model; write it provider/model",
        "models.gpt.can[0]: 'tool' is none of tools, images, json_schema, reasoning; did you mean 'tools'?",
        "provider: no such section; did you mean 'providers'?",
        "providers.openai.dialect: 'opnai' is none of openai, anthropic, gemini, bedrock, workers_ai; did you mean 'openai'?",
        "providers.opnai.base_url: is missing; only well-known providers know theirs; did you mean 'openai'?",
        "providers.opnai.dialect: is missing; only well-known providers know theirs; did you mean 'openai'?",
        "routes.b.targets[1]: no route 'bulkk'; did you mean 'bulk'?",
        "routes.b.targets[1].wait: no such name; did you mean 'weight'?",
        "routes.b.targets[1].weight: must be a whole number",
        "routes.c.when: the last one needs no condition, or the route targets: else a request may go nowhere",
        "routes.c.when[0]: is a cycle: b → c → b",
        "routes.c.when[0].complexity: 'hard' is none of simple, medium, complex",
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[providers.p]\ndialect = "openai"\nbase_url = "https://p.example/v1"\nkey = "sk-123456789"', "providers.p.key"),
        ('[providers.openai]\nauth_token = "sk-123456789"', "providers.openai.auth_token"),
        ('[providers.openai]\nbase_url = "https://sk-123456789@p.example/v1"', "providers.openai.base_url"),
        ('[providers.openai]\nbase_url = "https://p.example/v1?key=sk-123456789"', "providers.openai.base_url"),
    ],
)
def test_a_key_in_the_file_is_refused_with_the_way_to_give_it_and_never_repeated(text: str, place: str) -> None:
    (fault,) = faults(text)
    assert fault.startswith(f"{place}: ")
    assert "ascend connection add-key" in fault
    assert "sk-" not in fault


NO_CONFIGURATIONS: list[tuple[str | bytes, str]] = [
    (b"\xff", "not UTF-8 (at byte 0)"),
    ("[routes", "is not TOML"),
    ("[routes.a]\ntargets = ['bulk']\n[routes.a]\ntargets = ['bulk']", "is not TOML"),
    ("a = " + "[" * 5_000 + "]" * 5_000, "nested too deeply"),
    ("#" * (MAX_BYTES + 1), "1,000,000 are the most"),
    ("[routes.a]\n" + "".join(f"x{n} = 1\n" for n in range(60_000)), "more than 50,000 values"),
    ('routes = ["a"]', "routes: must be a table"),
    ("defaults = 7", "defaults: must be a table"),
    ("[defaults]\nmax_output_tokens = 123456789012345678901234567890", "defaults.max_output_tokens: must be at most"),
]


# Named by what is said: a text of a megabyte is no name of a test.
@pytest.mark.parametrize(("text", "said"), NO_CONFIGURATIONS, ids=[said for _text, said in NO_CONFIGURATIONS])
def test_what_is_no_configuration_at_all_is_one_plain_fault(text: str | bytes, said: str) -> None:
    (fault,) = faults(text)
    assert said in fault


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ("[routes.default]\ntargets = ['bulk']", "clients send this name"),
        ("[routes.'openai/mine']\ntargets = ['bulk']", "is the name of a model"),
        ("[routes.a]", "leads nowhere"),
        ("[routes.a]\ntargets = ['openai/']", "write it openai/MODEL"),
        ('[routes.a]\ntargets = ["openai/m\\u200b"]', "has characters that nobody sees"),
        ("[routes.a]\ntargets = ['a']", "is a cycle: a → a"),
        ("[routes.a]\npick = 'weighted'\ntargets = [{ use = 'bulk', weight = 0 }]", "have no weight"),
        ("[defaults]\nroute = 'frontier'", "never a default"),
        ("[tenants.a]\ncontext_embeddings = 'openay/m'", "did you mean 'openai'"),
        ("[routes.e]\ntargets = ['openai/m', 'mistral/n']\n[tenants.a]\ncontext_embeddings = 'e'", "vectors do not mix"),
        ("[tenants.a]\ncontext_dimensions = 256", "says nothing without context_embeddings"),
        ("[tenants.a]\ncontext_embeddings = 'openai/m'\ncontext_dimensions = 4097", "must be at most"),
        ("[[budgets]]\nname = 'b'\nwindow = 'day'\nusd = 1\nover = 'openai/gpt-5.2'", "no route"),
        ("[[budgets]]\nname = 'b'\nwindow = 'day'", "counts nothing"),
        ("[[limits]]\nper = 'day'", "counts nothing"),
        ("[[prices]]\nmodel = 'x'\nfrom = 2026-01-01", "says no price"),
        ("[[prices]]\nmodel = 'x'\nfrom = 2026-01-01T00:00:00\ninput = 1", "must be a date"),
        ("[[prices]]\nmodel = 'x'\nfrom = 2026-01-01\ninput = 1\nutc = '1-4'", "hours of the day"),
        (ROLLOUT + "rollout = [0.5, 0.1]\nhold = { min_calls = 5 }", "must grow"),
        (ROLLOUT + "rollout = [0.1, 0.5]", "needs hold"),
        (ROLLOUT + "rollout = [0.1]\nshare = { b = 0.1 }\nhold = { min_calls = 5 }", "leave share out"),
        (ROLLOUT.replace("}", ", c = 'bulk' }") + "rollout = [0.1]\nhold = { min_calls = 5 }", "is of one arm"),
        ("[[experiments]]\nname = 'a/b'\nroute = 'bulk'\narms = { b = 'bulk' }", "name/arm"),
        ("[[experiments]]\nname = 'a'\nroute = 'bulk'\narms = { control = 'bulk' }", "`control` is the rest"),
    ],
)
def test_a_name_or_rule_that_could_not_hold_is_refused(route: str, said: str) -> None:
    (fault,) = faults(route)
    assert said in fault


def test_two_budgets_of_one_name_and_two_experiments_on_one_route_are_refused() -> None:
    """Spending is counted by a budget's name, and a caller of a route is in one arm."""
    budget = '[[budgets]]\nname = "b"\nwindow = "day"\ntokens = 1\n'
    trial = '[[experiments]]\nname = "{}"\nroute = "bulk"\narms = {{ b = "standard" }}\n'
    assert faults(2 * budget + trial.format("x") + trial.format("y")) == [
        "budgets[1].name: 'b' is there already; every one has a name of its own",
        "experiments[1].route: 'bulk' is tried by 'x' already",
    ]


def test_of_forty_thousand_faults_the_first_hundred_are_told() -> None:
    """Each is put into words with what was probably meant, which would take minutes for all."""
    text = "[routes.a]\ntargets = ['bulk']\n" + "".join(f"x{n} = 1\n" for n in range(40_000))
    told = faults(text)
    assert (len(told), told[-1]) == (101, "and more; these are the first")


def chain(length: int) -> str:
    """Return routes of which each leads to the next, the last to a model."""
    links = [f'[routes.r{n}]\ntargets = ["r{n + 1}"]' for n in range(1, length)]
    return "\n".join([*links, f"[routes.r{length}]\ntargets = ['openai/gpt-5.2']"])


def test_routes_lead_through_ten_routes_at_most() -> None:
    read_toml(chain(10).encode())
    assert faults(chain(3_000)) == ["routes.r2990: leads through 11 routes, itself included; 10 are the most"]


def test_a_long_cycle_is_one_short_fault() -> None:
    (fault,) = faults("\n".join(f"[routes.r{n}]\ntargets = ['r{(n + 1) % 3_000}']" for n in range(3_000)))
    assert fault.startswith("routes.r2999.targets[0]: is a cycle: r0 → r1 → ")
    assert len(fault) < 120


def test_one_embeddings_model_may_be_had_of_several_providers_and_through_routes() -> None:
    text = "[routes.f]\ntargets = ['together/m']\n[routes.e]\ntargets = ['openai/m', 'f']\n[tenants.a]\ncontext_embeddings = 'e'"
    assert read_toml(text.encode())["tenants"]["a"] == {"context_embeddings": "e"}
