"""What a person pastes into an MCP client."""

import json


def claude_mcp_add(url: str) -> str:
    """Return the line that adds the gateway to Claude Code."""
    return f"claude mcp add --transport http ascend {url}"


def snippet(client: str, url: str) -> str:
    """Return what a person pastes for `client`, with where to paste it."""
    if client == "claude-code":
        return claude_mcp_add(url)
    if client == "claude-desktop":
        where = "Settings > Connectors > Add custom connector"
        return f"{where}\nName: Ascend Gateway\nURL:  {url}\n(needs a public https address: Claude connects from its cloud)"
    if client == "cursor":
        return "~/.cursor/mcp.json\n" + json.dumps({"mcpServers": {"ascend": {"url": url}}}, indent=2)
    return ".vscode/mcp.json\n" + json.dumps({"servers": {"ascend": {"type": "http", "url": url}}}, indent=2)
