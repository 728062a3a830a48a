"""`tfport doctor`: whether a stranger's code can be run here, found out by trying to get out of the sandbox."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace

from bot.cli.command import FINDINGS, FINE, Command, say
from checks.errors import UserError


def _takes(parser: ArgumentParser) -> None:
    parser.epilog = "TFPORT_SANDBOX chooses: auto, bubblewrap, podman, docker, none. exit code: 0 everything can be run, 1 not"


def _run(options: Namespace) -> int:
    good = [_sandbox(), _environments()]
    return FINE if all(good) else FINDINGS


def _sandbox() -> bool:
    from checks.execution.escapes import examine
    from checks.execution.sandbox import find_sandbox

    try:
        sandbox = find_sandbox(tried=False)
    except UserError as error:
        return _bad("sandbox", error)
    who = "root" if os.geteuid() == 0 else "an ordinary user"
    say(f"sandbox: {sandbox.backend.name}, started by {who}")
    escaped = 0
    for finding in examine(sandbox):
        escaped += bool(finding.escaped)
        say(f"  ✗ {finding.attempt}: {finding.escaped}" if finding.escaped else f"  ✓ {finding.attempt}")
        sys.stdout.flush()
    if escaped:
        say(f"  It does not hold: {escaped} of these got through. Nothing will be executed here.")
    else:
        say("  It holds: none of these got through.")
    return not escaped


def _environments() -> bool:
    from checks.execution.uv import masked

    try:
        from checks.execution.environment import Environments

        environments = Environments.of_host()
    except ModuleNotFoundError as error:
        if error.name != "packaging":
            raise
        return _bad(
            "environments", UserError("the extra is not installed", hint="pip install 'tfport[execution]'")
        )
    except UserError as error:
        return _bad("environments", error)
    versions = ", ".join(one.version for one in environments.interpreters)
    say(
        f"environments: uv {environments.uv.version}, Python {versions or 'none'}, {len(environments.list())} built"
    )
    sources = environments.uv.sources
    for name, places in (
        ("index", (sources.index, *sources.extra_indexes)),
        ("find-links", sources.find_links),
        ("torch", (f"build {sources.torch_backend}" if sources.torch_backend else "",)),
    ):
        if any(places):
            say(f"  {name}: {', '.join(masked(place) for place in places if place)}")
    return bool(versions)


def _bad(what: str, error: UserError) -> bool:
    say(f"{what}: ✗ {error.message}\n  → {error.hint}")
    if what == "sandbox":
        say("  Nothing will be executed here; what needs it is reported as “unverified: no sandbox”.")
    return False


COMMAND = Command("doctor", "try whether a stranger's code can be run here safely", _takes, _run)
