"""What a rule or an item is about, as Markdown: for `tfport explain` and the pages in `docs/rules`."""

from __future__ import annotations

import re
import textwrap

from checks import catalogue, checklist, rules
from checks.rules import Example, Rule, sample
from checks.run import unknown

_LEVELS = {"error": "blocks the item", "warning": "does not block", "suggestion": "does not block"}
_DECIDED = {
    "static": "It is not built yet, so the item is reported as unverified.",
    "execution": "It is decided by running the model in a sandbox.",
    "github": "The bot decides it from the pull request.",
    "human": "Only people can tell.",
}

_EXECUTED = {
    "loads-from-pytorch": "Every public class is made from a tiny configuration and gets the weights of its PyTorch twin. A weight that is missing, left over or "
    "of another shape is named with the nearest PyTorch name, and with the line of its `name=` where that is known.",
    "call-formats": "Every public class is called with keyword arguments, with one dict, by position, with numpy arrays, inside tf.function, traced with its input signature, and with return_dict=False.",
    "matches-pytorch": """\
Every public class is compared with its PyTorch twin: same tiny configuration, same random weights, same inputs. All outputs, hidden states,
attentions and losses count, with and without masks and labels, with other values of the configuration where the port asks for them, in float64,
which tells rounding from defects. What differs by more than 1e-5 fails; less is told as a warning.

Where something differs, the TensorFlow model is run again with PyTorch's values put in after each layer. What differs in spite of that is the place:
a layer, or the code between two layers, with its line. Causes (epsilon, activation, padding, axis, residual, mask …) are tried, and one is called
confirmed only if the difference vanishes with it. A model that cannot be made or raises is followed by the shapes of its layers.

On your laptop: `tfport compare`; one layer alone, as a script for your own environment: `tfport compare --layer PATH --script FILE.py`. Lines of
`call()` that no comparison has run are listed: equal does not mean that nobody looked.""",
    "training-behaviour": """\
Every public class trains beside its PyTorch twin, with all dropout rates above zero. With `training=False` nothing may be dropped and two calls must
agree; with `training=True` each dropout acts as often as PyTorch's and running statistics move as PyTorch's do; one step of `fit` gives a
finite loss, and gradients for every weight that PyTorch trains.

It fails only where that is proven: a dropout in evaluation or one that stays off, statistics that stand still, a weight that gets no gradient. A dropout that
only one side has is a warning, as merged ports differ there.""",
}
"""What running a port means for an item."""


def explain(name: str) -> str:
    """The page of a rule, an item, or an entry of the catalogue ("N4"); of a name that is both the item's, with all its rules.

    Raises:
        checks.errors.UserError: there is no such rule or item; the nearest match is told.
    """
    if name in checklist.items():
        return explain_item(checklist.items()[name])
    if name in rules.all_rules():
        return explain_rule(rules.all_rules()[name])
    if (entry := next((e for e in catalogue.entries() if e.id.lower() == name.lower()), None)) is not None:
        head = f"# {entry.id}\n\n{entry.text}. (Catalogue, “{entry.section}”)\n"
        head += f"\nWithout a rule of its own: {entry.reason}.\n" if entry.reason else ""
        return "\n".join([head, *(_below(explain_rule(rules.all_rules()[slug])) for slug in entry.rules)])
    raise unknown(name)


def explain_item(item: checklist.Item) -> str:
    """An item's line of the checklist and its rules."""
    section = next(section for section in checklist.sections() if section.id == item.section)
    built = [rules.all_rules()[slug] for slug in item.rules if slug in rules.all_rules()]
    head = [f"# {item.id}", "", f"{item.text}. (Section “{section.title}”)"]
    if item.pending:
        head += ["", f"Not complete yet: {item.pending}."]
    if not built:
        more = ["", _EXECUTED[item.id]] if item.id in _EXECUTED else []
        return "\n".join([*head, "", _DECIDED[item.decided], *more, ""])
    if len(built) == 1 and built[0].slug == item.id:
        body = explain_rule(built[0]).split("\n")[2:]
        return "\n".join([*head, "", *body])
    pages = [_below(explain_rule(rule)) for rule in built]
    return "\n".join([*head, "", *pages])


def _below(page: str) -> str:
    """A page with its headings one level lower; what looks like one in code stays."""
    parts = re.split(r"(^(`{3,}).*?^\2$)", page, flags=re.MULTILINE | re.DOTALL)
    # Text, block of code, its fence; and so on.
    return "".join(
        re.sub(r"^(#+ )", r"#\1", part, flags=re.MULTILINE) if n % 3 == 0 else part
        for n, part in enumerate(parts)
        if n % 3 != 2
    )


def explain_rule(rule: Rule) -> str:
    """A rule's page. Its examples are those that are tested, each with the code as it should be and as it should not."""
    found = [example for example in rule.examples if not example.silent]
    silent = [example for example in rule.examples if example.silent]
    fixable = any(example.fixed or example.edits_to for example in rule.examples)
    lines = [
        f"# {rule.slug}",
        "",
        f"Item `{rule.item}` · {rule.level}, {_LEVELS[rule.level]}"
        + (f" · `tfport fix {rule.slug}` mends it" if fixable else ""),
        "",
        "## What it checks",
        "",
        rule.summary,
        "",
        "## Why",
        "",
        rule.why,
        *_example(found[0], "##"),
        "",
        "## How to fix",
        "",
        rule.how,
        "",
        "## Since when",
        "",
        f"{_sentence(rule.since)}" if rule.since else "Always.",
        "",
        "## Source in the guide",
        "",
        rule.guide or "The guide is silent about it.",
    ]
    if rule.source:
        lines += ["", f"Also: {rule.source}."]
    if found[1:]:
        lines += ["", "## More examples"]
    for example in found[1:]:
        lines += ["", f"### {example.title}", *_example(example, "")]
    if silent:
        lines += ["", "## Not a finding"]
    for example in silent:
        lines += [
            "",
            f"### {example.title}",
            "",
            f"`{example.path}`:",
            *_code(example.path, _change(example)[1]),
        ]
    lines += [
        "",
        "## To silence it",
        "",
        "At a line, with a reason that reviewers will see:",
        "",
        f"    # tfport: ignore[{rule.slug}] reason",
        "",
    ]
    return "\n".join(lines)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _example(example: Example, heading: str) -> list[str]:
    """Bad and good code; under headings of their own, or under two words."""
    bad, good = (f"{heading} Bad", f"{heading} Good") if heading else ("Bad:", "Good:")
    title = [f"{example.title} (`{example.path}`):"] if heading else [f"`{example.path}`"]
    said = f"{example.title}: " if heading else ""
    if example.moved_to:
        return ["", bad, "", f"{said}`{example.moved_to}`", "", good, "", f"`{example.path}`"]
    if example.removed:
        return ["", bad, "", f"{said}there is no `{example.path}`.", "", good, "", "There is one."]
    if example.link:
        return ["", bad, "", f"{said}`{example.path}` is a symbolic link.", "", good, "", "It is a file."]
    right, wrong = _change(example)
    first = ["", *title] if heading else []
    return [
        "",
        *([] if heading else [*title, ""]),
        bad,
        *first,
        *_code(example.path, wrong),
        "",
        good,
        *_code(example.path, right),
    ]


_CONTEXT = 2
"""Lines shown around a change."""


def _change(example: Example) -> tuple[str, str]:
    """The good and the bad text where they differ, with some lines around."""
    text = sample.HEAD[example.path]
    good, bad = text.split("\n"), text.replace(example.good, example.bad).split("\n")
    before = next(
        (n for n, (a, b) in enumerate(zip(good, bad, strict=False)) if a != b), min(len(good), len(bad))
    )
    rest = min(len(good), len(bad)) - before
    after = next((n for n in range(rest) if good[-1 - n] != bad[-1 - n]), rest)
    start = max(0, before - _CONTEXT)
    shown = (lines[start : max(before, len(lines) - after) + _CONTEXT] for lines in (good, bad))
    right, wrong = (textwrap.dedent("\n".join(lines)).strip("\n") for lines in shown)
    return right, wrong


def _code(path: str, text: str) -> list[str]:
    language = {"py": "python", "md": "markdown"}.get(path.rsplit(".", 1)[-1], "")
    fence = "````" if "```" in text else "```"
    return ["", f"{fence}{language}", *text.split("\n"), fence]


def index() -> str:
    """All items of the checklist with their rules, as a table."""
    lines = [
        "# Checklist and rules",
        "",
        "The items of the guide “How to convert a Transformers model to TensorFlow” in its order, and the rules that decide them. "
        "`tfport explain NAME` shows the same pages. What else a port might be asked for, and why no rule asks for it: [catalogue](catalogue.md).",
    ]
    for section in checklist.sections():
        lines += ["", f"## {section.title}", "", "| item | what has to hold | decided by |", "|---|---|---|"]
        for item in section.items:
            built = [f"[{slug}]({slug}.md)" for slug in item.rules if slug in rules.all_rules()]
            other = {
                "static": "not built yet",
                "execution": "running it",
                "github": "the bot",
                "human": "people",
            }
            lines.append(f"| `{item.id}` | {item.text} | {', '.join(built) or other[item.decided]} |")
    return "\n".join([*lines, ""])
