"""docs/guides/log-sinks.md, followed at a real gateway: what it names arrives, and is read with what the page shows."""

import gzip
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import anyio
import duckdb
import pytest

from server.config.store import sqlite_url
from server.storage.database import Database
from server.storage.history.calls import SqlCallHistory
from tests.command_line import answered, ascend_here
from tests.contracts.history.test_call_history import call
from tests.flows.gateway_process import running_gateway
from tests.flows.models.guide import Terminal, steps_of
from tests.s3_server import S3Server, running_s3
from tests.waiting import until_here


@dataclass
class Listener:
    """Takes what is posted; what came by path, and with which headers."""

    port: int = 0
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def bodies(self, path: str) -> list[bytes]:
        return [body for at, _, body in self.got if at == path]


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
            listener.got.append((self.path, dict(self.headers), body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.time_limit(240)
def test_what_the_guide_names_arrives_and_is_read_with_what_it_shows(tmp_path: Path) -> None:
    steps = list(steps_of("log-sinks.md"))
    shell = [step for step in steps if step.kind == "sh"]
    with running_s3() as s3, listening() as listener:
        bucket, here = s3.bucket(), f"http://127.0.0.1:{listener.port}"
        terminal = Terminal(
            tmp_path,
            {
                "AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": f"{s3.key_id}:{s3.secret}",
                "s3://my-logs": f"s3://{bucket}",
                "https://logs.example.com": here,
                "https://otel.example.com:4318": here,
            },
        )
        [toml] = [step for step in steps if step.kind == "toml"]
        (tmp_path / "gateway.toml").write_text(terminal.here(toml.text), encoding="utf-8")
        allowed = {"AWS_ENDPOINT_URL_S3": s3.endpoint, "ASCEND_EGRESS_ALLOW": "127.0.0.1:*", "ASCEND_LOG_FORMAT": "json"}
        with running_gateway(terminal.data, demo=False, extra=allowed):
            for step in shell[1:]:
                terminal.follow(step)
            anyio.run(made_calls, terminal.data)
            until_here(lambda: len(rows_in(s3, bucket, "calls")) == 3)
            until_here(lambda: bool(listener.bodies("/ingest")) and bool(listener.bodies("/v1/logs")))
            last_hash = answered(ascend_here("audit", "verify", "--json", data_dir=terminal.data))[0]["last_hash"]
            until_here(lambda: any(row["hash"] == last_hash for row in rows_in(s3, bucket, "audit")))
        assert [row["operation"] for row in map(json.loads, listener.bodies("/ingest")[0].splitlines())] == ["a", "b", "c"]
        [headers] = [headers for path, headers, _ in listener.got if path == "/ingest"]
        assert (headers["Authorization"], headers["X-Source"]) == ("Bearer a token of the log service", "ascend")
        for name in s3.names(bucket):
            (tmp_path / "logs" / name.removeprefix("gateway/")).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "logs" / name.removeprefix("gateway/")).write_bytes(s3.read(bucket, name))
        everything = b"".join(gzip.decompress(s3.read(bucket, name)) for name in s3.names(bucket))
        assert s3.secret.encode() not in everything
        assert b"a token of the log service" not in everything
    [script] = [step for step in steps if step.kind == "python"]
    assert last_hash in followed(script.text, tmp_path / "logs")
    spoilt = next((tmp_path / "logs" / "audit").rglob("*.gz"))
    spoilt.write_bytes(gzip.compress(gzip.decompress(spoilt.read_bytes()).replace(b'"actor":"', b'"actor":"not-', 1)))
    assert "is not what was written" in followed(script.text, tmp_path / "logs")
    [questions] = [step for step in steps if step.kind == "sql"]
    assert asked(questions.text, tmp_path) == [("upstream_http_error", 1)]


async def made_calls(data_dir: Path) -> None:
    database = Database(sqlite_url(data_dir / "history.sqlite3"))
    now_us = int(time.time() * 1e6)
    failed = call("b", "upstream_http_error", at_us=now_us, error_class="upstream", reason="it said 503")
    await SqlCallHistory(database).append_calls([call("a", at_us=now_us), failed, call("c", at_us=now_us)])
    await database.close()


def rows_in(s3: S3Server, bucket: str, stream: str) -> list[dict[str, str]]:
    found = [name for name in s3.names(bucket) if name.startswith(f"gateway/{stream}/")]
    return [json.loads(line) for name in found for line in gzip.decompress(s3.read(bucket, name)).splitlines()]


def followed(script: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


def asked(questions: str, folder: Path) -> list[tuple[object, ...]]:
    """Ask all that the page asks; return what failed, and how often."""
    with duckdb.connect() as database:
        database.execute(f"SET file_search_path = '{folder}'")
        statements = [each for each in questions.split(";") if each.strip()]
        for statement in statements[:-1]:
            database.execute(statement)
        database.execute(statements[-1].replace("'calls.parquet'", f"'{folder}/calls.parquet'"))
        return database.execute("SELECT error_code, count(*) FROM calls WHERE NOT success GROUP BY ALL").fetchall()
