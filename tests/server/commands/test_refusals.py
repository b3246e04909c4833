"""What a command does not do, it says in one line with the way on; it ends with 1, or with 2 where the words were wrong."""

from pathlib import Path

import pytest

from tests.command_line import ascend_here

#: words of the command, exit code, what it says
REFUSALS: list[tuple[str, int, str]] = [
    ("client add Probe", 2, "--redirect-uri: give at least one, or --service"),
    ("client add Probe --service --tenant default --scope mcp --public", 2, "--service: give --tenant and --scope"),
    ("client add Probe --service --tenant default", 2, "--service: give --tenant and --scope"),
    ("client add Probe --redirect-uri ftp://x.example/cb", 2, "ftp://x.example/cb: "),
    ("ai aply ai.toml", 2, "ascend ai: No such command 'aply' (did you mean 'apply'?); see `ascend ai --help`"),
    ("servee", 2, "ascend: No such command 'servee' (did you mean 'serve'?)"),
    ("ai quatsch", 2, "ascend ai: No such command 'quatsch'; see"),
    ("client show nobody", 1, "no client 'nobody'; `ascend client list` shows all"),
    ("connection remove acc_1", 1, "no account 'acc_1' in tenant 'default'; `ascend connection list` shows all"),
    ("connection add-key crm --user nobody@example.com --kind bearer", 1, "no user 'nobody@example.com' in tenant 'default'"),
    ("grant revoke grant_1", 1, "no grant 'grant_1'; `ascend grant list` shows all"),
    ("identity-provider add corp --issuer http://id.example --client-id x --client-auth none", 2, "issuer: "),
    ("identity-provider add corp --issuer https://id.example --client-id x", 2, "no client secret; give it with --secret-stdin"),
    ("identity-provider add corp --issuer https://id.example --client-id x --client-auth none --tenant no", 1, "no tenant 'no'"),
    ("identity-provider remove corp", 1, "no identity provider 'corp' in tenant 'default'; `ascend identity-provider list` shows all"),
    ("import accept crm", 1, "nothing of 'crm' is held for "),
    ("import accept crm crm.orders.list", 1, "'crm.orders.list' is not held of crm for "),
    ("import remove crm", 2, "say whose operations are to go: --tenant NAME, or --shared"),
    ("import remove crm --shared", 1, "nothing of 'crm' was imported for "),
    ("import remove crm --shared --tenant default", 2, "--tenant and --shared exclude each other"),
    ("import mcp https://x.example --provider x --tenant default --token-stdin", 1, "the token on standard input is empty"),
    (
        "import mcp https://x.example --provider x --tenant default --account nobody",
        1,
        "'nobody' is not an address; give one like ada@example.com",
    ),
    ("index eval nowhere", 1, "nowhere: no such file or folder"),
    ("provider add hubspot", 2, "hubspot: no client id; give --client-id"),
    ("provider add hubspot --client-id x", 2, "hubspot: no client secret; give it on standard input with --secret-stdin"),
    ("provider add hubspot --client-id x --secret-stdin --value oddly", 2, "--value 'oddly': give NAME=VALUE"),
    ("provider add nothing.yaml --client-id x", 1, "nothing.yaml: neither `provider` (one that comes along) nor `id` (a definition)"),
    ("provider add a-list.yaml --client-id x", 1, "a-list.yaml: neither `provider` (one that comes along) nor `id` (a definition)"),
    ("provider remove hubspot", 1, "no registration at 'hubspot' for every tenant; `ascend provider list` shows all"),
    ("provider remove hubspot --tenant default", 1, "no registration at 'hubspot' for default"),
    ("tenant add UPPER", 2, "tenant 'UPPER': not a name; "),
    ("tenant add default", 1, "tenant 'default' exists already; `ascend tenant list` shows all"),
    ("tenant sign-in nobody password", 1, "no tenant 'nobody'; `ascend tenant list` shows all"),
    ("tenant set default", 2, "nothing to change; name a setting, --help lists them"),
    ("tenant set nobody --title x", 1, "no tenant 'nobody'; `ascend tenant list` shows all"),
    ("tenant set default --baseline mcp:read", 2, "--baseline: a client cannot connect without 'mcp'; put it in front"),
    ("tenant set default --static-tokens-until soon", 2, "--static-tokens-until: 'soon' is not a date; use YYYY-MM-DD, or never"),
    ("token mint --ttl 0 --tenant default --user nobody@example.com", 2, "--ttl: give seconds, from 1 to 7776000 (90 days)"),
    ("token mint --tenant default --user nobody@example.com", 1, "no user 'nobody@example.com' in tenant 'default'"),
    ("token static revoke static_1 --tenant default", 1, "tenant 'default' has no static token 'static_1'"),
    ("user add nobody --tenant default", 2, "'nobody' is not an address; give one like ada@example.com"),
    ("user add ada@example.com --tenant nowhere", 1, "no tenant 'nowhere'; there are default, and `ascend tenant add` makes more"),
    ("user limit ada@example.com", 2, 'give either --scope "mcp:read crm:write" or --all'),
    ("user limit ada@example.com --scope odd!", 2, "no scope 'odd!'; it is <provider>:<access>"),
    ("user admin nobody@example.com", 1, "no user 'nobody@example.com' in tenant 'default'; `ascend user list` shows all"),
    ("user disable nobody@example.com", 1, "no user 'nobody@example.com' in tenant 'default'; `ascend user list` shows all"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("refusals") / "data"
    assert ascend_here("tenant", "list", data_dir=folder).returncode == 0
    return folder


@pytest.mark.parametrize(("words", "code", "said"), REFUSALS, ids=[words for words, _code, _said in REFUSALS])
def test_a_command_refuses_in_one_line(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nothing.yaml").write_text("title: CRM\n")
    (tmp_path / "a-list.yaml").write_text("- provider\n")
    done = ascend_here(*words.split(), data_dir=data, stdin="\n" if "token-stdin" in words else "secret\n")
    assert said in done.stderr, done
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_what_there_is_nothing_of_changes_nothing(data: Path) -> None:
    """After all those refusals the store holds what it held."""
    for noun in ("client", "connection", "grant", "identity-provider", "user"):
        done = ascend_here(noun, "list", "--json", data_dir=data)
        assert (done.returncode, done.stdout.strip()) == (0, "[]"), done
