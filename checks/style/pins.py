"""Which formatters a base tree uses, in which versions and with which configuration: read as data, never run."""

from __future__ import annotations

import configparser
import re
from dataclasses import dataclass

from checks.conventions import read
from checks.snapshot import Snapshot

TOOLS = ("black", "isort", "flake8", "ruff")
_REQUIREMENT = re.compile(
    rf'^\s*"(?P<name>{"|".join(TOOLS)})(?P<range>(?:(?:[=~!]=|[<>]=?)[0-9][0-9a-z.]*,?)*)"', re.MULTILINE
)
_UNBOUNDED = {"isort": "<5.12", "flake8": "<6"}
"""Where the base gives no upper bound: the last versions of the years in which upstream used them."""


@dataclass(frozen=True, slots=True)
class Pins:
    """The formatters of a tree.

    Attributes:
        requirements: "black~=23.1", sorted: nothing but names and versions.
        steps: what `make quality` runs, in this order: "ruff", "ruff format", "black", "isort", "flake8".
        preview: black is run with `--preview`.
        folders: what they are run over.
    """

    requirements: tuple[str, ...]
    steps: tuple[str, ...]
    preview: bool
    folders: tuple[str, ...]

    @property
    def names(self) -> str:
        """For a sentence: "black~=23.1 and ruff>=0.0.241,<=0.0.259"."""
        return " and ".join(
            [", ".join(self.requirements[:-1]), self.requirements[-1]][-len(self.requirements) :]
        )

    def covers(self, path: str) -> bool:
        """Whether they look at the file."""
        return path.endswith(".py") and path.startswith(tuple(f"{folder}/" for folder in self.folders))


def read_pins(base: Snapshot) -> Pins | None:
    """The formatters of `setup.py` and the `Makefile`; None if the tree names none."""
    # Further down, setup.py lists bare names once more.
    found = {
        match["name"]: match["range"]
        for match in reversed(list(_REQUIREMENT.finditer(read(base, "setup.py"))))
    }
    ranges = {name: range.rstrip(",") for name, range in found.items()}
    makefile = read(base, "Makefile")
    quality = _target(makefile, "quality")
    steps = [step for step in _steps(quality, ranges) if step.split()[0] in ranges]
    if not steps:
        return None
    used = sorted({step.split()[0] for step in steps})
    folders = re.search(r"^check_dirs\s*:?=\s*(.*)", makefile, re.MULTILINE)
    return Pins(
        tuple(f"{name}{_bounded(name, ranges[name])}" for name in used),
        tuple(steps),
        any(re.match(r"\s*black\b.*--preview", line) for line in quality),
        tuple(folders[1].split()) if folders else ("src", "tests"),
    )


def _target(makefile: str, name: str) -> list[str]:
    """The commands of a target."""
    found = re.search(rf"^{name}:.*\n((?:\t.*\n?)*)", makefile, re.MULTILINE)
    return found[1].split("\n") if found else []


def _steps(quality: list[str], ranges: dict[str, str]) -> list[str]:
    """Linters come first: what they say has to be about the text as it is, and what they mend is formatted afterwards."""
    said = {" ".join(line.split()[:2]) for line in quality if line.strip()}
    if not any(words.split()[0] in TOOLS for words in said):  # no Makefile: by what setup.py lists
        if "ruff" in ranges:
            return ["ruff", "black"] if "black" in ranges else ["ruff", "ruff format"]
        return ["flake8", "isort", "black"]
    first_words = {words.split()[0] for words in said}
    steps = ["flake8"] * ("flake8" in first_words)
    steps += ["isort"] * ("isort" in first_words)
    steps += ["ruff"] * any(words.split()[0] == "ruff" and words != "ruff format" for words in said)
    steps += ["ruff format"] * ("ruff format" in said)
    return steps + ["black"] * ("black" in first_words)


def _bounded(name: str, range: str) -> str:
    if name in _UNBOUNDED and "<" not in range and "=" not in range.replace(">=", ""):
        return f"{range},{_UNBOUNDED[name]}" if range else _UNBOUNDED[name]
    return range


# -- configuration -----------------------------------------------------------------------------------------------------


def configuration(base: Snapshot) -> dict[str, str]:
    """The files that configure the formatters, by name, with nothing in them that names another file or code."""
    import tomllib

    try:
        tools: dict[str, dict[str, object]] = tomllib.loads(read(base, "pyproject.toml")).get("tool", {})
    except tomllib.TOMLDecodeError:
        tools = {}
    ruff = {key: value for key, value in tools.get("ruff", {}).items() if key not in _REACH_OUT}
    black = {key: value for key, value in tools.get("black", {}).items() if key in _BLACK}
    return {
        "pyproject.toml": _toml("tool.black", black) + _toml("tool.ruff", ruff),
        ".isort.cfg": _isort(read(base, "setup.cfg")),
    }


_REACH_OUT = frozenset({"extend", "cache-dir", "required-version", "respect-gitignore", "extend-include"})
_BLACK = frozenset(
    {"line-length", "target-version", "preview", "skip-string-normalization", "skip-magic-trailing-comma"}
)
_ISORT_REACHES_OUT = frozenset(
    {"settings_path", "settings_file", "config_root", "formatter", "sort_order", "plugins"}
)


def _toml(table: str, values: dict[str, object]) -> str:
    """A table as TOML; JSON's strings, numbers and lists are TOML's."""
    import json

    lines = [f"[{table}]"]
    below: list[str] = []
    for key, value in values.items():
        if isinstance(value, dict):
            below.append(_toml(f"{table}.{json.dumps(key)}", value))  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, (str, int, float, list)):
            lines.append(f"{json.dumps(key)} = {json.dumps(value)}")
    return "\n".join([*lines, "", *below])


def _isort(setup_cfg: str) -> str:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(setup_cfg)
    except configparser.Error:
        return "[settings]\n"
    known = parser["isort"].items() if parser.has_section("isort") else ()
    lines = [f"{key} = {value}" for key, value in known if key not in _ISORT_REACHES_OUT]
    return "\n".join(["[settings]", *(line.replace("\n", "\n    ") for line in lines), ""])
