"""GitHub's refusals: status and body as the API gives them."""

from __future__ import annotations

from typing import Any

DOCS = "https://docs.github.com/rest"


class Refusal(Exception):
    """An answer that is an error.

    Args:
        status: HTTP status.
        message: what GitHub writes in `message`.
        errors: GitHub's `errors` list, of strings or objects.
        headers: more response headers.
    """

    def __init__(
        self,
        status: int,
        message: str,
        errors: list[Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.body: dict[str, Any] = {"message": message}
        if errors is not None:
            self.body["errors"] = errors
        self.body |= {"documentation_url": DOCS, "status": str(status)}


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def forbidden() -> Refusal:
    return Refusal(403, "Resource not accessible by integration")


def invalid(resource: str, field: str, code: str = "invalid", message: str | None = None) -> Refusal:
    """422 with one error object."""
    error = {"resource": resource, "code": code, "field": field}
    return Refusal(422, "Validation Failed", [error | ({"message": message} if message else {})])


def malformed(text: str) -> Refusal:
    """422 as GitHub's schema validation words it."""
    return Refusal(422, f"Invalid request.\n\n{text}")


def unprocessable(*errors: str) -> Refusal:
    return Refusal(422, "Unprocessable Entity", list(errors))
