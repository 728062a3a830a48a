"""Who else may review: named to the maintainers, never mentioned."""

from __future__ import annotations

from bot.experts import Experts, ranked
from bot.submission import Surroundings
from checks.similar import peers
from checks.snapshot import DictSnapshot
from tests.fixtures.pretend import Pretend, pull, report, situation

FOUND = Experts(("ada", "wendy", "walt", "will"), ("gante", "Wendy", "rita", "rob", "ron"))


def test_nobody_stands_twice_and_nobody_who_knows_already():
    assert FOUND.without(["Gante", "ada"]) == Experts(("wendy", "walt"), ("rita", "rob"))


def test_the_most_frequent_first():
    assert ranked(["a", "b", "c", "b"]) == ("b", "a", "c")


def test_they_are_named_to_the_maintainers_and_not_mentioned():
    around = Surroundings(reviewers=frozenset({"gante"}))
    hub = Pretend(situation(pull=pull(draft=False), around=around, experts=FOUND))
    hub.run("reported", report())
    (summary,) = hub.summaries
    assert (
        "wendy and walt wrote most of the PyTorch model. rita and rob reviewed ports like this one."
        in summary
    )
    assert "@wendy" not in summary
    assert "@rita" not in summary
    draft = Pretend(situation(around=around, experts=FOUND))
    draft.run("reported", report())
    assert "wendy" not in draft.summaries[0]


def test_peers_have_the_same_main_input():
    def module(input_: str, *kinds: str) -> str:
        layers = "".join(f"        self.x = nn.{kind}(1)\n" for kind in kinds)
        return f"class XModel:\n    def __init__(self):\n{layers}\n    def forward(\n        self,\n        {input_}: int,\n    ):\n        pass\n"

    files: dict[str, str] = {}
    for name, text in {
        "bert": module("input_ids", "Linear", "Embedding"),
        "vit": module("pixel_values", "Linear"),
        "resnet": module("pixel_values", "Conv2d", "BatchNorm2d"),
        "swin": module("pixel_values", "Conv2d", "Linear"),
    }.items():
        folder = f"src/transformers/models/{name}"
        files[f"{folder}/modeling_{name}.py"] = text
        files[f"{folder}/modeling_tf_{name}.py"] = "class TFXModel:\n    pass\n"
    base = DictSnapshot(files)
    found = peers(base, "regnet", [module("pixel_values", "Conv2d", "BatchNorm2d")])
    assert [path.split("/")[3] for path in found] == ["resnet", "swin", "vit"]
    assert peers(base, "regnet", ["class A:\n    pass\n"]) == ()
