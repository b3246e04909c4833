"""An upstream MCP server whose front asks for AWS signatures."""

import httpx2

from oauth.connections.credentials import Credential
from tools.sources.mcp.transport import CredentialAuth


async def test_an_mcp_server_behind_sigv4_gets_a_signature_and_never_the_key() -> None:
    """Issue 6: the same keys towards an upstream MCP server."""
    credential = Credential("sigv4", "never-sent", "AKIDEXAMPLE", region="eu-west-1", service="bedrock-agentcore")
    auth = CredentialAuth(credential, None)
    request = httpx2.Request("POST", "https://gw.example/mcp", json={"id": 1}, headers={"Mcp-Method": "tools/call"})
    async for sent in auth.async_auth_flow(request):
        authorization = sent.headers["authorization"]
        break
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "content-type;host;mcp-method;x-amz-date" in authorization
    assert "never-sent" not in str(sent.headers)
