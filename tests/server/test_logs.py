"""What may not be logged, is not."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot import logs
from tests.server.keys import PEM, SECRET


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Where the lines go."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    before = root.handlers, root.level
    logs.configure("debug", "json", [SECRET])
    yield stream
    root.handlers, level = before
    root.setLevel(level)
    engine = logging.getLogger("dbos")
    engine.handlers, engine.propagate = [], True
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_context_level_time(stream: io.StringIO):
    with structlog.contextvars.bound_contextvars(delivery="d", repository="o/r", pull=5):
        structlog.get_logger("bot.test").info("looked", seconds=1.5)
    [line] = lines(stream)
    assert line.pop("timestamp")
    assert line == {
        "event": "looked",
        "level": "info",
        "logger": "bot.test",
        "delivery": "d",
        "repository": "o/r",
        "pull": 5,
        "seconds": 1.5,
    }


def test_libraries_use_the_same_form(stream: io.StringIO):
    logging.getLogger("dbos").warning("engine says %s", "hello", extra={"queue": "looks"})
    logging.getLogger("httpx").info("HTTP Request: GET …")
    assert len(lines(stream)) == 1, lines(stream)
    line = lines(stream)[0]
    assert (line["event"], line["level"], line["queue"]) == ("engine says hello", "warning", "looks")


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        PEM.strip(),
        "ghs_" + "a1B2" * 10,
        "ghp_" + "a1B2" * 10,
        "github_pat_" + "a1B2" * 10,
        "hf_" + "a1B2" * 10,
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOjQyfQ.c2lnbmF0dXJl",
        "sha256=" + "ab" * 32,
    ],
)
def test_secrets_are_masked_wherever_they_are(stream: io.StringIO, secret: str):
    log = structlog.get_logger("bot.test")
    log.info(f"text {secret} end", field=secret, nested={"list": [secret, b"x"]}, pair=(secret, 1))
    try:
        raise RuntimeError(f"failed with {secret}")
    except RuntimeError:
        log.exception("broke")
    logging.getLogger("library").error("from a library: %s", secret)
    text = stream.getvalue()
    assert secret.strip() not in text
    assert json.dumps(secret.strip())[1:-1] not in text
    first = lines(stream)[0]
    assert first["event"] == "text *** end"
    assert first["nested"] == {"list": ["***", "b'x'"]}
    assert len(lines(stream)) == 3


def test_passwords_in_urls_are_masked(stream: io.StringIO):
    structlog.get_logger().info(
        "git", url="https://x-access-token:hunter2@github.com/o/r", db="postgresql://u:p@h/d"
    )
    assert "hunter2" not in stream.getvalue()
    assert lines(stream)[0]["url"] == "https://***@github.com/o/r"
    assert lines(stream)[0]["db"] == "postgresql://***@h/d"


def test_ordinary_text_stays(stream: io.StringIO):
    sha = "a" * 40
    structlog.get_logger().info(
        "sha256 of ghost: keyed", sha=sha, url="https://github.com/o/r", none=None, yes=True
    )
    line = lines(stream)[0]
    assert (line["sha"], line["url"], line["none"], line["yes"]) == (
        sha,
        "https://github.com/o/r",
        None,
        True,
    )
