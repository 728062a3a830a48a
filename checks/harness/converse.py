"""A process that is asked several things: its libraries are imported before the first question comes, so that it can wait, warm.

The first line of standard input names the task; after it come packed requests (`wire.read`), each answered by one record.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any, Dict, Mapping

from . import wire
from .channel import Channel
from .modules import explain


def converse(request: Mapping[str, Any], channel: Channel) -> None:
    """Answers until its input ends. `request["task"]` is reference or candidate."""
    began = time.time()
    stream = _own_input()
    side = _side(request)
    side.warm()
    channel.send_packed({"kind": "ready", "seconds": round(time.time() - began, 3)})
    while True:
        asked = wire.read(stream)
        if asked is None:
            return
        began = time.time()
        try:
            answer: Dict[str, Any] = getattr(side, f"do_{asked['do']}")(asked)
        except Exception as error:
            answer = {"error": explain(error, side.root)}
        spent = round(time.time() - began, 3)
        channel.send_packed({"kind": "answer", "number": asked["number"], "seconds": spent, **answer})


def _own_input() -> Any:
    """Standard input for us alone: code of the port that reads from it gets nothing."""
    ours = os.dup(sys.stdin.fileno())
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return os.fdopen(ours, "rb")


def _side(request: Mapping[str, Any]) -> Any:
    if request["task"] == "reference":
        from .reference import Reference

        return Reference(request)
    from .candidate import Candidate

    return Candidate(request)
