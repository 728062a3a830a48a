"""Comments as GitHub shows them: its Markdown with tables, task lists, HTML that is harmless, mentions, suggestions."""

from __future__ import annotations

import html
import re
from collections.abc import MutableMapping, Sequence
from functools import cache
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from mdit_py_plugins.tasklists import tasklists_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name  # pyright: ignore[reportUnknownVariableType]
from pygments.util import ClassNotFound

from bot.localhub.actions.notices import MENTION

TAGS = {
    *(
        "a",
        "b",
        "blockquote",
        "br",
        "code",
        "dd",
        "del",
        "details",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
    ),
    *(
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "input",
        "ins",
        "kbd",
        "li",
        "ol",
        "p",
        "picture",
        "pre",
        "q",
        "s",
        "samp",
    ),
    *(
        "source",
        "span",
        "strike",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
    ),
    *("tr", "tt", "ul", "var"),
}
ATTRIBUTES = {
    "*": {"class", "title", "align"},
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height"},
    "source": {"srcset", "media"},
    "details": {"open"},
    "input": {"type", "checked", "disabled"},
    "ol": {"start"},
    "td": {"colspan", "rowspan", "style"},
    "th": {"colspan", "rowspan", "style"},
}


def render(text: str, *, replaced: Sequence[str] = (), comment: bool = True) -> str:
    """HTML of a Markdown text.

    Args:
        replaced: the lines that a suggestion in it would replace.
        comment: whether line breaks stay (in comments they do, in files they don't).
    """
    raw = _parser(comment).render(text, {"replaced": list(replaced)})
    return nh3.clean(
        raw, tags=TAGS, attributes=ATTRIBUTES, url_schemes={"http", "https", "mailto"}, link_rel=None
    )


@cache
def _parser(comment: bool) -> MarkdownIt:
    options: dict[str, Any] = {"breaks": comment, "html": True, "highlight": _highlighted}
    parser = MarkdownIt("gfm-like", options).use(tasklists_plugin)
    parser.core.ruler.push("mentions", _link_mentions)
    parser.add_render_rule("fence", _fence)
    return parser


def _formatter(**options: Any) -> Any:
    return HtmlFormatter[str](**options)


def _highlighted(code: str, language: str, _: str) -> str:
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return html.escape(code)
    return highlight(code, lexer, _formatter(nowrap=True))


def _fence(
    self: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: MutableMapping[str, Any]
) -> str:
    token = tokens[index]
    if token.info.strip() != "suggestion":
        language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
        return f'<pre class="code"><code>{_highlighted(token.content, language, "")}</code></pre>\n'
    old = [f'<span class="gone">{html.escape(line) or " "}</span>' for line in env.get("replaced", [])]
    new = [f'<span class="fresh">{html.escape(line) or " "}</span>' for line in token.content.splitlines()]
    return (
        '<div class="suggestion"><div class="bar">Suggested change</div>'
        f'<pre class="code">{"".join(old)}{"".join(new)}</pre></div>\n'
    )


def _link_mentions(state: StateCore) -> None:
    for block in state.tokens:
        children: list[Token] = []
        inside_link = 0
        for token in block.children or []:
            inside_link += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            if token.type == "text" and not inside_link and "@" in token.content:
                children += _split(token)
            else:
                children.append(token)
        if block.children is not None:
            block.children = children


def _split(token: Token) -> list[Token]:
    parts: list[Token] = []
    end = 0
    for found in MENTION.finditer(token.content):
        parts.append(Token("text", "", 0, content=token.content[end : found.start()]))
        parts.append(
            Token("html_inline", "", 0, content=f'<a class="mention" href="/{found[1]}">@{found[1]}</a>')
        )
        end = found.end()
    return [*parts, Token("text", "", 0, content=token.content[end:])]


@cache
def code_styles() -> str:
    """CSS of highlighted code, light and dark."""
    light: str = _formatter(style="default").get_style_defs(".code")
    dark: str = _formatter(style="github-dark").get_style_defs(".code")
    plain = re.compile(r"^\.code \{.*\}$|^pre.*$|^td\.line.*$|^span\.line.*$", re.MULTILINE)
    return f"{plain.sub('', light)}\n@media (prefers-color-scheme: dark) {{\n{plain.sub('', dark)}\n}}"
