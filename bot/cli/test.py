"""`tfport test`: the port's tests as the guide runs them, in the sandbox. And what `tfport check --execute` shares with it."""

from __future__ import annotations

import hashlib
import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.command import (
    FINDINGS,
    FINE,
    INTERNAL,
    Command,
    console,
    plain,
    readable,
    revision,
    say,
    takes_base,
    takes_format,
    takes_repo,
)
from checks.errors import UserError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from checks.execution.run import Choice
    from checks.execution.workplace import Workplace
    from checks.report import Report
    from checks.snapshot import GitSnapshot, Snapshot


def _takes(parser: ArgumentParser) -> None:
    takes_repo(parser)
    takes_base(parser)
    parser.add_argument(
        "--head",
        metavar="REV",
        type=revision,
        help="what to test (the working tree, with what is not committed yet)",
    )
    takes_format(parser, "text", "json")
    parser.add_argument(
        "-k",
        dest="expression",
        metavar="EXPR",
        default="",
        help="only tests whose names match, as for pytest",
    )
    parser.add_argument(
        "--class",
        dest="classes",
        metavar="NAME",
        action="append",
        default=[],
        help="only this class of tests",
    )
    parser.add_argument("--failed", action="store_true", help="only tests that did not pass the last time")
    takes_place(parser)


def takes_place(parser: ArgumentParser) -> None:
    """`--python PATH` and `--cores N`."""
    parser.add_argument(
        "--python",
        metavar="PATH",
        type=Path,
        help="the interpreter of your own environment (one of the base's time is built, once)",
    )
    parser.add_argument(
        "--cores", metavar="N", type=_cores, default=0, help="how many processors to use (all)"
    )


def _cores(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= 1024:
        raise ArgumentTypeError(f"{text!r} is no number of processors")
    return int(text)


def _test(options: Namespace) -> int:
    from checks.execution.run import Choice
    from checks.execution.verdict import ITEM
    from checks.repository import snapshots
    from checks.run import check

    with readable(options.repo):
        base, head = snapshots(options.repo, options.base, options.head)
        memory = _memory(options.repo)
        choice = Choice(
            items=(ITEM,),
            expression=options.expression,
            classes=tuple(options.classes),
            tests=_last_failed(memory) if options.failed else None,
        )
        report = check(base, head, only=[ITEM])
        report = executed(report, base, head, options, choice)
    _remember(memory, report)
    if options.format == "json":
        say(json.dumps(report.to_json(), indent=2))
    else:
        print_tests(report)
    return exit_code(report)


def exit_code(report: Report) -> int:
    """1 where something failed, 3 where something could not be finished for a reason of ours."""
    states = {item.state for item in report.items}
    return FINDINGS if "failed" in states else INTERNAL if "error" in states else FINE


def executed(
    report: Report, base: GitSnapshot, head: Snapshot, options: Namespace, choice: Choice | None = None
) -> Report:
    """The report with what execution adds, with progress on a terminal."""
    from checks.execution.checkpoints import Checkpoints

    with needs_execution():
        from checks.execution.place import hub_folder, place
    from checks.execution.run import Progress, execute
    from checks.execution.settings import Settings

    live = Live()
    settings = Settings.of()

    def workplace() -> AbstractContextManager[Workplace]:
        return place(
            base, head, settings=settings, python=options.python, cores=options.cores, progress=live.step
        )

    try:
        return execute(
            report,
            base,
            head,
            workplace,
            choice=choice,
            checkpoints=Checkpoints(hub_folder(settings)),
            progress=Progress(live.step, live.over),
        )
    finally:
        live.end()


@contextmanager
def needs_execution() -> Generator[None]:
    """Around imports of what only the extra `execution` brings."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name not in ("packaging", "numpy"):
            raise
        raise UserError(
            "running a port needs more than is installed here", hint="pip install 'tfport[execution]'"
        ) from error


@contextmanager
def live_line() -> Generator[Callable[[str], None]]:
    """A function that says on standard error what is going on."""
    live = Live()
    try:
        yield live.step
    finally:
        live.end()


class Live:
    """One line on standard error that says what is going on; a line each where it is no terminal that can rewrite."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty() and not plain()
        self._shown = False

    def step(self, text: str) -> None:
        self._say(text)

    def over(self, name: str, done: int, total: int) -> None:
        if self._terminal or done == total or done % 10 == 0:
            self._say(f"{done} of {total} · {name.rsplit('::', 1)[-1]}")

    def _say(self, text: str) -> None:
        from bot.render.visible import visible

        text = visible(text)
        if self._terminal:
            sys.stderr.write(f"\r\x1b[2K{text[:100]}")
            self._shown = True
        else:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


def print_tests(report: Report) -> None:
    """The tests that did not pass, each with its place and how to run it, and a summary."""
    from collections import Counter

    from bot.render.visible import visible

    out = console()
    marks = {"failed": "✗", "error": "✗", "flaky": "~", "unverified": "?"}
    silent: dict[str, list[str]] = {}
    for test in report.tests:
        if test["outcome"] not in marks:
            continue
        if not test["message"]:  # nothing happened in the test itself
            silent.setdefault(f"{marks[test['outcome']]} {test['reason']}", []).append(test["id"])
            continue
        place = f"  {test['path']}:{test['line']}" if test["line"] else ""
        again = f" ({test['reason']})" if test["reason"] else ""
        out.print(f"{marks[test['outcome']]} {_name(test['id'])}{place}{again}", soft_wrap=True)
        for line in test["message"].split("\n")[:6]:
            out.print(f"    {visible(line)[:200]}", soft_wrap=True)
        out.print(f"    → {test['command']}", soft_wrap=True)
    for reason, ids in silent.items():
        names = ", ".join(map(_name, ids[:3])) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
        out.print(f"{visible(reason)}: {names}", soft_wrap=True)
    for item in report.items:
        if item.id == "cross-tests" and item.reason and item.state != "passed":
            out.print(f"{item.model}: {item.state}, {visible(item.reason)}", soft_wrap=True)
    counts = Counter(test["outcome"] for test in report.tests)
    summary = ", ".join(f"{number} {outcome}" for outcome, number in counts.most_common())
    out.print(f"{summary or 'no tests were run'} in {report.timings.get('execution', 0.0):.0f} s")
    title = report.environment.get("title") or report.environment.get("python")
    if title:
        out.print(f"in {title}; what tests say is what the port's own process says", soft_wrap=True)
    for note in report.environment.get("notes", ()):
        out.print(f"  {visible(str(note))}", soft_wrap=True)


def _name(id: str) -> str:
    return id.split("::", 1)[-1].replace("::", ".")


# -- --failed ----------------------------------------------------------------------------------------------------------


def _memory(repo: str) -> Path:
    from checks.execution.settings import Settings

    key = hashlib.sha256(str(Path(repo).resolve()).encode()).hexdigest()[:16]
    return Settings.of().folder / "tests" / f"{key}.json"


def _last_failed(memory: Path) -> frozenset[str]:
    try:
        outcomes = json.loads(memory.read_text())
    except (OSError, ValueError):
        raise UserError("no tests were run here yet", hint="tfport test runs all of them") from None
    failed = frozenset(id for id, outcome in outcomes.items() if outcome in ("failed", "error", "flaky"))
    if not failed:
        raise UserError("no test failed the last time", hint="tfport test runs all of them")
    return failed


def _remember(memory: Path, report: Report) -> None:
    """The last outcome of each test, so that a narrowed run forgets nothing of the others."""
    if not report.tests:
        return
    try:
        known = json.loads(memory.read_text())
    except (OSError, ValueError):
        known = {}
    known.update({str(test["id"]): str(test["outcome"]) for test in report.tests})
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(json.dumps(known))


COMMAND = Command(
    "test",
    "run the port's tests, PyTorch cross tests and slow ones included, in a sandbox",
    _takes,
    _test,
    more="exit code: 0 all passed, 1 a test failed, 2 bad input, 3 an error in tfport",
)
