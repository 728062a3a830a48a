"""GraphQL: what a bot needs of it."""

from __future__ import annotations

from bot.localhub import LocalHub
from bot.localhub.state import Pull
from tests.localhub.conftest import Client, Receiver

MINIMIZE = """mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) {
  minimizedComment { isMinimized minimizedReason } } }"""
UNMINIMIZE = """mutation($id: ID!) { unminimizeComment(input: {subjectId: $id, clientMutationId: "m"}) {
  clientMutationId unminimizedComment { isMinimized } } }"""
THREADS = """query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) { pullRequest(number: $number) { reviewThreads(first: 2, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    nodes { id isResolved isOutdated path line comments(first: 1) { nodes { databaseId author { login } body } } } } } } }"""
NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on IssueComment { isMinimized } } }"
RESOLVE = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
REACT = """mutation($id: ID!, $content: ReactionContent!) { addReaction(input: {subjectId: $id, content: $content}) {
  reaction { content } } }"""


def test_minimize(hub: LocalHub, client: Client, pull: Pull, receiver: Receiver) -> None:
    node = client("POST", "issues/1/comments", {"body": "old"}).json()["node_id"]
    assert client.graphql(MINIMIZE, id=node) == {
        "data": {
            "minimizeComment": {"minimizedComment": {"isMinimized": True, "minimizedReason": "outdated"}}
        }
    }
    assert client.graphql(NODES, ids=[node])["data"]["nodes"] == [{"id": node, "isMinimized": True}]
    undone = client.graphql(UNMINIMIZE, id=node)["data"]["unminimizeComment"]
    assert undone == {"clientMutationId": "m", "unminimizedComment": {"isMinimized": False}}


def test_threads(hub: LocalHub, client: Client, pull: Pull) -> None:
    comments = [{"path": "src/tf_bert.py", "line": line, "body": f"{line}"} for line in (1, 2, 3)]
    client("POST", "pulls/1/reviews", {"event": "COMMENT", "body": "x", "comments": comments})
    where = {"owner": "huggingface", "name": "transformers", "number": 1}

    def page(after: str | None = None) -> dict[str, object]:
        found = client.graphql(THREADS, **where, after=after)
        return found["data"]["repository"]["pullRequest"]["reviewThreads"]

    first = page()
    assert (first["totalCount"], first["pageInfo"]) == (3, {"hasNextPage": True, "endCursor": "2"})
    (last,) = page("2")["nodes"]
    assert last["line"] == 3
    assert last["comments"]["nodes"][0]["author"]["login"] == "tfport", "without [bot], as in GraphQL"
    assert client.graphql(RESOLVE, id=last["id"])["data"]["resolveReviewThread"]["thread"]["isResolved"]
    assert page("2")["nodes"][0]["isResolved"]
    assert pull.threads[2].resolved_by is client.app.bot


def test_reaction(hub: LocalHub, client: Client, pull: Pull) -> None:
    comment = hub.comment("gante", pull, "x")
    for _ in range(2):
        made = client.graphql(REACT, id=comment.node_id, content="THUMBS_UP")
        assert made["data"]["addReaction"]["reaction"] == {"content": "THUMBS_UP"}
    assert [one.content for one in comment.reactions] == ["+1"]


def test_errors(hub: LocalHub, client: Client, pull: Pull) -> None:
    (error,) = client.graphql(NODES, ids=["nothing"])["errors"]
    assert error["type"] == "NOT_FOUND"
    assert error["message"] == "Could not resolve to a node with the global id of 'nothing'."
    comment = hub.comment("gante", pull, "x")
    for name in ("issues", "pull_requests"):
        client.installation.permissions[name] = "read"
    client.token = client.mint().json()["token"]
    (error,) = client.graphql(MINIMIZE, id=comment.node_id)["errors"]
    assert (error["type"], error["message"]) == ("FORBIDDEN", "Resource not accessible by integration")
    assert comment.minimized is None
    assert hub.violations == []
    client.graphql("query { viewer { shoeSize } }")
    assert hub.violations == ["GraphQL: Cannot query field 'shoeSize' on type 'User'."]
    hub.violations.clear()
    assert client.http.post(hub.url + "/api/graphql", json={"query": "{viewer{login}}"}).status_code == 401
