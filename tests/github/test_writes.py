"""What we change, once, whatever happens on the way (cases 31-34, 38-40, 45 of the catalogue)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.github import reads, writes
from bot.github.errors import Ambiguous, Gone, Locked, PermissionMissing, Unprocessable
from bot.github.writes import Action, Output
from bot.state import Annotation, CheckRun, Comment
from tests.github.conftest import World

MARKER = "<!-- tfport:summary:1 -->"
BODY = f"**All fine.**\n\n{MARKER}"
LOST: list[dict[str, Any]] = [
    {"status": 502, "when": "after"},
    {"drop": True, "when": "after"},
    {"status": 502, "when": "before"},
    {"drop": True, "when": "before"},
]
lost = pytest.mark.parametrize("fault", LOST, ids=lambda f: f"{'drop' if 'drop' in f else '502'}-{f['when']}")


async def summary(world: World, body: str = BODY, *, look: bool = True) -> Comment:
    return await writes.create_comment(
        world.gh, world.repo, world.pull.number, marker=MARKER, body=body, look=look
    )


async def queued(world: World, external_id: str = "one", *, look: bool = True) -> CheckRun:
    return await writes.create_check_run(
        world.gh,
        world.repo,
        name="tfport",
        head_sha=world.pull.head_sha,
        external_id=external_id,
        output=Output("queued", "in a moment"),
        look=look,
    )


def notes(count: int) -> list[Annotation]:
    return [
        Annotation("modeling_tf_x.py", n % 20 + 1, n % 20 + 1, "warning", f"note {n}") for n in range(count)
    ]


# --- comments ---------------------------------------------------------------------------------------------------------


@lost
@pytest.mark.parametrize("look", [True, False])
async def test_lost_answer_one_comment(world: World, fault: dict[str, Any], look: bool) -> None:
    planned = world.hub.faults.add("POST", "/comments$", **fault)
    made = await summary(world, look=look)
    assert planned.struck == 1
    assert [comment.id for comment in world.opened.comments] == [made.id]
    assert made.app_id == world.app.id


async def test_github_stays_down(world: World) -> None:
    world.hub.faults.add("POST", "/comments$", status=503, times=None)
    with pytest.raises(Ambiguous):
        await summary(world)
    assert not world.opened.comments


async def test_crash_before_the_id_is_saved(world: World) -> None:
    first = await summary(world)
    async with world.another() as app:
        gh = app.installation(world.gh.id)
        second = await writes.create_comment(gh, world.repo, world.pull.number, marker=MARKER, body=BODY)
    assert second == first
    assert len(world.opened.comments) == 1


async def test_a_pasted_marker_is_not_ours(world: World) -> None:
    theirs = world.hub.comment("mallory", world.opened, BODY)
    made = await summary(world)
    assert made.id != theirs.id
    await writes.update_comment(world.gh, world.repo, made.id, f"edited\n\n{MARKER}")
    assert [comment.body for comment in world.opened.comments] == [BODY, f"edited\n\n{MARKER}"]
    found = await reads.issue_comments(world.gh, world.repo, world.pull.number)
    assert writes.find_comment(found, world.app.id, MARKER) == found[1]


async def test_deleted_comment(world: World) -> None:
    made = await summary(world)
    world.hub.delete_comment(made.id)
    with pytest.raises(Gone):
        await writes.update_comment(world.gh, world.repo, made.id, "x")
    await writes.delete_comment(world.gh, world.repo, made.id)
    await writes.minimize_comment(world.gh, made.node_id)
    assert (await summary(world)).id != made.id


async def test_archived_repository(world: World) -> None:
    world.hub.archive(world.origin)
    with pytest.raises(Locked):
        await summary(world)


async def test_locked_conversation_still_takes_check_runs(world: World) -> None:
    world.hub.lock_conversation(world.opened)
    denied = {"message": "Unable to create comment because issue is locked."}
    world.hub.faults.add("POST", "/comments$", status=403, body=denied, times=None)
    with pytest.raises(Locked):
        await summary(world)
    assert (await queued(world)).status == "queued"


async def test_missing_permission_is_final_and_named(world: World) -> None:
    world.hub.install(world.app, world.origin)
    world.installed.permissions = {"metadata": "read", "contents": "read", "checks": "read"}
    async with world.another() as app:
        with pytest.raises(PermissionMissing):
            await writes.create_check_run(
                app.installation(world.gh.id),
                world.repo,
                name="tfport",
                head_sha=world.pull.head_sha,
                external_id="one",
            )
    assert len(world.hub.requests("POST", "/check-runs$")) == 1


async def test_minimised_comments(world: World) -> None:
    old, new = await summary(world), await writes.create_comment(
        world.gh, world.repo, world.pull.number, marker="<!-- tfport:summary:2 -->", body="<!-- tfport:summary:2 -->"
    )  # fmt: skip
    await writes.minimize_comment(world.gh, old.node_id)
    await writes.minimize_comment(world.gh, old.node_id)
    found = await reads.comments(world.gh, world.repo, world.pull.number)
    assert {comment.id: comment.minimized for comment in found} == {old.id: True, new.id: False}
    assert world.opened.comments[0].minimized == "outdated"


async def test_reactions_are_one_of_a_kind(world: World) -> None:
    world.hub.comment("ann", world.opened, "/tfport check")
    world.hub.review_comment("ann", world.opened, "modeling_tf_x.py", 2, "/tfport check")
    world.hub.review("ann", world.opened, "/tfport check")
    for comment in await reads.comments(world.gh, world.repo, world.pull.number):
        for _ in range(2):
            await writes.add_reaction(world.gh, world.repo, comment, "eyes")
    talk = [*world.opened.comments, *world.opened.review_comments]
    talk += [review for review in world.opened.reviews if review.body]  # type: ignore[misc]
    assert [[one.content for one in remark.reactions] for remark in talk] == [["eyes"]] * 3


async def test_a_comment_that_is_not_readable_yet(world: World) -> None:
    world.hub.comment("ann", world.opened, "/tfport check")
    (comment,) = await reads.comments(world.gh, world.repo, world.pull.number)
    world.hub.faults.add("POST", "/reactions$", status=404, body={"message": "Not Found"})
    await writes.add_reaction(world.gh, world.repo, comment, "eyes")
    assert [one.content for one in world.opened.comments[0].reactions] == ["eyes"]


async def test_reviewers(world: World) -> None:
    world.hub.set_role(world.origin, "maintainer", "write")
    await writes.request_reviewers(world.gh, world.repo, world.pull.number, ["maintainer"])
    await writes.request_reviewers(world.gh, world.repo, world.pull.number, ["maintainer"])
    assert [user.login for user in world.opened.requested_reviewers] == ["maintainer"]
    with pytest.raises(Unprocessable):
        await writes.request_reviewers(world.gh, world.repo, world.pull.number, [world.author.login])


# --- check runs -------------------------------------------------------------------------------------------------------


@lost
@pytest.mark.parametrize("look", [True, False])
async def test_lost_answer_one_check_run(world: World, fault: dict[str, Any], look: bool) -> None:
    planned = world.hub.faults.add("POST", "/check-runs$", **fault)
    made = await queued(world, look=look)
    assert planned.struck == 1
    assert [run.id for run in world.hub.check_runs(world.opened)] == [made.id]
    assert (made.external_id, made.status, made.title) == ("one", "queued", "queued")


async def test_check_run_of_a_crashed_process_is_adopted(world: World) -> None:
    first = await queued(world)
    assert (await queued(world)).id == first.id
    assert (await queued(world, "two")).id != first.id
    assert len(world.hub.check_runs(world.opened)) == 2


async def test_a_whole_life(world: World) -> None:
    run = await queued(world)
    await writes.update_check_run(world.gh, world.repo, run.id, status="in_progress")
    output = Output("4 of 9 done", "the summary", "the text")
    actions = [Action("fix", "Fix it", "Applies 2 fixes")]
    await writes.update_check_run(
        world.gh, world.repo, run.id, status="completed", conclusion="neutral", output=output, actions=actions
    )
    (seen,) = await reads.check_runs(world.gh, world.repo, world.pull.head_sha)
    assert (seen.status, seen.conclusion, seen.title, seen.summary) == (
        "completed",
        "neutral",
        "4 of 9 done",
        "the summary",
    )
    (there,) = world.hub.check_runs(world.opened)
    assert (there.text, [one["identifier"] for one in there.actions]) == ("the text", ["fix"])


async def conclude(world: World, run: CheckRun, wanted: list[Annotation]) -> None:
    await writes.update_check_run(
        world.gh,
        world.repo,
        run.id,
        status="completed",
        conclusion="failure",
        output=Output("137 notes", "summary"),
        annotations=wanted,
    )


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, [0]), (1, [1]), (50, [50]), (51, [50, 1]), (137, [50, 50, 37])]
)
async def test_annotations_in_batches(world: World, count: int, sizes: list[int]) -> None:
    run, wanted = await queued(world), notes(count)
    await conclude(world, run, wanted)
    sent = world.hub.requests("PATCH", "/check-runs/")
    assert [len(one.body["output"].get("annotations", [])) for one in sent] == sizes
    assert ["conclusion" in one.body for one in sent] == [False] * (len(sizes) - 1) + [True]
    assert list(await reads.check_annotations(world.gh, world.repo, run.id)) == wanted
    assert (await reads.check_run(world.gh, world.repo, run.id)).annotations == count


@lost
@pytest.mark.parametrize("call", [0, 1, 2])
async def test_a_lost_batch_is_neither_doubled_nor_missing(
    world: World, fault: dict[str, Any], call: int
) -> None:
    run, wanted = await queued(world), notes(137)
    planned = world.hub.faults.add("PATCH", "/check-runs/", skip=call, **fault)
    await conclude(world, run, wanted)
    assert planned.struck == 1
    assert list(await reads.check_annotations(world.gh, world.repo, run.id)) == wanted
    assert (await reads.check_run(world.gh, world.repo, run.id)).conclusion == "failure"


@pytest.mark.parametrize("call", [1, 2])
async def test_a_crash_between_batches_is_resumed(world: World, call: int) -> None:
    run, wanted = await queued(world), notes(137)
    world.hub.faults.add("PATCH", "/check-runs/", skip=call, when="before", status=None, delay=1)
    task = asyncio.create_task(conclude(world, run, wanted))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(task, 0.7)
    await asyncio.sleep(0.6)  # what was on its way arrives
    await conclude(world, run, wanted)
    assert list(await reads.check_annotations(world.gh, world.repo, run.id)) == wanted
    assert (await reads.check_run(world.gh, world.repo, run.id)).status == "completed"


# --- limits, dry run --------------------------------------------------------------------------------------------------


async def test_our_own_mistakes_are_told_before_github_does(world: World) -> None:
    for wrong in (
        {"marker": "<!-- tfport:other -->", "body": BODY},
        {"marker": "no comment", "body": "no comment"},
        {"marker": MARKER, "body": MARKER + "x" * 65_536},
    ):
        with pytest.raises(ValueError):
            await writes.create_comment(world.gh, world.repo, 1, **wrong)
    with pytest.raises(ValueError, match="conclusion"):
        await writes.update_check_run(world.gh, world.repo, 1, status="completed")
    with pytest.raises(ValueError, match="output"):
        await writes.update_check_run(world.gh, world.repo, 1, status="in_progress", annotations=notes(1))
    four = [Action(str(n), str(n), "") for n in range(4)]
    with pytest.raises(ValueError, match="3 buttons"):
        await writes.update_check_run(world.gh, world.repo, 1, status="queued", actions=four)
    with pytest.raises(ValueError, match="summary"):
        Output("t", "x" * 65_536)
    with pytest.raises(ValueError, match="label"):
        Action("a", "x" * 21, "")
    long = [Annotation("a", 1, 1, "notice", "m", title="x" * 256)]
    with pytest.raises(ValueError, match="title"):
        await writes.update_check_run(
            world.gh, world.repo, 1, status="in_progress", output=Output("t", "s"), annotations=long
        )
    assert not world.hub.writes


async def test_the_longest_texts_are_taken(world: World) -> None:
    """GitHub counts characters, not bytes."""
    long = "✓" * (65_536 - len(MARKER) - 2) + f"\n\n{MARKER}"
    assert (await summary(world, long)).body == long
    run = await queued(world)
    output = Output("x" * 255, "漢" * 65_535, "😀" * 65_535)
    await writes.update_check_run(world.gh, world.repo, run.id, status="in_progress", output=output)


async def test_readonly_changes_nothing(world: World) -> None:
    async with world.another(readonly=True) as app:
        gh = app.installation(world.gh.id)
        comment = await writes.create_comment(gh, world.repo, world.pull.number, marker=MARKER, body=BODY)
        assert (comment.id, comment.body, comment.app_id) == (0, BODY, world.app.id)
        await writes.update_comment(gh, world.repo, comment.id, BODY)
        await writes.add_reaction(gh, world.repo, comment, "eyes")
        await writes.minimize_comment(gh, comment.node_id)
        run = await writes.create_check_run(
            gh, world.repo, name="tfport", head_sha=world.pull.head_sha, external_id="one"
        )
        assert (run.id, run.status) == (0, "queued")
        await writes.update_check_run(
            gh,
            world.repo,
            run.id,
            status="completed",
            conclusion="success",
            output=Output("t", "s"),
            annotations=notes(60),
        )
    assert not world.hub.writes
