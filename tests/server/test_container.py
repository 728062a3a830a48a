"""Dockerfile and compose.yaml against the code: there is no engine here, so what can be read is read, what can be run is run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml

from bot.settings import Settings, variable
from tests.server.process import ServerProcess
from tests.server.test_webhook import address

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
PORT = Settings.model_fields["port"].default


def healthcheck() -> list[str]:
    found = re.search(r"HEALTHCHECK .*?CMD (\[[^\n]*\])", FINAL, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_healthcheck_asks_where_the_server_listens(shared: ServerProcess):
    program, *arguments = healthcheck()
    assert program == "python"

    def check(port: int) -> int:
        env = {**os.environ, "TFPORT_PORT": str(port), "no_proxy": "*"}
        return subprocess.run([sys.executable, *arguments], env=env, capture_output=True).returncode

    port = address(shared)[1]
    assert check(port) == 0
    assert check(1) != 0
    assert f"or '{PORT}'" in arguments[1], "without TFPORT_PORT it asks the default port"


def test_one_port_everywhere():
    assert re.findall(r"^EXPOSE (\d+)$", FINAL, re.MULTILINE) == [str(PORT)]
    [mapping] = COMPOSE["services"]["bot"]["ports"]
    assert mapping.endswith(f":{PORT}")


def test_does_not_run_as_root_and_writes_only_its_folder():
    assert re.findall(r"^USER (.*)$", FINAL, re.MULTILINE) == ["10001"]
    assert COMPOSE["services"]["bot"]["read_only"]
    folder = re.search(r"TFPORT_DATA_DIR=(\S+)", FINAL)
    assert folder
    assert f"VOLUME {folder[1]}\n" in FINAL
    assert COMPOSE["services"]["bot"]["volumes"] == [f"data:{folder[1]}"]


def test_only_known_variables_are_set():
    known = {variable(name) for name in Settings.model_fields}
    assert set(re.findall(r"TFPORT_[A-Z_]+", FINAL)) <= known
    assert COMPOSE["services"]["bot"]["environment"].keys() <= known


def test_what_is_copied_is_there_and_enough():
    copied = set()
    for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE):
        copied.update(line.split()[:-1])
    assert all((ROOT / path).exists() for path in copied)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {f"!{path.partition('/')[0]}" for path in copied} <= set(ignored)
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    assert {*wheel["packages"], *wheel["force-include"]} <= copied


def test_everything_installed_is_pinned_by_hash():
    for line in re.findall(r"pip install (.*)", DOCKERFILE):
        assert "--require-hashes" in line or "--no-deps --no-index" in line, line
    for name in ("bot", "build"):
        text = (ROOT / f"requirements/{name}.txt").read_text("utf-8")
        assert "://" not in text
        for block in re.split(r"\n(?=\S)", text):
            assert block.startswith("#") or "--hash=sha256:" in block, block
    build = (ROOT / "requirements/build.txt").read_text("utf-8")
    assert "hatchling==" in build
