"""`tfport serve` whose executions are cheap; it kills itself once, as `tests.bot.mortal` does."""

import sys

from bot import executor, workflows
from tests.bot.mortal import die_here

if __name__ == "__main__":
    workflows.crash_point = die_here
    executor.COMMAND = [sys.executable, "-m", "tests.bot.cheap"]
    from bot.cli import main

    sys.exit(main(["serve"]))
