"""Model pages that are divided into a part for each framework."""

from __future__ import annotations

from checks.edits import apply
from checks.rules import sample
from checks.run import check
from checks.snapshot import DictSnapshot

PAGE = "docs/source/en/model_doc/lantern.md"
SPLIT = "## TFLanternModel"


def page(*, tensorflow: str) -> str:
    """The sample's page with parts; `tensorflow` is what stands between PyTorch's and Flax's."""
    text = sample.HEAD[PAGE]
    top, _ = text.split(SPLIT)
    top = top.replace("## LanternModel\n", "<frameworkcontent>\n<pt>\n\n## LanternModel\n")
    return (
        f"{top}</pt>\n{tensorflow}<jax>\n\n## FlaxLanternModel\n\n[[autodoc]] FlaxLanternModel\n    - call\n\n</jax>\n"
        "</frameworkcontent>\n"
    )


def after_fixes(text: str) -> str:
    files = {**sample.HEAD, PAGE: text}
    base = {**sample.BASE, PAGE: page(tensorflow="")}
    report = check(DictSnapshot(base), DictSnapshot(files, year=sample.YEAR))
    return apply(files, [e for f in report.findings for e in f.edits if e.path == PAGE])[PAGE]


def blocks() -> str:
    return SPLIT + sample.HEAD[PAGE].split(SPLIT)[1]


def test_a_page_that_is_right_stays():
    text = page(tensorflow=f"<tf>\n\n{blocks()}\n</tf>\n")
    assert after_fixes(text) == text


def test_what_is_missing_comes_between_the_parts_of_the_others():
    credit = page(tensorflow="")
    assert after_fixes(credit) == page(tensorflow=f"<tf>\n\n{blocks()}\n</tf>\n")


def test_one_that_is_missing_comes_into_the_part():
    last = "## TFLanternForTokenClassificationWithFlicker"
    some = blocks().split(last)[0]
    text = page(tensorflow=f"<tf>\n\n{some}</tf>\n")
    assert after_fixes(text) == page(tensorflow=f"<tf>\n\n{blocks()}\n</tf>\n")
