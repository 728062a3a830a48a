"""`tfport serve` whose executions and conversions are cheap; it kills itself once, as `tests.bot.mortal` does."""

import os
import sys

from bot import conversions, executor, workflows
from tests.bot.mortal import die_here

if __name__ == "__main__":
    workflows.crash_point = die_here
    executor.COMMAND = [sys.executable, "-m", "tests.bot.cheap"]
    executor.CONVERT = [sys.executable, "-m", "tests.bot.cheap_convert"]
    conversions.FOLLOW_EVERY = float(os.environ.get("FOLLOW_EVERY", "0.5"))
    conversions.REMIND_AFTER = float(os.environ.get("REMIND_AFTER", "1000000"))
    conversions.TELL_EVERY = 0.5
    from bot.cli import main

    sys.exit(main(["serve"]))
