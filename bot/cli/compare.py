"""`tfport compare`: every class of a port against its PyTorch twin, and where they part."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.cli.command import (
    FINDINGS,
    FINE,
    INTERNAL,
    Command,
    readable,
    revision,
    say,
    takes_base,
    takes_format,
    takes_repo,
)
from bot.cli.test import Live, needs_execution, takes_place
from checks.errors import UserError

if TYPE_CHECKING:
    from checks.comparison.port import Compared
    from checks.port import Port


def _takes(parser: ArgumentParser) -> None:
    takes_repo(parser)
    takes_base(parser)
    parser.add_argument(
        "--head",
        metavar="REV",
        type=revision,
        help="what to compare (the working tree, with what is not committed yet)",
    )
    parser.add_argument(
        "--class",
        dest="classes",
        metavar="NAME",
        action="append",
        default=[],
        help="only this class; may be given again (all public classes)",
    )
    parser.add_argument("--layer", metavar="PATH", default="", help="show only what lies in this layer")
    parser.add_argument(
        "--script",
        metavar="FILE",
        type=Path,
        help="with --layer: write a script that runs this layer alone on both sides, and its weights and inputs as .npz beside it",
    )
    parser.add_argument("--plot", metavar="FILE", type=Path, help="draw the difference along the depth (SVG)")
    parser.add_argument(
        "--checkpoint", metavar="DIR", type=Path, help="a real PyTorch checkpoint instead of tiny models"
    )
    takes_format(parser, "text", "json")
    takes_place(parser)


def _compare(options: Namespace) -> int:
    if options.plot is not None and options.plot.suffix.lower() != ".svg":
        raise UserError(f"{options.plot} is no SVG file", hint="--plot FILE.svg")
    if options.script is not None and not options.layer:
        raise UserError("--script needs a layer", hint="--layer PATH, as tfport compare names it")
    if options.script is not None and options.script.suffix != ".py":
        raise UserError(f"{options.script} is no Python file", hint="--script FILE.py")
    if options.script is not None and options.checkpoint is not None:
        raise UserError("--script takes tiny models", hint="leave out --checkpoint")
    checkpoint = _checkpoint(options.checkpoint)
    found = _compared(options, checkpoint)
    whole = [entry for one in found for entry in one.entries]
    entries = [_within(entry, options.layer) for entry in whole]
    drawn = options.plot is not None and _plot(options.plot, whole)
    if options.script is not None:
        _script(options.script, found)
    if options.format == "json":
        say(json.dumps(entries, indent=2))
    else:
        from bot.render.comparison import print_comparison

        print_comparison(entries, [finding for one in found for finding in one.everything])
        if options.plot is not None:
            say(
                f"plot: {options.plot}"
                if drawn
                else "no plot: no class has layers or hidden states that were compared"
            )
        if options.script is not None:
            say(f"script: {options.script}, with {options.script.with_suffix('.npz').name} beside it")
    return exit_code(entries, found)


def _compared(options: Namespace, checkpoint: Path | None) -> list[Compared]:
    with needs_execution():
        from checks.comparison.port import compare_port
        from checks.execution.place import place
    from checks.discover import find_ports
    from checks.execution.job import SandboxError
    from checks.execution.run import Unready
    from checks.repository import snapshots

    live = Live()
    with readable(options.repo):
        base, head = snapshots(options.repo, options.base, options.head)
        ports = [port for port in find_ports(base, head) if not port.broken and port.models]
        ports = [port for port in ports if not options.classes or _has(port, options.classes)]
        if not ports:
            raise _nothing(options.classes)
        try:
            with place(
                base, head, python=options.python, cores=options.cores, progress=live.step
            ) as workplace:
                live.step("comparing")
                return [
                    compare_port(
                        workplace,
                        port,
                        classes=options.classes,
                        checkpoint=checkpoint,
                        layer=options.layer if options.script is not None else "",
                        on_class=live.over,
                    )
                    for port in ports
                ]
        except (Unready, SandboxError) as error:
            raise RuntimeError(str(error)) from error
        finally:
            live.end()


def _has(port: Port, classes: Sequence[str]) -> bool:
    return any(name in port.models for name in classes)


def _nothing(classes: Sequence[str]) -> UserError:
    if classes:
        return UserError(
            f"the port has no public class {', '.join(classes)}", hint="without --class all are compared"
        )
    return UserError(
        "there is no TensorFlow port with a public class between base and head",
        hint="tfport check says how far it is",
    )


def _checkpoint(folder: Path | None) -> Path | None:
    if folder is None:
        return None
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{folder} is no checkpoint: it has no config.json",
            hint="the folder that save_pretrained() writes",
        )
    return folder.resolve()


def _within(entry: Mapping[str, Any], layer: str) -> Mapping[str, Any]:
    """The entry with only what lies in a layer, named as on either side."""
    if not layer:
        return entry
    inside = (layer, f"{layer}.")

    def lies(path: str) -> bool:
        return path == layer or path.startswith(inside[1])

    sites = [site for site in entry["sites"] if lies(site["tf_path"]) or lies(site["pytorch_path"])]
    return {**entry, "sites": sites, "profile": [step for step in entry["profile"] if lies(step[0])]}


def _plot(file: Path, entries: Sequence[Mapping[str, Any]]) -> bool:
    """Draws the first class that differs, else the first one; False where there is nothing to draw."""
    from checks.comparison.plot import plot

    drawn = [entry for entry in entries if entry["profile"]]
    if not drawn:
        return False
    worst = next((entry for entry in drawn if entry["state"] == "different"), drawn[0])
    try:
        file.write_text(plot(worst["class"], worst["profile"]), encoding="utf-8")
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from None
    return True


def _script(file: Path, found: Sequence[Compared]) -> None:
    from checks.comparison.script import Reproduction

    made = next((one.reproduction for one in found if isinstance(one.reproduction, Reproduction)), None)
    if made is None:
        raise UserError(
            f"no script: {next((str(one.reproduction) for one in found), 'nothing was compared')}",
            hint="tfport compare names the layers that differ",
        )
    data = file.with_suffix(".npz")
    try:
        file.write_text(made.script(file.name, data.name), encoding="utf-8")
        data.write_bytes(made.npz())
    except OSError as error:
        raise UserError(f"{file} cannot be written: {error.strerror}") from None


def exit_code(entries: Sequence[Mapping[str, Any]], found: Sequence[Compared]) -> int:
    """1 where something differs by more than the guide allows, 3 where something could not be finished for a reason of ours."""
    if any(item.state == "failed" for one in found for item in one.items) or any(
        finding.level == "error" for one in found for finding in one.everything
    ):
        return FINDINGS
    return INTERNAL if any(entry["state"] == "error" for entry in entries) else FINE


COMMAND = Command(
    "compare",
    "compare every class with its PyTorch twin, and show where they part",
    _takes,
    _compare,
    more="exit code: 0 nothing differs by more than 1e-5, 1 something does, 2 bad input, 3 an error in tfport",
)
