"""Plants numeric defects in ported modules of a tree and asks the comparison where they are and why.

    python -m scripts.numerics --repo CLONE [--rev REV] [--sample N | --triples N | --correct] [--kind KIND] [--model MODEL]

Each defect is compared as `tfport compare` does it, but in one process of an environment with both libraries (`tfport env list`; --python). A table
says per kind how many were detected, localised to exactly the changed layer, given a confirmed cause of the right kind, given a wrong one, and
how many sit on lines that no comparison ran. Exit code 1: a defect whose line ran was not detected.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from checks.errors import UserError
from checks.execution.tree import write
from checks.repository import open_repository, resolve
from checks.snapshot import GitSnapshot
from scripts.numeric_mutations import defects, sample, together, triples
from scripts.numeric_mutations.classes import lines_of_call, public, reaching
from scripts.numeric_mutations.defect import Defect
from scripts.numeric_mutations.judge import Outcome, judge, table

REVISION = "f8afb2b2e^"
MODELS = [
    "bert",
    "t5",
    "gpt2",
    "swin",
    "bart",
    "roberta",
    "vit",
    "deit",
    "mobilebert",
    "albert",
    "whisper",
    "clip",
    "convnext",
    "convbert",
    "electra",
    "distilbert",
    "resnet",
    "blip",
    "groupvit",
    "segformer",
    "regnet",
    "layoutlmv3",
    "xglm",
    "wav2vec2",
    "sam",
]
ROOT = Path(__file__).resolve().parent.parent
CLASSES = 3
"""Public classes that are tried until one runs the defect."""


def planted(snapshot: GitSnapshot, models: Iterable[str]) -> tuple[list[Defect], dict[str, str]]:
    """All defects that there is room for, and the modules' texts by path."""
    texts: dict[str, str] = {}
    found: list[Defect] = []
    for model in models:
        path = f"src/transformers/models/{model}/modeling_tf_{model}.py"
        text = snapshot.read(path)
        if text is not None:
            texts[path] = text
            found += [d for d in defects(path, text) if d.shown != "training" and reaching(text, d.owner)]
    return found, texts


def request(number: int, some: Sequence[Defect], text: str) -> dict[str, Any]:
    """What the worker is asked: the module with the defects, the lines that show whether they ran, the classes that may run them."""
    classes = [reaching(text, defect.owner) for defect in some]
    common = [name for name in classes[0] if all(name in names for names in classes)] or classes[0]
    lines = [d.lines if d.method not in ("__init__", "build") else lines_of_call(text, d.owner) for d in some]
    return {
        "id": number,
        "path": some[0].path,
        "text": together(some, text),
        "lines": lines,
        "classes": common[:CLASSES],
    }


def answers(
    python: str, tree: Path, requests: Sequence[Mapping[str, Any]], jobs: int
) -> Iterator[dict[str, Any]]:
    """The worker's words, as they come."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tfport_harness").symlink_to(ROOT / "checks/harness")
        environment = {
            **os.environ,
            "TFPORT_HARNESS": folder,
            "PYTHONPATH": str(ROOT),
            "HF_HUB_OFFLINE": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "OMP_NUM_THREADS": "1",
            "TF_NUM_INTRAOP_THREADS": "1",
            "TF_NUM_INTEROP_THREADS": "1",
        }
        source = Path(folder) / "requests.jsonl"
        source.write_text("".join(json.dumps(one) + "\n" for one in requests), "utf-8")
        command = [python, "-m", "scripts.numeric_mutations.worker", str(tree), str(jobs)]
        with (
            source.open() as stream,
            subprocess.Popen(
                command,
                stdin=stream,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                yield json.loads(line)


def correct(
    python: str, snapshot: GitSnapshot, texts: Mapping[str, str], jobs: int, results: Path | None
) -> int:
    """Says what the comparison makes of the modules as they are: one line for each class. 1 if any differs."""
    states: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        write(snapshot, Path(folder))
        requests = [
            {"id": n, "path": path, "text": text, "lines": [], "classes": public(text), "whole": True}
            for n, (path, text) in enumerate(texts.items())
        ]
        for said in answers(python, Path(folder), requests, jobs):
            model = requests[said["id"]]["path"].split("/")[-2]
            if "error" in said:
                states["error"] += 1
                print(f"error      {model}: {said['error'][-300:]}", flush=True)
            for entry in said["classes"]:
                states[entry["state"]] += 1
                print(f"{entry['state']:10} {model}: {entry['class']} | {entry['reason'][:300]}", flush=True)
            if results:
                with results.open("a") as file:
                    file.write(json.dumps(said) + "\n")
    print(dict(states))
    return 1 if states["different"] else 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repo", required=True, help="clone of transformers with history")
    parser.add_argument("--rev", default=REVISION, help=f"tree whose modules are broken ({REVISION})")
    parser.add_argument(
        "--python", required=True, help="interpreter with torch and TensorFlow of that tree's time"
    )
    parser.add_argument(
        "--sample", type=int, default=170, help="so many defects, of every kind and model in turn; 0: all"
    )
    parser.add_argument(
        "--triples", type=int, default=0, help="so many combinations of three defects instead"
    )
    parser.add_argument(
        "--correct", action="store_true", help="plant nothing: every class of the models, for false alarms"
    )
    parser.add_argument(
        "--seed", type=int, default=7, help="of the sample; keep some back that you have not looked at (7)"
    )
    parser.add_argument("--kind", action="append", default=[], help="only these kinds")
    parser.add_argument("--model", action="append", default=[], help="only these models")
    parser.add_argument("--list", action="store_true", help="only show what would be planted")
    parser.add_argument("--results", type=Path, help="write each outcome to this file (JSON lines)")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="processes that compare")
    arguments = parser.parse_args(argv)
    try:
        repo = open_repository(arguments.repo)
        snapshot = GitSnapshot(repo, resolve(repo, arguments.rev))
    except UserError as error:
        print(f"{error.message} ({error.hint})")
        return 2
    found, texts = planted(snapshot, arguments.model or MODELS)
    found = [d for d in found if not arguments.kind or d.kind in arguments.kind]
    groups: list[tuple[Defect, ...]] = (
        triples(found, arguments.triples, arguments.seed)
        if arguments.triples
        else [(d,) for d in sample(found, arguments.sample, arguments.seed)]
    )
    if arguments.list:
        for some in groups:
            print(
                "; ".join(f"{defect.name}: {defect.what} ({defect.owner}.{defect.method})" for defect in some)
            )
        print(Counter(defect.kind for some in groups for defect in some))
        return 0
    if arguments.correct:
        return correct(arguments.python, snapshot, texts, arguments.jobs, arguments.results)
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        write(snapshot, Path(folder))
        requests = [request(n, some, texts[some[0].path]) for n, some in enumerate(groups)]
        for said in answers(arguments.python, Path(folder), requests, arguments.jobs):
            for outcome in judge(groups[said["id"]], said):
                outcomes.append(outcome)
                print(outcome.text(), flush=True)
            if arguments.results:
                with arguments.results.open("a") as file:
                    file.write(json.dumps(said) + "\n")
    print(*table(outcomes), sep="\n")
    return (
        1
        if any(o.ran and not o.detected for o in outcomes) or len({o.group for o in outcomes}) < len(groups)
        else 0
    )


if __name__ == "__main__":
    sys.exit(main())
