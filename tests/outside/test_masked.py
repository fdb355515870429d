"""Secrets are hidden, and what is none is left as it is."""

from __future__ import annotations

import pytest

from benchhub.outside.masked import all_masked, masked, masked_words

HIDDEN = {
    "password of a store": ("postgresql://bench:hunter2@db/x", "postgresql://bench:***@db/x"),
    "with an at sign": ("postgresql+psycopg://b:p@ss/w:rd@db/x", "postgresql+psycopg://b:***@db/x"),
    "in a query": (
        "mysql://db/x?user=me&sslpassword=abc&a=1",
        "mysql://db/x?user=me&sslpassword=***&a=1",
    ),
    "taken for a path": (
        "/home/ann/https:/ann:hunter2@h/m.onnx",
        "/home/ann/https:/ann:***@h/m.onnx",
    ),
    "a token taken for a path": ("https:/tok123@index/simple", "https:/***@index/simple"),
    "token of an index": ("https://tok123@index/simple", "https://***@index/simple"),
    "option": ("--option api_key=abcdef -v", "--option api_key=*** -v"),
    "variable": ("DB_PASSWORD=xyz GITHUB_TOKEN='a b'", "DB_PASSWORD=*** GITHUB_TOKEN=***"),
    "json": ('{"client_secret": "zz", "n": 1}', '{"client_secret": ***, "n": 1}'),
    "toml": ("password = 'a b c'", "password = ***"),
    "said": ("login failed, password: hunter2", "login failed, password: ***"),
    "header": ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer ***"),
    "key": ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----!", "***!"),
    "known shape": ("see ghp_abcdefghijklmnopqrstuvwx", "see ***"),
}
OPEN = [
    "sqlite:////home/ann/results.db", "ssh://me@host:22/x", "no token: here",
    "tokens=3 max_tokens=512", "author: me, authority=3, monkey=4, compass=5",
    "token_type=a key=value cell_key=0f", "a signature of 4 inputs", "https://index/simple",
    'host_key = "ssh-ed25519 AAAA"', "latency_p95_ms=20", "p50=3 pass: 4 cells",
]  # fmt: skip


@pytest.mark.parametrize("what", HIDDEN)
def test_a_secret_is_hidden(what: str) -> None:
    given, shown = HIDDEN[what]
    assert masked(given, {}) == shown
    assert masked(shown, {}) == shown


@pytest.mark.parametrize("text", OPEN)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text, {}) == text


def test_values_of_the_environment_are_hidden_wherever_they_stand() -> None:
    environment = {
        "AWS_SECRET_ACCESS_KEY": "s3cr3tvalue", "SHORT_TOKEN": "abc", "PASS": "/run/agent.socket",
        "DATABASE_URL": "postgresql://u:hunter%4022@h/d", "HOME": "/home/annabelle",
    }  # fmt: skip
    text = "s3cr3tvalue, abc, /run/agent.socket, hunter@22, hunter%4022, /home/annabelle"
    assert masked(text, environment) == "***, abc, /run/agent.socket, ***, ***, /home/annabelle"


def test_the_word_after_an_option_is_hidden() -> None:
    words = ["benchhub", "--password", "x", "--api-key=abc", "--token", "--data", "/x", "a:b"]
    shown = ["benchhub", "--password", "***", "--api-key=***", "--token", "--data", "/x", "a:b"]
    assert masked_words(words) == shown


def test_a_tree_is_hidden_by_what_its_texts_say_and_by_what_they_are_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LAB_API_KEY", "swordfish-17")
    told = {
        "url": "https://ann:hunter2@lab/x", "list": ["as swordfish-17", 1, None, 2.5, True],
        "deep": {"client_secret": "abc", "token": 7, "password": ""}, "swordfish-17": "key",
    }  # fmt: skip
    assert all_masked(told) == {
        "url": "https://ann:***@lab/x", "list": ["as ***", 1, None, 2.5, True],
        "deep": {"client_secret": "***", "token": 7, "password": ""}, "***": "key",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["a." * 50_000, "a-b_c" * 20_000, "x" * 100_000, "a:" * 50_000])
def test_a_long_text_takes_no_time_that_grows_with_its_square(text: str) -> None:
    assert masked(text, {}) == text
