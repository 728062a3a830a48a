"""Accounts, apps, installations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.localhub.people.names import Names
from bot.localhub.state import App, Installation, Permissions, Repository, User

EVENTS = ("check_run", "check_suite", "issue_comment", "pull_request", "pull_request_review",
          "pull_request_review_comment", "push", "status")  # fmt: skip
PERMISSIONS: Permissions = {
    "checks": "write",
    "contents": "read",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "read",
}


class Accounts(Names):
    """Mixed into `People`."""

    def organization(self, login: str) -> User:
        return self.user(login, type="Organization")

    def rename_user(self, who: User | str, login: str) -> User:
        """A new login for the same account; the old one is free for others."""
        with self._hub.lock:
            user = self._user(who)
            for repository in self._hub.state.repositories.values():
                if repository.owner is user:
                    self._hub.state.moved[repository.full_name.lower()] = repository.id
            user.login = login
            return user

    def app(
        self,
        slug: str = "tfport",
        *,
        webhook_url: str | None = None,
        webhook_secret: str = "development",  # noqa: S107
        permissions: Mapping[str, str] = PERMISSIONS,
        events: list[str] | tuple[str, ...] = EVENTS,
        owner: User | str | None = None,
        name: str | None = None,
    ) -> App:
        """Register an app, with a new key pair (`.private_key` is PEM)."""
        hub = self._hub
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        with hub.lock:
            bot = self.user(f"{slug}[bot]", type="Bot")
            app = hub.state.new(
                App,
                slug=slug,
                name=name or slug,
                owner=self._user(owner) if owner else self.user("operator"),
                bot=bot,
                private_key=key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.TraditionalOpenSSL,
                    serialization.NoEncryption(),
                ).decode(),
                public_key=key.public_key(),
                webhook_secret=webhook_secret,
                webhook_url=webhook_url,
                permissions={"metadata": "read"} | dict(permissions),
                events=list(events),
                client_id=f"Iv23li{hub.state.next_id('client'):014d}",
                client_secret=f"secret-of-{slug}",
            )
            hub.state.apps[app.id] = app
            hub.events.ping(app)
            return app

    def set_webhook(self, app: App | str, url: str | None, secret: str | None = None) -> App:
        """Change where deliveries go (and the secret)."""
        with self._hub.lock:
            found = self._app(app)
            found.webhook_url = url
            found.webhook_secret = secret or found.webhook_secret
            return found

    def install(
        self,
        app: App | str,
        target: Repository | User | str,
        *,
        permissions: Mapping[str, str] | None = None,
        sender: User | str | None = None,
    ) -> Installation:
        """Install on one repository (more calls add more) or on a whole account."""
        hub = self._hub
        with hub.lock:
            found = self._app(app)
            where = self._repository(target) if isinstance(target, str) and "/" in target else target
            repository = where if isinstance(where, Repository) else None
            account = repository.owner if repository else self._user(cast("User | str", where))
            by = self._user(sender) if sender else account
            old = next(
                (
                    i
                    for i in hub.state.installations.values()
                    if i.app is found and i.account is account and not i.deleted
                ),
                None,
            )
            if old and repository and old.repositories is not None:
                old.repositories.add(repository.id)
                hub.events.repositories_changed(old, [repository], [], by)
                return old
            installation = hub.state.new(
                Installation,
                app=found,
                account=account,
                permissions={"metadata": "read"}
                | dict(found.permissions if permissions is None else permissions),
                events=list(found.events),
                repositories={repository.id} if repository else None,
            )
            hub.state.installations[installation.id] = installation
            hub.events.installation("created", installation, by)
            return installation

    def uninstall(self, installation: Installation | int) -> None:
        hub = self._hub
        with hub.lock:
            found = self._installation(installation)
            hub.events.installation("deleted", found, found.account)
            found.deleted = True

    def remove_from_installation(
        self, installation: Installation | int, repository: Repository | str
    ) -> None:
        hub = self._hub
        with hub.lock:
            found, gone = self._installation(installation), self._repository(repository)
            if found.repositories is None:
                found.repositories = {
                    r.id for r in hub.state.repositories.values() if r.owner is found.account
                }
            found.repositories.discard(gone.id)
            hub.events.repositories_changed(found, [], [gone], found.account)

    def suspend(self, installation: Installation | int, suspended: bool = True) -> None:
        hub = self._hub
        with hub.lock:
            found = self._installation(installation)
            found.suspended_at = hub.state.clock.now() if suspended else None
            found.suspended_by = found.account if suspended else None
            hub.events.installation("suspend" if suspended else "unsuspend", found, found.account)
