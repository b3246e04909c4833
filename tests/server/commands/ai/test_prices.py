"""`ascend ai price` and `ascend ai simulate`."""

import json
from pathlib import Path

import pytest

from tests.command_line import ascend_here


def test_a_model_may_be_named_as_requests_name_it(tmp_path: Path) -> None:
    """`gpt-5.2` is openai's, for `ai price` as for a call."""
    assert "openai/gpt-5.2" in ascend_here("ai", "price", "gpt-5.2", data_dir=tmp_path).stdout


def test_dollars_of_one_small_call_are_written_out(tmp_path: Path) -> None:
    said = ascend_here("ai", "simulate", "--in", "1", "--out", "1", "--model", "gpt-5.2", data_dir=tmp_path)
    assert said.returncode == 0
    assert "0.00001575" in said.stdout


def test_a_price_has_a_date_and_a_source(tmp_path: Path) -> None:
    [row] = json.loads(ascend_here("ai", "price", "openai/gpt-5.2", "--json", data_dir=tmp_path).stdout)
    assert (row["model"], row["input"], row["output"], row["cached_input"]) == ("openai/gpt-5.2", 1.75, 14.0, 0.175)
    assert row["from"].startswith("202")
    assert row["source"].startswith("genai-prices")


@pytest.mark.parametrize(
    ("at", "usd"), [("2026-08-20", 0.22), ("2026-11-27T02:00Z", 0.3), ("2026-11-27T05:00+03:00", 0.3), ("2026-11-27T05:00", 0.15)]
)
def test_a_price_of_another_time(tmp_path: Path, at: str, usd: float) -> None:
    """By day, hour and offset; a time without one is UTC."""
    [row] = json.loads(ascend_here("ai", "price", "deepseek/deepseek-v4-flash", "--at", at, "--json", data_dir=tmp_path).stdout)
    assert row["input"] == usd


def test_what_is_no_time_is_told_how_one_is_written(tmp_path: Path) -> None:
    done = ascend_here("ai", "price", "openai/gpt-5.2", "--at", "yesterday", data_dir=tmp_path)
    assert (done.returncode, "write it like 2026-11-27" in done.stderr) == (2, True)


def test_an_unknown_model_is_told_what_is_known(tmp_path: Path) -> None:
    done = ascend_here("ai", "price", "openai/gpt-5.2-mni", data_dir=tmp_path)
    assert done.returncode == 1
    assert "did you mean openai/gpt-" in done.stderr


def test_five_hundred_calls_a_day_before_and_after(tmp_path: Path) -> None:
    """features.md S0-109."""
    words = ("--volume", "500/day", "--in", "8000", "--out", "800", "--model", "workers_ai/@cf/qwen/qwen3-30b-a3b-fp8")
    [row] = json.loads(ascend_here("ai", "simulate", *words, "--json", data_dir=tmp_path).stdout)
    assert row["usd_per_day"] == pytest.approx(500 * (8_000 * 0.051 + 800 * 0.335) / 1e6)
    before, after = json.loads(
        ascend_here("ai", "simulate", *words, "--before", "anthropic/claude-opus-4-8", "--json", data_dir=tmp_path).stdout
    )
    assert (before["usd_per_month"], before["of_before"]) == (900.0, "100.0 %")
    assert after["saved_usd_per_month"] == pytest.approx(900 - row["usd_per_month"])


@pytest.mark.parametrize("volume", ["many", "500/year", "-1/day", ""])
def test_a_volume_is_so_many_in_some_time(tmp_path: Path, volume: str) -> None:
    done = ascend_here("ai", "simulate", "--volume", volume, "--in", "1", "--out", "1", data_dir=tmp_path)
    assert done.returncode == 2
    assert "is no volume; write it like 500/day" in done.stderr
