"""The app's webhook: where it goes, what was delivered, once more please."""

from __future__ import annotations

from bot.localhub.errors import invalid, not_found
from bot.localhub.state import App, Delivery
from bot.localhub.views import accounts
from bot.localhub.web import Call, Reply, ok, route


def _app(call: Call) -> App:
    assert call.actor.app
    return call.actor.app


def _delivery(call: Call) -> Delivery:
    found = call.state.deliveries.get(call.number("delivery_id"))
    if found is None or found.app is not _app(call):
        raise not_found()
    return found


@route("GET", "/app/hook/config", jwt=True)
def get_config(call: Call) -> Reply:
    return ok(accounts.hook_config(_app(call)))


@route("PATCH", "/app/hook/config", jwt=True, body="url content_type secret insecure_ssl")
def update_config(call: Call) -> Reply:
    app = _app(call)
    if call.body.get("content_type", "json") != "json":
        raise invalid("Hook", "content_type")
    app.webhook_url = call.body.get("url", app.webhook_url)
    app.webhook_secret = call.body.get("secret", app.webhook_secret)
    return ok(accounts.hook_config(app))


@route("GET", "/app/hook/deliveries", jwt=True, query="cursor status")
def list_deliveries(call: Call) -> Reply:
    """Newest first; pages by cursor, not by number."""
    found = [one for one in call.state.deliveries.values() if one.app is _app(call)]
    wanted = call.query.get("status")
    if wanted:
        found = [one for one in found if (200 <= one.status_code < 400) == (wanted == "success")]
    found.sort(key=lambda one: -one.id)
    cursor = call.query.get("cursor", "").removeprefix("v1_")
    if cursor.isdigit():
        found = [one for one in found if one.id < int(cursor)]
    size = min(int(call.query.get("per_page", 30)), 100)
    page = found[:size]
    headers: dict[str, str] = {}
    if len(found) > size:
        headers["link"] = f'<{call.link(cursor=f"v1_{page[-1].id}")}>; rel="next"'
    return Reply(200, [accounts.delivery_item(one) for one in page], headers)


@route("GET", "/app/hook/deliveries/{delivery_id}", jwt=True)
def get_delivery(call: Call) -> Reply:
    return ok(accounts.delivery(_delivery(call)))


@route("POST", "/app/hook/deliveries/{delivery_id}/attempts", jwt=True)
def redeliver(call: Call) -> Reply:
    call.hub.webhooks.redeliver(_delivery(call))
    return Reply(202, {})
