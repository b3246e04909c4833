"""One turn as Codex makes it: `codex exec TEXT`, set up by ~/.codex/config.toml."""

import json
import os
import sys
import tomllib
from pathlib import Path

import httpx2


def main() -> None:
    config = tomllib.loads((Path.home() / ".codex" / "config.toml").read_text(encoding="utf-8"))
    provider = config["model_providers"][config["model_provider"]]
    assert provider["wire_api"] == "responses"
    body = {
        "model": config["model"],
        "instructions": "You are Codex.",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": sys.argv[2]}]}],
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": False,
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "s1",
    }
    headers = {"authorization": f"Bearer {os.environ[provider['env_key']]}", "originator": "codex_exec", "session_id": "s1"}
    answer = httpx2.post(provider["base_url"] + "/responses", json=body, headers=headers, timeout=30)
    if answer.status_code != 200:
        sys.exit(answer.text)
    events = [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]
    # Codex takes its answer from the finished items, and the turn for over at response.completed alone.
    sys.stdout.write(
        "".join(part["text"] for event in events if event["type"] == "response.output_item.done" for part in event["item"]["content"])
    )
    assert events[-1]["type"] == "response.completed", events[-1]
    assert events[-1]["response"]["usage"]["total_tokens"] > 0


main()
