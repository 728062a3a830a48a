"""Who we are, retries, limits, redirects (cases 35, 36, 37, 46 of the catalogue)."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from bot.github.errors import (
    Ambiguous,
    AuthFailed,
    GitHubDown,
    GitHubError,
    Gone,
    Locked,
    PermissionMissing,
    RateLimited,
    Refused,
    Unprocessable,
)
from bot.github.limits import Pace, Pacer, problem, rate_limit
from bot.github.session import GitHubApp
from bot.github.transport import graphql_url
from checks.errors import UserError
from tests.github.fake import FAST, Fake, connected, cut_short, error, private_key, serve

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FINE = JSONResponse({"fine": True})


# --- tokens -----------------------------------------------------------------------------------------------------------


async def test_concurrent_first_calls_mint_one_token() -> None:
    fake = Fake()
    fake.on("GET", "/x", FINE)
    async with connected(fake) as gh:
        await asyncio.gather(*(gh.get("x") for _ in range(5)))
        assert await gh.token() == "t1"
        assert gh.granted == {"checks": "write"}
    assert fake.minted == 1
    assert {call.token for call in fake.seen("GET", "/x")} == {"t1"}
    assert all(call.headers["x-github-api-version"] == "2022-11-28" for call in fake.seen("GET", "/x"))


async def test_a_token_near_its_end_is_renewed() -> None:
    fake = Fake(lifetime=timedelta(minutes=4))
    async with connected(fake) as gh:
        assert [await gh.token(), await gh.token()] == ["t1", "t2"]


async def test_401_drops_the_token_mints_once_and_retries_once() -> None:
    fake = Fake()
    fake.on("POST", "/x", error(401, "Bad credentials"), FINE)
    async with connected(fake) as gh:
        assert (await gh.call("POST", "x")).body == {"fine": True}
    assert [call.token for call in fake.seen("POST", "/x")] == ["t1", "t2"]


async def test_401_with_a_fresh_token_too_is_final() -> None:
    fake = Fake()
    fake.on("GET", "/x", error(401, "Bad credentials"))
    async with connected(fake) as gh:
        with pytest.raises(AuthFailed):
            await gh.get("x")
    assert len(fake.seen("GET", "/x")) == 2


async def test_revoked_key_is_final_at_once() -> None:
    fake = Fake()
    fake.on("POST", "/app/installations/1/access_tokens", error(401, "A JSON web token could not be decoded"))
    async with connected(fake) as gh:
        with pytest.raises(AuthFailed):
            await gh.get("x")
    assert len(fake.calls) == 1


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(error(404, "Not Found"), Gone), (error(403, "This installation has been suspended"), Locked)],
)
async def test_installation_deleted_or_suspended(answer: Response, expected: type[GitHubError]) -> None:
    fake = Fake()
    fake.on("POST", "/app/installations/1/access_tokens", answer)
    async with connected(fake) as gh:
        with pytest.raises(expected):
            await gh.get("x")


def test_a_bad_key_is_told_at_start() -> None:
    with pytest.raises(UserError, match="private key"):
        GitHubApp("http://127.0.0.1:1", 7, "-----BEGIN RSA PRIVATE KEY-----\nnonsense")


# --- retries ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("fault", [error(502), cut_short(200), Response("<html>", 200)])
async def test_repeatable_calls_survive_faults(method: str, fault: Response) -> None:
    fake = Fake()
    fake.on(method, "/x", fault, error(503), FINE)
    async with connected(fake) as gh:
        assert (await gh.call(method, "x")).body == {"fine": True}


@pytest.mark.parametrize("fault", [error(502), cut_short(), Response("<html>", 201)])
async def test_a_post_is_never_repeated_blindly(fault: Response) -> None:
    fake = Fake()
    fake.on("POST", "/x", fault, FINE)
    async with connected(fake) as gh:
        with pytest.raises(Ambiguous):
            await gh.call("POST", "x")
    assert len(fake.seen("POST", "/x")) == 1


async def test_get_gives_up_and_says_so() -> None:
    fake = Fake()
    fake.on("GET", "/x", error(500))
    async with connected(fake) as gh:
        with pytest.raises(GitHubDown) as failure:
            await gh.get("x")
    assert not isinstance(failure.value, Ambiguous)
    assert len(fake.seen("GET", "/x")) == FAST.attempts


async def test_unreachable_is_not_ambiguous_even_for_a_post() -> None:
    async with serve(Fake()) as fake:
        pass
    async with GitHubApp(fake.url, 7, private_key(), pace=FAST) as app:
        with pytest.raises(GitHubDown) as failure:
            await app.call("POST", "app/installations/1/access_tokens")
    assert not isinstance(failure.value, Ambiguous)


# --- rate limits ------------------------------------------------------------------------------------------------------


async def test_long_primary_limit_frees_the_worker_and_stops_all_calls() -> None:
    fake = Fake()
    reset = datetime.now(UTC) + timedelta(minutes=50)
    limit = {"x_ratelimit_remaining": "0", "x_ratelimit_reset": str(int(reset.timestamp()))}
    fake.on("GET", "/x", error(403, "API rate limit exceeded for installation ID 1.", **limit))
    async with connected(fake) as gh:
        started = time.monotonic()
        for path in ("x", "x", "y"):
            with pytest.raises(RateLimited) as failure:
                await gh.get(path)
            assert abs(failure.value.until - reset) < timedelta(seconds=2)
            assert failure.value.kind == "primary"
        assert time.monotonic() - started < 1
    assert len(fake.seen("GET", "/x")) == 1
    assert not fake.seen("GET", "/y")


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_short_secondary_limit_is_slept_through(status: int, form: str) -> None:
    fake = Fake()
    soon = datetime.now(UTC) + timedelta(seconds=2)
    after = "1" if form == "seconds" else format_datetime(soon, usegmt=True)
    fake.on("POST", "/x", error(status, "You have exceeded a secondary rate limit", retry_after=after), FINE)
    async with connected(fake) as gh:
        started = time.monotonic()
        assert (await gh.call("POST", "x")).body == {"fine": True}
        assert time.monotonic() - started > 0.5
    assert len(fake.seen("POST", "/x")) == 2


async def test_a_limit_without_end_is_no_retry_storm() -> None:
    fake = Fake()
    fake.on("GET", "/x", error(429, "", retry_after="0"))
    async with connected(fake) as gh:
        with pytest.raises(RateLimited):
            await gh.get("x")
    assert len(fake.seen("GET", "/x")) == FAST.attempts


async def test_secondary_limit_without_a_time_doubles() -> None:
    fake = Fake()
    fake.on("GET", "/x", error(403, "You have exceeded a secondary rate limit."))
    async with connected(fake, Pace(secondary=0.2, patience=0.5, content=0, other=0)) as gh:
        started = time.monotonic()
        with pytest.raises(RateLimited):
            await gh.get("x")
        assert 0.15 < time.monotonic() - started < 0.5
    assert len(fake.seen("GET", "/x")) == 2  # after 0.2 s, and not again after another 0.4 s


@pytest.mark.parametrize(
    ("status", "headers", "message", "expected"),
    [
        (403, {"retry-after": "5"}, "", ("secondary", 5)),
        (429, {"retry-after": "Sun, 01 Mar 2026 00:01:00 GMT"}, "", ("secondary", 60)),
        (429, {"retry-after": "soon"}, "", ("secondary", 60)),
        (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1772323200"}, "", ("primary", 1)),
        (403, {"x-ratelimit-remaining": "12"}, "You have exceeded a secondary rate limit", ("secondary", 60)),
        (403, {}, "You have triggered an abuse detection mechanism", ("secondary", 60)),
        (403, {}, "API rate limit exceeded for 1.2.3.4", ("primary", 60)),
        (429, {}, "", ("secondary", 60)),
        (403, {"x-ratelimit-remaining": "12"}, "Resource not accessible by integration", None),
        (404, {"retry-after": "5"}, "", None),
    ],
)
def test_what_a_403_means(
    status: int, headers: dict[str, str], message: str, expected: tuple[str, int] | None
) -> None:
    limit = rate_limit(status, headers, message, now=NOW)
    assert (limit and (limit.kind, (limit.until - NOW).total_seconds())) == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {}, None),
        (403, {"message": "Resource not accessible by integration"}, PermissionMissing),
        (403, {"message": "Repository was archived so is read-only."}, Locked),
        (403, {"message": "Unable to create comment because issue is locked."}, Locked),
        (404, {}, Gone),
        (410, {}, Gone),
        (451, {}, Gone),
        (409, {}, Refused),
        (500, None, Ambiguous),
    ],
)
def test_what_an_answer_means(status: int, body: object, expected: type[GitHubError] | None) -> None:
    assert type(problem(status, {}, body, now=NOW)) is (expected or type(None))


def test_all_forms_of_errors_are_read() -> None:
    body = {
        "message": "Validation Failed",
        "errors": ["plain", {"message": "said"}, {"resource": "Pull", "field": "line", "code": "invalid"}],
    }
    found = problem(422, {}, body, now=NOW)
    assert isinstance(found, Unprocessable)
    assert found.errors == ("plain", "said", "Pull line invalid")
    assert isinstance(problem(422, {}, {"message": "x", "errors": "one string"}, now=NOW), Unprocessable)


async def test_permission_names_what_it_needs() -> None:
    fake = Fake()
    needs = error(403, "Resource not accessible by integration", x_accepted_github_permissions="checks=write")
    fake.on("POST", "/x", needs)
    async with connected(fake) as gh:
        with pytest.raises(PermissionMissing, match="checks=write"):
            await gh.call("POST", "x")
    assert len(fake.seen("POST", "/x")) == 1


# --- redirects, pages, cache ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
async def test_redirects_keep_method_and_body(status: int, method: str) -> None:
    fake = Fake()
    fake.on(method, "/repos/old/x", Response(status_code=status, headers={"location": "/repositories/5/x"}))
    fake.on(method, "/repositories/5/x", FINE)
    body = None if method == "GET" else {"a": 1}
    async with connected(fake) as gh:
        assert (await gh.call(method, "repos/old/x", json=body)).body == {"fine": True}
    assert [call.json for call in fake.seen(method, "/repositories/5/x")] == [body]


async def test_the_token_never_goes_to_another_host() -> None:
    fake, other = Fake(), Fake()
    async with serve(other), connected(fake) as gh:
        fake.on("GET", "/x", Response(status_code=301, headers={"location": f"{other.url}/x"}))
        fake.on("GET", "/list", JSONResponse([1], headers={"link": f'<{other.url}/list?page=2>; rel="next"'}))
        with pytest.raises(Refused, match="another host"):
            await gh.get("x")
        assert await gh.pages("list") == [1]
    assert not other.calls


async def test_redirect_loop_ends() -> None:
    fake = Fake()
    fake.on("GET", "/x", Response(status_code=301, headers={"location": "/x"}))
    async with connected(fake) as gh:
        with pytest.raises(Refused, match="too many"):
            await gh.get("x")


async def test_unchanged_answers_are_free() -> None:
    fake = Fake()

    def page(call):  # type: ignore[no-untyped-def]
        number = int(call.query.get("page", 1))
        if call.headers.get("if-none-match") == f'"{number}"':
            return Response(status_code=304)
        link = {"link": f'<{fake.url}/list?page={number + 1}>; rel="next"'} if number < 3 else {}
        return JSONResponse([number], headers={"etag": f'"{number}"', **link})

    fake.on("GET", "/list", page)
    async with connected(fake) as gh:
        assert await gh.pages("list") == [1, 2, 3]
        assert await gh.pages("list") == [1, 2, 3]
        assert [call.headers.get("if-none-match") for call in fake.calls[-3:]] == ['"1"', '"2"', '"3"']
        assert [call.query.get("page") for call in fake.calls[-3:]] == [None, "2", "3"]


# --- GraphQL, readonly, pace, loops -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("NOT_FOUND", Gone),
        ("FORBIDDEN", PermissionMissing),
        ("RATE_LIMITED", RateLimited),
        ("UNPROCESSABLE", Unprocessable),
    ],
)
async def test_graphql_errors(kind: str, expected: type[GitHubError]) -> None:
    fake = Fake()
    fake.on("POST", "/graphql", JSONResponse({"data": None, "errors": [{"type": kind, "message": "no"}]}))
    async with connected(fake) as gh:
        with pytest.raises(expected):
            await gh.query("query { viewer { login } }")


def test_graphql_url() -> None:
    assert graphql_url("https://api.github.com") == "https://api.github.com/graphql"
    assert graphql_url("https://ghe.example.org/api/v3") == "https://ghe.example.org/api/graphql"


async def test_enterprise_paths() -> None:
    fake = Fake()
    fake.on("GET", "/api/v3/x", FINE)
    fake.on("POST", "/api/graphql", JSONResponse({"data": {"a": 1}}))
    fake.on("POST", "/api/v3/app/installations/1/access_tokens", lambda _: fake.mint())
    async with serve(fake), GitHubApp(f"{fake.url}/api/v3/", 7, private_key(), pace=FAST) as app:
        gh = app.installation(1)
        assert await gh.get("x") == {"fine": True}
        assert await gh.query("query { a }") == {"a": 1}


async def test_readonly_sends_nothing() -> None:
    fake = Fake()
    async with connected(fake, readonly=True) as gh:
        assert await gh.write("POST", "x", {"a": 1}, kind="content", echo={"id": 0}) == {"id": 0}
        assert await gh.mutate("mutation m($a:Int){x}", a=1) == {}
    assert not fake.calls


async def test_turns_are_spaced_and_in_order() -> None:
    pacer, turns = Pacer(0.1), list[tuple[int, float]]()

    async def take(number: int) -> None:
        await pacer.turn()
        turns.append((number, time.monotonic()))

    await asyncio.gather(*map(take, range(4)))
    assert [number for number, _ in turns] == [0, 1, 2, 3]
    gaps = [b[1] - a[1] for a, b in itertools.pairwise(turns)]
    assert all(gap > 0.08 for gap in gaps)


async def test_comments_are_paced_check_runs_less() -> None:
    fake = Fake()
    fake.on("POST", "/x", FINE)
    async with connected(fake, Pace(content=0.3, other=0.0)) as gh:
        await gh.token()
        started = time.monotonic()
        await asyncio.gather(*(gh.write("POST", "x", kind="other") for _ in range(6)))
        assert time.monotonic() - started < 0.25
        await asyncio.gather(*(gh.write("POST", "x", kind="content") for _ in range(3)))
        assert time.monotonic() - started > 0.6


def test_another_event_loop_is_refused() -> None:
    app = GitHubApp("http://127.0.0.1:1", 7, private_key(), pace=Pace(attempts=1))

    async def once() -> None:
        await app.call("GET", "app")

    with pytest.raises(GitHubDown):
        asyncio.run(once())
    with pytest.raises(RuntimeError, match="one event loop"):
        asyncio.run(once())


def test_connection_errors_before_sending_are_known() -> None:
    """If httpx renames these, a POST to a GitHub that is down would count as ambiguous."""
    assert issubclass(httpx.ConnectTimeout, httpx.TransportError)
