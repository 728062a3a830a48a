"""Breakages of copies, of the move from PyTorch, and of tidiness: by patterns of text, no parser of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.report import Report
from checks.snapshot import GitSnapshot
from scripts.mutations import Mutation

MOST = 2
"""Of one kind in one module: a check takes a third of a second."""

_MARKER = re.compile(
    r"^( *)# Copied from (transformers\.models\.\w+\.modeling_tf_\w+)\.(\w+)(.*)\n", re.MULTILINE
)


def mutations(head: GitSnapshot, report: Report) -> Iterator[Mutation]:
    """Breakages of every TensorFlow module of the report's ports."""
    for port in report.ports:
        text = head.read(port.path) or ""
        yield from _markers(port.path, text)
        yield from _copied(port.path, text)
        yield from _torch(port.path, text)
        yield from _tidiness(port.path, text)


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _some(matches: Iterator[re.Match[str]]) -> list[re.Match[str]]:
    """The first and the middle one: different parts of the module."""
    found = list(matches)
    return [found[n] for n in sorted({0, len(found) // 2})][:MOST] if found else []


def _swap(
    path: str, text: str, match: re.Match[str], new: str, what: str, rule: str, down: int = 0
) -> Mutation:
    line = _line(text, match.start()) + down
    return Mutation(
        f"{what} (line {line})", path, text[: match.start()] + new + text[match.end() :], rule, line
    )


def _markers(path: str, text: str) -> Iterator[Mutation]:
    for match in _some(_MARKER.finditer(text)):
        indent, module, name, rest = match.groups()

        def marked(spelled: str, indent: str = indent) -> str:
            return f"{indent}# {spelled}\n"

        yield _swap(
            path, text, match, marked(f"copied from {module}.{name}{rest}"), "small c", "copied-from-syntax"
        )
        yield _swap(
            path,
            text,
            match,
            marked(f"Copied from {module}.{name}Misspelt{rest}"),
            "no such object",
            "copied-from-syntax",
        )
        yield _swap(
            path,
            text,
            match,
            marked(f"Copied from {module.replace('modeling_tf_', 'modeling_tf_x')}.{name}{rest}"),
            "no such module",
            "copied-from-syntax",
        )
        yield _swap(
            path,
            text,
            match,
            marked(f"Copied from {module}.{name}{rest}") + "\n",
            "an empty line below",
            "copied-from-place",
        )
        yield _swap(
            path,
            text,
            match,
            marked(f"Copied from {module}.{name}{rest}") + f"{indent}@tf.function\n",
            "above a decorator",
            "copied-from-place",
        )
        if not indent and not rest.strip().count(",") and name.startswith("TF") and not _nested(text, match):
            yield _swap(path, text, match, "", "the comment is gone", "unmarked-copy")


def _nested(text: str, match: re.Match[str]) -> bool:
    """The class is short, or holds other copies, so that the comment alone tells that it is one."""
    body = re.split(r"^\S", text[match.end() :].partition("\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return body.count("\n") < 10 or "Copied from" in body


def _copied(path: str, text: str) -> Iterator[Mutation]:
    """Lines in copies that no other rule has an opinion about."""
    for match in _some(_MARKER.finditer(text)):
        start = match.end()
        after = re.compile(rf"^ {{0,{len(match[1])}}}[^\s)]", re.MULTILINE).search(
            text, text.index("\n", start) + 1
        )
        body = text[start : after.start() if after else len(text)]
        for pattern, new, what in (
            (r"^( +)return (\w+)$", r"\1return tf.identity(\2)", "another result"),
            (r"^( +)(\w+) = residual \+ (\w+)$", r"\1\2 = \3 + residual", "another order"),
            (r"^( +)#( \w.*)$", r"\1# Well:\2", "another comment"),
        ):
            found = re.search(pattern, body, re.MULTILINE)
            if found:
                changed = body[: found.start()] + found.expand(new) + body[found.end() :]
                line = _line(text, start + found.start())
                whole = text[:start] + changed + text[start + len(body) :]
                yield Mutation(f"{what} in a copy (line {line})", path, whole, "copied-from-content", line)


def _unmarked(text: str) -> str:
    """The text with everything blanked that is copied, or stands in a string: a change there breaks other rules, too."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    text = re.sub(r'"""(?:.|\n)*?"""', blank, text)
    text = re.sub(
        r"^# Copied from .*\n(?:class|def) .*\n(?:(?: .*|\).*)?\n)*", blank, text, flags=re.MULTILINE
    )
    return re.sub(
        r"^    # Copied from .*\n    def .*\n(?:(?:     .*|    \).*)?\n)*", blank, text, flags=re.MULTILINE
    )


_TORCH = (
    (r"\btf\.concat\(", "torch.cat(", "torch.cat", "torch-leftovers"),
    (r"\btf\.concat\(", "tf.cat(", "tf.cat", "torch-leftovers"),
    (r"\btf\.reduce_mean\(", "tf.mean(", "tf.mean", "torch-leftovers"),
    (r"\btf\.expand_dims\(", "tf.unsqueeze(", "tf.unsqueeze", "torch-leftovers"),
    (r"\btf\.range\(", "torch.arange(", "torch.arange", "torch-leftovers"),
    (r"^import tensorflow as tf$", "import tensorflow as tf\nimport torch", "import torch", "torch-imports"),
    (r"^from \.\.\.tf_utils import", "from ...pytorch_utils import", "pytorch_utils", "torch-imports"),
    (r"^from \.configuration_(\w+) import", r"from .modeling_\1 import", "modeling_<m>", "torch-imports"),
    (r"(?<=tf\.concat\()(.*, )axis=", r"\1dim=", "dim", "torch-arguments"),
    (r"(?<=tf\.expand_dims\()(.*, )axis=", r"\1dim=", "dim", "torch-arguments"),
)


def _torch(path: str, text: str) -> Iterator[Mutation]:
    plain = _unmarked(text)
    for pattern, new, what, rule in _TORCH:
        for match in _some(re.finditer(pattern, plain, re.MULTILINE)):
            line = _line(text, match.start()) + new.count("\n")
            broken = text[: match.start()] + match.expand(new) + text[match.end() :]
            yield Mutation(f"{what} (line {line})", path, broken, rule, line)
    for match in _some(re.finditer(r"^        return (\w+)$", plain, re.MULTILINE)):
        for method in ("contiguous()", "view(-1, 2)", "permute(0, 2, 1)", "unsqueeze(1)"):
            new = f"        return {match[1]}.{method}"
            yield _swap(path, text, match, new, f".{method}", "tensor-methods")
    for match in _some(
        re.finditer(r"^        super\(\).__init__\(config, \*inputs, \*\*kwargs\)\n", plain, re.MULTILINE)
    ):
        yield _swap(
            path, text, match, f"{match[0]}        self.post_init()\n", "post_init", "torch-leftovers", 1
        )


def _tidiness(path: str, text: str) -> Iterator[Mutation]:
    plain = _unmarked(text)
    for match in _some(re.finditer(r"^        return (\w+)$", plain, re.MULTILINE)):
        for code, what, rule in (
            (f"print({match[1]})", "print", "debug-output"),
            (f"tf.print({match[1]})", "tf.print", "debug-output"),
            ("breakpoint()", "breakpoint", "debug-output"),
            ("import pdb; pdb.set_trace()", "pdb", "debug-output"),
            ("# FIXME: shapes", "FIXME", "leftover-comments"),
            ("# TODO (me): shapes", "TODO", "leftover-comments"),
            (f"# {match[1]} = tf.identity({match[1]}) * self.scale", "commented code", "commented-code"),
            (f"{match[1]} = {match[1]}", "assigned to itself", "no-op-code"),
        ):
            yield _swap(path, text, match, f"        {code}\n{match[0]}", what, rule)
        yield _swap(
            path, text, match, f"{match[0]}\n        self.never = 1", "never reached", "no-op-code", 1
        )
    header = re.search(r"\A# coding=utf-8\n", text)
    if header:
        yield _swap(path, text, header, "", "no encoding", "file-header")
    year = re.search(r"^# Copyright (20\d\d)", text, re.MULTILINE)
    if year:
        yield _swap(path, text, year, "# Copyright 2016", "another year", "file-header")
    top = re.search(r"\A(?:#.*\n)+", text)
    if top and "License" in top[0]:
        yield _swap(path, text, top, "", "no header", "file-header")
    future = re.search(r"^from __future__ import annotations\n\n?", text, re.MULTILINE)
    if future:
        broken = text[: future.start()] + text[future.end() :]
        following = re.search(r"^(?:import|from) ", broken, re.MULTILINE)
        line = _line(broken, following.start() if following else 0)
        yield Mutation("no annotations", path, broken, "future-annotations", line)
    first = re.search(r"^import tensorflow as tf\n", text, re.MULTILINE)
    if first:
        yield _swap(path, text, first, f"{first[0]}import keras\n", "import keras", "foreign-imports", 1)
