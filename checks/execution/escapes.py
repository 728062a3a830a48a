"""Does the sandbox hold on this host? Found out by trying to get out of it, for real.

`holds(sandbox)` is what `find_sandbox` asks before it gives one away: where there is a reason, nothing runs. `examine(sandbox)` is what
`tfport doctor` shows.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from checks.execution import attempts, results
from checks.execution.interpreters import Interpreter, ask
from checks.execution.job import MIB, Bind, Job, Limits, NoSandbox, Result, SandboxError, Verdict
from checks.execution.sandbox import Sandbox

VARIABLE = "TFPORT_CANARY"


@dataclass(frozen=True, slots=True)
class Finding:
    """One attempt: what was tried ("Files of the host"), and how the sandbox failed; `escaped` is empty if it held."""

    attempt: str
    escaped: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is on the host to be found."""

    secret: Path
    bound: Path
    socket: Path
    abstract: str
    port: int


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """A program that wants more than it may have, and the verdicts that are right for it."""

    name: str
    code: str
    limits: Limits
    verdicts: tuple[Verdict, ...]


SMALL = Limits(
    seconds=60,
    memory=300 * MIB,
    processes=64,
    tmp=32 * MIB,
    shm=8 * MIB,
    files=2000,
    output=MIB,
    results=MIB,
    record=MIB,
)

EXHAUSTION = (
    Exhaustion("A fork bomb", "import os\nwhile True:\n try: os.fork()\n except OSError: pass", SMALL, ("processes",)),
    Exhaustion(
        "Memory, step by step", "x = []\nwhile True: x.append(bytearray(4 << 20))", SMALL, ("memory",)
    ),
    Exhaustion(
        "Memory shared by processes",
        "import mmap\nm = mmap.mmap(-1, 2 << 30)\nfor i in range(0, 2 << 30, 4 << 20): m[i:i + (4 << 20)] = b'x' * (4 << 20)\ninput()",
        SMALL,
        ("memory",),
    ),
    Exhaustion("The disk", "f = open('/tmp/x', 'wb')\ntry:\n while True: f.write(bytes(1 << 20))\nexcept OSError: f = None\nimport time; time.sleep(30)", SMALL, ("disk",)),
    Exhaustion("The number of files", "i = 0\nwhile True:\n open('/tmp/%s' % i, 'w').close(); i += 1", SMALL, ("disk",)),
    Exhaustion("Output without end", "while True: print('x' * 4096)", SMALL, ("output",)),
    Exhaustion(
        "Results without end", "import os\nwhile True: os.write(int(os.environ['TFPORT_RESULTS_FD']), b'\\0\\0\\xff\\0' + bytes(65280))", SMALL, ("results",)
    ),
    Exhaustion(
        "Time, deaf to signals",
        "import signal\nfor n in range(1, 65):\n try: signal.signal(n, signal.SIG_IGN)\n except Exception: pass\nwhile True: pass",
        Limits(seconds=0.7),
        ("timeout",),
    ),
)  # fmt: skip


def holds(sandbox: Sandbox) -> str:
    """Why the sandbox does not hold; empty if it does. Takes some 0.2 s; the answer is for this host and user, so ask once."""
    escaped = [finding for finding in _escape(sandbox) if finding.escaped]
    return "; ".join(f"{finding.attempt}: {finding.escaped}" for finding in escaped[:3])


def examine(sandbox: Sandbox) -> Iterator[Finding]:
    """Every attempt to get out, then every attempt to exhaust the host."""
    yield from _escape(sandbox)
    for exhaustion in EXHAUSTION:
        yield Finding(exhaustion.name, _exhaust(sandbox, exhaustion))


def _exhaust(sandbox: Sandbox, exhaustion: Exhaustion) -> str:
    python = tester()
    job = Job((str(python.path), "-I", "-B", "-c", exhaustion.code), python.binds(), limits=exhaustion.limits)
    try:
        result = sandbox.run(job)
    except SandboxError as error:
        return f"the sandbox could not start: {error}"
    return "" if result.verdict in exhaustion.verdicts else f"it {result.reason or 'ended well'}"


def _escape(sandbox: Sandbox) -> Iterator[Finding]:
    try:
        with host() as facts:
            result = sandbox.run(attempt_job(facts))
    except SandboxError as error:
        yield Finding("start", f"the sandbox could not start: {error}")
        return
    said = dict(_records(result))
    words = result.output[-300:].decode(errors="backslashreplace")
    for attempt in attempts.ATTEMPTS:
        silent = f"no answer; {result.reason or 'it ended'}: {words}"
        yield Finding(str(attempt.__doc__).rstrip("."), said.get(attempt.__name__, silent))


def attempt_job(facts: Facts) -> Job:
    """The job that tries everything in `attempts`."""
    source = Path(attempts.__file__).read_bytes()
    python = tester()
    binds = (*python.binds(), Bind(facts.bound.parent, "/shown"))
    roots = sorted({bind.target.split("/")[1] for bind in binds})
    told = {
        "secret": str(facts.secret), "socket": str(facts.socket), "abstract": facts.abstract, "port": facts.port,
        "pid": os.getpid(), "variable": VARIABLE, "bound": f"/shown/{facts.bound.name}", "roots": roots,
    }  # fmt: skip
    command = (str(python.path), "-I", "-B", "-", json.dumps(told))
    return Job(command, binds, input=source, limits=Limits(seconds=30, processes=64, tmp=32 * MIB))


def _records(result: Result) -> Iterator[tuple[str, str]]:
    for record in result.records:
        with contextlib.suppress(results.Malformed):
            name, got = results.decode_list(record)
            yield str(name), str(got)


@contextlib.contextmanager
def host() -> Generator[Facts]:
    """A file that everybody may read, a variable, and sockets that listen: what an escape would find."""
    folder = Path(tempfile.mkdtemp(prefix="tfport-canary-"))
    before = os.environ.get(VARIABLE)
    try:
        folder.chmod(0o755)
        (folder / "shown").mkdir(mode=0o755)
        facts = Facts(
            folder / "secret",
            folder / "shown" / "file",
            folder / "socket",
            f"tfport-{secrets.token_hex(8)}",
            0,
        )
        for path in (facts.secret, facts.bound):
            path.write_text("tfport-canary\n")
            path.chmod(0o666)
        os.environ[VARIABLE] = "tfport-canary"
        with (
            socket.socket() as tcp,
            socket.socket(socket.AF_UNIX) as named,
            socket.socket(socket.AF_UNIX) as abstract,
        ):
            tcp.bind(("127.0.0.1", 0))
            named.bind(str(facts.socket))
            facts.socket.chmod(0o666)
            abstract.bind(f"\0{facts.abstract}")
            for listening in (tcp, named, abstract):
                listening.listen()
            yield replace(facts, port=tcp.getsockname()[1])
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before
        shutil.rmtree(folder, ignore_errors=True)


@cache
def tester() -> Interpreter:
    """A Python for the attempts: the system's, which needs nothing shown, else the one that runs this.

    Raises:
        NoSandbox: neither can be used.
    """
    found = (
        ask(Path("/usr/bin/python3"))
        or ask(Path(sys.executable))
        or ask(Path(sys.base_prefix, "bin", "python3"))
    )
    if found is None:
        raise NoSandbox("there is no Python to try it with", hint="install python3")
    return found
