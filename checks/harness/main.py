"""Entry: reads one request (JSON) from standard input, answers with frames on the descriptor that the environment names.

{"task": "examine", "root": "/tree", "classes": ["TFBertModel"], "module": "transformers.models.bert.modeling_tf_bert",
 "pytorch_module": "…", "tests": "tests.models.bert.test_modeling_tf_bert", "pytorch_tests": "…", "checks": ["load", "formats"]}
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any, Dict, Mapping

from .channel import Channel


def main() -> None:
    """Runs one request."""
    request = json.loads(_first_line())
    channel = Channel()
    if request["task"] == "tests":
        from . import tests

        tests.run(request, channel)
    elif request["task"] == "convert":
        from . import convert

        convert.run(request, channel)
    elif request["task"] == "examine":
        examine(request, channel)
    elif request["task"] in ("reference", "candidate"):
        from . import converse

        converse.converse(request, channel)
    else:
        raise SystemExit(f"unknown task {request['task']!r}")


def _first_line() -> bytes:
    """Up to the first line's end, and not a byte more: the rest may be for others."""
    line = bytearray()
    while True:
        byte = os.read(0, 1)
        if byte in (b"", b"\n"):
            return bytes(line)
        line += byte


def examine(request: Mapping[str, Any], channel: Channel) -> None:
    """Makes a case of each class, loads PyTorch's weights, calls the model in every format. One frame per class."""
    root = str(request["root"])
    os.chdir(root)
    sys.path[:0] = [os.path.join(root, "src"), root]
    start = time.time()
    from . import cases

    place = cases.Place(
        request["module"],
        request.get("pytorch_module", ""),
        request.get("tests", ""),
        request.get("pytorch_tests", ""),
    )
    _quiet()
    channel.send({"kind": "ready", "seconds": round(time.time() - start, 3)})
    for name in request["classes"]:
        began = time.time()
        try:
            result = _examine(str(name), place, request, root)
        except Exception as error:
            from .modules import explain

            result = {"error": explain(error, root)}
        channel.send({"kind": "class", "class": name, "seconds": round(time.time() - began, 3), **result})
    channel.send({"kind": "done"})


def _examine(name: str, place: Any, request: Mapping[str, Any], root: str) -> Dict[str, Any]:
    from . import arrays, call_formats, cases, load, weights
    from .modules import explain

    case = cases.make_case(name, place, int(request.get("seed", 0)), request.get("strategy"))
    if isinstance(case, cases.Unmade):
        return {"unmade": case.reasons}
    result: Dict[str, Any] = {
        "strategy": case.strategy,
        "inputs": arrays.summary(case.inputs),
        "notes": case.notes,
    }
    try:
        model = cases.tf_model(case, place)
        load.build(model, case.inputs)
    except Exception as error:
        return {**result, "unbuilt": explain(error, root)}
    checks = request.get("checks", ["load", "formats"])
    if "load" in checks and "there is no PyTorch twin" not in case.notes:
        twin = cases.torch_model(case, place)
        weights.randomise(twin, int(request.get("seed", 0)))
        twin.eval()
        result["load"] = load.load(model, load.state_dict(twin), twin)
    if "formats" in checks:
        result["formats"] = call_formats.try_formats(model, case.inputs, root)
    return result


def _quiet() -> None:
    import logging
    import warnings

    from transformers.utils import logging as transformers_logging

    warnings.simplefilter("ignore")
    transformers_logging.set_verbosity_error()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


if __name__ == "__main__":
    main()
