"""`make demo`: a local GitHub, the bot, and the life of the guide's own example, BrandNewBert.

The draft pull request has seven planted mistakes; the bot finds them; the repaired commit turns everything green. With ``--once``
it ends there: exit code 0 only if exactly the planted mistakes were found, each at its line, and the repaired commit was clean.
Otherwise, and with ``--execute``, a maintainer then allows the code to be executed: its tests and the comparison with PyTorch run in
the sandbox, in an environment of the base's time (some minutes the first time, as it is built).
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.markdown import Markdown
from rich.panel import Panel
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from bot.localhub.state import CheckRun, Pull
from tests.fixtures.world import UPSTREAM, World, make_world

LOOKS = {
    "success": ("✓", "green"),
    "failure": ("✗", "red"),
    "neutral": ("◦", "yellow"),
    "cancelled": ("!", "magenta"),
    "queued": ("·", "dim"),
    "in_progress": ("…", "cyan"),
}
PATIENCE = 120.0
EXECUTION = "tfport / execution"

console = Console(highlight=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after the repaired commit")
    parser.add_argument("--execute", action="store_true", help="execute the port with --once too")
    parser.add_argument("--port", type=int, default=0, help="port of the local GitHub (default: a free one)")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    folder = Path(tempfile.mkdtemp(prefix="tfport-demo-"))
    try:
        executes = arguments.execute or not arguments.once
        return play(folder, port=arguments.port, once=arguments.once, executes=executes)
    except KeyboardInterrupt:
        console.print("\nbye")
        return 0
    except AssertionError as error:
        console.print(Text(f"\nthe demo failed: {error}", "red"))
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def play(folder: Path, *, port: int, once: bool, executes: bool) -> int:
    """The whole story; the exit code."""
    with console.status(
        "the sample repository: transformers 4.36.1 with BrandNewBert (a minute the first time) …"
    ):
        started = time.monotonic()
        world_of = make_world(folder, hub_port=port)
        world = world_of.__enter__()
    try:
        done("sample repository and local GitHub", started, world.hub.url)
        started = time.monotonic()
        with console.status("the bot …"):
            world.bot.start(**({"TFPORT_EXECUTE": UPSTREAM} if executes else {}))
        done("tfport serve", started, world.bot.url)

        console.print(Rule("ada opens a draft pull request with seven planted mistakes"))
        started = time.monotonic()
        pull = world.open_draft("planted")
        follow(world, pull, started)
        show_review(world, pull)
        problems = compare(world, pull)

        console.print(Rule("ada pushes the repaired commit"))
        started = time.monotonic()
        world.push("repaired")
        follow(world, pull, started)
        problems += not_green(world, pull)
        show_summary(world, pull)

        for problem in problems:
            console.print(Text(f"✗ {problem}", "red"))
        if not problems:
            console.print(
                Text(
                    "\nExactly the seven planted mistakes were found; the repaired commit is clean.",
                    "bold green",
                )
            )
        if executes:
            console.print(Rule("gante, a maintainer, allows this commit to be executed"))
            problems += execute(world, pull)
        page = f"{world.hub.url}/huggingface/transformers/pull/{pull.number}"
        if not once:
            console.print(f"\nLook at it: [link={page}]{page}[/link]\nCtrl-C ends the demo.")
            world.hub.wait()
        return 1 if problems else 0
    finally:
        world_of.__exit__(None, None, None)


def done(what: str, started: float, where: str = "") -> None:
    console.print(f"[green]✓[/green] {what} [dim]{time.monotonic() - started:.1f} s[/dim] {where}")


def follow(world: World, pull: Pull, started: float) -> None:
    """Check runs as they change, until all are concluded."""
    with Live(console=console, refresh_per_second=20, transient=False) as live:
        while True:
            finished = world.concluded(pull)
            live.update(table(world.newest(pull), time.monotonic() - started))
            if finished:
                return
            assert time.monotonic() - started < PATIENCE, (
                f"no verdict; the bot's log:\n{world.bot.log.read_text()[-2000:]}"
            )
            time.sleep(0.03)


def execute(world: World, pull: Pull) -> list[str]:
    """The tests and the comparison, with their progress; what is wrong with the result."""
    run = world.newest(pull)[EXECUTION]
    if "no sandbox" in f"{run.title} {run.summary}":
        console.print(f"This machine has no sandbox, so nothing is executed: {run.summary}")
        return []
    started = time.monotonic()
    world.hub.comment("gante", pull, f"/tfport approve {pull.head_sha}")
    with Live(console=console, refresh_per_second=5, transient=False) as live:
        while (run := world.newest(pull)[EXECUTION]).conclusion in (None, "neutral"):
            live.update(table({EXECUTION: run}, time.monotonic() - started))
            assert time.monotonic() - started < 15 * PATIENCE, f"the execution did not end: {run.title}"
            time.sleep(0.2)
        live.update(table({EXECUTION: run}, time.monotonic() - started))
    world.settle(pull)
    console.print(Markdown(readable(run.summary or "")))
    return [] if run.conclusion == "success" else [f"{EXECUTION} is {run.conclusion}: {run.title}"]


def table(runs: dict[str, CheckRun], seconds: float) -> Table:
    shown = Table(box=None, show_header=False, padding=(0, 1))
    for name, run in sorted(runs.items()):
        icon, style = LOOKS[run.conclusion or run.status]
        shown.add_row(Text(icon, style), name, Text(run.title or run.status, style))
    shown.add_row("", Text(f"{seconds:.1f} s", "dim"), "")
    return shown


def show_review(world: World, pull: Pull) -> None:
    """What stands on the pull request: the summary, then the notes at lines with their code."""
    show_summary(world, pull)
    for run in world.newest(pull).values():
        for note in run.annotations:
            console.print(
                Panel(
                    Group(*code_around(world, note), Text(note["message"])),
                    title=note["title"],
                    title_align="left",
                )
            )


def show_summary(world: World, pull: Pull) -> None:
    body = world.comments(pull)[-1].body
    console.print(
        Panel(Markdown(readable(body)), title="tfport commented", title_align="left", border_style="blue")
    )


def readable(body: str) -> str:
    """Markdown for a terminal: the folded table and HTML tags left out."""
    head, _, rest = body.partition("<details><summary>")
    folded, _, tail = rest.partition("</summary>")
    _, _, end = tail.partition("</details>")
    plain = end.replace("<sub>", "").replace("</sub>", "").partition("<!--")[0]
    return f"{head}\n\n▸ {folded}\n\n{plain}"


def code_around(world: World, note: dict[str, object]) -> list[Text]:
    import pygit2

    path, line = str(note["path"]), int(str(note["start_line"]))
    commit = pygit2.Repository(str(world.sample.git_dir))[world.sample.commits["planted"]]
    try:
        lines = (commit.tree / path).data.decode().splitlines()  # type: ignore[attr-defined]
    except KeyError:
        lines = []
    shown = [Text(f"{path}:{line}", "bold")]
    for number in range(max(1, line - 1), min(len(lines), line + 1) + 1):
        style = "bold" if number == line else "dim"
        shown.append(Text(f"{number:6} │ {lines[number - 1]}", style, no_wrap=True))
    return shown


def compare(world: World, pull: Pull) -> list[str]:
    """What differs between the mistakes that were planted and those that were found."""
    found = world.told(pull)
    planted = sorted((mistake.rule, mistake.path, mistake.line) for mistake in world.sample.planted)
    missed = [
        f"not found: {rule} at {path}:{line}"
        for rule, path, line in planted
        if (rule, path, line) not in found
    ]
    wrong = [
        f"not planted: {rule} at {path}:{line}"
        for rule, path, line in found
        if (rule, path, line) not in planted
    ]
    twice = ["found twice"] if len(found) != len(set(found)) else []
    return missed + wrong + twice


def not_green(world: World, pull: Pull) -> list[str]:
    """What is wrong with a commit that should be clean; the gate, and the execution without a word, wait for people."""
    waiting = ("success", "neutral")
    return [
        f"{run.name} is {run.conclusion} on the repaired commit"
        for run in world.newest(pull).values()
        if run.conclusion not in (waiting if run.name in ("tfport", EXECUTION) else waiting[:1])
    ]


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.exit(main())
