"""Do we agree with upstream's own checks? Ports with one artefact removed are given to both, and wherever a script of the base tree fails
that passed before, we must have a finding.

    python -m scripts.upstream --repo CLONE [--python PYTHON] [--repo-checks] [COMMIT…]

The scripts are the base tree's own (`utils/` of the commit's parent: merged code), run in a temporary copy of the tree, never by the product. Most need only the
standard library. `check_table.py` and `check_repo.py` import transformers: PYTHON has to have what it needs (with TensorFlow and PyTorch for
check_repo.py, which takes half a minute per breakage, so that it is run on request only). A script that fails on the port as it is says nothing
and is left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from checks.errors import UserError
from checks.report import Report
from checks.repository import open_repository, resolve
from checks.run import check
from checks.snapshot import DictSnapshot, GitSnapshot
from scripts.mutations import Mutation, docs, registration
from scripts.sweep import PORTS

READS = {
    "check_dummies.py": ("/__init__.py", "/dummy_tf_objects.py"),
    "check_inits.py": ("/__init__.py",),
    "custom_init_isort.py": ("/__init__.py",),
    "sort_auto_mappings.py": ("/modeling_tf_auto.py",),
    "check_doctest_list.py": (".txt",),
    "check_table.py": ("/index.md", "/index.mdx"),
}
"""The quick scripts, and what they read (by the end of the path)."""

ARGUMENTS = {"custom_init_isort.py": ("--check_only",), "sort_auto_mappings.py": ("--check_only",)}

FOLDERS = ("src/transformers", "utils", "tests", "docs/source", "templates", "examples/README.md")
RULES = frozenset(
    {
        "main-init",
        "model-init",
        "dummy-objects",
        "auto-classes",
        "model-doc",
        "doc-table",
        "test-coverage",
        "doctest-list",
    }
)
"""Breakages of these are what upstream's scripts look at; the others are left out."""


@dataclass(frozen=True, slots=True)
class Row:
    """One breakage: scripts that fail because of it, and the rules that speak of it."""

    what: str
    failing: tuple[str, ...]
    found: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """We have a finding wherever a script fails."""
        return bool(self.found) or not self.failing


def write_tree(snapshot: GitSnapshot, folder: Path, folders: tuple[str, ...] = FOLDERS) -> None:
    """Writes the parts of a tree that the scripts read."""
    for path in snapshot.list(""):
        if path.startswith(folders) or path.count("/") == 0:
            blob = snapshot.blob_id(path)
            content = snapshot.repository[blob].data if blob is not None else None
            if content is not None:
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
    # A link to a file outside docs/, which is not written; the scripts only open it.
    notebooks = folder / "docs/source/en/notebooks.md"
    if not notebooks.exists() and notebooks.parent.exists():
        notebooks.write_text("", "utf-8")
    # Versions of what transformers imports are not what is checked here.
    pins = folder / "src/transformers/dependency_versions_check.py"
    if pins.exists():
        pins.write_text("def dep_version_check(pkg, hint=None):\n    pass\n", "utf-8")


def failing(folder: Path, python: str, scripts: Iterable[str]) -> dict[str, str]:
    """Scripts that fail in a tree, with the last line that they say."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder / "src"),
        "HF_HUB_OFFLINE": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONDONTWRITEBYTECODE": "",
    }
    found: dict[str, str] = {}
    for name in scripts:
        if not (folder / "utils" / name).exists():
            continue
        done = subprocess.run(
            [python, f"utils/{name}", *ARGUMENTS.get(name, ())],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            found[name] = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "no message"
    return found


def breakages(head: GitSnapshot, report: Report, *, few: bool) -> Iterator[Mutation]:
    """Those that concern upstream's scripts; with `few` only the first of each file and rule."""
    seen: set[tuple[str, str, str]] = set()
    for module in (registration, docs):
        for mutation in module.mutations(head, report):
            kind = (module.__name__, mutation.rule, mutation.path)
            if mutation.rule in RULES and not (few and kind in seen):
                seen.add(kind)
                yield mutation


def compare(
    base: GitSnapshot, head: GitSnapshot, python: str, *, repo_checks: bool
) -> tuple[dict[str, str], list[Row]]:
    """What fails on the port as it is, and a row for each breakage."""
    report = check(base, head)
    known = {finding.id for finding in report.findings}
    scripts = ("check_repo.py",) if repo_checks else tuple(READS)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_tree(head, folder)
        before = failing(folder, python, scripts)
        useful = [script for script in scripts if script not in before]
        for mutation in breakages(head, report, few=repo_checks) if useful else ():
            target = folder / mutation.path
            original = target.read_bytes()
            target.write_text(mutation.text, "utf-8")
            fails = failing(
                folder, python, [s for s in useful if repo_checks or mutation.path.endswith(READS[s])]
            )
            target.write_bytes(original)
            ours = check(base, DictSnapshot({mutation.path: mutation.text}, under=head))
            found = sorted({finding.rule for finding in ours.findings if finding.id not in known})
            rows.append(Row(mutation.what, tuple(fails), tuple(found)))
    return before, rows


def main(argv: list[str] | None = None) -> int:
    """Prints the table; 1 if we miss something that upstream refuses."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repo", required=True, help="clone of transformers with history")
    parser.add_argument(
        "--python", default=sys.executable, help="runs the scripts; has what transformers imports"
    )
    parser.add_argument(
        "--repo-checks", action="store_true", help="run check_repo.py instead of the quick ones"
    )
    parser.add_argument("--verbose", action="store_true", help="every breakage, not only those that we miss")
    parser.add_argument("commits", nargs="*", default=list(PORTS.values()))
    arguments = parser.parse_args(argv)
    try:
        repo = open_repository(arguments.repo)
    except UserError as error:
        print(f"{error.message} ({error.hint})")
        return 2
    missed = 0
    print(f"{'commit':10} {'breakages':>9} {'upstream fails':>14} {'we too':>7} {'only we':>8}  not usable")
    for commit in arguments.commits:
        head = GitSnapshot(repo, resolve(repo, commit))
        base = GitSnapshot(repo, resolve(repo, f"{commit}^"))
        before, rows = compare(base, head, arguments.python, repo_checks=arguments.repo_checks)
        wrong = [row for row in rows if row.failing]
        agreed = [row for row in wrong if row.agrees]
        only = [row for row in rows if row.found and not row.failing]
        missed += len(wrong) - len(agreed)
        print(
            f"{commit:10} {len(rows):9} {len(wrong):14} {len(agreed):7} {len(only):8}  {', '.join(sorted(before))}",
            flush=True,
        )
        for row in rows:
            if arguments.verbose or not row.agrees:
                print(
                    f"    {row.what}: upstream {', '.join(row.failing) or '-'}; we {', '.join(row.found) or '-'}"
                )
        if arguments.verbose:
            for script, said in before.items():
                print(f"    {script} on the port as it is: {said}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
