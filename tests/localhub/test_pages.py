"""The pages: what a reader sees of what was written."""

from __future__ import annotations

import httpx
import pytest

from bot.localhub import LocalHub, markdown
from bot.localhub.state import Pull
from tests.localhub.conftest import Client


def get(hub: LocalHub, path: str) -> str:
    answer = httpx.get(hub.url + path, trust_env=False, timeout=20)
    assert answer.status_code == 200, path
    assert "text/html" in answer.headers["content-type"]
    return answer.text


@pytest.fixture
def talk(hub: LocalHub, client: Client, pull: Pull) -> Pull:
    """A pull request on which everything happened once."""
    hub.comment("gante", pull, "Thanks! `@nobody` **bold**")
    old = client("POST", "issues/1/comments", {"body": "old summary"}).json()
    pull.comments[-1].minimized = "outdated"
    assert old
    suggestion = "Better so:\n```suggestion\nTWO & <b>\n```"
    comments = [{"path": "src/tf_bert.py", "line": 2, "body": suggestion}]
    client("POST", "pulls/1/reviews", {"event": "COMMENT", "body": "One thing", "comments": comments})
    note = {
        "path": "src/tf_bert.py",
        "start_line": 3,
        "end_line": 3,
        "annotation_level": "failure",
        "message": "no <i>",
    }
    run = {"name": "tfport / docs", "head_sha": pull.head_sha, "conclusion": "failure",
           "output": {"title": "1 of 2 failed", "summary": "| a | b |\n|---|---|\n| 1 | 2 |", "annotations": [note]},
           "actions": [{"label": "Fix", "description": "Do it", "identifier": "fix"}]}  # fmt: skip
    assert client("POST", "check-runs", run).status_code == 201
    return pull


def test_list_and_conversation(hub: LocalHub, talk: Pull) -> None:
    assert 'href="/huggingface/transformers/pulls"' in get(hub, "/")
    assert "Add TensorFlow port" in get(hub, "/huggingface/transformers/pulls")
    page = get(hub, "/huggingface/transformers/pull/1")
    assert "<em>port</em>" in page
    assert "<strong>bold</strong>" in page
    assert "This comment was marked as outdated." in page
    assert "Suggested change" in page
    assert '<span class="gone">two</span><span class="fresh">TWO &amp; &lt;b&gt;</span>' in page
    assert "Some checks were not successful" in page
    assert "1 failing" in page


def test_checks_and_files(hub: LocalHub, talk: Pull) -> None:
    page = get(hub, "/huggingface/transformers/pull/1/checks")
    assert "1 of 2 failed" in page
    assert "<td>1</td>" in page
    assert "no &lt;i&gt;" in page
    assert "Fix</span>" in page
    page = get(hub, "/huggingface/transformers/pull/1/files")
    assert page.count('class="annotation failure"') == 1
    assert page.count('class="box thread"') == 1
    for run in hub.state.runs.values():
        assert "1 of 2 failed" in get(hub, f"/huggingface/transformers/runs/{run.id}")


def test_other_pages(hub: LocalHub, talk: Pull) -> None:
    assert 'id="L3"' in get(hub, f"/huggingface/transformers/blob/{talk.head_sha}/src/tf_bert.py")
    assert "<h1>Transformers</h1>" in get(hub, "/huggingface/transformers/blob/main/README.md")
    assert "tf_bert.py" in get(hub, f"/huggingface/transformers/commit/{talk.head_sha}")
    assert "checks: write" in get(hub, "/apps/tfport")
    for path in (
        "/_style.css",
        "/_version",
        f"/_avatars/{hub.user('gante').id}",
        "/huggingface/transformers/raw/main/README.md",
    ):
        assert httpx.get(hub.url + path, trust_env=False).status_code == 200
    for path in (
        "/a",
        "/a/b/pulls",
        "/huggingface/transformers/pull/9",
        "/huggingface/transformers/pull/x",
        "/_avatars/9",
    ):
        assert httpx.get(hub.url + path, trust_env=False).status_code == 404, path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<script>alert(1)</script>", ""),
        ('<img src=x onerror="alert(1)">', '<img src="x">'),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("a\nb", "<p>a<br>\nb</p>"),
        ("hi @gante!", '<p>hi <a class="mention" href="/gante">@gante</a>!</p>'),
        ("`@gante`", "<p><code>@gante</code></p>"),
        ("<details><summary>s</summary>\n\n**b**\n\n</details>", "<details><summary>s</summary>\n<p><strong>b</strong></p>\n</details>"),
        ("~~x~~ https://a.example", '<p><s>x</s> <a href="https://a.example">https://a.example</a></p>'),
        ("<!-- tfport -->\nx", "<p>x</p>"),
    ],
)  # fmt: skip
def test_markdown(text: str, wanted: str) -> None:
    assert markdown.render(text).strip() == wanted


def test_code_is_coloured_and_tasks_have_boxes() -> None:
    assert '<span class="k">def</span>' in markdown.render("```python\ndef f(): ...\n```")
    assert (
        '<input class="task-list-item-checkbox" checked="checked" disabled="disabled" type="checkbox">'
        in markdown.render("- [x] done")
    )
