"""Registration of the app from a manifest: GitHub's page gives the browser a code, which buys the new app's secrets once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from checks.errors import UserError


@dataclass(frozen=True, slots=True)
class Registered:
    """A new app. Its secrets are shown only this once, and never by `repr`."""

    id: int
    name: str
    html_url: str
    private_key: str = field(repr=False)
    webhook_secret: str = field(repr=False)


async def convert(api_url: str, code: str) -> Registered:
    """The app that was registered with the manifest, for the code that came with the redirect.

    Raises:
        UserError: GitHub does not know the code (it is good once, for an hour), or cannot be reached.
    """
    if not re.fullmatch(r"[\w-]{1,200}", code, re.ASCII):
        raise UserError("GitHub sent no code", hint="begin again")
    url = f"{api_url}/app-manifests/{code}/conversions"
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.post(url, headers={"Accept": "application/vnd.github+json"})
    except httpx.HTTPError as error:
        raise UserError(f"{api_url} cannot be reached: {error}", hint="look at TFPORT_GITHUB_API") from error
    if answer.status_code != 201:
        raise UserError(
            f"GitHub did not hand out the new app: it answered {answer.status_code}",
            hint="begin again; if the app is there already, delete it on GitHub first",
        )
    body: dict[str, Any] = answer.json()
    return Registered(
        id=body["id"],
        name=body["name"],
        html_url=body["html_url"],
        private_key=body["pem"],
        webhook_secret=body.get("webhook_secret") or "",
    )
