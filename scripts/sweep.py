"""Checks merged ports: the base is the commit's parent. With --mutate each port is also broken in small ways, one at a time, and exactly
the finding of that breakage has to appear, at its place.

Exit code 1: an error that `tests/checks/exceptions.yml` does not list, or a breakage that was not found as expected.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from checks.edits import apply
from checks.errors import UserError
from checks.report import Finding, Report
from checks.repository import open_repository, resolve
from checks.run import check
from checks.snapshot import DictSnapshot, GitSnapshot

PORTS = {
    "convnextv2": "f8afb2b2e",
    "sam": "1c460a527",
    "blip": "5f3ea66bc",
    "groupvit": "0dc7b3a78",
    "segformer": "561b9a8c0",
    "regnet": "a7eba8316",
    "layoutlmv3": "de8548ebf",
    "xglm": "c72d7d91b",
    "deit": "8581a798c",
}
"""Merged ports and the commits that brought them, swept if no commit is named."""

EXCEPTIONS = Path(__file__).parent.parent / "tests/checks/exceptions.yml"


@dataclass(frozen=True, slots=True)
class Mutation:
    """A breakage: the text of one file without something, and the finding that this has to bring.

    Attributes:
        what: for people.
        line: of the finding, in the new text.
        also: other lines that are as good, where the port follows no order.
    """

    what: str
    path: str
    text: str
    rule: str
    line: int
    also: frozenset[int] = frozenset()


def mutations(head: GitSnapshot, report: Report) -> Iterator[Mutation]:
    """Breakages of a port, by patterns of text (so that no parser of ours is asked about its own errors)."""
    for port in report.ports:
        source = head.read(port.path) or ""
        yield from _decorators(port.path, source, port.classes)
        names = [*port.classes, *re.findall(r"^class (TF\w+PreTrainedModel)\b", source, re.MULTILINE)]
        for path, rule in (
            ("src/transformers/__init__.py", "main-init"),
            (f"src/transformers/models/{port.model}/__init__.py", "model-init"),
        ):
            yield from _listed(path, head.read(path) or "", names, rule)
        path = "src/transformers/utils/dummy_tf_objects.py"
        yield from _blocks(
            path,
            head.read(path) or "",
            names,
            r"class {}\(metaclass=DummyObject\):\n(?:[ \n].*\n)*?\n\n",
            "dummy-objects",
        )
        path = "src/transformers/models/auto/modeling_tf_auto.py"
        yield from _entries(path, head.read(path) or "", port.classes)
        for path in head.list("docs/source"):
            text = head.read(path) or "" if path.endswith((".md", ".mdx")) and "/en/" in path else ""
            if "/model_doc/" in path and "[[autodoc]] TF" in text:
                yield from _blocks(
                    path,
                    text,
                    list(port.classes),
                    r"## {}\n\n\[\[autodoc\]\] {}[ ]*(?:\n+    - \w+[ ]*)*(?:\n+|$)",
                    "model-doc",
                )
            if path.endswith(("en/index.md", "en/index.mdx")):
                yield from _row(path, text, report, port.model)


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _without(text: str, start: int, end: int) -> str:
    return text[:start] + text[end:]


def _decorators(path: str, text: str, classes: tuple[str, ...]) -> Iterator[Mutation]:
    for match in re.finditer(
        r"^@keras_serializable\n(?:#.*\n)*(?=class (TF\w+MainLayer)\b)", text, re.MULTILINE
    ):
        end = match.start() + len("@keras_serializable\n")
        line = _line(text, match.end()) - 1
        yield Mutation(
            f"@keras_serializable of {match[1]}",
            path,
            _without(text, match.start(), end),
            "keras-serializable",
            line,
        )
    bodies = [(m.start(), m[1]) for m in re.finditer(r"^class (\w+)", text, re.MULTILINE)]
    for number, (start, name) in enumerate(bodies):
        if name not in classes and not name.endswith("MainLayer"):
            continue
        stop = bodies[number + 1][0] if number + 1 < len(bodies) else len(text)
        call = re.search(r"^    def call\(", text[start:stop], re.MULTILINE)
        found = [
            m
            for m in re.finditer(r"^    @unpack_inputs\n", text[start:stop], re.MULTILINE)
            if call and m.start() < call.start()
        ]
        if call and found:
            at = start + found[-1].start()
            line = _line(text, start + call.start()) - 1
            yield Mutation(
                f"@unpack_inputs of {name}",
                path,
                _without(text, at, start + found[-1].end()),
                "unpack-inputs",
                line,
            )


def _listed(path: str, text: str, names: list[str], rule: str) -> Iterator[Mutation]:
    for name in names:
        for match in re.finditer(rf'^ +"?{name}"?,\n', text, re.MULTILINE):
            line = _line(text, match.start())
            yield Mutation(f"{name} in {path} (line {line})", path, _without(text, *match.span()), rule, line)
        for match in re.finditer(
            rf"^ +from \.\S+ import [^(\n]*?(\b{name}(?:, |$)|, {name}$)", text, re.MULTILINE
        ):
            if match[0].strip().endswith(f"import {name}"):
                continue  # the only name: the whole line would have to go
            line = _line(text, match.start())
            yield Mutation(
                f"{name} in {path} (line {line})", path, _without(text, *match.span(1)), rule, line
            )


def _unordered(text: str) -> bool:
    """The page shows the TensorFlow classes in another order than the PyTorch classes."""
    shown = re.findall(r"\[\[autodoc\]\] (\w+)", text)
    ours = [name[2:] for name in shown if name.startswith("TF")]
    return [name for name in shown if name in ours] != [name for name in ours if name in shown]


def _blocks(path: str, text: str, names: list[str], pattern: str, rule: str) -> Iterator[Mutation]:
    for name in names:
        match = re.search(pattern.replace("{}", name), text, re.MULTILINE)
        if match:
            broken = _without(text, *match.span())
            line = min(_line(text, match.start()), max(len(broken.splitlines()), 1))
            headings = {_line(broken, m.start()) for m in re.finditer(r"^## TF\w+$", broken, re.MULTILINE)}
            also = frozenset(headings if rule == "model-doc" and _unordered(text) else ())
            yield Mutation(f"{name} in {path}", path, broken, rule, line, also)


def _entries(path: str, text: str, classes: tuple[str, ...]) -> Iterator[Mutation]:
    for match in re.finditer(r'^ +\("[\w-]+", (\(?"\w+".*)\),\n', text, re.MULTILINE):
        if set(re.findall(r'"(\w+)"', match[1])) & set(classes):
            line = _line(text, match.start())
            yield Mutation(
                f"{match[0].strip()} (line {line})", path, _without(text, *match.span()), "auto-classes", line
            )


def _row(path: str, text: str, report: Report, model: str) -> Iterator[Mutation]:
    table = re.search(r"^\|.*TensorFlow support.*\|$", text, re.MULTILINE)
    if table is None:
        return
    column = [cell.strip() for cell in table[0].split("|")].index("TensorFlow support")
    for match in re.finditer(r"^\|.*\|$", text, re.MULTILINE):
        cells = match[0].split("|")
        name = re.sub(r"\W", "", re.sub(r"\(.*?\)", "", cells[1])).lower()
        if name == model.replace("_", "") and "✅" in cells[column]:
            cells[column] = cells[column].replace("✅", "❌")
            broken = text[: match.start()] + "|".join(cells) + text[match.end() :]
            yield Mutation(f"the row of {model}", path, broken, "doc-table", _line(text, match.start()))


def exceptions() -> set[tuple[str, str, str]]:
    """Port, rule and symbol of the errors that are known to be right."""
    return {(e["port"], e["rule"], e["symbol"]) for e in yaml.safe_load(EXCEPTIONS.read_text("utf-8"))}


def unexpected(report: Report) -> list[Finding]:
    """Errors that no exception covers."""
    known = exceptions()
    return [f for f in report.blocking if (f.model, f.rule, f.symbol) not in known]


def mutate(base: GitSnapshot, head: GitSnapshot, report: Report) -> Iterator[tuple[str, bool]]:
    """For each breakage what went wrong ("" if it was found as it should be), and whether the edits gave the old text back."""
    before = {finding.id for finding in report.findings}
    for mutation in mutations(head, report):
        found = check(base, DictSnapshot({mutation.path: mutation.text}, under=head))
        new = [f for f in found.findings if f.id not in before]
        broken = [item.reason for item in found.items if item.state == "error"]
        fixed = apply({mutation.path: mutation.text}, [edit for finding in new for edit in finding.edits])
        left = (
            check(base, DictSnapshot({**fixed}, under=head)).findings
            if fixed[mutation.path] != mutation.text
            else ()
        )
        if any(f.id not in before for f in left):
            yield f"{mutation.what}: still there after its edits", False
            continue
        good = len(new) == 1 and (new[0].rule, new[0].path) == (mutation.rule, mutation.path)
        if good and not broken and new[0].line in mutation.also | {mutation.line}:
            yield "", fixed[mutation.path] == head.read(mutation.path)
            continue
        said = "; ".join([*(f"{f.rule} {f.path}:{f.line} {f.message}" for f in new), *broken])
        yield (
            f"{mutation.what}: expected {mutation.rule} at line {mutation.line}, found {said or 'nothing'}",
            False,
        )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", required=True, help="clone of transformers with history")
    parser.add_argument("--mutate", action="store_true", help="also break each port in small ways")
    parser.add_argument("--verbose", action="store_true", help="show warnings and suggestions too")
    parser.add_argument("commits", nargs="*", default=list(PORTS.values()))
    arguments = parser.parse_args(argv)
    try:
        repo = open_repository(arguments.repo)
    except UserError as error:
        print(f"{error.message} ({error.hint})")
        return 2
    bad = 0
    print(
        f"{'commit':10} {'port':24} {'stage':12} {'errors':>6} {'known':>5} {'other':>5} {'seconds':>8}  {'mutations' if arguments.mutate else ''}"
    )
    for commit in arguments.commits:
        try:
            head = GitSnapshot(repo, resolve(repo, commit))
            base = GitSnapshot(repo, resolve(repo, f"{commit}^"))
            start = time.perf_counter()
            report = check(base, head)
            seconds = time.perf_counter() - start
        except UserError as error:
            print(f"{commit:10} {error.message}")
            continue
        errors = unexpected(report)
        crashed = [item for item in report.items if item.state == "error"]
        outcomes = list(mutate(base, head, report)) if arguments.mutate else []
        failed = [outcome for outcome, _ in outcomes if outcome]
        bad += len(errors) + len(failed) + len(crashed)
        known = len(report.blocking) - len(errors)
        names = " ".join(port.model for port in report.ports)
        stages = " ".join(port.stage for port in report.ports)
        restored = sum(same for _, same in outcomes)
        found = (
            f"{len(outcomes) - len(failed)} of {len(outcomes)}, {restored} restored"
            if arguments.mutate
            else ""
        )
        other = len(report.findings) - len(report.blocking)
        print(
            f"{commit:10} {names:24} {stages:12} {len(errors):6} {known:5} {other:5} {seconds:8.2f}  {found}"
        )
        for finding in report.findings if arguments.verbose else errors:
            print(f"    {finding.level} {finding.rule} {finding.path}:{finding.line} {finding.message}")
        for text in [*failed, *(item.reason for item in crashed)]:
            print(f"    {text}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
