"""Item `framework-defaults`, from live models: findings for hyper-parameters that differ between matched layers.

All are a `warning`, as those of the static rule `batch-norm-defaults` are: merged ports have Keras' momentum at PyTorch's number (RegNet). What changes
what a model computes, `matches-pytorch` proves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from checks.execution import untrusted
from checks.port import Port
from checks.report import Finding

ITEM = "framework-defaults"

KINDS = {
    "epsilon": "epsilon",
    "momentum": "momentum",
    "dropout-rate": "rate",
    "stride": "strides",
    "dilation": "dilation_rate",
    "groups": "groups",
    "kernel-size": "kernel_size",
}
"""Kind of a difference, and the argument of Keras."""


def findings(port: Port, told: Sequence[object]) -> Iterator[Finding]:
    """One per kind and line of the port's files; what the candidate's process says about other files is left out.

    Args:
        told: entries of `checks.harness.audit.audit`, of all classes.
    """
    sizes = {module.path: port.text(module.path).count("\n") + 1 for module in port.modules}
    found: dict[tuple[str, str, int, str, str], list[str]] = {}
    symbols: dict[tuple[str, int], str] = {}
    for entry in told:
        one = untrusted.mapping(entry)
        kind, path, line = one.get("kind"), untrusted.text(one.get("path"), 300), one.get("line")
        if kind not in KINDS or type(line) is not int or not 1 <= line <= sizes.get(path, 0):
            continue
        key = (str(kind), path, line, _shown(one.get("value")), _shown(one.get("wanted")))
        found.setdefault(key, []).append(untrusted.text(one.get("pytorch_path"), 300))
        symbols[path, line] = untrusted.text(one.get("symbol"), 200)
    for (kind, path, line, value, wanted), layers in found.items():
        names = list(dict.fromkeys(layers))
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        reason = " (Keras' momentum is 1 minus PyTorch's)" if kind == "momentum" else ""
        yield Finding(
            ITEM,
            ITEM,
            "warning",
            path,
            line,
            f"{KINDS[kind]} of {names[0]}{more} is {value}, as PyTorch has it {wanted}",
            f"Give it {KINDS[kind]}={wanted}{reason}.",
            symbols[path, line],
        )


def _shown(value: Any) -> str:
    numbers = untrusted.sequence(value, 5) or [value]
    shown = [f"{n:g}" for n in numbers if isinstance(n, (int, float)) and not isinstance(n, bool)]
    return f"({', '.join(shown)})" if isinstance(value, list) else "".join(shown)
