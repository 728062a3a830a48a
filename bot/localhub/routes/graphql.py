"""GraphQL: what REST lacks (minimise a comment, resolve a thread). Answers 200, errors inside, as GitHub does."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from graphql import GraphQLError, GraphQLSchema, build_schema, parse, validate
from graphql import execute_sync as execute_document  # pyright: ignore[reportUnknownVariableType]

from bot.localhub.actions import conversation, pulls
from bot.localhub.auth import can_see, check
from bot.localhub.clock import stamp
from bot.localhub.errors import Refusal, forbidden
from bot.localhub.routes.comments import READ, WRITE
from bot.localhub.state import Json, Node, Pull, Remark, Repository, Thread
from bot.localhub.views.graphql import CONTENT, Views, later, repository_of
from bot.localhub.web import Call, Reply, ok, route

T = TypeVar("T")


class Queries(Views):
    """The root of queries."""

    def fields(self) -> Json:
        return {
            "node": self.find,
            "nodes": self.find_all,
            "repository": self.find_repository,
            "viewer": later(lambda: self.user(self.call.actor.user) | {"__typename": "User"}),
            "rateLimit": self.limit,
        }

    def lookup(self, id: str) -> Node:
        found = self.call.state.nodes.get(id)
        repository = repository_of(found) if found else None
        if found is None or (repository and not can_see(self.call.actor, repository)):
            raise Refusal(404, f"Could not resolve to a node with the global id of '{id}'.")
        if repository:
            check(self.call.actor, repository, () if isinstance(found, Repository) else READ)
        return found

    def find(self, _: Any, id: str) -> Json | None:
        return self.node(self.lookup(id))

    def find_all(self, _: Any, ids: list[str]) -> list[Json | Refusal | None]:
        """An id that means nothing is null at its place, with an error of its own."""
        found: list[Json | Refusal | None] = []
        for one in ids:
            try:
                found.append(self.node(self.lookup(one)))
            except Refusal as refusal:
                found.append(refusal)
        return found

    def find_repository(self, _: Any, owner: str, name: str) -> Json:
        found = self.call.state.repository(f"{owner}/{name}")
        if found is None or not can_see(self.call.actor, found):
            raise Refusal(404, f"Could not resolve to a Repository with the name '{owner}/{name}'.")
        return self.repository(found)

    def limit(self, _: Any) -> Json:
        token = self.call.actor.token
        left = token.installation.remaining if token else 5000
        reset = (token.installation.reset_at if token else None) or self.call.state.clock.now()
        return {
            "cost": 1,
            "limit": 5000,
            "remaining": left,
            "used": 5000 - left,
            "resetAt": stamp(reset),
            "nodeCount": 0,
        }


class Mutations(Queries):
    """The root of mutations."""

    def fields(self) -> Json:
        return {
            "minimizeComment": self.minimize,
            "unminimizeComment": self.unminimize,
            "resolveReviewThread": self.resolve,
            "unresolveReviewThread": self.unresolve,
            "addReaction": self.react,
            "removeReaction": self.unreact,
            "convertPullRequestToDraft": self.to_draft,
            "markPullRequestReadyForReview": self.to_ready,
        }

    def _writable(self, id: str, kind: type[T], *needs: str) -> T:
        found = self.lookup(id)
        if not isinstance(found, kind):
            raise Refusal(404, f"Could not resolve to {kind.__name__} node with the global id of '{id}'.")
        repository = repository_of(found)
        if repository is None:
            raise forbidden()
        check(self.call.actor, repository, needs or WRITE, "read")
        if repository.archived:
            raise Refusal(403, "Repository was archived so is read-only.")
        return found

    def _answer(self, input: Json, **fields: Any) -> Json:
        return {"clientMutationId": input.get("clientMutationId"), **fields}

    def minimize(self, _: Any, input: Json) -> Json:
        found = self._writable(input["subjectId"], Remark)
        self.call.state.changes += 1
        found.minimized = str(input["classifier"]).lower().replace("_", "-")
        return self._answer(input, minimizedComment=self.node(found))

    def unminimize(self, _: Any, input: Json) -> Json:
        found = self._writable(input["subjectId"], Remark)
        self.call.state.changes += 1
        found.minimized = None
        return self._answer(input, unminimizedComment=self.node(found))

    def resolve(self, _: Any, input: Json) -> Json:
        thread = self._writable(input["threadId"], Thread, "pull_requests:write")
        thread.resolved_by = self.call.actor.user
        return self._answer(input, thread=self.thread(thread))

    def unresolve(self, _: Any, input: Json) -> Json:
        thread = self._writable(input["threadId"], Thread, "pull_requests:write")
        thread.resolved_by = None
        return self._answer(input, thread=self.thread(thread))

    def _subject(self, input: Json) -> tuple[Remark, str]:
        found = self._writable(input["subjectId"], Remark)
        return found, next(name for name, content in CONTENT.items() if content == input["content"])

    def react(self, _: Any, input: Json) -> Json:
        subject, content = self._subject(input)
        made, _new = conversation.react(self.call.hub, subject.reactions, self.call.actor.user, content)
        return self._answer(input, reaction=self.reaction(made), subject=self.node(subject))

    def unreact(self, _: Any, input: Json) -> Json:
        subject, content = self._subject(input)
        mine = [
            one for one in subject.reactions if one.user is self.call.actor.user and one.content == content
        ]
        for one in mine:
            subject.reactions.remove(one)
        shown = self.reaction(mine[0]) if mine else None
        return self._answer(input, reaction=shown, subject=self.node(subject))

    def to_draft(self, _: Any, input: Json) -> Json:
        return self._draft(input, True)

    def to_ready(self, _: Any, input: Json) -> Json:
        return self._draft(input, False)

    def _draft(self, input: Json, draft: bool) -> Json:
        pull = self._writable(input["pullRequestId"], Pull, "pull_requests:write")
        pulls.set_draft(self.call.hub, pull, self.call.actor.user, draft)
        return self._answer(input, pullRequest=self.pull(pull))


@cache
def schema() -> GraphQLSchema:
    return build_schema((Path(__file__).parent.parent / "schema.graphql").read_text("utf-8"))


@route("POST", "/graphql", body="query variables operationName")
def answer(call: Call) -> Reply:
    """A document that does not fit the schema is noted as a violation: GitHub would refuse it, too (or serves more)."""
    if not call.actor.token and not call.actor.person:
        raise Refusal(401, "This endpoint requires you to be authenticated.")
    try:
        document = parse(call.text("query"))
    except GraphQLError as error:
        call.hub.violations.append(f"GraphQL: {error.message}")
        return ok({"errors": [_shown(error)]})
    if errors := validate(schema(), document):
        call.hub.violations += [f"GraphQL: {error.message}" for error in errors]
        return ok({"errors": [_shown(error) for error in errors]})
    root = {**Queries(call).fields(), **Mutations(call).fields()}
    result = execute_document(
        schema(),
        document,
        root,
        variable_values=call.body.get("variables") or {},
        operation_name=call.body.get("operationName"),
    )
    for error in result.errors or []:
        original = error.original_error
        if original is not None and not isinstance(original, (GraphQLError, Refusal)):
            raise original
    body: Json = {"data": result.data}
    return ok(body | ({"errors": [_shown(error) for error in result.errors]} if result.errors else {}))


def _shown(error: GraphQLError) -> Json:
    """GitHub puts a `type` beside message and path."""
    found: Json = {"message": error.message}
    if isinstance(error.original_error, Refusal):
        found = {"type": "NOT_FOUND" if error.original_error.status == 404 else "FORBIDDEN"} | found
    if error.path:
        found["path"] = error.path
    if error.locations:
        found["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    return found
