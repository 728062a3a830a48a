"""What a repository wants of the bot: `.github/tfport.yml` on the base branch."""

from __future__ import annotations

from dataclasses import replace
from difflib import get_close_matches
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from checks.checklist import items
from checks.report import Report

CONFIG_PATH = ".github/tfport.yml"
MAX_BYTES = 64_000

Login = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:/[A-Za-z0-9._-]{1,100})?$")
]

HubName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,41}$")]
HUB_MAINTAINERS = ("joaogante", "Rocketknight1")


def _is_item(name: str) -> str:
    if name not in items():
        nearest = get_close_matches(name, items(), n=1, cutoff=0.5)
        raise ValueError(f"no item is called {name!r}" + (f"; did you mean {nearest[0]}?" if nearest else ""))
    return name


HowFar = Annotated[
    Literal["off", "advisory"],
    BeforeValidator(lambda value: "off" if value is False else value),  # YAML reads `off` as false
]
ItemName = Annotated[str, AfterValidator(_is_item)]


class RepositoryConfig(BaseModel):
    """The file's keys. Unknown ones are errors, so that a misspelt key does not silently do nothing.

    Attributes:
        enabled: False switches the bot off in this repository.
        maintainers: who is named when a port opens (logins, or org/team), without @.
        mention_on_open: whether they are named at all.
        review: findings are also noted at their lines, in a review.
        quiet: check runs and answers to commands only: no summary, no review, nobody is named.
        request_review: they are asked for review once nothing is left to fix and the pull request has left the draft.
        approvals: how many a port needs.
        hub_maintainers: who is named in a pull request with weights on the Hugging Face Hub (names there).
        remind_after_days: a draft that rests so long is asked once whether it goes on; 0 never.
        execution_approval: whose code is executed only once a maintainer allowed it (`/tfport approve`); the operator's default otherwise.
        items: items of the checklist that are `off`, or `advisory` (shown, never blocking).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    enabled: bool = True
    maintainers: tuple[Login, ...] = Field(default=("gante", "Rocketknight1"), max_length=10)
    mention_on_open: bool = True
    review: bool = True
    quiet: bool = False
    request_review: bool = True
    approvals: int = Field(default=3, ge=0, le=20)
    hub_maintainers: tuple[HubName, ...] = Field(default=HUB_MAINTAINERS, max_length=10)
    remind_after_days: int = Field(default=30, ge=0, le=365)
    execution_approval: Literal["newcomers", "always", "never"] | None = None
    items: dict[ItemName, HowFar] = Field(default_factory=dict)


def configured(report: Report, config: RepositoryConfig) -> Report:
    """The report as this repository wants it: without items that are off, with those that are advisory never failing."""
    if not config.items:
        return report
    off = {name for name, how in config.items.items() if how == "off"}
    soft = config.items.keys() - off
    findings = tuple(
        replace(f, level="warning") if f.item in soft and f.level == "error" else f
        for f in report.findings
        if f.item not in off
    )
    results = tuple(
        replace(i, state="not-applicable", reason="switched off in this repository")
        if i.id in off
        else replace(i, state="passed", reason=f"advisory here: {i.reason}")
        if i.id in soft and i.state == "failed"
        else i
        for i in report.items
    )
    return replace(report, findings=findings, items=results)


class ConfigError(Exception):
    """The file cannot be used; the text says where and why."""


def parse_config(text: str) -> RepositoryConfig:
    """The configuration in `text`.

    Raises:
        ConfigError: with `line:column` of the first problem.
    """
    if len(text.encode()) > MAX_BYTES:
        raise ConfigError(f"larger than {MAX_BYTES} bytes")
    try:
        node = cast(yaml.Node | None, yaml.compose(text, Loader=yaml.SafeLoader))
        _refuse_tricks(node)
        document: Any = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{mark.line + 1}:{mark.column + 1}: " if mark else ""
        raise ConfigError(f"{where}{error.problem or 'not YAML'}") from error
    except (yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        # The constructors of PyYAML raise whatever Python does: a date that is none, a number of 5,000 digits.
        raise ConfigError(f"not readable as YAML: {type(error).__name__}") from error
    if document is None:
        return RepositoryConfig()
    if not isinstance(document, dict):
        raise ConfigError("1:1: expected `key: value` lines")
    try:
        return RepositoryConfig.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = str(first["loc"][0]) if first["loc"] else ""
        raise ConfigError(f"{_where(node, key)}{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _where(node: yaml.Node | None, key: str) -> str:
    if isinstance(node, yaml.MappingNode):
        for name, _ in node.value:
            if getattr(name, "value", None) == key:
                return f"{name.start_mark.line + 1}:{name.start_mark.column + 1}: "
    return ""


def _refuse_tricks(node: yaml.Node | None) -> None:
    """Anchors (a bomb in few bytes) and keys that stand twice have no use in this file."""
    seen: set[int] = set()

    def walk(entry: Any) -> None:
        if id(entry) in seen:
            raise yaml.MarkedYAMLError(
                problem="anchors and aliases are not allowed", problem_mark=entry.start_mark
            )
        seen.add(id(entry))
        if isinstance(entry, yaml.MappingNode):
            keys: set[str] = set()
            for name, value in entry.value:
                if name.value in keys:
                    raise yaml.MarkedYAMLError(
                        problem=f"{name.value} stands twice", problem_mark=name.start_mark
                    )
                keys.add(str(name.value))
                walk(name)
                walk(value)
        elif isinstance(entry, yaml.SequenceNode):
            for value in entry.value:
                walk(value)

    if node is not None:
        walk(node)
