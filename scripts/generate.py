"""Writes the generated files of the repository; with ``--check`` only tells which are stale (exit code 1)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from checks import catalogue
from checks.explain import explain_rule, index
from checks.rules import all_rules
from checks.schema import report_schema

ROOT = Path(__file__).parent.parent


def generated() -> dict[str, str]:
    """Path from the root -> the content that should be there."""
    pages = {f"docs/rules/{slug}.md": explain_rule(rule) for slug, rule in all_rules().items()}
    return {
        "checks/report.schema.json": json.dumps(report_schema(), indent=2) + "\n",
        "docs/rules/README.md": index(),
        "docs/rules/catalogue.md": catalogue.page(),
        **pages,
    }


def orphans() -> list[Path]:
    """Pages of rules that are gone."""
    wanted = generated()
    return [
        path
        for path in sorted((ROOT / "docs/rules").glob("*.md"))
        if str(path.relative_to(ROOT)) not in wanted
    ]


def main() -> int:
    wanted = generated()
    stale = [
        path
        for path, text in wanted.items()
        if not (ROOT / path).exists() or (ROOT / path).read_text("utf-8") != text
    ]
    if "--check" in sys.argv:
        for path in [*stale, *(str(path.relative_to(ROOT)) for path in orphans())]:
            print(f"{path} is stale; run: make docs")
        return 1 if stale or orphans() else 0
    for path in stale:
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(wanted[path], "utf-8")
        print(f"wrote {path}")
    for path in orphans():
        path.unlink()
        print(f"removed {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
