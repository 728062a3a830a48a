"""What GitHub says, as our types (cases 19, 20, 23, 30, 43, 44 of the catalogue)."""

from __future__ import annotations

import base64

import pytest
from starlette.responses import JSONResponse, Response

from bot.github import reads, writes
from bot.github.decode import GHOST
from bot.github.errors import Gone
from bot.github.session import GitHubApp
from bot.localhub.state import Reaction
from bot.state import Repository
from checks.errors import UserError
from tests.github.conftest import World
from tests.github.fake import FAST, Call, Fake, connected

REPO = Repository(5, "o", "r", "main", "", "")


async def test_a_pull_request(world: World) -> None:
    world.hub.label(world.opened, "TensorFlow", "wip")
    pull = await world.again()
    assert (pull.draft, pull.open, pull.merged, pull.locked) == (True, True, False, False)
    assert (pull.author.id, pull.author.login) == (world.author.id, world.author.login)
    assert pull.head_sha == world.opened.head_sha
    assert pull.head_repo
    assert pull.head_repo.id == world.fork.id
    assert (pull.base_ref, pull.base_sha) == ("main", world.opened.base_sha)
    assert pull.labels == ("TensorFlow", "wip")
    assert world.repo.clone_url.endswith(f"/{world.repo.full_name}.git")
    world.hub.merge(world.opened)
    pull = await world.again()
    assert (pull.open, pull.merged) == (False, True)


async def test_deleted_fork(world: World) -> None:
    world.hub.delete_repository(world.fork)
    pull = await world.again()
    assert pull.head_repo is None
    assert not pull.open


async def test_renamed_repository(world: World) -> None:
    """By its id it is found under its new name; the old name leads there too."""
    world.hub.comment("ann", world.opened, "hello")
    world.hub.rename_repository(world.origin, "renamed")
    assert (await reads.repository(world.gh, world.repo.id)).name == "renamed"
    found = await reads.issue_comments(world.gh, world.repo, world.pull.number)
    assert [comment.body for comment in found] == ["hello"]
    # Where GitHub's redirects lead, its description knows of nothing.
    world.hub.violations[:] = [text for text in world.hub.violations if "/repositories/" not in text]


async def test_another_repository_with_the_old_name(world: World) -> None:
    """The name was given to another repository: it is not taken for the one we know."""
    old = world.repo.full_name
    world.hub.rename_repository(world.origin, "renamed")
    other = world.hub.repository(old)
    world.hub.install(world.app, other)
    assert (await reads.repository(world.gh, world.repo.id)).name == "renamed"
    assert (await reads.repository(world.gh, other.id)).full_name == old


async def test_a_known_repository_costs_one_request(world: World) -> None:
    await reads.repository(world.gh, world.repo.id)
    assert [one.path for one in world.hub.log] == [f"/repos/{world.repo.full_name}"]


async def test_changed_files(world: World) -> None:
    files, complete = await reads.changed_files(world.gh, world.repo, world.pull.number)
    assert complete
    assert [(file.path, file.status) for file in files] == [("modeling_tf_x.py", "added")]
    assert files[0].patch
    assert files[0].patch.startswith("@@ -0,0 +1,20 @@")


async def test_more_files_than_github_lists() -> None:
    fake = Fake()

    def page(call: Call) -> JSONResponse:
        number = int(call.query.get("page", 1))
        assert call.query["per_page"] == "100"
        files = [{"filename": f"{number}/{n}", "status": "added"} for n in range(100)]
        url = f"{fake.url}{call.path}?per_page=100&page={number + 1}"
        return JSONResponse(files, headers={"link": f'<{url}>; rel="next"'} if number < 30 else {})

    fake.on("GET", "/repos/o/r/pulls/1/files", page)
    async with connected(fake) as gh:
        files, complete = await reads.changed_files(gh, REPO, 1)
    assert (len(files), complete) == (3000, False)
    assert files[0].patch is None


async def test_comments_of_all_kinds_in_order(world: World) -> None:
    hub, pull = world.hub, world.opened
    hub.comment("ann", pull, "first")
    hub.review_comment("bob", pull, "modeling_tf_x.py", 3, "on a line")
    hub.review("cy", pull, "a verdict", event="APPROVE")
    hub.review("cy", pull, "not sent yet", event=None)
    hub.comment("ann", pull, "last")
    found = await reads.comments(world.gh, world.repo, world.pull.number)
    texts = [(comment.kind, comment.author.login, comment.body) for comment in found]
    assert sorted(texts) == sorted(
        [
            ("issue", "ann", "first"),
            ("review-comment", "bob", "on a line"),
            ("review", "cy", "a verdict"),
            ("issue", "ann", "last"),
        ]
    )
    assert [comment.created_at for comment in found] == sorted(comment.created_at for comment in found)
    assert all(comment.app_id is None for comment in found)


async def test_250_comments_marker_on_page_three(world: World) -> None:
    marker = "<!-- tfport:summary:1 -->"
    for number in range(210):
        world.hub.comment("ann", world.opened, f"comment {number}")
    first = await writes.create_comment(world.gh, world.repo, world.pull.number, marker=marker, body=marker)
    for number in range(40):
        world.hub.comment("ann", world.opened, f"comment {number}")
    async with world.another() as app:
        gh = app.installation(world.gh.id)
        found = await writes.create_comment(gh, world.repo, world.pull.number, marker=marker, body=marker)
        assert found.id == first.id
        assert len(await reads.comments(gh, world.repo, world.pull.number)) == 251
    assert sum(marker in comment.body for comment in world.opened.comments) == 1


async def test_only_our_own_reactions(world: World) -> None:
    hub, number = world.hub, world.pull.number
    hub.comment("ann", world.opened, "/tfport check")
    hub.review_comment("ann", world.opened, "modeling_tf_x.py", 3, "/tfport check")
    hub.comment("ann", world.opened, "/tfport help")
    seen = await reads.comments(world.gh, world.repo, number)
    await writes.add_reaction(world.gh, world.repo, seen[0], "eyes")
    await writes.add_reaction(world.gh, world.repo, seen[1], "rocket")
    with hub.lock:
        for comment in world.opened.comments:
            comment.reactions.append(hub.state.new(Reaction, user=hub.user("ann"), content="eyes"))
    found = await reads.comments(world.gh, world.repo, number)
    assert {comment.id: set(comment.reactions) for comment in found} == {
        seen[0].id: {"eyes"},
        seen[1].id: {"rocket"},
        seen[2].id: set(),
    }
    hub.log.clear()
    some = await reads.comments(
        world.gh, world.repo, number, look_at=lambda comment: comment.id == seen[0].id
    )
    assert [set(comment.reactions) for comment in some if comment.reactions] == [{"eyes"}]
    assert len(hub.requests("GET", "/reactions$")) == 1


async def test_our_reviews_are_known_by_their_author(world: World) -> None:
    path = f"repos/{world.repo.full_name}/pulls/{world.pull.number}/reviews"
    body = {"body": "ours", "commit_id": world.pull.head_sha, "comments": []}
    await world.gh.write("POST", path, body | {"event": "COMMENT"}, kind="content")
    await world.gh.write("POST", path, body | {"body": "pending"}, kind="content")
    world.hub.review("ann", world.opened, "theirs")
    found = await reads.comments(world.gh, world.repo, world.pull.number)
    assert {comment.body: comment.app_id for comment in found} == {"ours": world.app.id, "theirs": None}


async def test_check_runs_are_ours_and_all(world: World) -> None:
    other = world.hub.app("other")
    there = world.hub.install(other, world.origin)
    foreign = GitHubApp(world.hub.api_url, other.id, other.private_key, pace=FAST)
    async with world.another() as ours, foreign as theirs:
        for gh, key in ((theirs.installation(there.id), "x"), (ours.installation(world.gh.id), "a")):
            for attempt in "12":
                await writes.create_check_run(
                    gh, world.repo, name="tfport", head_sha=world.pull.head_sha, external_id=key + attempt
                )
    found = await reads.check_runs(world.gh, world.repo, world.pull.head_sha)
    assert sorted(run.external_id for run in found) == ["a1", "a2"]
    assert {run.app_id for run in found} == {world.app.id}


async def test_two_pulls_with_the_same_head(world: World) -> None:
    world.hub.commit(world.origin, "other", {"x": "y"})
    world.hub.open_pull(world.author, world.origin, head=f"{world.author.login}:port", base="other")
    found = await reads.pulls_with_head(world.gh, world.repo, world.pull.head_sha)
    assert sorted(pull.number for pull in found) == [1, 2]
    assert await reads.pulls_with_head(world.gh, world.repo, "0" * 40) == ()


async def test_merge_base_and_tip(world: World) -> None:
    base = world.pull.base_sha
    tip = world.hub.commit(world.origin, "main", {"setup.py": "newer"})
    assert await reads.branch_tip(world.gh, world.repo, "main") == tip
    assert await reads.merge_base(world.gh, world.repo, "main", world.pull.head_sha) == base


async def test_who_wrote_a_file_and_who_reviewed_it(world: World) -> None:
    origin, opened = world.origin, world.opened
    path = "modeling_x.py"
    world.hub.user("writer")
    world.hub.user("robot[bot]", type="Bot")
    for text, login in (("1", "writer"), ("2", "writer"), ("3", ""), ("4", "robot[bot]")):
        sha = world.hub.commit(origin, "main", {path: text}, author=login)
        assert sha
    wrote = await reads.authors(world.gh, world.repo, path, "main")
    assert wrote == ("writer", "writer")
    assert await reads.authors(world.gh, world.repo, "absent.py", "main") == ()

    world.hub.review("reader", opened, "Fine.")
    world.hub.review("reader", opened, "", event="APPROVE")
    world.hub.comment(world.author, opened, "Thanks")
    world.hub.review(world.author, opened, "A question")
    assert await reads.reviewers_of(world.gh, world.repo, "modeling_tf_x.py", "main") == ()
    world.hub.merge(opened)
    assert await reads.reviewers_of(world.gh, world.repo, "modeling_tf_x.py", "main") == ("reader",)


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("admin", "admin"),
        ("maintain", "write"),
        ("write", "write"),
        ("triage", "read"),
        ("read", "read"),
        (None, "read"),
    ],
)
async def test_rights(world: World, role: str | None, expected: str) -> None:
    world.hub.set_role(world.origin, "someone", role)  # type: ignore[arg-type]
    user = world.hub.user("someone")
    assert await reads.permission(world.gh, world.repo, "someone") == (user.id, expected)


async def test_rights_follow_the_id(world: World) -> None:
    """A maintainer is renamed and a stranger takes the login: the id shows it."""
    name = f"maintainer{world.repo.id}"
    world.hub.set_role(world.origin, name, "admin")
    old = world.hub.user(name)
    world.hub.rename_user(old, f"renamed{world.repo.id}")
    stranger = world.hub.user(name)
    assert await reads.permission(world.gh, world.repo, name) == (stranger.id, "read")
    assert await reads.permission(world.gh, world.repo, old.login) == (old.id, "admin")
    assert await reads.permission(world.gh, world.repo, "nobody-at-all") == (None, "none")


async def test_files(world: World) -> None:
    world.hub.commit(world.origin, "main", {".github/tfport.yml": "enabled: true # ✓\n"})
    assert await reads.file(world.gh, world.repo, ".github/tfport.yml", "main") == "enabled: true # ✓\n"
    assert await reads.file(world.gh, world.repo, ".github/tfport.yml", world.pull.base_sha) is None
    assert await reads.file(world.gh, world.repo, ".github", "main") is None
    assert await reads.file(world.gh, world.repo, "a b#c?.yml", "main") is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"encoding": "none", "content": ""}, "too large"),
        ({"encoding": "base64", "content": base64.b64encode(b"\xff\xfe").decode()}, "not UTF-8"),
    ],
)
async def test_unreadable_files(content: dict[str, str], sentence: str) -> None:
    fake = Fake()
    fake.on("GET", "/repos/o/r/contents/x", JSONResponse({"type": "file", **content}))
    async with connected(fake) as gh:
        with pytest.raises(UserError, match=sentence):
            await reads.file(gh, REPO, "x", "main")


async def test_who_we_are_and_may(world: World) -> None:
    me = await reads.identity(world.gh)
    assert (me.slug, me.bot.login, me.bot.bot) == ("tfport", "tfport[bot]", True)
    granted = await reads.permissions(world.gh)
    assert granted == writes.PERMISSIONS
    assert world.gh.granted == granted


async def test_unknown_things_are_gone(world: World) -> None:
    with pytest.raises(Gone):
        await reads.pull(world.gh, world.repo, 4711)
    with pytest.raises(Gone):
        await reads.repository(world.gh, 4711)


async def test_a_deleted_account_is_a_ghost() -> None:
    fake = Fake()
    comment = {
        "id": 1,
        "node_id": "x",
        "user": None,
        "body": None,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        "html_url": "",
        "unknown": {"field": 1},
    }
    fake.on("GET", "/repos/o/r/issues/1/comments", JSONResponse([comment]))
    async with connected(fake) as gh:
        (found,) = await reads.issue_comments(gh, REPO, 1)
    assert (found.author, found.body) == (GHOST, "")


async def test_reading_twice_costs_nothing(world: World) -> None:
    await reads.comments(world.gh, world.repo, world.pull.number)
    left = world.installed.remaining
    await reads.comments(world.gh, world.repo, world.pull.number)
    assert world.installed.remaining == left


@pytest.mark.parametrize("says_link", [True, False])
async def test_the_first_item_of_a_new_page_is_seen(says_link: bool) -> None:
    """A full page keeps its ETag when the next page begins; whether the 304 tells of that is up to GitHub."""
    fake, total = Fake(), 100

    def page(call: Call) -> Response:
        first = (int(call.query.get("page", 1)) - 1) * 100
        items = [{"n": n} for n in range(first, min(total, first + 100))]
        etag = f'"{first}-{len(items)}"'
        more = f'<{fake.url}/list?per_page=100&page={first // 100 + 2}>; rel="next"'
        links = {"link": more} if total > first + 100 else {}
        if call.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=links if says_link else {})
        return JSONResponse(items, headers={"etag": etag, **links})

    fake.on("GET", "/list", page)
    async with connected(fake) as gh:
        for total in (100, 101, 102, 200, 201, 100, 0):
            assert len(await gh.pages("list")) == total
