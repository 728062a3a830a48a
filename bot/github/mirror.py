"""A bare git mirror per repository, with just the commits that are looked at: shallow, each under a ref of ours.

The refs make later fetches cheap (git tells GitHub what is there) and say what may be thrown away. Nothing is ever checked
out; the commits are read as objects (`checks.snapshot.GitSnapshot`).
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import os
import re
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pygit2
import structlog

from bot.github.errors import AuthFailed, GitHubDown, Gone
from bot.github.git import Git, GitFailed, GitTooLarge, GitTooLong, Progress
from bot.github.session import Installation
from bot.state import Pull, Repository
from checks.errors import UserError

log = structlog.get_logger("bot.github")

_REFS = "refs/tfport"
_INCOMING = "refs/tfport-incoming"
_PACKS = 50
_SHA = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_NOT_THERE = r"not our ref|unadvertised object|couldn't find remote ref|no such remote ref"
_AUTH = r"authentication failed|could not read (username|password)|returned error: 40[13]|invalid credentials"
_NO_REPOSITORY = r"repository .*not found|returned error: 404"
_CORRUPT = r"corrupt|bad object|object file .* is empty|missing (blob|tree|commit)|not a git repository|bad shallow|bad pack|unable to (read|find) [0-9a-f]{40}|did not receive expected object"
_TEMPORARY = (
    r"returned error: (429|5\d\d)|could not resolve|failed to connect|couldn't connect|timed out|early eof|hung up|"
    r"rpc failed|connection (reset|refused|was)|too slow|gnutls|ssl|empty reply|expected flush|unable to access"
)


class Mirror:
    """The mirrors below `root`.

    Args:
        timeout: seconds for one fetch.
        limit: bytes that one fetch may bring (about: looked at every `watch` seconds).
    """

    def __init__(
        self, root: Path, *, timeout: float = 600.0, limit: int = 2_000_000_000, watch: float = 0.25
    ) -> None:
        self._root = root
        self._timeout = timeout
        self._limit = limit
        self._watch = watch
        self._locks: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def path(self, repository_id: int) -> Path:
        return self._root / f"{repository_id}.git"

    def has(self, repository_id: int, sha: str) -> bool:
        """Whether a commit is there. (git writes the ref last, so all that the commit contains is there too.)"""
        try:
            return (self.path(repository_id) / _REFS / sha).read_text().strip() == sha
        except FileNotFoundError:
            return False

    def _unreadable(self, repository_id: int, sha: str) -> bool:
        """Whether a commit that should be there is damaged."""
        if not self.has(repository_id, sha):
            return False
        try:
            pygit2.Repository(str(self.path(repository_id)))[sha].peel(pygit2.Tree)
        except (pygit2.GitError, KeyError):
            return True
        return False

    async def fetch(
        self,
        gh: Installation,
        repo: Repository,
        shas: Iterable[str],
        *,
        pull: Pull | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Have these commits (full SHAs) with all their files; the path of the bare repository that has them.

        Args:
            pull: where the head may be looked for when GitHub does not give it out by its SHA.

        Raises:
            Gone: a commit is not to be had any more (force-pushed away, fork deleted).
            UserError: it is larger than we take.
            GitHubDown, AuthFailed: as in `Installation.call`.
        """
        wanted = list(dict.fromkeys(shas))
        for sha in wanted:
            if not _SHA.fullmatch(sha):
                raise ValueError(f"not a full SHA: {sha!r}")
        async with self.locked(repo.id) as path:
            if any(self._unreadable(repo.id, sha) for sha in wanted):
                await self._recreate(path, "objects cannot be read")
            if not all(self.has(repo.id, sha) for sha in wanted):
                await self._fill(gh, repo, wanted, pull, progress)
            for sha in wanted:
                os.utime(path / _REFS / sha)
        return path

    async def prune(self, repository_id: int, *, older_than: float = 7 * 86_400) -> int:
        """Forget commits that nobody asked for in so many seconds, and the whole mirror if none is left; how many.

        To be called now and then: it also puts together the many small packs that fetches leave.
        """
        if not self.path(repository_id).exists():
            return 0
        async with self.locked(repository_id) as path:
            refs = list((path / _REFS).glob("*"))
            old = [ref for ref in refs if time.time() - ref.stat().st_mtime > older_than]
            if len(old) == len(refs):
                shutil.rmtree(path)
            elif old or len(list(path.glob("objects/pack/*.pack"))) > _PACKS:
                git = self._git(path, ())
                for ref in old:
                    await git.run("update-ref", "-d", f"{_REFS}/{ref.name}")
                await git.run("gc", "--quiet", "--prune=now")
        return len(old)

    def repositories(self) -> list[int]:
        """Ids of the repositories that have a mirror."""
        return sorted(int(path.stem) for path in self._root.glob("*.git") if path.stem.isdigit())

    async def _fill(
        self,
        gh: Installation,
        repo: Repository,
        wanted: list[str],
        pull: Pull | None,
        progress: Progress | None,
    ) -> None:
        """Fetch what is missing; a damaged mirror is made anew once."""
        for fresh in (False, True):
            missing = [sha for sha in wanted if not self.has(repo.id, sha)]
            source = _Source(gh, self.git(self.path(repo.id), gh), progress)
            try:
                await _fetch_missing(source, repo, missing, pull)
                return
            except GitTooLarge as error:
                raise UserError(
                    f"this commit is larger than {self._limit // 1_000_000} MB",
                    hint="take large files out of it",
                ) from error
            except GitFailed as error:
                if fresh or not error.says(_CORRUPT):
                    raise
                await self._recreate(self.path(repo.id), str(error))

    async def _recreate(self, path: Path, reason: str) -> None:
        log.warning("mirror.rebuilt", path=str(path), reason=reason)
        await self._create(path)

    def git(self, path: Path, gh: Installation) -> Git:
        """How git is run in a mirror to speak with GitHub."""
        return self._git(path, (_scheme(gh),))

    def _git(self, path: Path, protocols: tuple[str, ...]) -> Git:
        return Git(path, protocols, self._timeout, self._limit, self._watch)

    @asynccontextmanager
    async def locked(self, repository_id: int) -> AsyncGenerator[Path, None]:
        """The mirror's folder, ours alone: among the tasks of this process and among processes."""
        self._root.mkdir(parents=True, exist_ok=True)
        path = self.path(repository_id)
        async with self._locks[repository_id]:
            with (self._root / f"{repository_id}.lock").open("w") as lock:
                while not _try_lock(lock.fileno()):  # noqa: ASYNC110  (another process holds it)
                    await asyncio.sleep(0.05)
                if not (path / "HEAD").exists():
                    await self._create(path)
                _sweep(path)
                yield path

    async def _create(self, path: Path) -> None:
        """Made beside and renamed, so that there is never half a mirror."""
        with tempfile.TemporaryDirectory(dir=self._root, prefix="new-") as made:
            await self._git(Path(made), ()).run("init", "--quiet", "--bare", "--template=", "repo")
            shutil.rmtree(path, ignore_errors=True)
            (Path(made) / "repo").rename(path)


class _Source:
    """GitHub as git sees it: fetches with the installation's token, retries what is temporary."""

    def __init__(self, gh: Installation, git: Git, progress: Progress | None) -> None:
        self.gh = gh
        self.git = git
        self.progress = progress

    async def fetch(self, url: str, refspecs: list[str], *, signed: bool = True) -> None:
        """
        Raises:
            GitFailed: the commits are not there, or something is wrong on our side.
            Gone, AuthFailed, GitHubDown: as they say.
        """
        failures, renewed = 0, False
        while True:
            token = await self.gh.token() if signed else None
            try:
                await self._fetch(url, refspecs, token)
                return
            except GitFailed as error:
                if error.says(_NO_REPOSITORY):
                    raise Gone(f"git: {url} is not there") from error
                if error.says(_AUTH):
                    if renewed or token is None:
                        raise AuthFailed(f"git: no access to {url}") from error
                    self.gh.drop_token(token)
                    renewed = True
                elif error.says(_NOT_THERE) or not (isinstance(error, GitTooLong) or error.says(_TEMPORARY)):
                    raise
                else:
                    failures += 1
                    if failures >= self.gh.host.pace.attempts or isinstance(error, GitTooLong):
                        raise GitHubDown(str(error)) from error
                    log.warning("mirror.retry", url=url, attempt=failures, error=str(error))
                    await self.gh.host.back_off(failures)

    async def _fetch(self, url: str, refspecs: list[str], token: str | None) -> None:
        options = ("--depth=1", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--force")
        await self.git.run(
            "fetch",
            *options,
            "--progress" if self.progress else "--quiet",
            "--",
            url,
            *refspecs,
            settings=credentials(url, token) if token else {},
            progress=self.progress,
        )


async def _fetch_missing(source: _Source, repo: Repository, missing: list[str], pull: Pull | None) -> None:
    """All in one go from the repository (it gives out its forks' commits too), else one by one from wherever."""
    try:
        await source.fetch(repo.clone_url, [f"{sha}:{_REFS}/{sha}" for sha in missing])
    except GitFailed as error:
        if not error.says(_NOT_THERE):
            raise
        for sha in missing:
            await _fetch_one(source, repo, sha, pull)


async def _fetch_one(source: _Source, repo: Repository, sha: str, pull: Pull | None) -> None:
    for url, what, signed in _places(repo, sha, pull):
        try:
            await source.fetch(url, [f"{what}:{_INCOMING}/{sha}"], signed=signed)
        except GitFailed as error:
            if not error.says(_NOT_THERE):
                raise
            continue
        except (Gone, AuthFailed):
            if signed:
                raise
            continue  # a fork that is private or deleted
        if await _adopt(source.git, sha):
            return
    raise Gone(f"commit {sha} is not to be had (force-pushed away, or its fork is gone)")


def _places(repo: Repository, sha: str, pull: Pull | None) -> list[tuple[str, str, bool]]:
    """Where a commit may be, as (URL, what to ask for, with our token). The fork gets no token: it is not ours."""
    places = [(repo.clone_url, sha, True)]
    if pull and pull.head_sha == sha:
        places.append((repo.clone_url, f"refs/pull/{pull.number}/head", True))
        if pull.head_repo and pull.head_repo.id != repo.id:
            places.append((pull.head_repo.clone_url, sha, False))
    return places


async def _adopt(git: Git, sha: str) -> bool:
    """Keep what came under its own name if it is the commit we want (`refs/pull/N/head` may lag behind)."""
    came = await git.run("rev-parse", "--verify", "--quiet", f"{_INCOMING}/{sha}^{{commit}}")
    if came.strip() == sha:
        await git.run("update-ref", f"{_REFS}/{sha}", sha)
    await git.run("update-ref", "-d", f"{_INCOMING}/{sha}")
    return came.strip() == sha


def auth_failed(error: GitFailed) -> bool:
    """git had no right."""
    return error.says(_AUTH)


def temporary(error: GitFailed) -> bool:
    """It is worth another try."""
    return error.says(_TEMPORARY)


def credentials(url: str, token: str) -> dict[str, str]:
    """git's settings that give the token to the host of `url`, and to nobody else."""
    parts = urlsplit(url)
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    return {f"http.{parts.scheme}://{parts.netloc}/.extraHeader": f"Authorization: Basic {basic}"}


def _scheme(gh: Installation) -> str:
    """https, unless the whole GitHub is spoken to without (one on loopback)."""
    return urlsplit(gh.host.api_url).scheme


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sweep(path: Path) -> None:
    """Remove what a killed git left behind; as the lock is ours, nobody is using it."""
    for pattern in ("*.lock", f"{_REFS}/*.lock", f"{_INCOMING}/*.lock", "objects/pack/tmp_*"):
        for left in path.glob(pattern):
            with suppress(OSError):
                left.unlink()
