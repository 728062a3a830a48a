"""Which sandbox a host has, and how the backends are started."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from checks.errors import UserError
from checks.execution import bubblewrap, sandbox
from checks.execution.bubblewrap import Bubblewrap
from checks.execution.containers import Container
from checks.execution.containers import arguments as container_arguments
from checks.execution.job import GIB, MIB, Bind, Job, Limits, NoSandbox, SandboxError
from checks.execution.sandbox import Sandbox, find_sandbox
from checks.execution.settings import Settings
from checks.execution.slots import FIRST_UID, slot

JOB = Job(
    ("/env/bin/python", "-m", "pytest"),
    (Bind(Path("/cache/env"), "/env"), Bind(Path("/scratch/a,b"), "/job")),
    environment={"RUN_SLOW": "1"},
    limits=Limits(memory=3 * GIB, tmp=256 * MIB, shm=64 * MIB, processes=200, files=1000, open_files=100),
)


def after(words: list[str], option: str) -> list[str]:
    """All values of an option."""
    return [words[place + 1] for place, word in enumerate(words[:-1]) if word == option]


# -- which one ---------------------------------------------------------------------------------------------------------


def test_without_any_nothing_is_given_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        NoSandbox, match=r"bubblewrap is not installed.*podman is not installed.*docker is not installed"
    ):
        find_sandbox(Settings())


def test_switched_off() -> None:
    with pytest.raises(NoSandbox, match="switched off by TFPORT_SANDBOX"):
        find_sandbox(Settings.of({"TFPORT_SANDBOX": "none"}))


def test_one_that_does_not_hold_is_not_given_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bubblewrap, "missing", lambda self: "")
    monkeypatch.setattr(sandbox, "_holds", lambda backend: "Files of the host: /etc/shadow")
    with pytest.raises(NoSandbox, match=r"bubblewrap does not hold: Files of the host: /etc/shadow"):
        find_sandbox(Settings(sandbox="bubblewrap"))


def test_a_program_that_only_pretends_to_shut_in_does_not_hold(tmp_path: Path, sandbox: Sandbox) -> None:
    """A `bwrap` that drops --unshare-net."""
    from checks.execution.escapes import holds

    fake = tmp_path / "bwrap"
    real = subprocess.run(
        ["sh", "-c", "command -v bwrap"], capture_output=True, text=True, check=True
    ).stdout.strip()
    fake.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        "handle = int(sys.argv[2])\nwords = os.read(handle, 1 << 20).split(b'\\0')[:-1]\nwords.remove(b'--unshare-net')\n"
        "handle = os.memfd_create('x', 0)\nos.write(handle, b''.join(word + b'\\0' for word in words))\nos.lseek(handle, 0, 0)\n"
        f"os.execv({real!r}, ['bwrap', '--args', str(handle), *sys.argv[3:]])\n"
    )
    fake.chmod(0o755)
    assert "The network" in holds(Sandbox(Bubblewrap(str(fake))))


def test_a_setting_that_means_nothing() -> None:
    with pytest.raises(UserError, match="TFPORT_SANDBOX=chroot means nothing"):
        Settings.of({"TFPORT_SANDBOX": "chroot"})


def test_a_sandbox_that_cannot_start_is_our_error(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="does-not-exist"):
        sandbox.run(Job(("/bin/true",), (Bind(Path("/does-not-exist"), "/x"),)))


def test_a_command_that_is_not_there(sandbox: Sandbox) -> None:
    assert sandbox.run(Job(("/does/not/exist",))).exit_code == 127


def test_each_run_as_root_has_a_user_of_its_own(tmp_path: Path) -> None:
    with slot(tmp_path) as one, slot(tmp_path) as two:
        assert {one, two} == {FIRST_UID, FIRST_UID + 1}
    with slot(tmp_path) as again:
        assert again == FIRST_UID


# -- bubblewrap --------------------------------------------------------------------------------------------------------


def test_as_an_ordinary_user_there_is_a_user_namespace() -> None:
    words = bubblewrap.arguments(JOB, uid=None, results=7, status=8, filter=9)
    assert {"--unshare-user", "--disable-userns", "--unshare-net", "--unshare-pid", "--unshare-ipc"} <= set(
        words
    )
    assert after(words, "--cap-drop") == ["ALL"]
    assert "--cap-add" not in words
    assert "/usr/bin/setpriv" not in bubblewrap.command(JOB, uid=None)


def test_as_root_there_is_none_and_the_command_is_another_user() -> None:
    words = bubblewrap.arguments(JOB, uid=200_005, results=7, status=8, filter=9)
    assert "--unshare-user" not in words
    assert "--unshare-all" not in words  # implies it
    command = bubblewrap.command(JOB, uid=200_005)
    assert {
        "--reuid=200005",
        "--regid=200005",
        "--clear-groups",
        "--bounding-set=-all",
        "--no-new-privs",
    } <= set(command)


def test_nothing_is_shown_writable_and_nothing_else_than_is_said() -> None:
    words = bubblewrap.arguments(JOB, uid=None, results=7, status=8, filter=9)
    assert not {"--bind", "--dev-bind", "--bind-try"} & set(words)
    targets = [words[place + 2] for place, word in enumerate(words) if word == "--ro-bind"]
    allowed = {*bubblewrap.SYSTEM, *bubblewrap.EXTRAS, *bubblewrap.TOP, "/env", "/job"}
    assert set(targets) <= allowed
    assert words.index("--remount-ro") > words.index("/job")


def test_parents_of_what_is_shown_can_be_passed_through() -> None:
    made = list(
        bubblewrap.binds(
            [Bind(Path("/x"), "/a/b/c"), Bind(Path("/y"), "/a/b/c/d/e"), Bind(Path("/z"), "/a/q")]
        )
    )
    assert made == [
        "--perms", "0755", "--dir", "/a", "--perms", "0755", "--dir", "/a/b", "--ro-bind", "/x", "/a/b/c",
        "--ro-bind", "/y", "/a/b/c/d/e", "--ro-bind", "/z", "/a/q",
    ]  # fmt: skip


# -- podman, docker ----------------------------------------------------------------------------------------------------


def test_a_container_is_shut_in_as_bubblewrap_does() -> None:
    words = container_arguments(JOB, Container("podman", "debian:12-slim"), "tfport-1", Path("/s.json"))
    assert words[:2] == ["run", "--rm"]
    assert after(words, "--network") == ["none"]
    assert after(words, "--pull") == ["never"]
    assert after(words, "--user") == ["65534:65534"]
    assert after(words, "--cap-drop") == ["ALL"]
    assert after(words, "--security-opt") == ["no-new-privileges", "seccomp=/s.json"]
    assert after(words, "--pids-limit") == ["200"]
    total = str(3 * GIB + 320 * MIB)
    assert after(words, "--memory") == after(words, "--memory-swap") == [total]
    assert after(words, "--tmpfs") == ["/tmp:rw,nosuid,nodev,size=268435456,nr_inodes=1000,mode=1777"]
    assert after(words, "--mount") == [
        "type=bind,source=/cache/env,target=/env,readonly", 'type=bind,"source=/scratch/a,b",target=/job,readonly',
    ]  # fmt: skip
    assert {"--read-only", "--init", "--interactive"} <= set(words)
    assert not {"--privileged", "-v", "--volume", "--device", "--pid", "--userns"} & set(words)
    assert {"RUN_SLOW=1", "HF_HUB_OFFLINE=1", "TFPORT_RESULTS_FD=3"} <= set(after(words, "--env"))
    assert words[-3:] == list(JOB.command)
    assert words[words.index("debian:12-slim") - 2 :][:2] == ["--entrypoint", "/bin/sh"]


def test_a_stronger_runtime() -> None:
    words = container_arguments(JOB, Container("docker", runtime="runsc"), "tfport-1", Path("/s.json"))
    assert after(words, "--runtime") == ["runsc"]


ENGINE = """#!/bin/sh
# A stand-in for an engine: runs the command as it is, after the image's name.
case $1 in
  rm) echo "$3" >> "$(dirname "$0")/removed"; exit 0;;
  image) [ "$3" = good ] || { echo "Error: no such image" >&2; exit 1; }; exit 0;;
esac
while [ "$1" != "--entrypoint" ]; do
  if [ "$1" = --env ]; then export "$2"; fi
  shift
done
shift; shell=$1; shift 2
exec "$shell" "$@"
"""


@pytest.fixture
def engine(tmp_path: Path) -> Container:
    program = tmp_path / "podman"
    program.write_text(ENGINE)
    program.chmod(0o755)
    return Container(str(program), "good")


def test_results_of_a_container_come_apart_from_its_output(engine: Container, tmp_path: Path) -> None:
    """The protocol between supervisor and engine, with an engine that shuts nothing in; no engine runs where these tests do."""
    code = "import os; print('out'); os.write(2, b'err\\n'); os.write(int(os.environ['TFPORT_RESULTS_FD']), b'\\0\\0\\0\\2hi')"
    result = Sandbox(engine).run(Job((sys.executable, "-c", code)))
    assert (result.verdict, result.exit_code, result.records) == ("finished", 0, (b"hi",))
    assert sorted(result.output.split()) == [b"err", b"out"]
    assert (tmp_path / "removed").read_text().startswith("tfport-")


def test_a_container_is_removed_at_the_limit_of_time(engine: Container, tmp_path: Path) -> None:
    result = Sandbox(engine).run(Job(("/bin/sleep", "60"), limits=Limits(seconds=0.3)))
    assert result.verdict == "timeout"
    assert (tmp_path / "removed").exists()


@pytest.mark.parametrize(("code", "verdict"), [(3, "finished"), (137, "memory"), (139, "crashed")])
def test_verdicts_of_a_container(engine: Container, code: int, verdict: str) -> None:
    assert Sandbox(engine).run(Job((sys.executable, "-c", f"import os; os._exit({code})"))).verdict == verdict


def test_an_engine_that_cannot_start_is_our_error(engine: Container) -> None:
    with pytest.raises(SandboxError, match="boom"):
        Sandbox(engine).run(Job(("/bin/sh", "-c", "echo boom >&2; exit 125")))


def test_an_image_that_is_not_there(engine: Container) -> None:
    assert engine.missing() == ""
    assert "has no image other: Error: no such image" in replace(engine, image="other").missing()


@pytest.mark.parametrize("name", ["podman", "docker"])
def test_a_real_engine_holds(name: str) -> None:
    backend = Container(name)
    if why := backend.missing():
        pytest.skip(why)
    from checks.execution.escapes import holds

    assert holds(Sandbox(backend)) == ""


# -- the command line --------------------------------------------------------------------------------------------------


def tfport(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from bot.cli import main; main()", *words]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **variables}, timeout=120, check=False
    )


def test_doctor_says_in_a_line_each_what_was_tried(sandbox: Sandbox) -> None:
    done = tfport("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("sandbox: bubblewrap, started by ")
    assert (
        "  ✓ The network: addresses of this machine, of the cloud's metadata service, of the outside" in lines
    )
    assert "  ✓ A fork bomb" in lines
    assert "  It holds: none of these got through." in lines
    assert len([line for line in lines if line.startswith("  ✓")]) >= 30


def test_doctor_where_there_is_no_sandbox() -> None:
    done = tfport("doctor", TFPORT_SANDBOX="none")
    assert done.returncode == 1
    assert "unverified: no sandbox" in done.stdout


def test_env_without_any(tmp_path: Path) -> None:
    done = tfport("env", "list", TFPORT_CACHE=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "none yet; tfport env build makes one\n")
    done = tfport("env", "prune", TFPORT_CACHE=str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "nothing to delete\n")


def test_env_build_that_cannot_be(tmp_path: Path) -> None:
    done = tfport("env", "build", "--repo", str(tmp_path / "x"), TFPORT_CACHE=str(tmp_path))
    assert done.returncode == 2
    assert "does not exist" in done.stderr
    done = tfport("env", "list", TFPORT_CACHE=str(tmp_path), TFPORT_UV="/no/uv")
    assert done.returncode == 2
    assert "TFPORT_UV: /no/uv is no program" in done.stderr
