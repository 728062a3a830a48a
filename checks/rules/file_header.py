"""Encoding, copyright and licence at the top of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.edits import insert, replace
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._hygiene import File, modules, pytorch_text, tests

_TOP = 40
"""Lines in which a header stands."""

_COPYRIGHT = re.compile(
    r"^#.*\bCopyright\b[^\d\n]*((?:19|20)\d\d)(?:\s*[-–]\s*((?:19|20)\d\d))?", re.MULTILINE | re.IGNORECASE
)
_CODING = re.compile(r"\A(?:#!.*\n)?#.*coding[:=]\s*utf-?8", re.IGNORECASE)

_LICENSE = """\
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.
"""


def check(port: Port) -> Iterator[Finding]:
    for file in modules(port):
        if file.module is not None and file.module.added:
            yield from _check(port, file)
    for file in tests(port):
        if port.changed[file.path].status == "added":
            yield from _check(port, file)


def _check(port: Port, file: File) -> Iterator[Finding]:
    if not file.text.strip():
        return
    top = "\n".join(file.lines[:_TOP])
    copyright = _COPYRIGHT.search(top)
    if copyright is None and not re.search(r"^#.*\bCopyright\b", top, re.MULTILINE | re.IGNORECASE):
        yield _absent(port, file)
        return
    if not _CODING.match(top):
        yield RULE.finding(
            file.path,
            1,
            "The first line does not name the encoding",
            "Put # coding=utf-8 there, as in every other file.",
            edits=(insert(file.path, 1, "# coding=utf-8\n"),),
            level="warning",
        )
    if not re.search(r"^#.*\bLicense\b", top, re.MULTILINE | re.IGNORECASE):
        line = top.count("\n", 0, copyright.start() if copyright else 0) + 1
        yield RULE.finding(
            file.path,
            line,
            "There is a copyright, but no licence",
            "Add the text of the Apache License below it, as in every other file.",
            edits=(insert(file.path, line + 1, _LICENSE),),
            level=None if file.module is not None else "warning",
        )
    if copyright is not None:
        yield from _year(port, file, top, copyright)


def _year(port: Port, file: File, top: str, found: re.Match[str]) -> Iterator[Finding]:
    """The year in which the file is added. A port that was begun in the year before gets a hint only."""
    year = port.head.year
    given = int(found[2] or found[1])
    if year is None or given == year:
        return
    # A holder's own years, which the PyTorch module gives too, are not ours to correct, if the file is not the team's.
    if "HuggingFace" not in found.string[
        found.start() : found.string.find("\n", found.start())
    ] and not re.search(r"Hugging ?Face", top):
        return
    start = found.start(2) if found[2] else found.start(1)
    line = top.count("\n", 0, start) + 1
    column = start - (top.rfind("\n", 0, start) + 1) + 1
    edit: tuple[Edit, ...] = (replace(file.path, line, column, str(given), str(year)),)
    yield RULE.finding(
        file.path,
        line,
        f"The copyright is of {given}, but the file is added in {year}",
        f"Write {year}.",
        column=column,
        edits=edit,
        level="suggestion" if file.module is None or given == year - 1 else "warning",
    )


def _absent(port: Port, file: File) -> Finding:
    year = port.head.year
    text = _from_pytorch(port, file, year)
    coding = (
        "" if text.startswith("# coding") and not _CODING.match(file.text) else text.partition("\n")[0] + "\n"
    )
    edits: tuple[Edit, ...] = ()
    if text:
        at = 2 if _CODING.match(file.text) else 1
        edits = (insert(file.path, at, text.removeprefix(coding) if coding else text),)
    return RULE.finding(
        file.path,
        1,
        "The file has no copyright and no licence",
        "Put the header of the other files at its top"
        + (f", with the year {year}." if year else ", with the year in which it is added."),
        edits=edits,
        level=None if file.module is not None else "warning",
    )


def _from_pytorch(port: Port, file: File, year: int | None) -> str:
    """The header of the PyTorch module with the year of the port."""
    if file.module is None:
        return ""
    match = re.match(r"(?:#.*\n)+", pytorch_text(port, file.module))
    if match is None or not _COPYRIGHT.search(match[0]) or "License" not in match[0]:
        return ""
    header = match[0]
    if year is not None:
        header = re.sub(r"(Copyright\s+)(?:19|20)\d\d", rf"\g<1>{year}", header)
    return header


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_YEAR = "# Copyright 2024 The Lantern Authors and The HuggingFace Team. All rights reserved.\n"

RULE = Rule(
    slug="file-header",
    level="error",
    summary="A new file begins with encoding, copyright of the year in which it is added, and licence.",
    why="The library is published under the Apache License, and every file says so.",
    how="Copy the header of the PyTorch module and put the year in which the port is added.",
    source="asked for in review (#23342, #17313); 67 of 67 merged modules have encoding and copyright",
    check=check,
    examples=(
        Example(
            title="The year of the PyTorch module was copied",
            path=_TF,
            good=_YEAR,
            bad=_YEAR.replace("2024", "2021"),
            finds=(_YEAR.strip().replace("2024", "2021"),),
            fixed=True,
        ),
        Example(
            title="The encoding is missing",
            path=_TF,
            good="# coding=utf-8\n",
            bad="",
            finds=(_YEAR.strip(),),
            fixed=True,
        ),
        Example(
            title="A port that was begun in the year before",
            path=_TF,
            good=_YEAR,
            bad=_YEAR.replace("2024", "2023"),
            finds=(_YEAR.strip().replace("2024", "2023"),),
            fixed=True,
        ),
    ),
)
