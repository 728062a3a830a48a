"""Whatever a stranger writes is shown, and does nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.render.text import code, fit, inert, plain, prose

NASTY = [
    "@huggingface/all",
    "&#64;x",
    "```\nrm\n```",
    "</details>",
    "<!-- tfport:summary -->",
    "#123",
    "![](http://evil)",
    "a | b",
    "https://evil.example",
    "[x](y)",
    "\u202egnp.exe",
    "\x1b[31mred",
    "a\nb",
    "**bold**",
    "&lt;b&gt;",
    "1. x",
]


@pytest.mark.parametrize("text", NASTY)
def test_inert_renders_as_plain_text(text: str):
    html = MarkdownIt("gfm-like", {"linkify": False}).renderInline(inert(text))
    assert not re.search(r"<(?!br)[a-z/!]", html)
    assert not re.search(r"@\w", html)


@given(st.text(max_size=200))
def test_inert_and_code_are_one_line_without_markup(text: str):
    parser = MarkdownIt("commonmark")
    prose = parser.parseInline("x " + inert(text))[0]
    assert {child.type for child in prose.children or []} <= {"text", "text_special"}
    quoted = parser.parseInline("x " + code(text))[0]
    assert [child.type for child in quoted.children or []] in (["text", "code_inline"],)
    assert "\n" not in code(text)


def test_fit_keeps_the_budget_and_closes_what_it_opened():
    body = "<details>\n\n```text\n" + "日本語🤗 line\n" * 9000 + "```\n</details>"
    cut = fit(body)
    assert len(cut.encode()) <= 60_000
    assert cut.count("```") == 2
    assert cut.count("<details>") == cut.count("</details>") == 1
    assert cut.endswith("did not fit here.")
    assert fit("short") == "short"


def test_one_huge_line_is_cut():
    assert len(fit("x" * 1_000_000).encode()) < 60_000


def test_plain_drops_control_characters():
    assert plain("a\x1b[0m\u202eb") == "a[0mb"


@given(st.text(alphabet=st.sampled_from("`abT_F/. @<>[]()*|\n#!&\\"), max_size=60))
def test_prose_is_text_and_code_only(text: str):
    inline = MarkdownIt("commonmark").parseInline("x " + prose(text))[0]
    assert {child.type for child in inline.children or []} <= {"text", "text_special", "code_inline"}


def test_prose_shows_names_as_code():
    said = "TFBertModel.call is not decorated with @unpack_inputs (see src/a_b.py), since 4.36; and/or _import_structure: a.b"
    assert prose(said) == (
        "`TFBertModel.call` is not decorated with `@unpack_inputs` (see `src/a_b.py`), since 4.36; and/or"
        " `_import_structure`: a.b"
    ).replace("(see", "\\(see").replace("),", "\\),")


def test_prose_shows_code():
    assert prose("`TFBertModel.call` is not decorated: *x*") == "`TFBertModel.call` is not decorated: \\*x\\*"
