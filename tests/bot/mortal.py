"""`tfport serve` that kills itself once, at the point named in MORTAL_POINT ("before fetch", "after publish", "write 7").

With MORTAL_BROKEN the static checks fail, as a bug of ours would make them.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from bot import workflows
from bot.examine import Examiner

POINT = os.environ.get("MORTAL_POINT", "")
DIED = Path(os.environ.get("MORTAL_MARK", "/nonexistent"))
writes = 0


def die_here(name: str) -> None:
    global writes
    if name == "write":
        writes += 1
        name = f"write {writes}"
    if name == POINT and not DIED.exists():
        DIED.touch()
        os.kill(os.getpid(), signal.SIGKILL)


async def broken(*_: Any, **__: Any) -> None:
    raise RuntimeError("planted")


if __name__ == "__main__":
    workflows.crash_point = die_here
    workflows.CI_EVERY = float(os.environ.get("CI_EVERY", workflows.CI_EVERY))
    if os.environ.get("MORTAL_BROKEN"):
        Examiner.examine = broken  # type: ignore[method-assign, assignment]
    from bot.cli import main

    sys.exit(main(["serve"]))
