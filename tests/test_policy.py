"""The repository's configuration: defaults, and errors with their place."""

import re
from pathlib import Path

import pytest

from bot.policy import ConfigError, RepositoryConfig, parse_config


def test_defaults():
    assert parse_config("") == parse_config("# nothing\n") == RepositoryConfig()
    assert RepositoryConfig().maintainers == ("gante", "Rocketknight1")


def test_values():
    config = parse_config("enabled: false\nmaintainers: [ada, org/team]\n")
    assert not config.enabled
    assert config.maintainers == ("ada", "org/team")


def test_the_readme_shows_every_key():
    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    (shown,) = [b for b in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL) if "enabled" in b]
    keys = re.findall(r"^(\w+):", shown, re.MULTILINE)
    assert sorted(keys) == sorted(RepositoryConfig.model_fields)
    assert parse_config(shown).items == {"doc-credit": "off", "style": "advisory"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "1:5: "),
        ("enabled: true\nmaintainer: [x]\n", "2:1: maintainer: Extra inputs"),
        ("- a\n", "1:1: expected"),
        ("enabled: maybe\n", "1:1: enabled"),
        ("maintainers: ['@all x']\n", "1:1: maintainers.0"),
        ("enabled: true\nenabled: false\n", "2:1: enabled stands twice"),
        ("a: &a [1]\nb: *a\n", "anchors and aliases"),
        ("a: !!python/object/apply:os.system [x]\n", "could not determine a constructor"),
        ("enabled: true\n#" + "x" * 70_000, "larger than"),
        ("enabled: 2024-13-45\n", "not readable"),
        ("? [a]\n: b\n", ""),
        ("[" * 3000, ""),
        ("enabled: !!int x\n", "not readable"),
        ("enabled: !!bool x\n", "not readable"),
        ("enabled: !!timestamp x\n", "not readable"),
        ("enabled: " + "9" * 5000, ""),
        ("items: {doc-tabel: off}\n", "did you mean doc-table"),
        ("approvals: -1\n", "1:1: approvals"),
    ],
)
def test_errors_name_the_place(text: str, says: str):
    with pytest.raises(ConfigError) as caught:
        parse_config(text)
    assert says in str(caught.value)
