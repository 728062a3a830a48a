"""What counts as a command, and what a wrong one is told."""

import pytest

from bot.commands import Invocation, Mistake, allowed, command_lines, parse


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("/tfport check", ["/tfport check"]),
        ("Thanks!\r\n/tfport check unpack-inputs\r\nmore", ["/tfport check unpack-inputs"]),
        ("- /tfport check", ["/tfport check"]),
        ("please run /tfport check", []),
        ("/tfportcheck", []),
        ("`/tfport check`", []),
        ("    /tfport check", []),
        ("```\n/tfport check\n```", []),
        ("~~~\n/tfport check", []),
        ("> /tfport check", []),
        ("> said\n/tfport check", []),
        ("<!-- /tfport check -->", []),
        ("<!--\n/tfport check\n-->", []),
        ("<b>/tfport check</b>", []),
        ("<details>\n\n/tfport check\n\n</details>", ["/tfport check"]),
        ("[/tfport check](http://x)", []),
        ("", []),
    ],
)
def test_where_a_command_may_stand(body: str, lines: list[str]):
    assert list(command_lines(body)) == lines


def one(body: str) -> Invocation | Mistake:
    (entry,) = parse(body)
    return entry


def test_a_command_with_arguments():
    entry = one("/tfport check unpack-inputs main-init")
    assert isinstance(entry, Invocation)
    assert (entry.command.name, entry.arguments) == ("check", ("unpack-inputs", "main-init"))


def test_the_bare_prefix_asks_for_help():
    entry = one("/tfport")
    assert isinstance(entry, Invocation)
    assert entry.command.name == "help"


def test_the_same_line_twice_is_one_command():
    assert len(parse("/tfport check\n\n/tfport check")) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("/tfport chek", "I know no command `chek`; did you mean `/tfport check`?"),
        ("/tfport check unpack-input", "did you mean `unpack-inputs`?"),
        ("/tfport help me", "takes no arguments"),
        ("/tfport '\"", "I know no command"),
        ("/tfport check " + "a " * 3000, "at most 20 arguments"),
        ("/tfport " + "x" * 10_000, "I know no command `" + "x" * 60 + "…`"),
        ("/tfport @huggingface/all", "I know no command `huggingface/all`"),
    ],
)
def test_a_wrong_command_is_told_the_nearest_match(body: str, says: str):
    entry = one(body)
    assert isinstance(entry, Mistake)
    assert says in entry.text
    assert len(entry.text) < 300


def test_rights():
    assert allowed("anybody", "none", is_author=False)
    assert allowed("author", "none", is_author=True)
    assert allowed("author", "write", is_author=False)
    assert not allowed("author", "read", is_author=False)
    assert not allowed("maintainer", "read", is_author=True)
    assert allowed("maintainer", "admin", is_author=False)
