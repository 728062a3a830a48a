"""One review per head, whatever GitHub declines (cases 41, 42 of the catalogue)."""

from __future__ import annotations

from typing import Any

import pytest

from bot.diff import LineComment, on_diff
from bot.github import reads, reviews
from bot.github.errors import Unprocessable
from bot.github.reviews import Posted
from bot.state import ChangedFile
from tests.github.conftest import World
from tests.github.test_writes import lost

MARKER = "<!-- tfport:review:1 -->"
FILE = "modeling_tf_x.py"
FINE = [LineComment(FILE, 3, "three"), LineComment(FILE, 9, "seven to nine", start_line=7)]
WRONG = [LineComment(FILE, 400, "nowhere"), LineComment("setup.py", 1, "not in the diff")]


async def post(world: World, comments: list[LineComment], **options: Any) -> Posted:
    return await reviews.create_review(
        world.gh,
        world.repo,
        world.pull.number,
        head_sha=world.pull.head_sha,
        marker=MARKER,
        body=f"I looked.\n\n{MARKER}",
        comments=comments,
        **options,
    )


def there(world: World) -> list[tuple[str, str]]:
    return [(review.state, review.body) for review in world.opened.reviews]


def lines(world: World) -> list[tuple[int | None, int | None, str]]:
    return [(one.start_line, one.line, one.body) for one in world.opened.review_comments]


async def test_one_review_with_all_comments(world: World) -> None:
    posted = await post(world, FINE)
    assert posted.left_out == ()
    assert there(world) == [("COMMENTED", f"I looked.\n\n{MARKER}")]
    assert lines(world) == [(None, 3, "three"), (7, 9, "seven to nine")]
    assert (
        len(
            [
                n
                for n in world.hub.notifications
                if n.repository == world.repo.full_name and n.actor == "tfport[bot]"
            ]
        )
        <= 1
    )


async def test_repeating_it_posts_nothing(world: World) -> None:
    first = await post(world, FINE)
    async with world.another() as app:
        gh = app.installation(world.gh.id)
        second = await reviews.create_review(
            gh,
            world.repo,
            1,
            head_sha=world.pull.head_sha,
            marker=MARKER,
            body=MARKER,
            comments=[*FINE, *WRONG],
        )
    assert (second.id, second.left_out) == (first.id, tuple(WRONG))
    assert len(there(world)) == 1


@lost
@pytest.mark.parametrize("look", [True, False])
async def test_lost_answer_one_review(world: World, fault: dict[str, Any], look: bool) -> None:
    planned = world.hub.faults.add("POST", "/reviews$", **fault)
    await post(world, FINE, look=look)
    assert planned.struck == 1
    assert len(there(world)) == 1
    assert len(lines(world)) == 2


@pytest.mark.parametrize("order", [[*FINE, *WRONG], [*WRONG, *FINE], [WRONG[0], *FINE, WRONG[1]]])
async def test_lines_off_the_diff_are_left_out(world: World, order: list[LineComment]) -> None:
    posted = await post(world, order)
    assert set(posted.left_out) == set(WRONG)
    assert [state for state, _ in there(world)] == ["COMMENTED"]
    assert [body for *_, body in lines(world)] == ["three", "seven to nine"]


async def test_all_lines_off_the_diff(world: World) -> None:
    posted = await post(world, WRONG)
    assert posted.left_out == tuple(WRONG)
    assert (len(there(world)), lines(world)) == (1, [])


async def test_pending_review_of_a_crash_is_thrown_away(world: World) -> None:
    path = f"repos/{world.repo.full_name}/pulls/1/reviews"
    await world.gh.write("POST", path, {"commit_id": world.pull.head_sha, "comments": []}, kind="other")
    assert [state for state, _ in there(world)] == ["PENDING"]
    await post(world, FINE)
    assert [state for state, _ in there(world)] == ["COMMENTED"]


async def test_pending_review_of_somebody_else_stays(world: World) -> None:
    world.hub.review("ann", world.opened, "thinking", event=None)
    await post(world, FINE)
    assert sorted(state for state, _ in there(world)) == ["COMMENTED", "PENDING"]


async def test_head_that_moved_on_is_told(world: World) -> None:
    world.hub.faults.add(
        "POST", "/reviews$", status=422, times=None, body={"message": "Unprocessable Entity"}
    )
    with pytest.raises(Unprocessable):
        await post(world, FINE)
    assert not there(world)


async def test_comments_sorted_by_the_diff(world: World) -> None:
    files, _ = await reads.changed_files(world.gh, world.repo, world.pull.number)
    assert on_diff([*FINE, *WRONG], files) == (tuple(FINE), tuple(WRONG))


def test_hunks() -> None:
    patch = "@@ -1,3 +1,4 @@ def f():\n a\n+b\n c\n d\n@@ -20,2 +21,2 @@\n x\n-y\n+z\n"
    file = ChangedFile("a.py", "modified", patch)
    legal = [
        LineComment("a.py", n, "") for n in range(1, 30) if on_diff([LineComment("a.py", n, "")], [file])[0]
    ]
    assert [comment.line for comment in legal] == [1, 2, 3, 4, 21, 22]
    across = LineComment("a.py", 21, "", start_line=4)
    assert on_diff([across], [file]) == ((), (across,))
    assert on_diff([LineComment("a.py", 1, "")], [ChangedFile("a.py", "modified", None)])[0] == ()
