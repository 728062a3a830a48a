"""Names -> objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NoReturn, TypeVar, cast

from bot.localhub.state import App, Comment, Installation, Issue, Node, Pull, Repository, User

if TYPE_CHECKING:
    from bot.localhub.hub import LocalHub

N = TypeVar("N", bound=Node)


class NoSuch(LookupError):
    """A name that means nothing here."""


class Names:
    """What all parts of `People` share."""

    @property
    def _hub(self) -> LocalHub:
        return cast("LocalHub", self)

    def user(self, login: str, *, type: Literal["User", "Organization", "Bot"] = "User") -> User:
        """The account of that login, made if need be."""
        hub = self._hub
        with hub.lock:
            found = hub.state.user(login)
            if found is None:
                found = hub.state.new(User, login=login, type=type, name=login)
                hub.state.users[found.id] = found
            return found

    def user_of(self, who: User | str) -> User:
        """The account; a login that is not there yet is made (whoever talks first has signed up before)."""
        return self.user(who) if isinstance(who, str) else who

    def _user(self, who: User | str) -> User:
        found = self._hub.state.user(who) if isinstance(who, str) else who
        return found or self._missing("user", who)

    def _app(self, which: App | str) -> App:
        if isinstance(which, App):
            return which
        return next((a for a in self._hub.state.apps.values() if a.slug == which), None) or self._missing(
            "app", which
        )

    def _installation(self, which: Installation | int) -> Installation:
        found = self._hub.state.installations.get(which) if isinstance(which, int) else which
        return found or self._missing("installation", which)

    def _repository(self, which: Repository | User | str) -> Repository:
        if isinstance(which, Repository):
            return which
        return self._hub.state.repository(str(which)) or self._missing("repository", which)

    def _issue(self, which: Issue | str) -> Issue:
        if isinstance(which, Issue):
            return which
        name, _, number = which.rpartition("#")
        return self._repository(name).issues.get(int(number)) or self._missing("issue", which)

    def _pull(self, which: Pull | Issue | str) -> Pull:
        found = self._issue(which)
        return found if isinstance(found, Pull) else self._missing("pull request", which)

    def _comment(self, which: Comment | int) -> Comment:
        return self._node(Comment, which)

    def _node(self, kind: type[N], which: N | int) -> N:
        if isinstance(which, kind):
            return which
        found = (
            node for node in self._hub.state.nodes.values() if isinstance(node, kind) and node.id == which
        )
        return next(found, None) or self._missing(kind.__name__, which)

    def _missing(self, kind: str, which: object) -> NoReturn:
        raise NoSuch(f"there is no {kind} {which!r}")
