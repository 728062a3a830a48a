"""Flags of gradient checkpointing and of splitting models over devices, which TensorFlow ports do not have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.edits import replace_lines
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._hygiene import modules

_FLAG = re.compile(
    r"^ *(?:(?:self\.)?(?:supports_)?gradient_checkpointing = (?:True|False)|_no_split_modules = (?:\[.*\]|None)|is_parallelizable = \w+"
    r"|_supports_(?:flash_attn_2|sdpa|cache_class) = \w+)\n",
    re.MULTILINE,
)


def check(port: Port) -> Iterator[Finding]:
    for file in modules(port):
        matches = [
            m for m in _FLAG.finditer(file.text) if file.text.count("\n", 0, m.start()) + 1 in file.touched
        ]
        lines = [file.text.count("\n", 0, match.start()) + 1 for match in matches]
        if not lines:
            continue
        named = re.compile(
            r"\b(?:_no_split_modules|is_parallelizable|_supports_\w+|gradient_checkpointing)\b"
        )
        used = len(named.findall(file.text)) > len(matches)
        yield RULE.finding(
            file.path,
            lines[0],
            f"{matches[0][0].strip()} is left from PyTorch",
            "Take it out: nothing of TensorFlow reads it.",
            edits=() if used else [replace_lines(file.path, line, line, "") for line in lines],
            locations=[Location(file.path, line) for line in lines[1:]],
        )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_GOOD = '        self.layer = [TFLanternLayer(config, name=f"layer_._{i}") for i in range(config.num_hidden_layers)]\n'

RULE = Rule(
    slug="gradient-checkpointing",
    level="suggestion",
    summary="No flag of gradient checkpointing, or of splitting a model over devices, is left.",
    why="Nothing reads it: the library does both in PyTorch only.",
    how="Take the line out.",
    source="commits of TF whisper; still in three merged ports",
    check=check,
    examples=(
        Example(
            title="The flag was copied",
            path=_TF,
            good=_GOOD,
            bad=f"{_GOOD}        self.gradient_checkpointing = False\n",
            finds=("self.gradient_checkpointing = False",),
            fixed=True,
        ),
        Example(
            title="How PyTorch splits the model",
            path=_TF,
            good='    config_class = LanternConfig\n    base_model_prefix = "lantern"\n',
            bad='    config_class = LanternConfig\n    base_model_prefix = "lantern"\n    _no_split_modules = ["LanternLayer"]\n',
            finds=('_no_split_modules = ["LanternLayer"]',),
            fixed=True,
        ),
    ),
)
