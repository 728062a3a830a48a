"""The app: who it is, tokens and their limits, installations, its webhook."""

from __future__ import annotations

import httpx
import pytest

from bot.localhub import LocalHub
from bot.localhub.state import Pull, Repository
from tests.localhub.conftest import Client, Receiver, message


def test_app_and_installation(client: Client) -> None:
    app = client.as_app("GET", "/app").json()
    assert (app["id"], app["slug"], app["installations_count"]) == (client.app.id, "tfport", 1)
    (installation,) = client.as_app("GET", "/app/installations").json()
    assert installation["account"]["login"] == "huggingface"
    assert installation["repository_selection"] == "selected"
    one = client.as_app("GET", f"/app/installations/{installation['id']}").json()
    assert one == installation == client.as_app("GET", "/repos/huggingface/transformers/installation").json()
    assert client.as_app("GET", "/users/huggingface/installation").json() == one


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        ({"exp": -10}, "'Expiration time' claim"),
        ({"exp": 3600}, "too far in the future"),
        ({"iat": 300}, "'Issued at' claim"),
        ({"exp": None}, "'Expiration time' claim"),
    ],
)
def test_jwt_is_refused(client: Client, claims: dict[str, int | None], text: str) -> None:
    now = int(client.hub.state.clock.now().timestamp())
    whole = {name: value if value is None else now + value for name, value in claims.items()}
    answer = client.http.get("/app", headers={"authorization": f"Bearer {client.jwt(**whole)}"})
    assert answer.status_code == 401
    assert text in message(answer)


def test_jwt_of_another_key(hub: LocalHub, client: Client) -> None:
    other = hub.app("other")
    client.app, right = other, client.app
    forged = client.jwt(iss=str(right.id))
    assert client.http.get("/app", headers={"authorization": f"Bearer {forged}"}).status_code == 401
    assert (
        client.http.get("/app", headers={"authorization": f"Bearer {client.jwt(iss='1')}"}).status_code == 404
    )
    client.app = right
    assert client.http.get(
        "/app", headers={"authorization": f"Bearer {client.jwt(iss=right.client_id)}"}
    ).is_success


def test_token_belongs_to_installations_and_jwt_to_apps(client: Client) -> None:
    assert client("GET", "/app").status_code == 401
    assert client.as_app("GET", "/repos/huggingface/transformers/pulls").status_code == 401


def test_token_expires(hub: LocalHub, client: Client) -> None:
    assert client("GET", "pulls").status_code == 200
    hub.state.clock.advance(3601)
    answer = client("GET", "pulls")
    assert (answer.status_code, message(answer)) == (401, "Bad credentials")
    client.token = client.mint().json()["token"]
    assert client("GET", "pulls").status_code == 200


def test_token_of_less(hub: LocalHub, client: Client, repo: Repository) -> None:
    body = client.mint(permissions={"contents": "read"}, repository_ids=[repo.id]).json()
    assert body["permissions"] == {"metadata": "read", "contents": "read"}
    assert [one["full_name"] for one in body["repositories"]] == ["huggingface/transformers"]
    client.token = body["token"]
    assert client("GET", "contents/README.md").status_code == 200
    answer = client("GET", "pulls")
    assert (answer.status_code, message(answer)) == (403, "Resource not accessible by integration")


def test_token_of_more_is_refused(client: Client) -> None:
    answer = client.mint(permissions={"contents": "write"})
    assert (answer.status_code, message(answer)) == (
        422,
        "The permissions requested are not granted to this installation.",
    )
    assert client.mint(repositories=["nothing"]).status_code == 422


def test_missing_permission(hub: LocalHub, client: Client, pull: Pull) -> None:
    del client.installation.permissions["checks"]
    client.token = client.mint().json()["token"]
    answer = client("POST", "check-runs", {"name": "x", "head_sha": pull.head_sha})
    assert (answer.status_code, message(answer)) == (403, "Resource not accessible by integration")


def test_repositories_of_others(hub: LocalHub, client: Client) -> None:
    hub.repository("else/public")
    hub.repository("else/secret", private=True)
    assert client("GET", "/repos/else/public").status_code == 200
    assert client("GET", "/repos/else/secret").status_code == 404
    hub.open_issue("somebody", "else/public", "Hello")
    assert client("POST", "/repos/else/public/issues/1/comments", {"body": "x"}).status_code == 403
    listed = client("GET", "/installation/repositories").json()
    assert [one["full_name"] for one in listed["repositories"]] == ["huggingface/transformers"]


def test_suspended_and_deleted(hub: LocalHub, client: Client, receiver: Receiver, pull: Pull) -> None:
    hub.suspend(client.installation)
    answer = client("GET", "pulls")
    assert (answer.status_code, message(answer)) == (403, "This installation has been suspended")
    assert client.mint().status_code == 403
    hub.comment("gante", pull, "nobody hears this")
    hub.suspend(client.installation, False)
    assert client("GET", "pulls").status_code == 200
    hub.uninstall(client.installation)
    assert client("GET", "pulls").status_code == 401
    assert client.mint().status_code == 404
    hub.webhooks.wait()
    assert receiver.seen == ["installation.suspend", "installation.unsuspend", "installation.deleted"]


def test_repositories_come_and_go(hub: LocalHub, client: Client, receiver: Receiver) -> None:
    more = hub.repository("huggingface/accelerate")
    hub.install(client.app, more)
    hub.remove_from_installation(client.installation, more)
    hub.webhooks.wait()
    assert receiver.seen == ["installation.created", "installation_repositories.added",
                             "installation_repositories.removed"]  # fmt: skip
    gone = receiver.payload("installation_repositories.removed")["repositories_removed"]
    assert [one["full_name"] for one in gone] == ["huggingface/accelerate"]


def test_hook_config_and_log(hub: LocalHub, client: Client, receiver: Receiver, pull: Pull) -> None:
    assert client.as_app("GET", "/app/hook/config").json()["url"] == receiver.url
    receiver.status = 500
    hub.comment("gante", pull, "/tfport help")
    hub.webhooks.wait()
    listed = client.as_app("GET", "/app/hook/deliveries", params={"per_page": 2})
    newest, _ = listed.json()
    assert (newest["event"], newest["action"], newest["status_code"]) == ("issue_comment", "created", 500)
    older = client.as_app("GET", listed.links["next"]["url"]).json()
    assert older
    assert newest["id"] not in [one["id"] for one in older]
    whole = client.as_app("GET", f"/app/hook/deliveries/{newest['id']}").json()
    assert whole["request"]["payload"]["comment"]["body"] == "/tfport help"
    receiver.status = 202
    receiver.forget()
    assert client.as_app("POST", f"/app/hook/deliveries/{newest['id']}/attempts").status_code == 202
    hub.webhooks.wait()
    assert receiver.seen == ["issue_comment.created"]
    ((headers, _),) = receiver.deliveries
    assert headers["X-GitHub-Delivery"] == newest["guid"]
    again = client.as_app("GET", "/app/hook/deliveries", params={"per_page": 1}).json()[0]
    assert again["redelivery"]
    assert again["guid"] == newest["guid"]
    assert again["id"] != newest["id"]


def test_unknown_is_loud(hub: LocalHub, client: Client) -> None:
    assert client("GET", "/repos/huggingface/transformers/nonsense").status_code == 404
    answer = client("POST", "/repos/huggingface/transformers/labels", {"name": "x", "colour": "red"})
    assert answer.status_code == 422
    assert '"colour" is not a permitted key' in message(answer)
    client("GET", "pulls", params={"sate": "open"})
    assert [text.split(": ")[-1] for text in hub.violations] == [
        "no such route here",
        "unknown key 'colour' in the body",
        "unknown parameter 'sate'",
    ] or len(hub.violations) >= 3
    hub.violations.clear()


def test_bad_credentials(client: Client) -> None:
    for value in ("token nonsense", "Basic nonsense", "Digest x", "Bearer a.b.c"):
        answer = client.http.get("/repos/huggingface/transformers", headers={"authorization": value})
        assert answer.status_code == 401, value


def test_without_a_token_public_things_can_be_read(client: Client) -> None:
    assert client.http.get("/repos/huggingface/transformers").status_code == 200
    assert client.http.post("/repos/huggingface/transformers/labels", json={"name": "x"}).status_code == 401


def test_manifest_code_works_once(hub: LocalHub, client: Client) -> None:
    page = httpx.post(f"{hub.url}/settings/apps/new", trust_env=False, data={"manifest": MANIFEST})
    assert page.status_code == 302
    location = httpx.URL(page.headers["location"])
    assert str(location).startswith("http://127.0.0.1:1/registered?")
    code = location.params["code"]
    made = client.http.post(f"/app-manifests/{code}/conversions")
    assert made.status_code == 201
    assert made.json()["pem"].startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert made.json()["permissions"] == {"metadata": "read", "checks": "write"}
    assert client.http.post(f"/app-manifests/{code}/conversions").status_code == 404


MANIFEST = """{"name": "tfport here", "url": "http://127.0.0.1:1", "redirect_url": "http://127.0.0.1:1/registered",
"hook_attributes": {"url": "http://127.0.0.1:1/webhook"}, "public": false,
"default_permissions": {"checks": "write"}, "default_events": ["pull_request"]}"""
