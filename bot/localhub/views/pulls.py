"""Pull requests, issues, comments, reviews, reactions."""

from __future__ import annotations

from bot.localhub import git
from bot.localhub.clock import stamp
from bot.localhub.state import (
    App,
    Comment,
    Issue,
    Json,
    Pull,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    User,
)
from bot.localhub.views import Urls
from bot.localhub.views.accounts import app
from bot.localhub.views.repositories import api, label, repository, web
from bot.localhub.views.users import user

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def association(the: Repository, who: User) -> str:
    """`author_association`: coarse, as on GitHub; no measure of rights."""
    if who.id == the.owner.id:
        return "OWNER"
    if who.id in the.roles:
        return "MEMBER" if the.owner.type == "Organization" else "COLLABORATOR"
    merged = any(pull.merged_at and pull.user is who for pull in the.pulls)
    return "CONTRIBUTOR" if merged else "NONE"


def via(urls: Urls, the: App | None) -> Json | None:
    return app(urls, the) if the else None


def rollup(url: str, reactions: list[Reaction]) -> Json:
    counts = {name: sum(r.content == name for r in reactions) for name in REACTIONS}
    return {"url": f"{url}/reactions", "total_count": len(reactions)} | counts


def issue(urls: Urls, the: Issue) -> Json:
    """`issue`; a pull request is one, with `pull_request` links."""
    repo = the.repository
    url = f"{api(urls, repo)}/issues/{the.number}"
    kind = "pull" if isinstance(the, Pull) else "issues"
    found: Json = {
        "url": url,
        "repository_url": api(urls, repo),
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{web(urls, repo)}/{kind}/{the.number}",
        "id": the.id,
        "node_id": the.node_id,
        "number": the.number,
        "title": the.title,
        "user": user(urls, the.user),
        "labels": [label(urls, repo, one) for one in the.labels],
        "state": the.state,
        "locked": the.locked,
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments": len(the.comments),
        "created_at": stamp(the.created_at),
        "updated_at": stamp(the.updated_at),
        "closed_at": stamp(the.closed_at),
        "author_association": association(repo, the.user),
        "active_lock_reason": None,
        "body": the.body,
        "closed_by": user(urls, the.closed_by) if the.closed_by else None,
        "reactions": rollup(url, the.reactions),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": None,
    }
    if isinstance(the, Pull):
        page = f"{web(urls, repo)}/pull/{the.number}"
        found |= {
            "draft": the.draft,
            "pull_request": {
                "url": f"{api(urls, repo)}/pulls/{the.number}",
                "html_url": page,
                "diff_url": f"{page}.diff",
                "patch_url": f"{page}.patch",
                "merged_at": stamp(the.merged_at),
            },
        }
    return found


def pull(urls: Urls, the: Pull) -> Json:
    """`pull-request-simple`, as in lists."""
    repo = the.repository
    here, page = f"{api(urls, repo)}/pulls/{the.number}", f"{web(urls, repo)}/pull/{the.number}"
    as_issue = f"{api(urls, repo)}/issues/{the.number}"
    statuses = f"{api(urls, repo)}/statuses/{the.head_sha}"

    def side(ref: str, sha: str, owner: User, where: Repository | None) -> Json:
        return {
            "label": f"{owner.login}:{ref}",
            "ref": ref,
            "sha": sha,
            "user": user(urls, owner),
            "repo": repository(urls, where) if where else None,
        }

    return {
        "url": here,
        "id": the.id,
        "node_id": the.node_id,
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": as_issue,
        "number": the.number,
        "state": the.state,
        "locked": the.locked,
        "title": the.title,
        "user": user(urls, the.user),
        "body": the.body,
        "created_at": stamp(the.created_at),
        "updated_at": stamp(the.updated_at),
        "closed_at": stamp(the.closed_at),
        "merged_at": stamp(the.merged_at),
        "merge_commit_sha": the.merge_commit_sha,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [user(urls, one) for one in the.requested_reviewers],
        "requested_teams": [],
        "labels": [label(urls, repo, one) for one in the.labels],
        "milestone": None,
        "draft": the.draft,
        "commits_url": f"{here}/commits",
        "review_comments_url": f"{here}/comments",
        "review_comment_url": f"{api(urls, repo)}/pulls/comments{{/number}}",
        "comments_url": f"{as_issue}/comments",
        "statuses_url": statuses,
        "head": side(the.head_ref, the.head_sha, the.head_label_owner, the.head_repo),
        "base": side(the.base_ref, the.base_sha, repo.owner, repo),
        "_links": {
            "self": {"href": here},
            "html": {"href": page},
            "issue": {"href": as_issue},
            "comments": {"href": f"{as_issue}/comments"},
            "review_comments": {"href": f"{here}/comments"},
            "review_comment": {"href": f"{api(urls, repo)}/pulls/comments{{/number}}"},
            "commits": {"href": f"{here}/commits"},
            "statuses": {"href": statuses},
        },
        "author_association": association(repo, the.user),
        "auto_merge": None,
        "active_lock_reason": None,
    }


def span(the: Pull) -> tuple[str, str]:
    """(merge base, head): what the files of a pull request are."""
    path = the.repository.path
    return git.merge_base(path, the.base_sha, the.head_sha) or the.base_sha, the.head_sha


def full_pull(urls: Urls, the: Pull) -> Json:
    """`pull-request`: one asked by number, and in webhooks."""
    path = the.repository.path
    files = git.diff(path, *span(the))
    is_open = the.state == "open"
    return pull(urls, the) | {
        "merged": the.merged_at is not None,
        "mergeable": True if is_open else None,
        "rebaseable": True if is_open else None,
        "mergeable_state": ("draft" if the.draft else "clean") if is_open else "unknown",
        "merged_by": user(urls, the.merged_by) if the.merged_by else None,
        "comments": len(the.comments),
        "review_comments": len(the.review_comments),
        "maintainer_can_modify": the.maintainer_can_modify and the.from_fork,
        "commits": git.count(path, f"{the.base_sha}..{the.head_sha}"),
        "additions": sum(file.additions for file in files),
        "deletions": sum(file.deletions for file in files),
        "changed_files": len(files),
    }


def minimal_pull(urls: Urls, the: Pull) -> Json:
    """`pull-request-minimal`, as check runs carry it."""

    def side(ref: str, sha: str, where: Repository) -> Json:
        return {"ref": ref, "sha": sha, "repo": {"id": where.id, "url": api(urls, where), "name": where.name}}

    return {
        "url": f"{api(urls, the.repository)}/pulls/{the.number}",
        "id": the.id,
        "number": the.number,
        "head": side(the.head_ref, the.head_sha, the.head_repo or the.repository),
        "base": side(the.base_ref, the.base_sha, the.repository),
    }


def comment(urls: Urls, the: Comment) -> Json:
    """`issue-comment`."""
    repo, number = the.issue.repository, the.issue.number
    url = f"{api(urls, repo)}/issues/comments/{the.id}"
    kind = "pull" if isinstance(the.issue, Pull) else "issues"
    return {
        "url": url,
        "html_url": f"{web(urls, repo)}/{kind}/{number}#issuecomment-{the.id}",
        "issue_url": f"{api(urls, repo)}/issues/{number}",
        "id": the.id,
        "node_id": the.node_id,
        "user": user(urls, the.user),
        "created_at": stamp(the.created_at),
        "updated_at": stamp(the.updated_at),
        "body": the.body,
        "author_association": association(repo, the.user),
        "reactions": rollup(url, the.reactions),
        "performed_via_github_app": via(urls, the.app),
    }


def review(urls: Urls, the: Review, *, event: bool = False) -> Json:
    """`pull-request-review`; webhooks write the state in lower case."""
    repo, number = the.pull.repository, the.pull.number
    page = f"{web(urls, repo)}/pull/{number}#pullrequestreview-{the.id}"
    pull_url = f"{api(urls, repo)}/pulls/{number}"
    found = {
        "id": the.id,
        "node_id": the.node_id,
        "user": user(urls, the.user),
        "body": the.body or (None if event else ""),
        "state": the.state.lower() if event else the.state,
        "html_url": page,
        "pull_request_url": pull_url,
        "author_association": association(repo, the.user),
        "_links": {"html": {"href": page}, "pull_request": {"href": pull_url}},
        "commit_id": the.commit_id,
    }
    return found | ({"submitted_at": stamp(the.submitted_at)} if the.submitted_at else {})


def review_comment(urls: Urls, the: ReviewComment) -> Json:
    """`pull-request-review-comment`."""
    repo, number = the.review.pull.repository, the.review.pull.number
    url = f"{api(urls, repo)}/pulls/comments/{the.id}"
    page = f"{web(urls, repo)}/pull/{number}#discussion_r{the.id}"
    pull_url = f"{api(urls, repo)}/pulls/{number}"
    found: Json = {
        "url": url,
        "pull_request_review_id": the.review.id,
        "id": the.id,
        "node_id": the.node_id,
        "diff_hunk": the.diff_hunk,
        "path": the.path,
        "commit_id": the.commit_id,
        "original_commit_id": the.original_commit_id,
        "user": user(urls, the.user),
        "body": the.body,
        "created_at": stamp(the.created_at),
        "updated_at": stamp(the.updated_at),
        "html_url": page,
        "pull_request_url": pull_url,
        "author_association": association(repo, the.user),
        "_links": {"self": {"href": url}, "html": {"href": page}, "pull_request": {"href": pull_url}},
        "reactions": rollup(url, the.reactions),
        "start_line": the.start_line,
        "original_start_line": the.original_start_line,
        "start_side": the.start_side,
        "line": the.line,
        "original_line": the.original_line,
        "side": the.side,
        "original_position": the.original_position,
        "position": the.position,
        "subject_type": the.subject_type,
    }
    return found | ({"in_reply_to_id": the.in_reply_to.id} if the.in_reply_to else {})


def reaction(urls: Urls, the: Reaction) -> Json:
    return {
        "id": the.id,
        "node_id": the.node_id,
        "user": user(urls, the.user),
        "content": the.content,
        "created_at": stamp(the.created_at),
    }


def of_review(urls: Urls, the: ReviewComment) -> Json:
    """`review-comment`: the comments of one review have no lines in GitHub's list, only positions."""
    hidden = (
        "line",
        "original_line",
        "start_line",
        "original_start_line",
        "start_side",
        "side",
        "subject_type",
    )
    return {name: value for name, value in review_comment(urls, the).items() if name not in hidden}
