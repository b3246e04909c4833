"""Copies of well-known clients' metadata documents, for when the vendor's server does not let us read them.

Content networks answer data-centre addresses with 403 now and then. A copy is used only when the live document cannot be had.
As of November 2026.
"""

from collections.abc import Mapping

_LOOPBACK_CALLBACKS = ["http://localhost/callback", "http://127.0.0.1/callback"]

#: client_id -> its document
PINNED_DOCUMENTS: Mapping[str, Mapping[str, object]] = {
    "https://claude.ai/oauth/claude-code-client-metadata": {
        "client_id": "https://claude.ai/oauth/claude-code-client-metadata",
        "client_name": "Claude Code",
        "client_uri": "https://claude.ai",
        "redirect_uris": _LOOPBACK_CALLBACKS,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    "https://claude.ai/oauth/mcp-oauth-client-metadata": {
        "client_id": "https://claude.ai/oauth/mcp-oauth-client-metadata",
        "client_name": "Claude",
        "client_uri": "https://claude.ai",
        "redirect_uris": ["https://claude.ai/api/mcp/auth_callback", "https://claude.com/api/mcp/auth_callback"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
    "https://vscode.dev/oauth/client-metadata.json": {
        "client_id": "https://vscode.dev/oauth/client-metadata.json",
        "client_name": "Visual Studio Code",
        "client_uri": "https://vscode.dev/product",
        "redirect_uris": [
            "http://127.0.0.1/",
            "http://127.0.0.1:33418/",
            "https://vscode.dev/redirect",
            "https://insiders.vscode.dev/redirect",
        ],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    },
}
