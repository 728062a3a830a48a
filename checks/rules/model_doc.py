"""Public classes on the model's page."""

from __future__ import annotations

from collections.abc import Iterator

from checks.edits import insert, replace
from checks.errors import NotApplicable, NotBegun, Undecidable
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._check_repo import BUILDING_BLOCKS, listed
from checks.rules._common import enumerate_names
from checks.rules._pages import model_pages
from checks.source.registries import Autodoc, PageFacts, page_facts


def check(port: Port) -> Iterator[Finding]:
    docs = port.conventions.docs
    if not docs:
        raise NotApplicable("the base has no pages that show TensorFlow classes")
    exempt = listed(port, "UNDOCUMENTED_OBJECTS") | listed(port, "DEPRECATED_OBJECTS")
    names = [n for n in port.models if not n.endswith(BUILDING_BLOCKS) and n not in exempt]
    if not names:
        raise NotBegun("no public model class yet")
    pages = {path: facts for path in model_pages(port) if (facts := port.facts(path, page_facts)) is not None}
    if not pages:
        raise Undecidable(f"found no page of {port.model} in {docs}")
    missing = [name for name in names if not any(page.get(name) for page in pages.values())]
    begun = len(missing) < len(names)
    for group in [[name] for name in missing] if begun else [missing]:
        yield _absent(port, pages, group, begun)
    for path, page in pages.items():
        silent: list[Autodoc] = []
        for block in page.blocks:
            if block.name not in names:
                continue
            methods = {method.name: method for method in block.methods}
            if "forward" in methods:
                method = methods["forward"]
                yield RULE.finding(
                    path,
                    method.line,
                    f"The page shows {block.name}.forward, but TensorFlow models have call",
                    "Write call.",
                    symbol=block.name,
                    column=method.column,
                    edits=(replace(path, method.line, method.column, "forward", "call"),),
                )
            elif "call" not in methods:
                silent.append(block)
            if block.heading and page.heading(block.heading) not in (block.name, f"`{block.name}`"):
                yield _misnamed(path, page, block)
        yield from _silent(path, silent)
        yield from _other_tab(path, page, names)
        yield from _twice(path, page, names)


def _silent(path: str, blocks: list[Autodoc]) -> Iterator[Finding]:
    """Blocks without `- call`."""
    if not blocks:
        return
    yield RULE.finding(
        path,
        blocks[0].line,
        f"The page does not show {enumerate_names([f'{block.name}.call' for block in blocks])}",
        "Add the line “    - call” below.",
        symbol=blocks[0].name,
        edits=[insert(path, block.line + 1, "    - call\n") for block in blocks],
        locations=[Location(path, block.line) for block in blocks[1:]],
        level="warning",
    )


def _other_tab(path: str, page: PageFacts, names: list[str]) -> Iterator[Finding]:
    """Blocks that the page's own division into frameworks hides from TensorFlow's readers, or shows to all."""
    if not page.tabs:
        return
    strays = [block for block in page.blocks if block.name in names and page.tab(block.line) != "tf"]
    if strays:
        tab = page.tab(strays[0].line)
        yield RULE.finding(
            path,
            strays[0].line,
            f"{enumerate_names([block.name for block in strays])} {'is' if len(strays) == 1 else 'are'} "
            + (
                f"between <{tab}> and </{tab}>, where TensorFlow's readers don't look"
                if tab
                else "outside of <tf>"
            ),
            "Put it between <tf> and </tf>, which follow </pt>.",
            symbol=strays[0].name,
            locations=[Location(path, block.line) for block in strays[1:]],
            level="warning" if tab else "suggestion",
        )


def _misnamed(path: str, page: PageFacts, block: Autodoc) -> Finding:
    title = page.heading(block.heading)
    return RULE.finding(
        path,
        block.heading,
        f"The heading above {block.name} is {title}",
        f"Write {block.name}.",
        symbol=block.name,
        column=4,
        edits=(replace(path, block.heading, 4, title, block.name),),
        level="warning",
    )


def _twice(path: str, page: PageFacts, names: list[str]) -> Iterator[Finding]:
    seen: set[str] = set()
    for block in page.blocks:
        if block.name in names and block.name in seen:
            yield RULE.finding(
                path,
                block.line,
                f"The page shows {block.name} twice",
                "Keep one block.",
                symbol=block.name,
                level="warning",
            )
        seen.add(block.name)


def _absent(port: Port, pages: dict[str, PageFacts], names: list[str], begun: bool) -> Finding:
    path = _page_of(pages, names[0])
    page = pages[path]
    order = [block.name for block in page.blocks]
    twins = {name: name.removeprefix("TF") for name in names}
    names = sorted(names, key=lambda name: order.index(twins[name]) if twins[name] in order else len(order))
    heading = next((h for h in page.headings if h.name == names[0]), None)
    if heading is not None:
        line = heading.line + 1
        shown, text = heading.line, f"\n{_block(port, pages, names[0])}"
    else:
        line = _place(port, page, names[0])
        shown = min(line, page.lines)
        text = "\n".join(f"## {name}\n\n{_block(port, pages, name)}" for name in names)
        if page.tabs and all(tab != "tf" for tab, _, _ in page.tabs):
            text = f"<tf>\n\n{text}\n</tf>\n"
        elif line <= page.lines:
            text += "\n"
        elif port.text(path).rstrip("\n").count("\n") + 1 == page.lines:
            text = f"\n{text}"
    return RULE.finding(
        path,
        shown,
        f"{enumerate_names(names)} {'is' if len(names) == 1 else 'are'} not on the model's page",
        f"Add a heading and [[autodoc]] {names[0]} with “    - call” below it.",
        symbol=names[0] if begun else "",
        edits=(insert(path, line, text),),
        absent=True,
    )


def _block(port: Port, pages: dict[str, PageFacts], name: str) -> str:
    """The autodoc block, with the methods that the PyTorch class shows there, as far as the class has them."""
    twin = next((block for page in pages.values() if (block := page.get(name.removeprefix("TF")))), None)
    shown = [method.name for method in twin.methods] if twin is not None else []
    methods = ["call", *(m for m in shown if m in port.of(name)[1].methods and m != "call")]
    return f"[[autodoc]] {name}\n" + "".join(f"    - {method}\n" for method in methods)


def _page_of(pages: dict[str, PageFacts], name: str) -> str:
    """The page that shows the PyTorch class, else the first."""
    return next(
        (path for path, page in pages.items() if page.get(name.removeprefix("TF"))), next(iter(pages))
    )


def _place(port: Port, page: PageFacts, name: str) -> int:
    """Line before which the class belongs: PyTorch's order among the TensorFlow classes of the page, else after all."""
    order = [block.name for block in page.blocks if not block.name.startswith(("TF", "Flax"))]
    twin = name.removeprefix("TF")
    position = order.index(twin) if twin in order else len(order)
    own = [b for b in page.blocks if b.name.startswith("TF") and b.name.removeprefix("TF") in order]
    following = [b for b in own if order.index(b.name.removeprefix("TF")) > position]
    if following:
        first = min(following, key=lambda block: block.line)
        return first.heading or first.line
    if own:
        return _after(page, max(own, key=lambda block: block.line).end_line)
    ends = {tab: last for tab, _, last in page.tabs}
    if ends:
        return ends.get("tf") or ends.get("pt", max(ends.values())) + 1
    pytorch = [block for block in page.blocks if not block.name.startswith(("TF", "Flax"))]
    return _after(page, max((block.end_line for block in pytorch), default=page.lines))


def _after(page: PageFacts, line: int) -> int:
    """The next heading after a line (where the deleted or new block would start), else the end of the page; within the line's tab."""
    ends = [heading.line for heading in page.headings if heading.line > line][:1]
    ends += [last for _, first, last in page.tabs if first < line < last]
    return min(ends, default=page.lines + 1)


_PAGE = "docs/source/en/model_doc/lantern.md"

RULE = Rule(
    slug="model-doc",
    level="error",
    summary="Every public model class has its `[[autodoc]]` block, with `- call`, on the model's page.",
    why="What the page does not name is not in the documentation, and `check_repo.py` refuses it.",
    how="Below the PyTorch classes: a heading with the class, `[[autodoc]] TF…`, and `    - call`. `TF…PreTrainedModel` needs none.",
    guide="Step 4: point to the public methods on the model's page (of the English documentation; the German page of the guide's text does not exist).",
    source="upstream utils/check_repo.py",
    check=check,
    examples=(
        Example(
            title="One class is missing",
            path=_PAGE,
            good="## TFLanternModel\n\n[[autodoc]] TFLanternModel\n    - call\n\n",
            bad="",
            finds=("## TFLanternForSequenceClassification",),
            fixed=True,
        ),
        Example(
            title="The last class is missing",
            path=_PAGE,
            good="\n## TFLanternForTokenClassificationWithFlicker\n\n[[autodoc]] TFLanternForTokenClassificationWithFlicker\n    - call\n",
            bad="",
            finds=("- call#2",),
            fixed=True,
        ),
        Example(
            title="A heading, but no block",
            path=_PAGE,
            good="\n[[autodoc]] TFLanternModel\n    - call\n",
            bad="",
            finds=("## TFLanternModel",),
            fixed=True,
        ),
        Example(
            title="In PyTorch's part of a page that has a part for each framework",
            path=_PAGE,
            good="## TFLanternModel\n\n[[autodoc]] TFLanternModel\n    - call\n",
            bad="<pt>\n\n## TFLanternModel\n\n[[autodoc]] TFLanternModel\n    - call\n\n</pt>\n",
            finds=("[[autodoc]] TFLanternModel",),
        ),
        Example(
            title="forward, copied from PyTorch's block",
            path=_PAGE,
            good="[[autodoc]] TFLanternModel\n    - call\n",
            bad="[[autodoc]] TFLanternModel\n    - forward\n",
            finds=("- forward#4",),
            fixed=True,
        ),
    ),
)
