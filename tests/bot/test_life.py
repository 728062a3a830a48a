"""The whole life of a port on the local GitHub, from the empty file to the merge, and what stands there afterwards.

Played twice: once as it should be, once with webhooks doubled, reordered and lost. Both end the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pygit2
import pytest

from bot.localhub import git
from bot.localhub.state import Comment, Pull
from tests.bot.test_port import reactions
from tests.fixtures.world import AUTHOR, World, until
from tests.hub import Hub, Repo, serving

pytestmark = pytest.mark.timeout(900)

CHECKPOINTS = [f"brand-new/bert-base{rest}" for rest in ("", "-conll03", "-squad", "-sst2")]
PORT = "src/transformers/models/brand_new_bert/modeling_tf_brand_new_bert.py"


@pytest.fixture(scope="module")
def checkpoints() -> Iterator[Hub]:
    """The Hugging Face Hub, on which the port's checkpoint has no weights for TensorFlow yet."""
    config = {"model_type": "brand_new_bert", "architectures": ["BrandNewBertForMaskedLM"]}
    with serving(Hub({name: Repo(config, files=("pytorch_model.bin",)) for name in CHECKPOINTS})) as hub:
        yield hub


@dataclass
class Life:
    """Plays a life, step by step, and counts what rings at people."""

    world: World
    name: str
    rough: bool
    pull: Pull | None = None
    rings: dict[str, int] = field(default_factory=dict[str, int])
    steps: int = 0

    @property
    def branch(self) -> str:
        return f"life-{self.name}"

    def step(self, what: str, act: Callable[[], object], done: Callable[[], object] = lambda: True) -> object:
        """Something happens, and the bot deals with it."""
        hooks, before = self.world.hub.webhooks, self.rung()
        self.steps += 1
        if self.rough:
            hooks.rules.clear()
            if self.steps % 3 == 0:
                # What it was about is never heard of; a word of a passer-by is what makes the bot look.
                hooks.drop("pull_request", "synchronize", None)
            hooks.double(times=None)
            hooks.hold()
        result = act()
        if self.rough:
            if self.pull is not None and self.steps % 3 == 0 and self.pull.state == "open":
                self.world.hub.comment("passer-by", self.pull, "I follow this with interest.")
            hooks.release("shuffled", seed=self.steps)
        until(done, 90, f"{what}; log:\n{self.world.bot.log.read_text()[-3000:]}")
        if self.pull is not None and self.pull.state == "open":
            self.world.settle(self.pull, 90)
        self.calm()
        self.rings[f"{self.steps} {what}"] = max((self.rung() - before).values(), default=0)
        return result

    def calm(self) -> None:
        """Until nothing is under way: no delivery, no look, no write."""
        self.world.hub.webhooks.wait()
        seen = -1
        while seen != len(self.world.hub.log):
            seen = len(self.world.hub.log)
            try:
                until(lambda: len(self.world.hub.log) > seen, 0.7)  # noqa: B023
            except AssertionError:
                break

    def rung(self) -> Counter[str]:
        """How often the bot rang at each person on this pull request."""
        me = f"{self.world.app.slug}[bot]"
        return Counter(
            login
            for one in self.world.hub.notifications
            if self.pull is not None
            and (one.actor, one.number) == (me, self.pull.number)
            and one.kind in ("comment", "review", "review_request")
            for login in one.recipients
        )

    def says(self, who: str, text: str) -> Comment:
        comment: list[Comment] = []
        self.step(
            f"{who}: {text[:30]}",
            lambda: comment.append(self.world.hub.comment(who, self.the, text)),
            lambda: not re.search("^/tfport", text, re.MULTILINE) or reactions(self.world, comment[0]),
        )
        return comment[0]

    @property
    def the(self) -> Pull:
        assert self.pull is not None
        return self.pull

    def push(self, what: str, act: Callable[[], object]) -> None:
        head = self.the.head_sha
        self.step(f"push: {what}", act, lambda: self.the.head_sha != head and self.world.concluded(self.the))

    def commit(self, what: str, files: dict[str, str]) -> None:
        """The author pushes a commit of the year of the base."""
        fork = pygit2.Repository(str(self.world.fork.path))
        head = fork[self.the.head_sha].peel(pygit2.Commit)
        index = pygit2.Index()
        index.read_tree(head.tree)
        for path, text in files.items():
            index.add(pygit2.IndexEntry(path, fork.create_blob(text.encode()), pygit2.enums.FileMode.BLOB))
        who = pygit2.Signature("Brand New", "brand-new@example.com", head.commit_time + 60, 0)
        sha = fork.create_commit(None, who, who, what, index.write_tree(fork), [head.id])
        path = self.world.fork.path
        self.push(
            what, lambda: self.world.hub.push(self.world.fork, self.branch, path, str(sha), sender=AUTHOR)
        )

    def file(self, commit: str, path: str) -> str:
        sample = self.world.sample
        entry = git.entry(sample.git_dir, sample.commits[commit], path)
        assert entry is not None
        return git.blob(sample.git_dir, entry.sha).decode()

    def rebase(self) -> None:
        """Onto the tip of the base branch, by force."""
        fork, origin = self.world.fork.path, self.world.repository.path
        tip = git.resolve(origin, f"refs/heads/{self.the.base_ref}")
        assert tip
        git.bring(fork, origin, tip, "refs/heads/upstream")
        tree = git.text(fork, "merge-tree", "--write-tree", tip, self.the.head_sha).splitlines()[0]
        repository = pygit2.Repository(str(fork))
        at = repository[self.the.head_sha].peel(pygit2.Commit).commit_time + 60
        who = pygit2.Signature("Brand New", "brand-new@example.com", at, 0)
        sha = str(repository.create_commit(None, who, who, "Add TFBrandNewBert", tree, [tip]))
        self.push(
            "rebase", lambda: self.world.hub.push(self.world.fork, self.branch, fork, sha, sender=AUTHOR)
        )


def play(life: Life, hub: Hub) -> None:
    """The script."""
    world = life.world
    base = f"base-{life.name}"
    world.hub.commit(world.repository, base, {"README.md": "# 🤗 Transformers\n"}, sender="gante")

    def opens() -> None:
        life.pull = world.open_draft("empty", branch=life.branch, base=base)

    life.step("opened", opens, lambda: world.concluded(life.the))
    life.push("the PyTorch code, copied", lambda: world.push("copied", life.branch))
    life.says("passer-by", "Great that somebody does this! Does `/tfport check` work?\n\n> /tfport check")
    life.push("all classes", lambda: world.push("planted", life.branch))
    life.says("passer-by", "/tfport check")
    life.says(AUTHOR, "/tfport chek")
    life.says(AUTHOR, "/tfport explain unpack-inputs")
    life.says(AUTHOR, "/tfport ask What is a dummy object?")
    paths = sorted({mistake.path for mistake in world.sample.planted} - {PORT})
    for number, path in enumerate(paths):
        life.commit(f"mended {number}", {path: life.file("repaired", path)})
    life.says("gante", "Nearly there.\n\n/tfport fix")
    life.commit("the rest", {PORT: life.file("repaired", PORT)})
    life.commit("a slip", {PORT: life.file("repaired", PORT).replace("    @unpack_inputs\n", "", 1)})
    life.commit("mended again", {PORT: life.file("repaired", PORT)})
    life.step(
        "main moves",
        lambda: world.hub.commit(world.repository, base, {"README.md": "# Main\n"}, sender="gante"),
    )
    life.rebase()
    life.step(
        "ready",
        lambda: world.hub.ready_for_review(life.the, AUTHOR),
        lambda: len(life.the.requested_reviewers) == 2,
    )
    for login in ("gante", "Rocketknight1", "amyeroberts"):
        life.step(
            f"{login} approves",
            lambda login=login: world.hub.review(login, life.the, "Nice!", event="APPROVE"),
        )
    until(
        lambda: "| ✅ | `approvals`" in (world.newest(life.the)["tfport"].text or ""), 30, "three approvals"
    )
    assert "convert" in (world.newest(life.the)["tfport"].text or ""), "the weights are missing"
    life.step(
        "merged",
        lambda: world.hub.merge(life.the, "gante"),
        lambda: "Merged" in world.comments(life.the)[-1].body,
    )
    life.says("passer-by", "Wonderful, thank you!")


def standing(life: Life) -> dict[str, object]:
    """All that people see in the end, without what differs between two pull requests."""
    world, pull = life.world, life.the

    def normal(text: str | None) -> str:
        text = re.sub(r"/pull/\d+", "/pull/N", text or "")
        text = re.sub(r"\b[0-9a-f]{9,40}\b", "SHA", text)
        text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
        text = re.sub(r"(base|life)-(calm|rough)", r"\1-X", text)
        text = re.sub(r"issuecomment-\d+|#(discussion_)?r\d+", "LINK", text)
        return re.sub(r"in \d+\.\d s", "in X s", text).strip()

    runs = world.newest(pull)
    return {
        "runs": {
            n: (r.status, r.conclusion, r.title, normal(r.summary), normal(r.text)) for n, r in runs.items()
        },
        "unfinished": [r.name for r in world.runs(pull) if r.status != "completed"],
        "comments": [(normal(c.body), c.minimized) for c in world.comments(pull)],
        "reviews": [normal(review.body) for review in world.reviews(pull)],
        "notes": sorted((n.path, normal(n.body), n.minimized) for n in world.notes(pull)),
        "open threads": [t.comments[0].body for t in pull.threads if not t.resolved_by],
        "reviewers": sorted(user.login for user in pull.requested_reviewers),
        "reactions": [
            (comment.body, sorted(reactions(world, comment)))
            for comment in pull.comments
            if comment.user.type == "User" and "interest" not in comment.body
        ],
    }


@pytest.fixture(scope="module")
def lives(world: World, checkpoints: Hub) -> dict[str, tuple[Life, dict[str, object]]]:
    """Both lives, played."""
    found: dict[str, tuple[Life, dict[str, object]]] = {}
    for login in ("amyeroberts",):
        world.hub.set_role(world.repository, world.hub.user(login), "write")
    for name in ("calm", "rough"):
        life = Life(world, name, rough=name == "rough")
        world.bot.start(
            HF_ENDPOINT=checkpoints.url, HF_HUB_OFFLINE="0", HF_HOME=str(world.bot.log.with_name("hf"))
        )
        try:
            play(life, checkpoints)
        finally:
            world.bot.stop()
            world.hub.webhooks.rules.clear()
        found[name] = life, standing(life)
    return found


def test_it_is_what_a_good_maintainer_would_have_written(lives: dict[str, tuple[Life, dict[str, object]]]):
    life, seen = lives["calm"]
    world, pull = life.world, life.the
    bodies = [comment.body for comment in world.comments(pull)]
    assert seen["unfinished"] == []
    assert seen["open threads"] == []
    assert seen["reviewers"] == [] or seen["reviewers"] == ["Rocketknight1", "gante"]
    assert sum("Merged: thank you" in body for body in bodies) == 1
    assert CHECKPOINTS[0] in bodies[-1].replace("\\", ""), "the last word names the weights that are missing"
    mentions = [n for n in world.hub.notifications if n.kind == "mention" and n.number == pull.number]
    named = Counter(login for note in mentions if note.actor == "tfport[bot]" for login in note.recipients)
    assert named["gante"] == named["Rocketknight1"] == 2, (
        "in the first summary, and when the author asked for help"
    )
    unfolded = [
        comment
        for comment in world.comments(pull)
        if not comment.minimized and "tfport:summary" in comment.body
    ]
    assert len(unfolded) == 1


def test_at_most_one_notification_for_a_push(lives: dict[str, tuple[Life, dict[str, object]]]):
    for life, _ in lives.values():
        pushes = {what: rings for what, rings in life.rings.items() if "push" in what}
        assert len(pushes) >= 10
        assert max(pushes.values()) <= 1, pushes
        quiet = {
            what: rings
            for what, rings in life.rings.items()
            if "passer-by: Great" in what or "approves" in what
        }
        assert set(quiet.values()) == {0}, quiet
        assert max(life.rings.values()) <= 1, life.rings


def test_nothing_is_said_twice(lives: dict[str, tuple[Life, dict[str, object]]]):
    for life, seen in lives.values():
        world, pull = life.world, life.the
        markers = Counter(
            re.findall(
                r"<!-- tfport:(?:reply|review|merged)[^>]*-->",
                "\n".join([*(c.body for c in world.comments(pull)), *(r.body for r in world.reviews(pull))]),
            )
        )
        assert max(markers.values()) == 1, markers
        assert Counter(r.external_id + r.suite.head_sha for r in world.runs(pull)).most_common(1)[0][1] == 1
        assert len(set(map(repr, seen["notes"]))) == len(seen["notes"])  # type: ignore[arg-type]


def test_webhooks_doubled_reordered_and_lost_change_nothing(lives: dict[str, tuple[Life, dict[str, object]]]):
    assert lives["rough"][1] == lives["calm"][1]
