"""Users, limits, and what the server says of itself."""

from __future__ import annotations

from bot.localhub import api
from bot.localhub.errors import Refusal, not_found
from bot.localhub.views import users
from bot.localhub.web import Call, Reply, ok, route


@route("GET", "/users/{username}")
def get_user(call: Call) -> Reply:
    found = call.state.user(call.params["username"])
    if found is None:
        raise not_found()
    public = sum(r.owner is found and not r.private for r in call.state.repositories.values())
    return ok(users.profile(call.urls, found, public))


@route("GET", "/user/{account_id}")
def get_user_by_id(call: Call) -> Reply:
    found = call.state.users.get(call.number("account_id"))
    if found is None:
        raise not_found()
    public = sum(r.owner is found and not r.private for r in call.state.repositories.values())
    return ok(users.profile(call.urls, found, public))


@route("GET", "/user")
def get_me(call: Call) -> Reply:
    if call.actor.token:
        raise Refusal(403, "Resource not accessible by integration")
    return ok(users.profile(call.urls, call.actor.user, 0))


@route("GET", "/rate_limit")
def get_rate_limit(call: Call) -> Reply:
    rate = api.rate(call.hub, call.actor)
    return ok({"resources": {"core": rate, "search": rate, "graphql": rate}, "rate": rate})


@route("GET", "/meta")
def get_meta(call: Call) -> Reply:
    return ok({"verifiable_password_authentication": False, "installed_version": "3.19.0"})
