"""The decision without GitHub: the same situation twice gives no second write, and every phase adds only what is missing."""

from dataclasses import replace

from bot import outbox as o
from bot import plan as p
from bot.policy import RepositoryConfig
from bot.state import ChangedFile, User
from tests.fixtures.pretend import (
    AUTHOR,
    HEAD,
    PORT,
    Pretend,
    pull,
    report,
    situation,
)


def test_a_port_from_queued_to_concluded():
    hub = Pretend(situation())
    queued = hub.run("announced")
    assert [w.name for w in queued if isinstance(w, o.CreateCheckRun)] == [
        "tfport",
        "tfport / architecture",
        "tfport / registration",
        "tfport / docs",
        "tfport / tests",
        "tfport / execution",
    ]
    hub.run("running")
    hub.run("reported", report("unpack-inputs"))
    assert {run.name: run.conclusion for run in hub.now.check_runs} == {
        "tfport": "failure",
        "tfport / architecture": "failure",
        "tfport / registration": "success",
        "tfport / docs": "success",
        "tfport / tests": "success",
        "tfport / execution": "success",
    }
    (summary,) = hub.summaries
    assert "cc @gante @Rocketknight1" in summary


def test_the_summary_is_edited_while_the_verdict_stays_and_new_when_it_flips():
    hub = Pretend(situation())
    hub.run("reported", report("unpack-inputs"))
    first = hub.now.comments[0]
    hub.now = replace(hub.now, pull=pull(head_sha="c" * 40))
    writes = hub.run("reported", report("main-init"))
    assert [type(w) for w in writes if not isinstance(w, o.CreateCheckRun)] == [o.EditComment]
    hub.now = replace(hub.now, pull=pull(head_sha="d" * 40))
    hub.run("reported", report())
    assert hub.minimized == [first.node_id]
    (summary,) = hub.summaries
    assert "verdict=ready" in summary
    assert "cc @" not in summary


def test_an_internal_error_flips_nothing():
    hub = Pretend(situation())
    hub.run("reported", report())
    hub.run("reported", report("main-init", "error"))
    assert len(hub.now.comments) == 1


def test_nothing_for_a_pull_request_that_ports_nothing():
    other = ChangedFile("src/transformers/models/bert/modeling_bert.py", "added", "+class BertModel")
    ours = ChangedFile(
        "src/transformers/models/auto/modeling_tf_auto.py", "modified", "+class TFAutoModelForX:"
    )
    for files in ((), (other,), (ours,), (replace(PORT, status="removed"),)):
        hub = Pretend(situation(files=files))
        hub.says(AUTHOR, "/tfport help")
        assert hub.run("announced") == []
        assert p.settled(hub.now)


def test_what_only_the_content_tells_is_not_announced():
    widened = ChangedFile(PORT.path, "modified", "+class TFBertForX(TFBertPreTrainedModel):")
    hub = Pretend(situation(files=(widened,)))
    hub.says(AUTHOR, "/tfport help")
    assert hub.run("announced") == []
    assert hub.run("running") == []
    assert hub.run("reported", None) == []
    assert hub.run("reported", report("main-init"))
    assert len(hub.now.check_runs) == 6


def test_a_base_without_tensorflow_is_told_once():
    hub = Pretend(situation(tensorflow=False))
    (write,) = hub.run("announced")
    assert isinstance(write, o.CreateComment)
    assert "no TensorFlow support" in write.body


def test_a_port_that_was_taken_back():
    hub = Pretend(situation())
    hub.run("announced")
    hub.run("reported", report("main-init"))
    hub.now = replace(hub.now, files=())
    hub.run("announced")
    assert "no TensorFlow port any more" in hub.now.comments[0].body
    hub.now = replace(hub.now, files=(PORT,))
    hub.run("reported", report("main-init"))
    assert len(hub.summaries) == 1


def test_a_push_retires_what_the_old_head_left():
    hub = Pretend(situation())
    hub.run("announced")
    hub.now = replace(hub.now, pull=pull(head_sha="c" * 40))
    hub.run("announced")
    old = [run for run in hub.now.check_runs if run.head_sha == HEAD]
    assert {run.conclusion for run in old} == {"cancelled"}


def test_a_closed_pull_request_gets_no_more_than_its_runs_closed():
    hub = Pretend(situation())
    hub.run("announced")
    hub.now = replace(hub.now, pull=pull(open=False))
    hub.run("reported", report("main-init"))
    assert {run.conclusion for run in hub.now.check_runs} == {"cancelled"}
    assert hub.summaries == []


def test_check_runs_follow_the_draft_state():
    hub = Pretend(situation())
    hub.run("reported", report("main-init", "waiting"))
    hub.now = replace(hub.now, pull=pull(draft=False))
    hub.run("reported", report("main-init"))
    assert [r.conclusion for r in hub.now.check_runs if r.name == "tfport"] == ["neutral", "failure"]


def test_check_again_by_the_author_and_not_by_a_stranger():
    hub = Pretend(situation())
    hub.run("reported", report("main-init"))
    runs = len(hub.now.check_runs)
    hub.says(AUTHOR, "/tfport check main-init")
    hub.run("announced")
    assert [run.name for run in hub.now.check_runs[runs:]] == ["tfport", "tfport / registration"]
    assert hub.now.comments[-1].reactions == {"eyes"}
    hub.run("reported", report())
    runs = len(hub.now.check_runs)
    hub.says(User(66, "stranger"), "/tfport check")
    hub.run("announced")
    assert len(hub.now.check_runs) == runs
    assert "for the author" in hub.now.comments[-1].body
    assert hub.now.comments[-2].reactions == {"-1"}


def test_ten_checks_in_a_minute_are_one():
    hub = Pretend(situation())
    hub.run("reported", report())
    for _ in range(10):
        hub.says(AUTHOR, "/tfport check")
    writes = hub.run("announced")
    assert sum(isinstance(w, o.CreateCheckRun) for w in writes) == 6
    hub.says(AUTHOR, "/tfport check")
    assert [type(w) for w in hub.run("announced")] == [o.React, o.Remember]


def test_a_wrong_command_is_answered_once():
    hub = Pretend(situation())
    hub.says(AUTHOR, "/tfport chek")
    hub.run("announced")
    assert hub.now.comments[0].reactions == {"confused"}
    assert "did you mean `/tfport check`" in hub.now.comments[1].body


def test_a_copied_marker_is_not_adopted():
    hub = Pretend(situation())
    hub.run("reported", report())
    forged = replace(hub.now.comments[0], app_id=None, author=User(66, "stranger"), id=5)
    hub.now = replace(hub.now, comments=(forged,))
    hub.run("reported", report("main-init"))
    assert hub.now.comments[0] == forged
    assert len(hub.now.comments) == 2


def test_our_own_failure_fails_nothing():
    hub = Pretend(situation())
    hub.run("announced")
    for write in p.confess(hub.now):
        hub.apply(write)
    assert {run.conclusion for run in hub.now.check_runs} == {"cancelled"}


def test_a_switched_off_repository_is_left_alone():
    assert Pretend(situation(config=RepositoryConfig(enabled=False))).run("announced") == []


def test_a_comment_full_of_mistakes_gets_one_short_answer():
    hub = Pretend(situation())
    hub.says(User(66, "stranger"), "\n".join(f"/tfport c{number}{'x' * 50}" for number in range(700)))
    hub.run("announced")
    assert len(hub.now.comments[-1].body) < 2000


def test_a_port_that_extends_a_module_is_answered_like_any_other():
    widened = ChangedFile(PORT.path, "modified", "+class TFBertForX(TFBertPreTrainedModel):")
    hub = Pretend(situation(files=(widened,)))
    hub.run("reported", report("main-init"))
    assert p.settled(hub.now)
    hub.says(AUTHOR, "/tfport check")
    assert not p.settled(hub.now)
    writes = hub.run("announced")
    assert sum(isinstance(write, o.CreateCheckRun) for write in writes) == 6
    assert hub.now.comments[-1].reactions == {"eyes"}


def test_what_is_switched_off_or_has_no_tensorflow_leaves_nothing_hanging():
    for change in ({"tensorflow": False}, {"config": RepositoryConfig(enabled=False)}):
        hub = Pretend(situation())
        hub.run("announced")
        hub.now = replace(hub.now, **change)  # type: ignore[arg-type]
        hub.run("announced")
        assert {run.conclusion for run in hub.now.check_runs} == {"cancelled"}


def test_only_a_new_file_in_its_place_is_announced():
    name = PORT.path.rpartition("/")[2]
    moved = (PORT, ChangedFile(f"src/transformers/{name}", "removed"))
    shared = (ChangedFile("src/transformers/modeling_tf_newshared.py", "added", "+x = 1"),)
    for files in (moved, shared):
        assert situation(files=files).brings_port is None
        assert Pretend(situation(files=files)).run("announced") == []


def test_another_base_branch_is_checked_anew():
    hub = Pretend(situation())
    hub.run("reported", report())
    hub.now = replace(hub.now, pull=pull(base_ref="b2"))
    assert not p.settled(hub.now)
    assert sum(isinstance(write, o.CreateCheckRun) for write in hub.run("announced")) == 6
