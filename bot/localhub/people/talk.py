"""What people say, and the buttons of checks and webhooks."""

from __future__ import annotations

from typing import Literal

from bot.localhub.actions import checks, conversation, reviews
from bot.localhub.people.names import Names, NoSuch
from bot.localhub.state import (
    CheckRun,
    CheckSuite,
    Comment,
    Delivery,
    Issue,
    Json,
    Pull,
    Review,
    ReviewComment,
    Status,
    User,
)


class Talk(Names):
    """Mixed into `People`."""

    def comment(self, author: User | str, issue: Issue | str, body: str) -> Comment:
        with self._hub.lock:
            return conversation.add_comment(self._hub, self._issue(issue), self.user_of(author), body)

    def edit_comment(self, comment: Comment | int, body: str, sender: User | str | None = None) -> None:
        with self._hub.lock:
            found = self._comment(comment)
            conversation.edit_comment(self._hub, found, self._user(sender or found.user), body)

    def delete_comment(self, comment: Comment | int, sender: User | str | None = None) -> None:
        with self._hub.lock:
            found = self._comment(comment)
            conversation.delete_comment(self._hub, found, self._user(sender or found.user))

    def review(
        self,
        author: User | str,
        pull: Pull | str,
        body: str = "",
        *,
        event: Literal["COMMENT", "APPROVE", "REQUEST_CHANGES"] | None = "COMMENT",
        comments: list[Json] | None = None,
    ) -> Review:
        """A review; `comments` as in the REST API (`path`, `line`, `body`, …); event None leaves it pending."""
        with self._hub.lock:
            return reviews.create(
                self._hub, self._pull(pull), self.user_of(author), body=body, event=event, comments=comments
            )

    def review_comment(
        self, author: User | str, pull: Pull | str, path: str, line: int, body: str
    ) -> ReviewComment:
        with self._hub.lock:
            wanted: Json = {"path": path, "line": line, "body": body}
            return reviews.comment(self._hub, self._pull(pull), self.user_of(author), wanted)

    def reply(self, author: User | str, comment: ReviewComment | int, body: str) -> ReviewComment:
        with self._hub.lock:
            return reviews.reply(self._hub, self._node(ReviewComment, comment), self.user_of(author), body)

    def resolve(self, comment: ReviewComment | int, who: User | str) -> None:
        """Resolve the conversation of a review comment."""
        with self._hub.lock:
            self._node(ReviewComment, comment).thread.resolved_by = self._user(who)

    def dismiss(self, review: Review | int, who: User | str, message: str = "") -> None:
        with self._hub.lock:
            reviews.dismiss(self._hub, self._node(Review, review), self._user(who), message)

    def status(
        self,
        pull: Pull | str,
        state: Literal["error", "failure", "pending", "success"],
        context: str = "ci",
        by: User | str = "circleci",
    ) -> Status:
        """A CI reports on the head of a pull request."""
        with self._hub.lock:
            found = self._pull(pull)
            return checks.report(
                self._hub, found.repository, found.head_sha, self.user_of(by), state=state, context=context
            )

    def rerequest(self, run: CheckRun | int, sender: User | str) -> None:
        """ "Re-run" at one check: only the suite is reset, the run stays as it is."""
        hub = self._hub
        with hub.lock:
            found = self._node(CheckRun, run)
            found.suite.rerequested = True
            hub.events.run("rerequested", found, self._user(sender), only=found.suite.app)

    def rerequest_suite(self, suite: CheckSuite | int, sender: User | str) -> None:
        """ "Re-run all checks"."""
        hub = self._hub
        with hub.lock:
            found = self._node(CheckSuite, suite)
            found.rerequested = True
            hub.events.suite("rerequested", found, self._user(sender))

    def click(self, run: CheckRun | int, action: str, sender: User | str) -> None:
        """A button of a check run, by its identifier."""
        hub = self._hub
        with hub.lock:
            found = self._node(CheckRun, run)
            if action not in [one["identifier"] for one in found.actions]:
                raise NoSuch(f"{found.name} has no button {action!r}")
            more = {"requested_action": {"identifier": action}}
            hub.events.run("requested_action", found, self._user(sender), only=found.suite.app, **more)

    def check_runs(self, pull: Pull | str) -> list[CheckRun]:
        """All runs at the head of a pull request, oldest first."""
        with self._hub.lock:
            found = self._pull(pull)
            return [
                run
                for run in self._hub.state.runs.values()
                if run.suite.repository is found.repository and run.suite.head_sha == found.head_sha
            ]

    def redeliver(self, delivery: Delivery | int) -> Delivery:
        hub = self._hub
        with hub.lock:
            found = delivery if isinstance(delivery, Delivery) else hub.state.deliveries.get(delivery)
            if found is None:
                raise NoSuch(f"no delivery {delivery}")
            return hub.webhooks.redeliver(found)
