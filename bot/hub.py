"""What the Hugging Face Hub says of checkpoints. The only module that imports huggingface_hub, and only when it is asked something.

HF_ENDPOINT names another Hub (a mirror); HF_HUB_OFFLINE=1 forbids asking.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from checks.errors import UserError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TIMEOUT = 5.0
"""Seconds until the Hub counts as out of reach."""

UPLOAD = 120.0
"""The same for whatever writes: what was sent has to be put together there."""

LARGEST_CONFIG = 1_000_000


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model repository on the Hub.

    Attributes:
        files: the paths in it.
        config: its `config.json`.
        revision: the commit that was looked at.
    """

    name: str
    files: frozenset[str]
    config: dict[str, Any]
    revision: str

    @property
    def model_type(self) -> str:
        """`model_type` of the configuration, "" if it has none."""
        value = self.config.get("model_type")
        return value if isinstance(value, str) else ""

    @property
    def architectures(self) -> tuple[str, ...]:
        """PyTorch classes that it was saved from."""
        value = self.config.get("architectures")
        return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType]


def checkpoint(name: str, *, token: str | None = None) -> Checkpoint:
    """The repository `name` ("bert-base-uncased", "facebook/convnextv2-tiny-1k-224").

    Raises:
        checks.errors.UserError: a bad name, no such repository, one that is gated or private, one without configuration, no network.
    """
    from huggingface_hub.utils import HFValidationError, validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise UserError(
            f"{name!r} is no name of a repository on the Hub",
            hint="give it as on its page: ORGANISATION/NAME",
        ) from error
    with _answering(name):
        info = _api(token).model_info(name, timeout=TIMEOUT, files_metadata=True)
    files = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or ()}
    if files.get("config.json", LARGEST_CONFIG) >= LARGEST_CONFIG:
        raise UserError(
            f"{name} has no config.json of a reasonable size",
            hint="it was not made with transformers; look for another checkpoint",
        )
    return Checkpoint(name, frozenset(files), _config(name, info.sha or "main"), info.sha or "main")


def _config(name: str, revision: str) -> dict[str, Any]:
    from huggingface_hub import hf_hub_download  # pyright: ignore[reportUnknownVariableType]

    with _answering(name):
        path = hf_hub_download(
            name, "config.json", revision=revision, endpoint=_api().endpoint, etag_timeout=TIMEOUT
        )
    try:
        found: object = json.loads(Path(path).read_bytes())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UserError(f"config.json of {name} is no JSON object", hint="look for another checkpoint")
    return found  # pyright: ignore[reportUnknownVariableType]


def downloads(model_types: Iterable[str]) -> dict[str, int]:
    """Downloads of the most popular checkpoint of each model type in the last month; types without any are left out.

    Raises:
        checks.errors.UserError: the Hub can't be reached.
    """
    from huggingface_hub import get_session
    from huggingface_hub.utils import build_hf_headers  # pyright: ignore[reportUnknownVariableType]

    address = f"{_api().endpoint}/api/models"
    session, headers = get_session(), build_hf_headers(library_name="tfport")

    def most(model_type: str) -> int:
        # Not by list_models, which tries six times before it says that it is offline.
        query = {"filter": model_type, "sort": "downloads", "direction": "-1", "limit": "1"}
        answer = session.get(address, params=query, headers=headers, timeout=TIMEOUT)
        answer.raise_for_status()
        return max((int(model.get("downloads") or 0) for model in answer.json()), default=0)

    names = list(model_types)
    if not names:
        return {}
    with _answering("the list of models"):
        first = most(names[0])  # alone, so that being offline costs one timeout
        with ThreadPoolExecutor(8) as pool:
            counts = [first, *pool.map(most, names[1:])]
    return {name: count for name, count in zip(names, counts, strict=True) if count}


# -- pull requests with weights ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposal:
    """A pull request on the Hub. `state`: open, draft, merged or closed."""

    number: int
    url: str
    state: str


def propose(
    name: str,
    files: Iterable[Path],
    *,
    token: str,
    title: str,
    description: str,
    revision: str | None = None,
) -> Proposal:
    """Our pull request with this title on the repository `name`: the one that is there, or a new one with these files.

    Args:
        token: of the bot's account; it goes to the Hub only.
        revision: the commit that was converted; the Hub refuses where it is not the newest any more.

    Raises:
        checks.errors.UserError: the Hub refuses, or can't be reached.
    """
    from huggingface_hub import CommitOperationAdd

    _by_plain_http()
    there = proposed(name, token=token, title=title)
    if there is not None:
        return there
    with _answering(name):
        made = _api(token).create_commit(
            name,
            [CommitOperationAdd(path.name, path) for path in files],
            commit_message=title,
            commit_description=description,
            create_pr=True,
            parent_commit=revision,
        )
    if made.pr_num is None or made.pr_url is None:
        raise UserError(
            f"the Hub made no pull request on {name}", hint="look at the repository's discussions"
        )
    return Proposal(made.pr_num, made.pr_url, "open")


def proposed(name: str, *, token: str, title: str) -> Proposal | None:
    """Our pull request with this title on the repository `name`, unless it was closed; None if there is none.

    Raises:
        checks.errors.UserError: the Hub refuses, or can't be reached.
    """
    api = _api(token)
    with _answering(name):
        me = str(cast("dict[str, Any]", api.whoami())["name"])
        for found in api.get_repo_discussions(name, discussion_type="pull_request", author=me):
            if found.title == title and found.status != "closed":
                return Proposal(found.num, found.url, found.status)
    return None


def proposal(name: str, number: int, *, token: str) -> Proposal:
    """How a pull request on the Hub stands now.

    Raises:
        checks.errors.UserError: it can't be read.
    """
    with _answering(name):
        found = _api(token).get_discussion_details(name, number)
    return Proposal(found.num, found.url, found.status)


def remind(name: str, number: int, text: str, *, token: str) -> None:
    """Write `text` below a pull request on the Hub, unless it stands there already.

    Raises:
        checks.errors.UserError: the Hub refuses.
    """
    from huggingface_hub import DiscussionComment

    api = _api(token)
    with _answering(name):
        found = api.get_discussion_details(name, number)
        if any(isinstance(event, DiscussionComment) and event.content == text for event in found.events):
            return
        api.comment_discussion(name, number, text)


def own_token() -> str:
    """The token of who is logged in on this machine, "" if nobody is."""
    from huggingface_hub import get_token

    return get_token() or ""


def _by_plain_http() -> None:
    """Uploads by Git LFS: Xet's own client would bring threads and caches of its own into the server, and is not needed for a few files."""
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_XET = True


def _api(token: str | None = None) -> HfApi:
    from huggingface_hub import HfApi, constants

    if constants.HF_HUB_OFFLINE:
        raise UserError("HF_HUB_OFFLINE forbids to ask the Hub", hint="unset it")
    _bounded_in_time()
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token, library_name="tfport")


@cache
def _bounded_in_time() -> None:
    """The library's own client waits for ever. Once only: to set another one closes the first, which another thread may be using."""
    import httpx2
    from huggingface_hub import set_client_factory

    def limit(request: httpx2.Request) -> None:
        seconds = TIMEOUT if request.method in ("GET", "HEAD") else UPLOAD
        request.extensions["timeout"] = httpx2.Timeout(seconds).as_dict()

    set_client_factory(
        lambda: httpx2.Client(follow_redirects=True, timeout=TIMEOUT, event_hooks={"request": [limit]})
    )


@contextmanager
def _answering(what: str) -> Generator[None]:
    """What the Hub answers instead of what was asked for, told plainly."""
    import httpx2
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise UserError(
            f"{what} is gated: its owner lets only some people see its files",
            hint="ask for access on its page, then log in: hf auth login",
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise UserError(
            f"there is no model {what} on the Hub, or it is private",
            hint="check the name on huggingface.co/models; for a private one log in: hf auth login",
        ) from error
    except (errors.HfHubHTTPError, httpx2.HTTPStatusError) as error:
        status = error.response.status_code
        raise UserError(f"the Hub answered {status} for {what}", hint="try again later") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            "what answers there is no Hub", hint="check HF_ENDPOINT if it is set, or the network"
        ) from error
    except (
        errors.OfflineModeIsEnabled,
        errors.LocalEntryNotFoundError,
        httpx2.TransportError,
        OSError,
    ) as error:
        raise UserError(
            "the Hub can't be reached",
            hint="check the network, or HF_ENDPOINT and HF_HUB_OFFLINE if they are set",
        ) from error
