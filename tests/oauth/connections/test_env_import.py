"""Static secrets out of an environment: whose they are, by the variable's name."""

from oauth.connections.connecting.env_import import find_applications, find_keys, parse_env_file
from oauth.connections.connection import ConnectionSecret


def test_names_say_provider_alias_and_kind() -> None:
    """Issue 6: `ascend vault import-env`."""
    environ = {
        "HUBSPOT_API_KEY": "k1",
        "HUBSPOT__EUROPE_API_KEY": "k2",
        "GITHUB_TOKEN": "k3",
        "SLACK_BOT_API_TOKEN": "k4",
        "JIRA_USERNAME": "ada",
        "JIRA_PASSWORD": "k5",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "k6",
        "PATH": "/bin",
        "EMPTY_API_KEY": "",
        "LONELY_PASSWORD": "x",
        "ASCEND_VAULT_KEY_TOKEN": "never",
    }
    found = {(key.provider, key.alias): (key.kind, key.secret.username, key.secret.secret) for key in find_keys(environ)}
    assert found == {
        ("aws", "default"): ("sigv4", "AKIA", "k6"),
        ("hubspot", "default"): ("api_key", "", "k1"),
        ("hubspot", "europe"): ("api_key", "", "k2"),
        ("github", "default"): ("bearer", "", "k3"),
        ("slack_bot", "default"): ("bearer", "", "k4"),
        ("jira", "default"): ("basic", "ada", "k5"),
    }
    assert "k1" not in repr(find_keys(environ))


def test_aws_keys_bring_their_session_token_and_region() -> None:
    """Issue 6: AWS SigV4 keys; what the AWS tools read from the environment."""
    environ = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "k", "AWS_SESSION_TOKEN": "t", "AWS_DEFAULT_REGION": "eu-west-1"}
    [found] = find_keys(environ)
    assert (found.secret.session_token, found.secret.region, found.variables) == ("t", "eu-west-1", tuple(environ))
    assert ConnectionSecret.from_bytes(found.secret.to_bytes()) == found.secret


def test_applications_are_pairs() -> None:
    """Client secrets of provider apps are vault entries as well (facts/oauth.md §3.4)."""
    found = find_applications({"HUBSPOT_CLIENT_ID": "i", "HUBSPOT_CLIENT_SECRET": "s", "ZOOM_CLIENT_ID": "alone"})
    assert [(each.provider, each.client_id, each.client_secret) for each in found] == [("hubspot", "i", "s")]
    assert "client_secret='s'" not in repr(found)


def test_an_env_file_is_read_as_shells_write_it() -> None:
    """Comments, export, quotes, spaces; what is no assignment is passed over."""
    text = "# A_API_KEY=no\nexport B_API_KEY='b b'\n C_TOKEN = \"c=c\" \nnonsense\n"
    assert parse_env_file(text) == {"B_API_KEY": "b b", "C_TOKEN": "c=c"}
