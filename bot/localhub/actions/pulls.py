"""Branches that move, and the life of a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.localhub import git
from bot.localhub.actions import checks, notices, reviews
from bot.localhub.actions.conversation import check_open_for_writing
from bot.localhub.errors import Refusal, invalid
from bot.localhub.state import Issue, Pull, Repository, User

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub


def moved(hub: LocalHub, repository: Repository, before: dict[str, str], sender: User) -> None:
    """Compare the branches with what they were: push events, pull requests that follow."""
    after = git.refs(repository.path)
    for ref in sorted(before.keys() | after.keys()):
        old, new = before.get(ref, git.ZERO), after.get(ref, git.ZERO)
        if old != new:
            repository.pushed_at = hub.state.clock.now()
            hub.events.push(repository, ref, old, new, sender)
            branch = ref.removeprefix("refs/heads/")
            if new != git.ZERO:
                checks.request_suites(hub, repository, branch, old, new, sender)
            _follow(hub, repository, branch, new, sender)


def _follow(hub: LocalHub, repository: Repository, branch: str, sha: str, sender: User) -> None:
    for other in list(hub.state.repositories.values()):
        for pull in other.pulls:
            if pull.state != "open" or pull.head_repo is not repository or pull.head_ref != branch:
                continue
            if sha == git.ZERO:
                close(hub, pull, sender)
            else:
                _synchronize(hub, pull, sha, sender)


def _synchronize(hub: LocalHub, pull: Pull, sha: str, sender: User) -> None:
    before = pull.head_sha
    assert pull.head_repo
    path = pull.repository.path
    git.bring(path, pull.head_repo.path, sha, f"refs/pull/{pull.number}/head")
    pull.head_sha = sha
    pull.base_sha = git.resolve(path, f"refs/heads/{pull.base_ref}") or pull.base_sha
    reviews.follow_push(pull, before, sha)
    number = git.count(path, f"{before}..{sha}")
    forced = git.merge_base(path, before, sha) != before
    pushed = (
        f"force-pushed from {before[:7]} to {sha[:7]}"
        if forced
        else f"pushed {number} commits, now at {sha[:7]}"
    )
    hub.state.record(pull, sender, pushed.replace(" 1 commits", " 1 commit"))
    hub.state.touch(pull)
    hub.events.pull("synchronize", pull, sender, before=before, after=sha)


def open_issue(hub: LocalHub, repository: Repository, user: User, title: str, body: str | None) -> Issue:
    number = max(repository.issues, default=0) + 1
    issue = hub.state.new(Issue, repository=repository, number=number, title=title, body=body, user=user)
    repository.issues[number] = issue
    return issue


def open_pull(
    hub: LocalHub,
    repository: Repository,
    user: User,
    *,
    head_repo: Repository,
    head_ref: str,
    base_ref: str,
    title: str,
    body: str | None,
    draft: bool,
) -> Pull:
    check_open_for_writing(repository)
    sha = git.resolve(head_repo.path, f"refs/heads/{head_ref}")
    if sha is None:
        raise invalid("PullRequest", "head")
    base = git.resolve(repository.path, f"refs/heads/{base_ref}")
    if base is None:
        raise invalid("PullRequest", "base")
    if any(
        p.state == "open" and p.head_repo is head_repo and p.head_ref == head_ref and p.base_ref == base_ref
        for p in repository.pulls
    ):
        text = f"A pull request already exists for {head_repo.owner.login}:{head_ref}."
        raise Refusal(
            422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": text}]
        )
    number = max(repository.issues, default=0) + 1
    git.bring(repository.path, head_repo.path, sha, f"refs/pull/{number}/head")
    if git.count(repository.path, f"{base}..{sha}") == 0:
        text = f"No commits between {base_ref} and {head_ref}"
        raise Refusal(
            422, "Validation Failed", [{"resource": "PullRequest", "code": "custom", "message": text}]
        )
    pull = hub.state.new(
        Pull, repository=repository, number=number, title=title, body=body, user=user, head_repo=head_repo,
        head_ref=head_ref, head_label_owner=head_repo.owner, head_sha=sha, base_ref=base_ref, base_sha=base, draft=draft,
    )  # fmt: skip
    repository.issues[number] = pull
    notices.mention(hub.state, pull, user, body or "")
    hub.events.pull("opened", pull, user)
    return pull


def set_draft(hub: LocalHub, pull: Pull, user: User, draft: bool) -> None:
    if pull.draft != draft:
        pull.draft = draft
        hub.state.record(
            pull, user, "converted this to a draft" if draft else "marked this as ready for review"
        )
        hub.state.touch(pull)
        hub.events.pull("converted_to_draft" if draft else "ready_for_review", pull, user)


def close(hub: LocalHub, pull: Pull, user: User) -> None:
    if pull.state == "open":
        pull.state, pull.closed_at, pull.closed_by = "closed", hub.state.clock.now(), user
        hub.state.record(pull, user, "merged this" if pull.merged_at else "closed this")
        hub.state.touch(pull)
        hub.events.pull("closed", pull, user)


def reopen(hub: LocalHub, pull: Pull, user: User) -> None:
    """Reopen; refused when merged or when the source is gone."""
    sha = pull.head_repo and git.resolve(pull.head_repo.path, f"refs/heads/{pull.head_ref}")
    if pull.merged_at or not pull.head_repo or not sha:
        raise invalid("PullRequest", "state", "invalid", "state cannot be changed.")
    if pull.state == "closed":
        pull.state, pull.closed_at, pull.closed_by = "open", None, None
        hub.state.record(pull, user, "reopened this")
        git.bring(pull.repository.path, pull.head_repo.path, sha, f"refs/pull/{pull.number}/head")
        before, pull.head_sha = pull.head_sha, sha
        if before != sha:
            reviews.follow_push(pull, before, sha)
        hub.state.touch(pull)
        hub.events.pull("reopened", pull, user)


def edit(
    hub: LocalHub, pull: Pull, user: User, *, title: str | None, body: str | None, base: str | None
) -> None:
    changes: dict[str, Any] = {}
    if title is not None and title != pull.title:
        changes["title"] = {"from": pull.title}
        hub.state.record(pull, user, f"changed the title to “{title}”")
        pull.title = title
    if body is not None and body != pull.body:
        changes["body"] = {"from": pull.body}
        pull.body = body
        pull.edits += 1
    if base is not None and base != pull.base_ref:
        sha = git.resolve(pull.repository.path, f"refs/heads/{base}")
        if sha is None:
            raise invalid("PullRequest", "base")
        changes["base"] = {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}
        pull.base_ref, pull.base_sha = base, sha
    if changes:
        hub.state.touch(pull)
        hub.events.pull("edited", pull, user, changes=changes)


def merge(hub: LocalHub, pull: Pull, user: User) -> None:
    """Merge with a merge commit; raises git.GitError on conflicts."""
    repository = pull.repository
    before = git.refs(repository.path)
    tip = before[f"refs/heads/{pull.base_ref}"]
    text = f"Merge pull request #{pull.number} from {pull.head_label_owner.login}/{pull.head_ref}"
    sha = git.merge(repository.path, tip, pull.head_sha, f"{text}\n\n{pull.title}")
    git.set_ref(repository.path, f"refs/heads/{pull.base_ref}", sha)
    pull.merged_at, pull.merged_by, pull.merge_commit_sha = hub.state.clock.now(), user, sha
    close(hub, pull, user)
    moved(hub, repository, before, user)


def request_reviewers(hub: LocalHub, pull: Pull, actor: User, reviewers: list[User]) -> None:
    for reviewer in reviewers:
        if reviewer is pull.user:
            raise Refusal(422, "Review cannot be requested from pull request author.")
        if not pull.repository.can(reviewer, "read") or reviewer.id not in {
            *pull.repository.roles,
            pull.repository.owner.id,
        }:
            raise Refusal(
                422,
                "Reviews may only be requested from collaborators. One or more of the users or teams you "
                f"specified is not a collaborator of the {pull.repository.full_name} repository.",
            )
    for reviewer in reviewers:
        if reviewer not in pull.requested_reviewers:
            pull.requested_reviewers.append(reviewer)
            hub.state.record(pull, actor, f"requested a review from {reviewer.login}")
            notices.tell(hub.state, "review_request", pull, actor, "", [reviewer])
            hub.events.pull("review_requested", pull, actor, requested_reviewer=_user(hub, reviewer))
    hub.state.touch(pull)


def remove_reviewers(hub: LocalHub, pull: Pull, actor: User, reviewers: list[User]) -> None:
    for reviewer in reviewers:
        if reviewer in pull.requested_reviewers:
            pull.requested_reviewers.remove(reviewer)
            hub.events.pull("review_request_removed", pull, actor, requested_reviewer=_user(hub, reviewer))
    hub.state.touch(pull)


def _user(hub: LocalHub, who: User) -> Any:
    from bot.localhub.views.users import user

    return user(hub.urls, who)
