"""Who contributed the port."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.errors import NotApplicable, NotBegun, Undecidable
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.rules._pages import model_pages

_CREDIT = re.compile(
    r"\b(?:Tensor[Ff]low|TF)(?:\s+2(?:\.0)?)?\s+(?:versions?|implementation|port|model|code|weights)\b[^.]{0,120}?\b(?:contributed|added|ported|implemented)\s+(?:and\s+\w+\s+)?by\b",
    re.IGNORECASE,
)
_BY = re.compile(r"^.*\bcontributed by\b.*$", re.MULTILINE)


def check(port: Port) -> Iterator[Finding]:
    if not port.conventions.docs:
        raise NotApplicable("the base has no pages that show TensorFlow classes")
    if not port.models:
        raise NotBegun("no public model class yet")
    if not any(module.added for module in port.modules):
        raise NotApplicable("the port was there before")
    pages = model_pages(port)
    if not pages:
        raise Undecidable(f"found no page of {port.model} in {port.conventions.docs}")
    texts = {path: port.text(path) for path in pages}
    if any(_CREDIT.search(text) for text in texts.values()):
        return
    path = next((page for page, text in texts.items() if _BY.search(text)), pages[0])
    match = _BY.search(texts[path]) or re.search(r"^## .*$", texts[path], re.MULTILINE)
    line = texts[path].count("\n", 0, match.start()) + 1 if match else 1
    yield RULE.finding(
        path,
        line,
        "The page does not say who contributed the TensorFlow version",
        "Add after this line: The TensorFlow version of this model was contributed by [you](https://huggingface.co/you).",
        absent=True,
    )


_PAGE = "docs/source/en/model_doc/lantern.md"

RULE = Rule(
    slug="doc-credit",
    level="suggestion",
    summary="The model's page says who contributed the TensorFlow version, with a link to the profile.",
    why="It is your work: whoever reads the page should see whose port it is, and whom to thank.",
    how="One sentence below that about the PyTorch model, with your name on huggingface.co.",
    guide="Step 4: add yourself to the contributors on the model's page.",
    source="review of LayoutLM and SwiftFormer",
    check=check,
    examples=(
        Example(
            title="No credit",
            path=_PAGE,
            good="The TensorFlow version of this model was contributed by [keeper](https://huggingface.co/keeper).\n",
            bad="",
            finds=("This model was contributed by [someone](https://huggingface.co/someone).",),
        ),
    ),
)
