"""Compares modules with planted defects, in an environment with both libraries: PYTHON -m scripts.numeric_mutations.worker ROOT JOBS < requests

The trusted side's own code drives both sides as in `tfport compare`, but in one process and without a sandbox: what is run is upstream's code with
our defects. A process is forked for each defect from one that has imported everything and run nothing. One JSON object per line in and out.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

SECONDS = 240


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module another text. Its lines and its file's name stay."""

    def __init__(self, name: str, path: str, text: str) -> None:
        self.name, self.path, self.text = name, path, text

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != self.name:
            return None
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=self.path)
        spec.has_location = True
        return spec

    def create_module(self, spec: Any) -> Any:
        return None

    def exec_module(self, module: Any) -> None:
        module.__file__ = self.path
        exec(compile(self.text, self.path, "exec"), module.__dict__)

    def get_source(self, fullname: str) -> str:
        """For `inspect`."""
        return self.text


class Local:
    """A side of the comparison in this process."""

    lock = threading.Lock()

    def __init__(self, side: Any) -> None:
        self.side = side

    def open(self, opening: Mapping[str, Any]) -> None:
        self.side.do_open(opening)

    def ask(self, do: str, **fields: Any) -> Mapping[str, Any]:
        from tfport_harness.modules import explain

        with self.lock:
            try:
                return getattr(self.side, f"do_{do}")(fields)
            except Exception as error:
                if os.environ.get("TRACE"):
                    traceback.print_exc()
                return {"error": explain(error, self.side.root)}


class LocalPair:
    """What `compare_classes` needs of a `Pair`."""

    def __init__(self, root: str) -> None:
        from tfport_harness.candidate import Candidate
        from tfport_harness.reference import Reference

        self.reference = Local(Reference({"root": root, "task": "reference"}))
        self.candidate = Local(Candidate({"root": root, "task": "candidate", "torch": True}))

    def open(self, names: Any) -> None:
        for side in (self.reference, self.candidate):
            side.open(names.opening())

    def with_torch(self) -> Local:
        return self.candidate


def answer(request: Mapping[str, Any], root: str) -> Iterator[dict[str, Any]]:
    """One entry of the report for each class, until one differs or has run the lines; with `whole` of all classes."""
    from checks.comparison.compare import Names, Options, compare_classes
    from checks.comparison.sites import within

    module = request["path"].removeprefix("src/").removesuffix(".py").replace("/", ".")
    sys.meta_path.insert(0, Planted(module, os.path.join(root, request["path"]), request["text"]))
    import ast
    import linecache

    from tfport_harness import where

    file = os.path.join(root, request["path"])
    lines = request["text"].splitlines(keepends=True)
    linecache.cache[file] = (len(request["text"]), None, lines, file)
    where._PARSED[file] = (request["text"].split("\n"), ast.parse(request["text"]))
    folder, name = request["path"].split("/")[-2:]
    tests = f"tests.models.{folder}.test_{name[:-3]}"
    twin = tests.replace("test_modeling_tf_", "test_modeling_")
    names = Names(
        module,
        module.replace("modeling_tf_", "modeling_"),
        tests,
        twin,
        (request["path"],),
        {request["path"]: request["text"]},
    )
    wanted = {number for start, end in request["lines"] for number in range(start, end + 1)}
    pair = LocalPair(root)
    if request.get("whole"):
        options = Options(guide=True, branches=300.0, localise=30.0)
        for found in compare_classes(pair, names, request["classes"], options):  # type: ignore[arg-type]
            yield {**found.entry(), "profile": [], "ran": True}
        return
    for name in request["classes"]:
        options = Options(guide=False, branches=20.0, localise=40.0)
        (found,) = compare_classes(pair, names, [name], options)  # type: ignore[arg-type]
        ran = bool(wanted & found.lines.get(request["path"], set()))
        entry = found.entry()
        sites = list(within(entry["sites"], {request["path"]: request["text"]}))
        yield {
            **entry,
            "sites": sites,
            "profile": [],
            "ran": ran,
            "elsewhere": len(entry["sites"]) - len(sites),
        }
        told = entry["missing"] or entry["mismatched"] or entry["unexpected"]
        if found.state == "different" or told:
            return


def _child(request: Mapping[str, Any], root: str) -> None:
    import signal

    signal.alarm(SECONDS * (4 if request.get("whole") else 1))
    began = time.time()
    result: dict[str, Any] = {"id": request["id"], "classes": []}
    try:
        for entry in answer(request, root):
            result["classes"].append(entry)
    except BaseException:
        result["error"] = traceback.format_exc()[-2000:]
    result["seconds"] = round(time.time() - began, 1)
    sys.stdout.write(json.dumps(result, default=str) + "\n")
    sys.stdout.flush()


def main() -> None:
    root, jobs = sys.argv[1], int(sys.argv[2])
    harness = os.environ["TFPORT_HARNESS"]
    os.chdir(root)
    sys.path[:0] = [os.path.join(root, "src"), root, harness]
    import tensorflow
    import torch
    import torch._dynamo
    import transformers
    from tfport_harness import candidate, localise, record_torch, reference

    import checks.comparison.compare

    del tensorflow, transformers, candidate, localise, record_torch, reference, checks
    torch.set_grad_enabled(False)
    running = 0
    for line in sys.stdin:
        if running >= jobs:
            os.wait()
            running -= 1
        if os.fork() == 0:
            _child(json.loads(line), root)
            sys.stdout.flush()
            os._exit(0)
        running += 1
    while running:
        os.wait()
        running -= 1


if __name__ == "__main__":
    main()
