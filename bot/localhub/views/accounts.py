"""Apps, installations, tokens, hooks and their deliveries."""

from __future__ import annotations

import json

from bot.localhub.clock import stamp
from bot.localhub.state import App, Delivery, Installation, Json, Repository, Token
from bot.localhub.views import Urls
from bot.localhub.views.repositories import repository
from bot.localhub.views.users import user


def app(urls: Urls, the: App, installations: int | None = None) -> Json:
    """`integration`; the count only in the app's own answer."""
    found = {
        "id": the.id,
        "client_id": the.client_id,
        "slug": the.slug,
        "node_id": the.node_id,
        "owner": user(urls, the.owner),
        "name": the.name,
        "description": the.description,
        "external_url": f"{urls.web}/apps/{the.slug}",
        "html_url": f"{urls.web}/apps/{the.slug}",
        "created_at": stamp(the.created_at),
        "updated_at": stamp(the.updated_at),
        "permissions": dict(the.permissions),
        "events": list(the.events),
    }
    return found if installations is None else found | {"installations_count": installations}


def installation(urls: Urls, the: Installation) -> Json:
    return {
        "id": the.id,
        "client_id": the.app.client_id,
        "account": user(urls, the.account),
        "repository_selection": "all" if the.repositories is None else "selected",
        "access_tokens_url": f"{urls.api}/app/installations/{the.id}/access_tokens",
        "repositories_url": f"{urls.api}/installation/repositories",
        "html_url": f"{urls.web}/settings/installations/{the.id}",
        "app_id": the.app.id,
        "app_slug": the.app.slug,
        "target_id": the.account.id,
        "target_type": the.account.type,
        "permissions": dict(the.permissions),
        "events": list(the.events),
        "created_at": stamp(the.created_at),
        "updated_at": stamp(the.updated_at),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": user(urls, the.suspended_by) if the.suspended_by else None,
        "suspended_at": stamp(the.suspended_at),
    }


def token(urls: Urls, the: Token, repositories: list[Repository]) -> Json:
    """`installation-token`; the repositories are listed only where the token is limited to some."""
    found: Json = {
        "token": the.value,
        "expires_at": stamp(the.expires_at),
        "permissions": dict(the.permissions),
        "repository_selection": "all" if the.repositories is None else "selected",
    }
    if the.repositories is not None:
        found["repositories"] = [repository(urls, one) for one in repositories]
    return found


def hook_config(the: App) -> Json:
    return {
        "content_type": "json",
        "insecure_ssl": "0",
        "secret": "********",
        "url": the.webhook_url or "",
    }


def delivery_item(the: Delivery) -> Json:
    """`hook-delivery-item`, as in the list."""
    return {
        "id": the.id,
        "guid": the.guid,
        "delivered_at": stamp(the.delivered_at),
        "redelivery": the.redelivery,
        "duration": round(the.duration, 2),
        "status": the.status,
        "status_code": the.status_code,
        "event": the.event,
        "action": the.action,
        "installation_id": the.installation_id,
        "repository_id": the.repository_id,
        "throttled_at": None,
    }


def delivery(the: Delivery) -> Json:
    """`hook-delivery`, with request and response."""
    return delivery_item(the) | {
        "url": the.app.webhook_url or "",
        "request": {"headers": dict(the.request_headers), "payload": json.loads(the.body)},
        "response": {"headers": dict(the.response_headers), "payload": the.response_body},
    }
