"""The templates, as one Jinja environment. Markdown is not escaped by Jinja: what strangers wrote goes through `inert`, `code` or `prose`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.render.text import code, inert, prose
from checks.comparison.policy import figure


def template_folder() -> Path:
    """`bot/templates` in an installed package, `templates` beside `bot` in a checkout."""
    package = Path(__file__).parent.parent
    installed = package / "templates"
    return installed if installed.is_dir() else package.parent / "templates"


@cache
def markdown() -> Environment:
    """For comments and check runs."""
    environment = Environment(
        loader=FileSystemLoader(template_folder()),
        autoescape=False,  # noqa: S701 (Markdown, not HTML; untrusted text goes through the filters)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
    )
    environment.filters["inert"] = inert
    environment.filters["code"] = code
    environment.filters["prose"] = prose
    environment.filters["figure"] = figure
    return environment


def render(template: str, **values: Any) -> str:
    """The template `template` (path below `templates/`) with these values, without blank lines at its ends."""
    return markdown().get_template(template).render(**values).strip()
