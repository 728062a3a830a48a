"""Repositories, commits, files."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote

from bot.localhub import git
from bot.localhub.clock import stamp
from bot.localhub.state import Json, Label, Repository, User
from bot.localhub.views import Urls
from bot.localhub.views.users import user

_PLAIN = {
    "collaborators_url": "collaborators{/collaborator}",
    "teams_url": "teams",
    "hooks_url": "hooks",
    "issue_events_url": "issues/events{/number}",
    "events_url": "events",
    "assignees_url": "assignees{/user}",
    "branches_url": "branches{/branch}",
    "tags_url": "tags",
    "blobs_url": "git/blobs{/sha}",
    "git_tags_url": "git/tags{/sha}",
    "git_refs_url": "git/refs{/sha}",
    "trees_url": "git/trees{/sha}",
    "statuses_url": "statuses/{sha}",
    "languages_url": "languages",
    "stargazers_url": "stargazers",
    "contributors_url": "contributors",
    "subscribers_url": "subscribers",
    "subscription_url": "subscription",
    "commits_url": "commits{/sha}",
    "git_commits_url": "git/commits{/sha}",
    "comments_url": "comments{/number}",
    "issue_comment_url": "issues/comments{/number}",
    "contents_url": "contents/{+path}",
    "compare_url": "compare/{base}...{head}",
    "merges_url": "merges",
    "archive_url": "{archive_format}{/ref}",
    "downloads_url": "downloads",
    "issues_url": "issues{/number}",
    "pulls_url": "pulls{/number}",
    "milestones_url": "milestones{/number}",
    "notifications_url": "notifications{?since,all,participating}",
    "labels_url": "labels{/name}",
    "releases_url": "releases{/id}",
    "deployments_url": "deployments",
    "forks_url": "forks",
    "keys_url": "keys{/key_id}",
}


def api(urls: Urls, the: Repository) -> str:
    return f"{urls.api}/repos/{the.full_name}"


def web(urls: Urls, the: Repository) -> str:
    return f"{urls.web}/{the.full_name}"


def repository(urls: Urls, the: Repository, *, permissions: Json | None = None) -> Json:
    """`repository` (also within webhooks and pull requests)."""
    here, there = api(urls, the), web(urls, the)
    opened = sum(issue.state == "open" for issue in the.issues.values())
    found: Json = {
        "id": the.id,
        "node_id": the.node_id,
        "name": the.name,
        "full_name": the.full_name,
        "private": the.private,
        "owner": user(urls, the.owner),
        "html_url": there,
        "description": None,
        "fork": the.parent is not None,
        "url": here,
        **{name: f"{here}/{rest}" for name, rest in _PLAIN.items()},
        "created_at": stamp(the.created_at),
        "updated_at": stamp(the.updated_at),
        "pushed_at": stamp(the.pushed_at or the.created_at),
        "git_url": f"git://{there.split('://')[1]}.git",
        "ssh_url": f"git@{urls.web.split('://')[1]}:{the.full_name}.git",
        "clone_url": f"{there}.git",
        "svn_url": there,
        "homepage": None,
        "size": 1,
        "stargazers_count": 0,
        "watchers_count": 0,
        "language": "Python",
        "has_issues": True,
        "has_projects": False,
        "has_downloads": False,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": 0,
        "mirror_url": None,
        "archived": the.archived,
        "disabled": False,
        "open_issues_count": opened,
        "license": None,
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "visibility": "private" if the.private else "public",
        "forks": 0,
        "open_issues": opened,
        "watchers": 0,
        "default_branch": the.default_branch,
        "custom_properties": {},
    }
    return found if permissions is None else found | {"permissions": permissions}


def pushed_repository(urls: Urls, the: Repository) -> Json:
    """As in `push`, which is older than the rest: times are seconds, the owner has a name and an address."""
    found = repository(urls, the)
    owner = found["owner"] | {"name": the.owner.login, "email": f"{the.owner.login}@users.noreply.localhost"}
    times = {
        "created_at": int(the.created_at.timestamp()),
        "pushed_at": int((the.pushed_at or the.created_at).timestamp()),
    }
    return found | times | {"owner": owner, "stargazers": 0, "master_branch": the.default_branch}


def full_repository(urls: Urls, the: Repository, *, permissions: Json | None = None) -> Json:
    """`full-repository`: one repository asked by name."""
    found = repository(urls, the, permissions=permissions) | {
        "temp_clone_token": "",
        "network_count": 0,
        "subscribers_count": 0,
    }
    if the.owner.type == "Organization":
        found["organization"] = user(urls, the.owner)
    if the.parent:
        root = the.parent
        while root.parent:
            root = root.parent
        found |= {"parent": repository(urls, the.parent), "source": repository(urls, root)}
    return found


def brief(the: Repository) -> Json:
    """As in installation events."""
    return {
        "id": the.id,
        "node_id": the.node_id,
        "name": the.name,
        "full_name": the.full_name,
        "private": the.private,
    }


def commit(urls: Urls, the: Repository, one: git.Commit, authors: dict[str, User] | None = None) -> Json:
    """`commit` without statistics."""
    here, there = api(urls, the), web(urls, the)
    who = (authors or {}).get(one.author[1])

    def person(entry: tuple[str, str, str]) -> Json:
        return {"name": entry[0], "email": entry[1], "date": entry[2]}

    return {
        "sha": one.sha,
        "node_id": "C_kwLH" + hashlib.sha1(one.sha.encode(), usedforsecurity=False).hexdigest()[:12],
        "commit": {
            "author": person(one.author),
            "committer": person(one.committer),
            "message": one.message,
            "tree": {"sha": one.tree, "url": f"{here}/git/trees/{one.tree}"},
            "url": f"{here}/git/commits/{one.sha}",
            "comment_count": 0,
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "signature": None,
                "payload": None,
                "verified_at": None,
            },
        },
        "url": f"{here}/commits/{one.sha}",
        "html_url": f"{there}/commit/{one.sha}",
        "comments_url": f"{here}/commits/{one.sha}/comments",
        "author": user(urls, who) if who else None,
        "committer": user(urls, who) if who else None,
        "parents": [
            {"sha": sha, "url": f"{here}/commits/{sha}", "html_url": f"{there}/commit/{sha}"}
            for sha in one.parents
        ],
    }


def push_commit(urls: Urls, the: Repository, one: git.Commit) -> Json:
    """A commit as in `push` and as `head_commit` of a check suite."""
    author, committer = (
        {"name": entry[0], "email": entry[1], "username": entry[0]} for entry in (one.author, one.committer)
    )
    return {
        "id": one.sha,
        "tree_id": one.tree,
        "distinct": True,
        "message": one.message,
        "timestamp": one.committer[2],
        "url": f"{web(urls, the)}/commit/{one.sha}",
        "author": author,
        "committer": committer,
        "added": [],
        "removed": [],
        "modified": [],
    }


def simple_commit(one: git.Commit) -> Json:
    """`simple-commit`."""
    return {
        "id": one.sha,
        "tree_id": one.tree,
        "message": one.message,
        "timestamp": one.committer[2],
        "author": {"name": one.author[0], "email": one.author[1]},
        "committer": {"name": one.committer[0], "email": one.committer[1]},
    }


def file(urls: Urls, the: Repository, one: git.File, head: str) -> Json:
    """`diff-entry`."""
    name = quote(one.path)
    found: Json = {
        "sha": one.sha,
        "filename": one.path,
        "status": one.status,
        "additions": one.additions,
        "deletions": one.deletions,
        "changes": one.additions + one.deletions,
        "blob_url": f"{web(urls, the)}/blob/{head}/{name}",
        "raw_url": f"{web(urls, the)}/raw/{head}/{name}",
        "contents_url": f"{api(urls, the)}/contents/{name}?ref={head}",
    }
    if one.patch is not None:
        found["patch"] = one.patch
    if one.previous is not None:
        found["previous_filename"] = one.previous
    return found


_KINDS = {"blob": "file", "tree": "dir", "commit": "submodule"}


def entry(urls: Urls, the: Repository, one: git.Entry, ref: str) -> Json:
    """One item of a folder (`content-directory`)."""
    name = quote(one.path)
    url = f"{api(urls, the)}/contents/{name}?ref={ref}"
    plural = {"blob": "blobs", "tree": "trees", "commit": "commits"}[one.kind]
    data = f"{api(urls, the)}/git/{plural}/{one.sha}"
    page = f"{web(urls, the)}/{'tree' if one.kind == 'tree' else 'blob'}/{ref}/{name}"
    kind = "symlink" if one.mode == "120000" else _KINDS[one.kind]
    return {
        "name": one.path.rsplit("/", 1)[-1],
        "path": one.path,
        "sha": one.sha,
        "size": one.size,
        "url": url,
        "html_url": page,
        "git_url": data,
        "download_url": f"{web(urls, the)}/raw/{ref}/{name}" if one.kind == "blob" else None,
        "type": kind,
        "_links": {"self": url, "git": data, "html": page},
    }


def content(urls: Urls, the: Repository, one: git.Entry, ref: str, data: bytes) -> Json:
    """`content-file`; above 1 MB GitHub leaves the content out and says `none`."""
    found = entry(urls, the, one, ref)
    if one.size > 1_000_000:
        return found | {"content": "", "encoding": "none"}
    return found | {"content": base64.encodebytes(data).decode(), "encoding": "base64"}


def label(urls: Urls, the: Repository, one: Label) -> Json:
    return {
        "id": one.id,
        "node_id": one.node_id,
        "url": f"{api(urls, the)}/labels/{quote(one.name)}",
        "name": one.name,
        "color": one.color,
        "default": False,
        "description": one.description,
    }


def ref(urls: Urls, the: Repository, name: str, sha: str) -> Json:
    """`git-ref`; the name is full (`refs/heads/main`)."""
    return {
        "ref": name,
        "node_id": "REF_kwLH" + base64.urlsafe_b64encode(f"{the.id}:{name}".encode()).decode().rstrip("="),
        "url": f"{api(urls, the)}/git/{name}",
        "object": {"sha": sha, "type": "commit", "url": f"{api(urls, the)}/git/commits/{sha}"},
    }
