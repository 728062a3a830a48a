"""Breakages of what the guide asks for first: decorators, registration, page and table; by patterns of text (so that no parser of ours is asked
about its own errors)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.report import Report
from checks.snapshot import GitSnapshot
from scripts.mutations import Mutation


def mutations(head: GitSnapshot, report: Report) -> Iterator[Mutation]:
    """Everything that can be taken away from each port of a report."""
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
