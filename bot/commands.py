"""What people can tell the bot: one table of commands, and how they are read out of a comment.

A command is a line of its own that starts with `/tfport`. Code, quotes and HTML comments are prose about commands, not commands.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.state import Permission
from checks.checklist import items

PREFIX = "/tfport"
MAX_ARGUMENTS = 20
MAX_ECHO = 60
MAX_TEXT = 1000
"""Characters of a reason or a question."""
MAX_COMMANDS = 5
"""In one comment; the rest is passed over."""
MAX_BODY = 20_000
"""Characters of a comment that are read: parsing Markdown made to be slow takes long."""

Who = Literal["anybody", "author", "maintainer"]
"""`author` means the author of the pull request or a maintainer; a maintainer is somebody who may write to the repository."""


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table, from which parsing, rights and `/tfport help` follow.

    Attributes:
        arguments: as shown in the help, e.g. "[ITEM|RULE…]".
        check_arguments: says what is wrong with the arguments, or None.
        words: how many leading words are arguments; what follows them is free text. None: every word is an argument.
        needs_report: it is answered once the report on the head is there.
    """

    name: str
    arguments: str
    who: Who
    help: str
    check_arguments: Callable[[tuple[str, ...]], str | None]
    words: int | None = None
    needs_report: bool = False


@dataclass(frozen=True, slots=True)
class Invocation:
    """A well-formed command in a comment. `text` is the free text behind the arguments: a reason, a question."""

    command: Command
    arguments: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A line that starts like a command and is none. `text` is one sentence for the person who wrote it."""

    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a comment with what it says. `digest` names it, so that a line that an edit added can be told from the others."""

    digest: str
    said: Invocation | Mistake


def _none(arguments: tuple[str, ...]) -> str | None:
    return f"takes no arguments, got {_echo(' '.join(arguments))}" if arguments else None


def _items(arguments: tuple[str, ...]) -> str | None:
    known = names()
    for name in arguments:
        if name not in known:
            nearest = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean `{nearest[0]}`?" if nearest else "the summary lists all items."
            return f"knows no item or rule {_echo(name)}; {hint}"
    return None


def _anything(arguments: tuple[str, ...]) -> str | None:
    return None


def test_arguments(arguments: tuple[str, ...]) -> str | None:
    """What is wrong with the arguments of `test`, or None."""
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "-k":
            if not rest:
                return "needs an expression behind -k."
            expression = rest.pop(0)
            if len(expression) > MAX_ECHO * 4 or not expression.isprintable():
                return "needs a shorter expression behind -k."
        elif word != "--failed":
            return f"takes -k EXPR and --failed, got {_echo(word)}."
    return None


def _sha(arguments: tuple[str, ...]) -> str | None:
    return None if len(arguments) == 1 else "needs the commit: the summary shows the whole line."


_CHECKPOINT = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)


def max_error(text: str) -> tuple[float | None, str]:
    """Limit and reason in what stands behind the checkpoint of a `convert`; no limit if nothing does.

    Raises:
        ValueError: it is something else; the text is what is wrong.
    """
    if not text:
        return None, ""
    match = re.fullmatch(r"--max-error[ =]+(\S+)(?:\s+(.*))?", text, re.DOTALL)
    if match is None:
        raise ValueError("takes a checkpoint, and behind it --max-error X REASON or nothing.")
    try:
        limit = float(match[1])
    except ValueError:
        limit = 0.0
    if not 0 < limit < 1:
        raise ValueError("needs a difference such as 1e-4 behind --max-error.")
    reason = " ".join((match[2] or "").replace("\0", " ").split())  # NUL stands for what is no prose
    if not reason:
        raise ValueError("needs the reason behind --max-error X: it is shown with the weights.")
    return limit, reason


def _conversion(arguments: tuple[str, ...]) -> str | None:
    if not arguments or not _CHECKPOINT.fullmatch(arguments[0]):
        return "needs the checkpoint as on its page on the Hub: ORGANISATION/NAME."
    try:
        max_error(" ".join(arguments[1:]))
    except ValueError as error:
        return str(error)
    return None


def _one_name(arguments: tuple[str, ...]) -> str | None:
    return _items(arguments) if arguments else "needs the name of an item or a rule."


def _name_and_text(what: str) -> Callable[[tuple[str, ...]], str | None]:
    def check(arguments: tuple[str, ...]) -> str | None:
        if not arguments:
            return f"needs the name of an item or a rule, and {what}."
        return _items(arguments[:1]) or (
            None if arguments[1:] else f"needs {what} behind {_echo(arguments[0])}."
        )

    return check


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command("check", "[ITEM|RULE…]", "author", "check again, all of it or only these", _items),
        Command("explain", "ITEM|RULE", "anybody", "what it asks for, why, and how to do it", _one_name),
        Command(
            "fix",
            "[ITEM|RULE…]",
            "author",
            "apply the fixes that I offer: as a commit, or as a patch",
            _items,
            needs_report=True,
        ),
        Command("status", "", "anybody", "how far the port is and who has to act", _none, needs_report=True),
        Command(
            "ask",
            "[TEXT]",
            "author",
            "ask the maintainers for help; I add where the port is stuck",
            _anything,
            0,
            True,
        ),
        Command(
            "dispute",
            "RULE REASON",
            "author",
            "say that a finding is wrong; the maintainers are asked",
            _name_and_text("your reason"),
            1,
            True,
        ),
        Command(
            "waive",
            "ITEM|RULE REASON",
            "maintainer",
            "accept what fails, until that code changes",
            _name_and_text("the reason"),
            1,
            True,
        ),
        Command("unwaive", "ITEM|RULE", "maintainer", "take that back", _one_name),
        Command(
            "test",
            "[-k EXPR] [--failed]",
            "author",
            "run the tests again, all of them or some",
            test_arguments,
        ),
        Command("approve", "SHA", "maintainer", "allow the code of this commit to be executed", _sha),
        Command(
            "convert",
            "CHECKPOINT [--max-error X REASON]",
            "author",
            "propose TensorFlow weights of a checkpoint on the Hub; a larger difference is for maintainers",
            _conversion,
            1,
            True,
        ),
        Command("cancel", "", "author", "end the execution that is running", _none),
        Command("pause", "", "author", "stay silent here until `resume`", _none),
        Command("resume", "", "author", "go on", _none),
        Command("help", "", "anybody", "show this", _none),
    )
}
"""In the order of the help."""


@cache
def names() -> dict[str, str]:
    """Every name that a person may use for an item, a rule or a section -> the section."""
    by_name = {rule: item.section for item in items().values() for rule in item.rules}
    of_items = {item.id: item.section for item in items().values()}
    return {section: section for section in of_items.values()} | by_name | of_items


def parse(body: str) -> list[Invocation | Mistake]:
    """The first commands of a comment in their order; the same line twice counts once."""
    return [line.said for line in lines(body)]


def lines(body: str) -> list[Line]:
    """As `parse`, with the digest of each line."""
    found: dict[str, Line] = {}
    for text in command_lines(body):
        digest = sha256(" ".join(text.split()).encode("utf-8", "replace")).hexdigest()[:12]
        found.setdefault(digest, Line(digest, _parse_line(text)))
        if len(found) == MAX_COMMANDS:
            break
    return list(found.values())


def digest(some: Iterable[Line]) -> str:
    """One name for several lines."""
    return sha256(" ".join(line.digest for line in some).encode()).hexdigest()[:12]


def command_lines(body: str) -> Iterator[str]:
    """Lines of prose that start with the prefix. Code, quotes, HTML and link texts are left out."""
    if PREFIX not in body:
        return
    quoted = 0
    for token in MarkdownIt("commonmark").parse(body[:MAX_BODY]):
        if token.type == "blockquote_open":
            quoted += 1
        elif token.type == "blockquote_close":
            quoted -= 1
        elif token.type == "inline" and not quoted:
            for line in _prose(token).split("\n"):
                words = line.split(maxsplit=1)
                if words and words[0] == PREFIX:
                    yield line.strip()


def allowed(who: Who, permission: Permission, *, is_author: bool) -> bool:
    """Whether somebody with this permission on the repository may use a command."""
    if who == "anybody":
        return True
    if permission in ("admin", "write"):
        return True
    return who == "author" and is_author


def _prose(inline: Token) -> str:
    """Text of a paragraph without code, HTML and links; what was cut out leaves a mark, so that it joins no words."""
    parts: list[str] = []
    links = 0
    for child in inline.children or []:
        if child.type == "link_open":
            links += 1
        elif child.type == "link_close":
            links -= 1
        elif child.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif child.type == "text" and not links:
            parts.append(child.content)
        else:
            parts.append("\0")
    return "".join(parts)


def _parse_line(line: str) -> Invocation | Mistake:
    try:
        words = shlex.split(line)
    except ValueError:
        words = line.split()
    name, arguments = (words[1] if len(words) > 1 else "help"), tuple(words[2:])
    command = COMMANDS.get(name)
    if command is None:
        nearest = get_close_matches(name, COMMANDS, n=1, cutoff=0.5)
        hint = (
            f"did you mean `{PREFIX} {nearest[0]}`?" if nearest else f"`{PREFIX} help` lists what I can do."
        )
        return Mistake(f"I know no command {_echo(name)}; {hint}")
    text = ""
    if command.words is not None:
        parts = line.split(maxsplit=2 + command.words)
        arguments, text = tuple(parts[2 : 2 + command.words]), "".join(parts[2 + command.words :])
        if len(text) > MAX_TEXT:
            return Mistake(f"`{PREFIX} {name}` takes at most {MAX_TEXT} characters of text.")
    elif len(arguments) > MAX_ARGUMENTS:
        return Mistake(f"`{PREFIX} {name}` takes at most {MAX_ARGUMENTS} arguments.")
    problem = command.check_arguments((*arguments, text) if text else arguments)
    return Mistake(f"`{PREFIX} {name}` {problem}") if problem else Invocation(command, arguments, text)


def _echo(text: str) -> str:
    """What somebody wrote, short and harmless, as inline code."""
    safe = "".join(char for char in text if char.isprintable() and char not in "`@<>&|")
    return f"`{safe[:MAX_ECHO]}{'…' if len(safe) > MAX_ECHO else ''}`" if safe else "that"
