"""A bot's eye view of the local GitHub: an HTTP client with an installation token, and a receiver of webhooks."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest

from bot.localhub import LocalHub
from bot.localhub.state import App, Installation, Pull, Repository

SECRET = "a test's secret"
BASE = {
    "README.md": "# Transformers\n",
    "src/bert.py": "".join(f"line {n}\n" for n in range(1, 101)),
    "docs/index.md": "| model | TF |\n",
}


class Receiver:
    """An endpoint for webhooks: checks signatures, keeps what came, answers as it is told."""

    def __init__(self) -> None:
        self.deliveries: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.status = 202
        self.delay = 0.0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                mac = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
                assert self.headers["X-Hub-Signature-256"] == f"sha256={mac}"
                mac = hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
                assert self.headers["X-Hub-Signature"] == f"sha1={mac}"
                time.sleep(receiver.delay)
                receiver.deliveries.append((dict(self.headers), json.loads(body)))
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhook"

    @property
    def seen(self) -> list[str]:
        """`event.action` of everything that came, in its order."""
        names = [
            f"{headers['X-GitHub-Event']}.{payload.get('action', '')}".rstrip(".")
            for headers, payload in self.deliveries
        ]
        return [name for name in names if name != "ping"]

    def payload(self, name: str) -> dict[str, Any]:
        """The last payload of that `event.action`."""
        for headers, payload in reversed(self.deliveries):
            if f"{headers['X-GitHub-Event']}.{payload.get('action', '')}".rstrip(".") == name:
                return payload
        raise AssertionError(f"no {name}; there came {self.seen}")

    def forget(self) -> None:
        self.deliveries.clear()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@dataclass
class Client:
    """What a bot has: the app's key, an installation, tokens."""

    hub: LocalHub
    app: App
    installation: Installation
    http: httpx.Client = field(init=False)
    token: str = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.hub.api_url, trust_env=False, timeout=20)
        self.token = self.mint().json()["token"]

    def jwt(self, **claims: Any) -> str:
        now = int(self.hub.state.clock.now().timestamp())
        whole = {"iat": now - 60, "exp": now + 540, "iss": str(self.app.id), **claims}
        return jwt.encode({k: v for k, v in whole.items() if v is not None}, self.app.private_key, "RS256")

    def as_app(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.http.request(method, path, headers={"authorization": f"Bearer {self.jwt()}"}, **more)

    def mint(self, **body: Any) -> httpx.Response:
        path = f"/app/installations/{self.installation.id}/access_tokens"
        return self.as_app("POST", path, **({"json": body} if body else {}))

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """A request with the installation token; paths without a leading slash lie below the repository."""
        headers = {"authorization": f"token {self.token}", **more.pop("headers", {})}
        url = path if path.startswith(("/", "http")) else f"/repos/huggingface/transformers/{path}"
        return self.http.request(
            method, url, headers=headers, **({} if body is None else {"json": body}), **more
        )

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        url = self.hub.url + "/api/graphql"
        answer = self("POST", url, {"query": query, "variables": variables})
        assert answer.status_code == 200
        return answer.json()


@pytest.fixture
def app(hub: LocalHub, receiver: Receiver) -> App:
    return hub.app(webhook_url=receiver.url, webhook_secret=SECRET)


@pytest.fixture
def repo(hub: LocalHub) -> Repository:
    """huggingface/transformers with three files, gante may write."""
    made = hub.repository("huggingface/transformers")
    hub.commit(made, "main", BASE, "Start")
    hub.user("somebody")
    hub.user("gante")
    hub.set_role(made, "gante", "write")
    return made


@pytest.fixture
def client(hub: LocalHub, app: App, repo: Repository) -> Client:
    return Client(hub, app, hub.install(app, repo))


@pytest.fixture
def fork(hub: LocalHub, repo: Repository) -> Repository:
    """somebody's fork with a branch `port`: one file new, one line changed."""
    made = hub.fork(repo, "somebody")
    changed = BASE["src/bert.py"].replace("line 50\n", "line fifty\n")
    hub.commit(made, "port", {"src/tf_bert.py": "one\ntwo\nthree\n", "src/bert.py": changed}, "Port")
    return made


@pytest.fixture
def pull(hub: LocalHub, client: Client, fork: Repository, receiver: Receiver) -> Pull:
    """The draft from the fork; what came by webhook until then is forgotten."""
    made = hub.open_pull(
        "somebody", "huggingface/transformers", head="somebody:port", draft=True, body="A *port*."
    )
    hub.webhooks.wait()
    receiver.forget()
    return made


def message(answer: httpx.Response) -> str:
    return answer.json()["message"]
