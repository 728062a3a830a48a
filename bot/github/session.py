"""Who we are on GitHub: the app, and its installations.

One `GitHubApp` per process and one `Installation` per installation, both used from **one** event loop.
"""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from githubkit import AppAuthStrategy, UnauthAuthStrategy

from bot.github.limits import Pace, Pacer
from bot.github.transport import Caller, Client, Host, log
from bot.state import User
from checks.errors import UserError

# Known to github.com until 2028 and to every supported GitHub Enterprise Server.
API_VERSION = "2022-11-28"
_PER_PAGE = 100
_REFRESH_BEFORE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are on GitHub. `bot` is the account that our comments are written by."""

    app_id: int
    slug: str
    bot: User
    html_url: str


class Installation(Caller):
    """GitHub as seen through one installation of the app. Made by `GitHubApp.installation`."""

    def __init__(self, app: GitHubApp, client: Client, installation_id: int) -> None:
        super().__init__(app.host, client, f"installation:{installation_id}")
        self.app = app
        self.id = installation_id
        self.app_id = app.app_id
        self.readonly = app.readonly
        self.granted: dict[str, str] = {}
        """Permissions that came with the newest token."""
        self.names: dict[int, str] = {}
        """`owner/name` by repository id, as last seen."""
        self._minting = asyncio.Lock()
        self._cached: tuple[str, datetime] | None = None
        self._pacers = {"content": Pacer(app.host.pace.content), "other": Pacer(app.host.pace.other)}

    async def token(self) -> str:
        """An installation token that is good for some minutes at least, for git. Never log it, never put it into argv.

        Raises:
            Gone: the app is not installed there any more.
            Locked: the installation is suspended.
            AuthFailed: GitHub does not accept the app's key.
        """
        async with self._minting:
            if self._cached is None or datetime.now(UTC) > self._cached[1] - _REFRESH_BEFORE:
                self._cached = await self._mint()
            return self._cached[0]

    def drop_token(self, token: str) -> None:
        """Forget a token that GitHub (or git) refused; the next `token()` makes a new one."""
        if self._cached and self._cached[0] == token:
            self._cached = None

    async def _mint(self) -> tuple[str, datetime]:
        answer = await self.app.call("POST", f"app/installations/{self.id}/access_tokens", repeat=True)
        self.granted = dict(answer.body.get("permissions") or {})
        return answer.body["token"], datetime.fromisoformat(answer.body["expires_at"])

    async def _token(self) -> str:
        return await self.token()

    def _drop(self, token: str | None) -> bool:
        if token:
            self.drop_token(token)
        return True

    async def get(self, path: str, **params: str | int) -> Any:
        """The decoded body of a GET."""
        return (await self.call("GET", path, params=params)).body

    async def pages(self, path: str, *, key: str | None = None, **params: str | int) -> list[dict[str, Any]]:
        """All items of all pages of a list; `key` names it where the list is wrapped in an object."""
        items: list[dict[str, Any]] = []
        asked = {"per_page": _PER_PAGE, **params}
        answer = await self.call("GET", path, params=asked)
        for number in itertools.count(2):
            page: list[dict[str, Any]] = answer.body[key] if key else answer.body
            items += page
            if answer.next:
                answer = await self.call("GET", answer.next)
            elif answer.cached and len(page) == _PER_PAGE:
                # A full page stays as it is (304) when the first item of the next one comes.
                answer = await self.call("GET", path, params={**asked, "page": number})
            else:
                break
        return items

    async def write(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        kind: Literal["content", "other"],
        repeat: bool | None = None,
        echo: Any = None,
    ) -> Any:
        """The only way anything is written by REST: paced, and in `readonly` logged instead of sent.

        Args:
            kind: `content` for what notifies people; it is spaced further.
            echo: what to answer in `readonly`.
        """
        if self.readonly:
            return self._withhold(method, path, json, echo)
        await self._pacers[kind].turn()
        return (await self.call(method, path, json=json, repeat=repeat)).body

    async def query(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL query."""
        return await self._graphql(query, variables)

    async def mutate(self, query: str, **variables: Any) -> dict[str, Any]:
        """A GraphQL mutation that may be repeated without harm; in `readonly` logged instead of sent."""
        if self.readonly:
            return self._withhold("GRAPHQL", query.split("(")[0], variables, {})
        await self._pacers["other"].turn()
        return await self._graphql(query, variables)

    async def _graphql(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        answer = await self.call("POST", self.host.graphql_url, json=body, repeat=True)
        return answer.body.get("data") or {}

    def _withhold(self, method: str, path: str, json: Any, echo: Any) -> Any:
        log.info("github.withheld", method=method, path=path, body=json)
        return {} if echo is None else echo


class GitHubApp(Caller):
    """The app itself.

    Args:
        api_url: `https://api.github.com`, `https://HOST/api/v3` (Enterprise Server), or a local one.
        private_key: PEM.
        readonly: log every write instead of sending it.

    Raises:
        UserError: the key is none.

    Use it as `async with GitHubApp(…) as app:` or call `aclose()`.
    """

    def __init__(
        self,
        api_url: str,
        app_id: int,
        private_key: str,
        *,
        api_version: str = API_VERSION,
        pace: Pace | None = None,
        readonly: bool = False,
        user_agent: str = "tfport",
    ) -> None:
        _check_key(private_key)
        host = Host(api_url, api_version, pace or Pace(), user_agent)
        super().__init__(host, host.client(AppAuthStrategy(app_id, private_key)), "app")
        self.app_id = app_id
        self.readonly = readonly
        self.identity: Identity | None = None
        """Filled by `reads.identity`."""
        self._shared = host.client(UnauthAuthStrategy())
        self._installations: dict[int, Installation] = {}

    def installation(self, installation_id: int) -> Installation:
        """The one `Installation` of this id."""
        if installation_id not in self._installations:
            self._installations[installation_id] = Installation(self, self._shared, installation_id)
        return self._installations[installation_id]

    async def __aenter__(self) -> GitHubApp:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._shared.aclose()


def _check_key(private_key: str) -> None:
    try:
        load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UserError(
            "the app's private key cannot be read",
            hint="it is the .pem file from the app's settings page, without a passphrase",
        ) from error
