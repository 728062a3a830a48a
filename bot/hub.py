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
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks.errors import UserError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TIMEOUT = 5.0
"""Seconds until the Hub counts as out of reach."""

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


def checkpoint(name: str) -> Checkpoint:
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
        info = _api().model_info(name, timeout=TIMEOUT, files_metadata=True)
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


def _api() -> HfApi:
    import httpx2
    from huggingface_hub import HfApi, constants, set_client_factory

    if constants.HF_HUB_OFFLINE:
        raise UserError("HF_HUB_OFFLINE forbids to ask the Hub", hint="unset it")
    # Its own client waits for ever.
    set_client_factory(lambda: httpx2.Client(follow_redirects=True, timeout=TIMEOUT))
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="tfport")


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
