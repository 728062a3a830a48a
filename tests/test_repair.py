"""Requests for fixes: who may, what came of them, and buttons. Pure."""

from dataclasses import replace

import pytest

from bot import outbox as o
from bot.check_runs import SECTIONS
from bot.plan import settled
from bot.repair import Click, Repaired, Request, fixable, message, not_pushable, of_click, pushed
from bot.state import User
from checks.report import Edit
from tests.fixtures.pretend import AUTHOR, REPOSITORY, Pretend, pull, report, situation

GANTE = User(21, "gante")
CLICK = Click(
    key="click1", by_id=21, by="gante", action="fix", section="docs", at="2023-12-13T12:00:00+00:00"
)


@pytest.mark.parametrize(
    ("click", "permission", "may"),
    [
        (CLICK, "write", True),
        (CLICK, "admin", True),
        (CLICK, "read", False),
        (CLICK, "none", False),
        ({**CLICK, "by_id": AUTHOR.id}, "read", True),
        ({**CLICK, "by": AUTHOR.login}, "read", False),  # a login is no identity
        ({**CLICK, "action": "check"}, "write", False),
    ],
)
def test_who_may_click(click: Click, permission: str, may: bool):
    assert (of_click(click, permission, AUTHOR) is not None) is may  # type: ignore[arg-type]


def test_a_commit_is_found_by_the_line_of_its_request():
    request = Request("issue7.abc", GANTE, (), CLICK["at"])
    text = message(request, ["doc-table", "doc-table", "losses"], pull())
    assert text.startswith("Apply 3 fixes of tfport\n\ndoc-table, losses\n")
    assert "@" not in text
    assert pushed(request, [("a" * 40, "other"), ("b" * 40, text)]) == Repaired("pushed", "gante", "b" * 40)
    assert pushed(replace(request, key="issue7.ab"), [("b" * 40, text)]) is None


@pytest.mark.parametrize(
    ("changes", "granted", "wanted", "why"),
    [
        ({}, "write", True, ""),
        ({}, "write", False, "only read"),
        ({}, "read", True, "only read"),
        ({"head_repo": None}, "write", True, "the fork is gone"),
        ({"head_repo": replace(REPOSITORY, id=2)}, "write", True, "does not allow edits"),
        ({"head_repo": replace(REPOSITORY, id=2), "maintainer_can_modify": True}, "write", True, ""),
    ],
)
def test_where_a_commit_may_go(changes: dict[str, object], granted: str, wanted: bool, why: str):
    found = not_pushable(pull(**changes), REPOSITORY.id, granted, wanted=wanted)
    assert why in found
    assert bool(found) is bool(why)


def with_edit(level: str = "error"):
    made = report("doc-table")
    (finding,) = made.findings
    return replace(
        made, findings=(replace(finding, level=level, edits=(Edit(finding.path, (1, 1), (1, 1), "x"),)),)
    )  # type: ignore[arg-type]


def test_what_the_button_counts():
    assert fixable(with_edit()) == fixable(with_edit(), "docs") == 1
    assert fixable(with_edit(), "tests") == 0
    assert fixable(with_edit("suggestion")) == 0
    assert fixable(report("doc-table")) == 0


def test_buttons_stand_on_what_can_be_mended():
    hub = Pretend(situation())
    writes = hub.run("reported", with_edit())
    runs = [write for write in writes if isinstance(write, o.CreateCheckRun)]
    assert len(runs) == 1 + len(SECTIONS)
    for run in runs:
        labels = [button.label for button in run.output.buttons]
        fixes = run.name in ("tfport", "tfport / docs")
        assert labels == (["Apply 1 fix", "Check again"] if fixes else ["Check again"])
        for button in run.output.buttons:
            assert len(button.label) <= 20
            assert len(button.description) <= 40


def test_a_request_is_answered_once_with_what_came_of_it():
    hub = Pretend(situation())
    hub.run("reported", with_edit())
    number = hub.says(AUTHOR, "/tfport fix")
    assert not settled(hub.now)
    assert not [w for w in hub.run("reported", with_edit()) if isinstance(w, o.CreateComment)], (
        "nobody did it yet"
    )
    from bot.answers import repairs_wanted

    (request,) = repairs_wanted(hub.now)
    patch = Repaired(
        "patch",
        AUTHOR.login,
        patch="--- a/x\n+++ b/x\n```<!-- -->\n",
        why="I only read here",
        rules=("doc-table",),
    )
    hub.now = replace(hub.now, repairs={request.key: patch})
    hub.run("reported", with_edit())
    assert "````diff" in hub.said[-1]
    assert "1 fix as a patch" in hub.said[-1]
    comment = next(c for c in hub.now.comments if c.id == number)
    assert "eyes" in comment.reactions


def test_a_click_with_a_patch_is_answered_with_who_clicked():
    hub = Pretend(situation(click=CLICK, repairs={"click1": Repaired("nothing", "gante", left=2)}))
    hub.run("reported", report("doc-table"))
    (said,) = [body for body in hub.said if "tfport:reply" in body]
    assert said.startswith(
        "gante clicked the button for fixes. There is nothing that I could fix by myself. 2 findings need a person."
    )
