"""What a rule or an item is about, as Markdown: for `tfport explain` and the pages in `docs/rules`."""

from __future__ import annotations

from checks import checklist, rules
from checks.rules import Example, Rule
from checks.run import unknown

_LEVELS = {"error": "blocks the item", "warning": "does not block", "suggestion": "does not block"}
_DECIDED = {
    "static": "It is not built yet, so the item is reported as unverified.",
    "execution": "It is decided by running the model in a sandbox.",
    "github": "The bot decides it from the pull request.",
    "human": "Only people can tell.",
}


def explain(name: str) -> str:
    """The page of a rule or an item; of a name that is both the item's, with all its rules.

    Raises:
        checks.errors.UserError: there is no such rule or item; the nearest match is told.
    """
    if name in checklist.items():
        return explain_item(checklist.items()[name])
    if name in rules.all_rules():
        return explain_rule(rules.all_rules()[name])
    raise unknown(name)


def explain_item(item: checklist.Item) -> str:
    """An item's line of the checklist and its rules."""
    section = next(section for section in checklist.sections() if section.id == item.section)
    built = [rules.all_rules()[slug] for slug in item.rules if slug in rules.all_rules()]
    head = [f"# {item.id}", "", f"{item.text}. (Section “{section.title}”)"]
    if item.pending:
        head += ["", f"Not complete yet: {item.pending}."]
    if not built:
        return "\n".join([*head, "", _DECIDED[item.decided], ""])
    if len(built) == 1 and built[0].slug == item.id:
        body = explain_rule(built[0]).split("\n")[2:]
        return "\n".join([*head, "", *body])
    pages = [explain_rule(rule).replace("\n## ", "\n### ").replace("# ", "## ", 1) for rule in built]
    return "\n".join([*head, "", *pages])


def explain_rule(rule: Rule) -> str:
    """A rule's page: what, why, how, and its examples as they are tested."""
    lines = [
        f"# {rule.slug}",
        "",
        rule.summary,
        "",
        f"**Why.** {rule.why}",
        "",
        f"**How.** {rule.how}",
        "",
        f"Level: {rule.level} ({_LEVELS[rule.level]}). Item: {rule.item}.",
    ]
    if rule.guide:
        lines += ["", f"In the guide: {rule.guide}"]
    if rule.since:
        lines += ["", f"Wanted since: {rule.since}."]
    if rule.source:
        lines += ["", f"Source: {rule.source}."]
    found = [example for example in rule.examples if not example.silent]
    silent = [example for example in rule.examples if example.silent]
    lines += ["", "## Is found", *(line for example in found for line in _example(example))]
    if silent:
        lines += ["", "## Is not found", *(line for example in silent for line in _example(example))]
    lines += [
        "",
        "To silence it at a line, with a reason that reviewers will see:",
        "",
        f"    # tfport: ignore[{rule.slug}] reason",
        "",
    ]
    return "\n".join(lines)


def _example(example: Example) -> list[str]:
    title = f"{example.title} (`{example.path}`{', can be fixed automatically' if example.fixed or example.edits_to else ''}):"
    if example.moved_to:
        return ["", f"{example.title}: `{example.moved_to}` instead of `{example.path}`."]
    if example.removed or example.link:
        return ["", f"{example.title}: `{example.path}`."]
    rows = (
        [f"- {line}".rstrip() for line in example.good.strip("\n").split("\n")]
        if example.good.strip()
        else []
    )
    rows += (
        [f"+ {line}".rstrip() for line in example.bad.strip("\n").split("\n")] if example.bad.strip() else []
    )
    kept = [row for row in rows if row[0] == "-" and f"+{row[1:]}" in rows]
    shown = [
        f" {row[1:]}" if row in kept else row for row in rows if not (row[0] == "+" and f"-{row[1:]}" in kept)
    ]
    return ["", title, "", "```diff", *shown, "```"]


def index() -> str:
    """All items of the checklist with their rules, as a table."""
    lines = [
        "# Checklist and rules",
        "",
        "The items of the guide “How to convert a Transformers model to TensorFlow” in its order, and the rules that decide them. "
        "`tfport explain NAME` shows the same pages.",
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
