"""One turn as Claude Code makes it: `claude -p TEXT`, set up by its environment variables (code.claude.com/docs, LLM gateways)."""

import json
import os
import sys
from typing import Any

import httpx2

MODEL = os.environ.get("ANTHROPIC_MODEL", "claude-sonnet-5")
#: of a signed-in person, whom no variable names
SUBSCRIPTION = "Bearer sk-ant-oat01-of-the-person"
BETA = "claude-code-20250219,interleaved-thinking-2025-05-14"


def headers() -> dict[str, str]:
    token = os.environ.get("ANTHROPIC_AUTH_TOKEN")
    sent = {"authorization": f"Bearer {token}" if token else SUBSCRIPTION, "anthropic-version": "2023-06-01", "anthropic-beta": BETA}
    for line in os.environ.get("ANTHROPIC_CUSTOM_HEADERS", "").splitlines():
        name, _, value = line.partition(":")
        sent[name.strip()] = value.strip()
    return sent | {"x-app": "cli", "user-agent": "claude-cli/2.1.291 (external, cli)", "x-claude-code-session-id": "s1"}


def body(prompt: str) -> dict[str, Any]:
    return {
        "model": MODEL,
        "max_tokens": 32_000,
        "stream": True,
        "system": [{"type": "text", "text": "You are Claude Code.", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": prompt}]}],
        "metadata": {"user_id": json.dumps({"session_id": "s1"})},
    }


def main() -> None:
    with httpx2.Client(base_url=os.environ["ANTHROPIC_BASE_URL"], headers=headers(), timeout=30) as http:
        if os.environ.get("CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY"):
            ids = [row["id"] for row in http.get("/v1/models?limit=1000").raise_for_status().json()["data"]]
            shown = " ".join(name for name in ids if name.startswith(("claude", "anthropic")))
            sys.stdout.write(f"models: {shown}\n")
        answer = http.post("/v1/messages?beta=true", json=body(sys.argv[2]))
        if answer.status_code != 200:
            sys.exit(answer.text)
        events = [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]
        sys.stdout.write("".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta"))
        assert events[-1]["type"] == "message_stop"


main()
