"""What people decide by commands: who may, what it covers, and that it is never lost nor said twice."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot import outbox as o
from bot.decisions import Decision, decisions, marker, standing
from bot.state import User
from checks.report import Report
from tests.fixtures.pretend import APP, AUTHOR, HEAD, NOW, Pretend, report, says, situation

GANTE = User(21, "gante")
STRANGER = User(31, "passer-by")
OTHER = "c" * 40


def failing() -> Pretend:
    hub = Pretend(situation())
    hub.run("announced")
    hub.run("reported", report("doc-table"))
    assert hub.conclusion("tfport / docs") == "failure"
    return hub


def look(hub: Pretend, failing_item: str = "doc-table") -> list[o.Write]:
    """A whole look, as the workflow takes it."""
    return [*hub.run("announced"), *hub.run("running"), *hub.run("reported", report(failing_item))]


def test_a_waiver_lets_the_item_pass_and_says_who_and_why():
    hub = failing()
    hub.says(GANTE, "/tfport waive doc-table The table is gone <!-- --> on main, @all", "write")
    look(hub)
    assert hub.conclusion("tfport / docs") == hub.conclusion() == "success"
    (reply,) = [body for body in hub.said if "tfport:reply" in body]
    assert reply.startswith("`doc-table` is waived (1 finding) by gante: The table is gone")
    assert "@all" not in reply.partition("<!-- tfport:reply")[0]
    assert "waived by gante" in hub.summaries[-1]


def test_a_waiver_is_void_when_the_code_changes():
    hub = failing()
    hub.says(GANTE, "/tfport waive doc-table fine", "write")
    look(hub)
    hub.pushes(OTHER)
    hub.run("reported", replace(report("doc-table"), head=OTHER))
    assert hub.conclusion() == "success", "the same code at another commit"
    hub.pushes("d" * 40)
    changed = report("doc-table")
    finding = replace(changed.findings[0], id="", message="other").identify("other code")
    hub.run("reported", replace(changed, head="d" * 40, findings=(finding,)))
    assert hub.conclusion() == "failure"


def test_a_waiver_of_an_item_without_finding_holds_for_its_commit():
    hub = Pretend(situation())
    bare = replace(report("matches-pytorch"), findings=())
    hub.run("reported", bare)
    hub.says(GANTE, "/tfport waive matches-pytorch 2e-5 in the last layer only", "write")
    for phase in ("announced", "running", "reported"):
        hub.run(phase, bare if phase == "reported" else None)
    assert hub.conclusion() == "success"
    hub.pushes(OTHER)
    hub.run("reported", replace(bare, head=OTHER))
    assert hub.conclusion() == "failure"


def test_the_figure_of_a_waived_difference_is_the_limit_for_later_pushes():
    def measured(head: str, value: float | None, line: str) -> Report:
        bare = report("matches-pytorch")
        finding = replace(bare.findings[0], id="").identify(line)
        entry = {
            "class": "TFBrandNewBertModel", "state": "different", "precision": "float64",
            "difference": {"float64": value}, "variants": [{"id": "plain", "difference": value}],
        }  # fmt: skip
        return replace(bare, head=head, findings=(finding,), comparison=(entry,))

    hub = Pretend(situation())
    first = measured(HEAD, 3e-4, "some code")
    hub.run("reported", first)
    hub.says(GANTE, "/tfport waive matches-pytorch the resize of TensorFlow is another one", "write")
    for phase in ("announced", "running", "reported"):
        hub.run(phase, first if phase == "reported" else None)
    assert hub.conclusion() == "success"
    assert "may differ by 3e-4" in hub.said[-1]
    for head, value, line, verdict in (
        ("d" * 40, 2e-4, "other code", "success"),
        ("e" * 40, 4e-4, "some code", "failure"),
        ("f" * 40, None, "some code", "failure"),
        ("a" * 40, 3e-4, "other code", "success"),
    ):
        hub.pushes(head)
        hub.run("reported", measured(head, value, line))
        assert hub.conclusion() == verdict, (value, line)


def test_unwaive():
    hub = failing()
    hub.says(GANTE, "/tfport waive doc-table fine", "write")
    look(hub)
    hub.says(GANTE, "/tfport unwaive doc-table", "write")
    look(hub)
    assert hub.conclusion() == "failure"
    hub.says(GANTE, "/tfport unwaive doc-table", "write")
    look(hub)
    assert "was not waived" in hub.said[-1]


@pytest.mark.parametrize(
    ("who", "rights", "body", "reply"),
    [
        (AUTHOR, "read", "/tfport waive doc-table it is fine", "is for maintainers"),
        (STRANGER, "none", "/tfport dispute doc-table no", "is for the author"),
        (STRANGER, "none", "/tfport ask", "is for the author"),
        (STRANGER, "none", "/tfport pause", "is for the author"),
        (GANTE, "write", "/tfport waive doc-table", "needs the reason behind `doc-table`"),
        (GANTE, "write", "/tfport waive main-init because", "nothing to waive"),
        (GANTE, "write", "/tfport waive nonsense because", "knows no item or rule"),
        (GANTE, "write", "/tfport waive doc-table " + "x" * 2000, "at most 1000 characters"),
        (AUTHOR, "none", "/tfport resume", "I was not paused"),
        (AUTHOR, "none", "/tfport explain", "needs the name"),
    ],
)
def test_what_is_refused(who: User, rights: str, body: str, reply: str):
    hub = failing()
    hub.says(who, body, rights)  # type: ignore[arg-type]
    look(hub)
    assert reply in hub.said[-1]
    assert hub.now.comments[-2].reactions & {"-1", "confused"}
    assert hub.conclusion() == "failure"
    assert not standing(decisions(hub.now.mine)).waivers


def test_an_edit_runs_only_what_it_added():
    hub = failing()
    number = hub.says(AUTHOR, "/tfport explain doc-table")
    look(hub)
    replies = len(hub.said)
    hub.edits(number, "/tfport explain doc-table\n\nThanks!")
    assert look(hub) == []
    hub.edits(number, "/tfport explain doc-table\n\n/tfport explain main-init")
    look(hub)
    assert len(hub.said) == replies + 1
    assert "main-init" in hub.said[-1]
    assert "doc-table" not in hub.said[-1]
    # Whoever edits a command into a comment gets no more than its author may have.
    hub.edits(number, "/tfport waive doc-table hm")
    look(hub)
    assert "is for maintainers" in hub.said[-1]


def test_without_the_ledger_a_reaction_speaks_for_the_whole_comment():
    hub = failing()
    number = hub.says(AUTHOR, "/tfport explain doc-table")
    look(hub)
    comments = tuple(replace(comment, handled=None) for comment in hub.now.comments)
    hub.now = replace(hub.now, comments=comments)
    hub.edits(number, "/tfport ask")
    assert look(hub) == []


def test_a_call_for_help_names_the_maintainers_once_a_day():
    hub = failing()
    hub.says(AUTHOR, "/tfport ask Why does the table not count? @everybody")
    look(hub)
    call = hub.said[-1]
    assert call.startswith("@gante @Rocketknight1: ada asks for help with the TensorFlow port of `bert`.")
    assert "> Why does the table not count?" in call
    assert "@everybody" not in call.partition("<!--")[0]
    assert "1. `doc-table`" in call
    hub.says(AUTHOR, "/tfport ask Anybody?")
    look(hub)
    assert "once a day is enough" in hub.said[-1]
    later = says(9000, AUTHOR, "/tfport ask Still stuck")
    later = replace(later, created_at=NOW + timedelta(days=1, minutes=1))
    hub.now = replace(hub.now, comments=(*hub.now.comments, later))
    look(hub)
    assert hub.said[-1].startswith("@gante @Rocketknight1: ada asks")


def test_a_dispute_asks_the_maintainers_and_stands_in_the_summary():
    hub = failing()
    hub.says(AUTHOR, "/tfport dispute doc-table The table was removed last week")
    look(hub)
    assert hub.said[-1].startswith("@gante @Rocketknight1: ada holds `doc-table` for wrong here:")
    assert "disputed by ada" in hub.summaries[-1]
    assert hub.conclusion() == "failure"


def test_pause_and_resume():
    hub = failing()
    hub.says(AUTHOR, "/tfport pause")
    look(hub)
    before = len(hub.now.check_runs)
    hub.pushes(OTHER)
    look(hub)
    assert len(hub.now.check_runs) == before + 1, "only the gate says that it is paused"
    assert hub.now.check_runs[-1].title == "Paused"
    hub.says(AUTHOR, "/tfport resume")
    announced = hub.run("announced")
    assert sum(isinstance(write, o.CreateCheckRun) for write in announced) == 6
    hub.run("reported", replace(report("doc-table"), head=OTHER))
    assert hub.conclusion() == "failure"


def test_status_says_whose_turn_it_is():
    hub = failing()
    hub.says(STRANGER, "/tfport status")
    look(hub)
    assert "Next is the author's turn" in hub.said[-1]


def test_a_marker_of_somebody_else_decides_nothing():
    decision = Decision("waive", "doc-table", "ada", 11, "mine", ("x",), HEAD, "", NOW.isoformat())
    hub = failing()
    hub.says(AUTHOR, marker(decision))
    look(hub)
    assert not standing(decisions(hub.now.mine)).waivers


@pytest.mark.parametrize("text", ['{"kind":"waive"}', "{}", "{[}", '{"kind":"x","name":1}'])
def test_a_marker_that_was_tampered_with_decides_nothing(text: str):
    comment = says(1, User(99, "tfport[bot]", True), f"<!-- tfport:decision {text} -->", APP)
    assert decisions([comment]) == []


def test_a_marker_survives_whatever_is_in_it():
    nasty = 'a --> <!-- tfport:summary --> "quoted" \\u003e ünïcode \n@x'
    decision = Decision("dispute", "x", "ada", 11, nasty, ("a", "b"), HEAD, "http://x", NOW.isoformat())
    text = marker(decision)
    assert text.count("-->") == text.count("<!--") == 1
    assert decisions([says(1, GANTE, f"hello\n\n{text}")]) == [decision]
    assert json.loads(text.removeprefix("<!-- tfport:decision ").removesuffix(" -->"))["text"] == nasty
