"""Logs: one JSON object per line (text on a terminal), with what they are about, and without secrets.

Context is bound with `structlog.contextvars.bound_contextvars(delivery=…, repository=…, pull=…)` and is on every line within.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

MASK = "***"
SECRET_LOOKING = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:gh[a-z]_[A-Za-z0-9_.-]{20,}|github_pat_\w{20,}|hf_[A-Za-z0-9]{20,})"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]+"  # a JSON web token, which signs in as the app
    r"|\bsha256=[0-9a-f]{64}"  # the signature of a delivery
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user:password in a URL
    r"|(?<=authorization: )\S+ \S+",
    re.DOTALL | re.IGNORECASE | re.ASCII,
)
QUIET = ("uvicorn", "uvicorn.error", "httpx", "httpcore", "hishel", "asyncio", "githubkit")
"""Libraries whose own chatter below `warning` only repeats what we log ourselves."""


def configure(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["auto", "json", "text"] = "auto",
    secrets: Iterable[str] = (),
) -> None:
    """Sends our logs and those of all libraries to stderr in one form.

    Args:
        secrets: texts to mask wherever they appear, besides what looks like a secret anyway.
    """
    masking = masker(secrets)
    text = sys.stderr.isatty() if form == "auto" else form == "text"
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper("iso"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    render: Processor = (
        structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer(default=str)
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, masking, render],
            foreign_pre_chain=[*common, structlog.stdlib.ExtraAdder()],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *common,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # The durable engine keeps its logger to itself once it starts, so it gets the handler directly.
    engine = logging.getLogger("dbos")
    engine.handlers, engine.propagate = [handler], False


def masker(secrets: Iterable[str] = ()) -> Processor:
    """A processor that hides these texts, and what looks like a token, key, signature or password, in all values."""
    exact = "|".join(re.escape(secret) for secret in secrets if secret)
    known = re.compile(exact) if exact else None

    def mask(value: object) -> object:
        if isinstance(value, str):
            clean = known.sub(MASK, value) if known else value
            return SECRET_LOOKING.sub(MASK, clean)
        if isinstance(value, Mapping):
            return {key: mask(entry) for key, entry in cast("Mapping[Any, Any]", value).items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [mask(entry) for entry in cast("Iterable[Any]", value)]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return mask(str(value))

    def process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return cast("EventDict", mask(event))

    return process
