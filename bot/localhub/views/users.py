"""Accounts of people, organizations and bots."""

from __future__ import annotations

from urllib.parse import quote

from bot.localhub.clock import stamp
from bot.localhub.state import Json, User
from bot.localhub.views import Urls


def user(urls: Urls, who: User) -> Json:
    """`simple-user`."""
    url = f"{urls.api}/users/{quote(who.login)}"
    web = (
        f"{urls.web}/apps/{who.login.removesuffix('[bot]')}"
        if who.type == "Bot"
        else f"{urls.web}/{who.login}"
    )
    return {
        "login": who.login,
        "id": who.id,
        "node_id": who.node_id,
        "avatar_url": f"{urls.web}/_avatars/{who.id}",
        "gravatar_id": "",
        "url": url,
        "html_url": web,
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": who.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def profile(urls: Urls, who: User, public_repos: int) -> Json:
    """`public-user`."""
    return user(urls, who) | {
        "name": who.name,
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": public_repos,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": stamp(who.created_at),
        "updated_at": stamp(who.updated_at),
    }
