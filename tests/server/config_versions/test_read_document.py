"""A document is checked whole: each fault has its place, the rule that it breaks, and a way out."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.config_versions.config import Config
from server.config_versions.read_document import MAX_BYTES, config_of, read_document, read_toml
from tools.operation import Json
from tools.versioned_documents.faults import ConfigInvalid


def faults_of(text: str) -> list[str]:
    with pytest.raises(ConfigInvalid) as refused:
        read_toml(text.encode())
    return [str(fault) for fault in refused.value.faults]


def test_what_a_document_leaves_out_is_built_in() -> None:
    config = config_of(read_toml(b"[retention]\ncalls_days = 7\n"))
    assert config.retention.calls_days == 7
    assert config.retention.audit_days == Config().retention.audit_days
    assert config.alerts == Config().alerts


def test_every_fault_is_said_at_once_with_its_place() -> None:
    assert faults_of("[retention]\ncalls_day = 7\naudit_days = 3\nhourly_sums_days = '9'\n[retenton]\nx = 1\n") == [
        "retention.audit_days: must be at least 90",
        "retention.calls_day: no such name; did you mean 'calls_days'?",
        "retention.hourly_sums_days: must be a whole number",
        "retenton: no such section; did you mean 'retention'?",
    ]


def test_a_section_of_a_later_release_is_told_by_what_there_is() -> None:
    [fault] = faults_of("[zzz]\nx = 1\n")
    assert fault.startswith("zzz: no such section; there are retention, ")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("retention = 3", "retention: must be a table"),
        ("[retention]\ncalls_days = true", "retention.calls_days: must be a whole number"),
        ("[retention]\ncalls_days = 3.5", "retention.calls_days: must be a whole number"),
        ("[retention]\ncalls_days = 0", "retention.calls_days: must be at least 1"),
        ("[retention]\ncalls_days = 99999999999999999999", "the configuration has a number of more than 64 bits"),
        ("[retention]\ncalls_days = nan", "retention.calls_days: must be a whole number"),
        ("[retention", "the configuration is not TOML"),
        ("\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "the configuration is not TOML"),
    ],
)
def test_a_value_of_another_kind_is_refused(text: str, says: str) -> None:
    assert any(fault.startswith(says) for fault in faults_of(text)), faults_of(text)


def test_a_file_without_end_is_not_read() -> None:
    assert faults_of("#" * (MAX_BYTES + 1)) == [f"the configuration has {MAX_BYTES + 1:,} bytes; {MAX_BYTES:,} are the most"]


def test_a_file_that_is_nested_without_end_is_refused() -> None:
    assert "nested too deeply" in faults_of("[retention]\nx = " + "[" * 20_000)[0]
    assert "nested too deeply" in faults_of("[retention]\nx = " + "[" * 40 + "]" * 40)[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["retention", "alerts", "sinks", "jobs", "limits", "plans", "x"]), JSON, max_size=4))
def test_whatever_comes_in_is_taken_or_refused_in_words(document: Mapping[str, Json]) -> None:
    try:
        taken = read_document(dict(document))
    except ConfigInvalid:
        return
    assert isinstance(config_of(taken), Config)


def test_limits_stay_within_ten_times_of_what_is_built_in_and_are_those_that_there_are() -> None:
    text = "[limits.rates]\nlogin_subject = {per_minute = 1000, burst = 100}\ntoken_clint = {burst = 3}\nregister = {burst = 0}\n"
    assert faults_of(text) == ["limits.rates.register.burst: must be at least 1"]
    assert faults_of(text.replace("burst = 0", "burst = 20")) == [
        "limits.rates.login_subject.per_minute: must be from 1 to 100; built in is 10",
        "limits.rates.token_clint: no such limit; did you mean 'token_client'?",
    ]
