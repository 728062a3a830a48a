"""What `bot.execute` and `bot.convert` have in common: one piece of work in a process of its own, so that the bot stays responsive and a
kill frees the sandbox at once.

It reads a request as one line of JSON from standard input and writes lines of JSON: {"step": …}, {"over": [name, done, total]}, at last
{"result": …} or {"error": …, "hint": …}. When its standard input ends, whoever started it is dead, and it ends too.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

from checks.errors import UserError


def answer(work: Callable[[Any], dict[str, Any]]) -> None:
    """Does the work of one request."""
    request: Any = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    try:
        say({"result": work(request)})
    except UserError as error:
        say({"error": error.message, "hint": error.hint})


def step(text: str) -> None:
    """Tells what is being done."""
    say({"step": text})


def over(name: str, done: int, total: int) -> None:
    """Tells that a test or class is over."""
    say({"over": [name, done, total]})


def say(message: dict[str, Any]) -> None:
    """One line."""
    os.write(1, (json.dumps(message, default=list) + "\n").encode())


def _end_with_the_parent() -> None:
    sys.stdin.read()
    # bubblewrap dies with us, and with it all that is in the sandbox.
    os.killpg(0, signal.SIGKILL)
