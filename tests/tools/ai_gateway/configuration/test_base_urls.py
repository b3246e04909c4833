"""Where a provider may be."""

import pytest

from tools.ai_gateway.configuration.base_urls import base_url_fault


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://127.0.0.1:11434/v1",
        "http://[::1]:8000",
        "http://192.168.7.7/v1",
        "http://ollama:11434/v1",
        "http://models.internal/v1",
    ],
)
def test_https_is_taken_anywhere_and_plain_http_within_the_house(url: str) -> None:
    assert base_url_fault(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://api.openai.com/v1",
        "http://8.8.8.8/v1",
        "ftp://api.openai.com",
        "api.openai.com/v1",
        "https:///v1",
        "https://h:99999/v1",
        "https://user:word@h.example/v1",
        "https://h.example/v1?",
        "https://h.example/v1#x",
        "https://h.example/\r\nx",
        "https://h.example\\@other.example",
    ],
)
def test_all_else_is_refused_without_repeating_it(url: str) -> None:
    said = base_url_fault(url)
    assert said
    assert url not in said
