"""GitHub's own description of its REST API as a judge of requests, and of the objects that localhub makes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import pytest

from tests.contract import packages

Schema = dict[str, Any]
# Path parameters that take slashes (`x-multi-segment`, and two that GitHub forgot to mark).
GREEDY = ("path", "ref", "basehead", "branch", "ref_name")
COMPOSED = ("allOf", "anyOf", "oneOf")
# Where the description contradicts itself: (method, template, status) -> what it should say.
CORRECTIONS: dict[tuple[str, str, int], Schema] = {
    # The account of an installation would have to be a user and an enterprise at once.
    ("GET", "/app/installations", 200): {
        "type": "array",
        "items": {"$ref": "#/components/schemas/installation"},
    },
}
# Where GitHub sends null although its description says otherwise: schema, path of properties.
NULLABLE = (
    ("pull-request", "head", "repo"),  # the fork was deleted
    ("pull-request-simple", "head", "repo"),
    ("pull-request-review-comment", "line"),  # the comment is outdated
    ("pull-request-review-comment", "position"),
)


@dataclass(frozen=True)
class Operation:
    method: str
    template: str
    pattern: re.Pattern[str]
    parameters: tuple[Schema, ...]
    body: Schema | None
    body_required: bool
    answers: Mapping[str, Schema]


class Contract:
    """Judges single requests and answers; all texts are complaints, an empty list is praise."""

    def __init__(self, description: Schema) -> None:
        self._components = description["components"]
        for name, *path in NULLABLE:
            owner = self._components["schemas"][name]
            for part in path[:-1]:
                owner = owner["properties"][part]
            owner["properties"][path[-1]] = {"nullable": True, "allOf": [owner["properties"][path[-1]]]}
        self._webhooks = description["x-webhooks"]
        self._payloads: dict[str, jsonschema_rs.Draft202012Validator] = {}
        self.operations = [
            self._operation(method.upper(), template, raw, item.get("parameters", []))
            for template, item in description["paths"].items()
            for method, raw in item.items()
            if method in ("get", "post", "put", "patch", "delete")
        ]
        self._by_template = {(one.method, one.template): one for one in self.operations}
        self._bodies: dict[tuple[str, str], jsonschema_rs.Draft202012Validator] = {}
        self._answers: dict[tuple[str, str, int], jsonschema_rs.Draft202012Validator | None] = {}

    # What a client may ask

    def request(self, method: str, path: str, query: Mapping[str, str], body: Any) -> list[str]:
        """Judge a request; the path is without the host's prefix, and not decoded."""
        if path == "/graphql":
            return []  # the local GitHub's schema judges; it is held against the whole one in a test
        operation = self.find(method, path)
        if operation is None:
            return ["GitHub has no such operation"]
        return [*self._about_query(operation, query), *self._about_body(operation, body)]

    def find(self, method: str, path: str) -> Operation | None:
        hits = [
            (one, match)
            for one in self.operations
            if one.method == method and (match := one.pattern.fullmatch(path))
        ]
        # The operation with the most fixed text is meant.
        return min(hits, key=lambda hit: sum(map(len, hit[1].groups())), default=(None, None))[0]

    def _about_query(self, operation: Operation, query: Mapping[str, str]) -> list[str]:
        known = {one["name"]: one for one in operation.parameters if one["in"] == "query"}
        complaints = [f"unknown parameter {name!r}" for name in query if name not in known]
        for name, one in known.items():
            if name not in query:
                complaints += [f"parameter {name!r} is missing"] if one.get("required") else []
                continue
            schema = _converted(self._inlined(one["schema"]), closed=False)
            value = _typed(query[name], schema)
            if not jsonschema_rs.is_valid(schema, value):
                complaints.append(f"parameter {name!r} must not be {query[name]!r}")
        return complaints

    def _about_body(self, operation: Operation, body: Any) -> list[str]:
        if operation.body is None:
            return ["there must be no body"] if body else []
        if body is None:
            return ["the body is missing"] if operation.body_required else []
        key = (operation.method, operation.template)
        if key not in self._bodies:
            schema = _converted(self._inlined(operation.body), closed=True)
            self._bodies[key] = jsonschema_rs.Draft202012Validator(schema)
        return [f"body{_where(error)}: {_short(error)}" for error in self._bodies[key].iter_errors(body)]

    # What GitHub answers

    def answer(self, method: str, template: str, status: int, body: Any) -> list[str]:
        """Judge an answer of ours to an operation of GitHub's (others are not judged)."""
        key = (method, template, status)
        if key not in self._answers:
            operation = self._by_template.get((method, template))
            schema = CORRECTIONS.get(key) or (operation and operation.answers.get(str(status)))
            self._answers[key] = self._answer_validator(schema) if schema else None
        validator = self._answers[key]
        return [] if validator is None else [f"{_where(e)}: {_short(e)}" for e in validator.iter_errors(body)]

    def webhook(self, event: str, action: str | None, payload: Any) -> list[str]:
        """Judge the payload of a delivery of ours."""
        name = f"{event}_{action}".replace("_", "-") if action else event.replace("_", "-")
        if name not in self._payloads:
            if name not in self._webhooks:
                return [f"GitHub has no webhook {name}"]
            content = self._webhooks[name]["post"]["requestBody"]["content"]["application/json"]
            self._payloads[name] = self._answer_validator(content["schema"])
        return [f"{_where(e)}: {_short(e)}" for e in self._payloads[name].iter_errors(payload)]

    def component(self, name: str) -> jsonschema_rs.Draft202012Validator:
        """A schema of `components` by name, for objects on their own."""
        return self._answer_validator({"$ref": f"#/components/schemas/{name}"})

    def _answer_validator(self, schema: Schema) -> jsonschema_rs.Draft202012Validator:
        definitions: dict[str, Schema] = {}
        whole = self._linked(_converted(schema, closed=False), definitions)
        return jsonschema_rs.Draft202012Validator(
            whole | {"$defs": definitions}, validate_formats=True, formats={"email": _is_email}
        )

    def _linked(self, schema: Any, definitions: dict[str, Schema]) -> Any:
        """References turned to `$defs`, which receives all that is reachable."""
        if isinstance(schema, list):
            return [self._linked(one, definitions) for one in schema]
        if not isinstance(schema, dict):
            return schema
        if (reference := schema.get("$ref")) and isinstance(reference, str):
            name = reference.rsplit("/", 1)[-1]
            if name not in definitions:
                definitions[name] = {}
                definitions[name] |= self._linked(
                    _converted(self._resolve(reference), closed=False), definitions
                )
            return {"$ref": f"#/$defs/{name}"}
        return {key: self._linked(value, definitions) for key, value in schema.items()}

    # Reading the description

    def _operation(self, method: str, template: str, raw: Schema, shared: list[Schema]) -> Operation:
        parameters = tuple(self._maybe(one) for one in [*shared, *raw.get("parameters", [])])
        body = self._maybe(raw.get("requestBody", {}))
        content = body.get("content", {})
        schema = content.get("application/json", {}).get("schema")
        answers: dict[str, Schema] = {}
        for status, answer in raw["responses"].items():
            json_content = self._maybe(answer).get("content", {}).get("application/json", {})
            if "schema" in json_content:
                answers[status] = json_content["schema"]
        multi = {one["name"] for one in parameters if one.get("x-multi-segment")}
        required = bool(body.get("required"))
        return Operation(method, template, _pattern(template, multi), parameters, schema, required, answers)

    def _maybe(self, value: Schema) -> Schema:
        return self._resolve(value["$ref"]) if "$ref" in value else value

    def _resolve(self, reference: str) -> Schema:
        _, _, kind, name = reference.split("/")
        return self._components[kind][name]

    def _inlined(self, schema: Any) -> Any:
        if isinstance(schema, list):
            return [self._inlined(one) for one in schema]
        if not isinstance(schema, dict):
            return schema
        if isinstance(schema.get("$ref"), str):
            return self._inlined(self._resolve(schema["$ref"]))
        return {key: self._inlined(value) for key, value in schema.items()}


def _pattern(template: str, multi: set[str]) -> re.Pattern[str]:
    def part(found: re.Match[str]) -> str:
        return "(.+)" if found[1] in multi or found[1] in GREEDY else "([^/]+)"

    return re.compile(re.sub(r"\\\{(\w+)\\\}", part, re.escape(template)))


def _typed(value: str, schema: Schema) -> Any:
    kinds = schema.get("type", [])
    if "integer" in kinds and re.fullmatch(r"-?\d+", value):
        return int(value)
    if "boolean" in kinds and value in ("true", "false"):
        return value == "true"
    return unquote(value)


def _where(error: jsonschema_rs.ValidationError) -> str:
    return "".join(f".{part}" if isinstance(part, str) else f"[{part}]" for part in error.instance_path)


def _short(error: jsonschema_rs.ValidationError) -> str:
    """The message quotes the whole value first; its end says what is wrong."""
    text = error.message
    return text if len(text) < 300 else f"{text[:100]} … {text[-180:]}"


def _converted(schema: Any, *, closed: bool, branch: bool = False) -> Any:
    """OpenAPI 3.0 -> JSON Schema 2020-12.

    Args:
        closed: objects refuse keys that are not described, at any depth (for requests; GitHub ignores most unknown
            keys, so that a misspelt one would go unnoticed).
        branch: a part of allOf, anyOf or oneOf: the whole is closed, not the part.
    """
    if not isinstance(schema, dict):
        return schema
    out: Schema = {}
    for key, value in schema.items():
        if key == "properties":
            out[key] = {name: _converted(one, closed=closed) for name, one in value.items()}
        elif key in COMPOSED:
            out[key] = [_converted(one, closed=closed, branch=True) for one in value]
        elif key in ("items", "not") or (key == "additionalProperties" and isinstance(value, dict)):
            out[key] = _converted(value, closed=closed)
        elif key in (
            "nullable",
            "example",
            "examples",
            "discriminator",
            "readOnly",
            "default",
            "description",
            "title",
        ):
            continue
        else:
            out[key] = value
    described = "properties" in out or any(key in out for key in COMPOSED)
    if closed and described:
        if branch or out.get("additionalProperties") is True:
            out.pop("additionalProperties", None)
        if not branch and "additionalProperties" not in out:
            out["unevaluatedProperties"] = False
    return _nullable(out) if schema.get("nullable") else out


def _nullable(schema: Schema) -> Schema:
    if "$ref" in schema or any(key in schema for key in COMPOSED):
        return {"anyOf": [schema, {"type": "null"}]}
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]
    return schema


@cache
def github_contract() -> Contract | None:
    """The contract, or None on a machine without npm (where `CI` is set, that is a failure)."""
    try:
        path = packages.openapi()
    except pytest.skip.Exception as reason:
        print(f"\nNOT CHECKED against GitHub's description of its API: {reason}")
        return None
    return Contract(json.loads(path.read_text("utf-8")))


def _is_email(text: str) -> bool:
    """GitHub's own address of an app's account is none by the standard: 41898282+github-actions[bot]@users.noreply.github.com."""
    return jsonschema_rs.is_valid({"format": "email"}, text.replace("[bot]@", "@"), validate_formats=True)
