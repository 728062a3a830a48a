"""Models with tied embeddings say which they are."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import NotBegun
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._structure import bases, models
from checks.source.walk import methods


def check(port: Port) -> Iterator[Finding]:
    if not models(port):
        raise NotBegun("no model yet")
    for pair in models(port):
        if pair.twin is None or "call" not in pair.facts.methods:
            continue
        theirs = next((m for m in methods(pair.twin.node) if m.name == "get_output_embeddings"), None)
        ours = {name for owner in bases(pair) for name in owner.facts.methods}
        if theirs is None or {"get_output_embeddings", "get_lm_head"} & ours:
            continue
        path = pair.module.pytorch_path.rsplit("/", 1)[-1]
        yield RULE.finding(
            pair.path,
            pair.facts.line,
            f"{pair.name} has neither get_output_embeddings nor get_lm_head, PyTorch's class has ({path}:{theirs.lineno})",
            "Add get_lm_head (or get_output_embeddings and set_output_embeddings), or resizing the vocabulary leaves the head as it was.",
            symbol=pair.name,
            column=pair.facts.column,
        )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="output-embeddings",
    level="suggestion",
    summary="A model whose PyTorch class has `get_output_embeddings` has it, or `get_lm_head`, too.",
    why="`resize_token_embeddings` and the tying of weights find the head by them.",
    how="`def get_lm_head(self): return self.lm_head`.",
    source="#22839 (ESM), Whisper",
    check=check,
    examples=(
        Example(
            title="PyTorch has it",
            path="src/transformers/models/lantern/modeling_lantern.py",
            good="    def forward(self, input_ids=None, flicker=None, labels=None, return_dict=None):\n",
            bad="    def get_output_embeddings(self):\n        return self.classifier\n\n"
            "    def forward(self, input_ids=None, flicker=None, labels=None, return_dict=None):\n",
            finds=(
                "class TFLanternForTokenClassificationWithFlicker(TFLanternPreTrainedModel, TFTokenClassificationLoss):",
            ),
            finds_in=_TF,
        ),
    ),
)
