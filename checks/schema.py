"""The report's JSON schema, made from the dataclasses of `checks.report`, so that it can't disagree with them."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin, get_type_hints

from checks import report

_CLASSES = (
    report.PortSummary,
    report.Step,
    report.Similar,
    report.ItemResult,
    report.Finding,
    report.Edit,
    report.Location,
)


def report_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of `Report.to_json()`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tfport report",
        **_object(report.Report),
        "$defs": {cls.__name__: _object(cls) for cls in _CLASSES},
    }


def _object(cls: type[Any]) -> dict[str, Any]:
    hints = get_type_hints(cls)
    properties = {field.name: _type(hints[field.name]) for field in dataclasses.fields(cls)}
    for name, text in _attributes(cls.__doc__ or "").items():
        if name in properties:
            properties[name] = {**properties[name], "description": text}
    if cls is report.Report:
        properties["schema_version"] = {"const": report.SCHEMA_VERSION}
    return {
        "type": "object",
        "description": (cls.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " "),
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _attributes(text: str) -> dict[str, str]:
    """What the docstring's “Attributes:” says of each field; `path, line: …` speaks of both."""
    _, _, section = text.partition("Attributes:\n")
    found: dict[str, str] = {}
    for match in re.finditer(r"^ {8}([\w, ]+): (.*(?:\n {12,}.*)*)", section, re.MULTILINE):
        for name in match[1].split(", "):
            found[name] = re.sub(r"\s+", " ", match[2])
    return found


def _type(hint: Any) -> dict[str, Any]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is types.UnionType:
        return {"anyOf": [_type(argument) for argument in arguments]}
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return {"type": "array", "items": _type(arguments[0])}
        return {
            "type": "array",
            "prefixItems": [_type(a) for a in arguments],
            "minItems": len(arguments),
            "maxItems": len(arguments),
        }
    if origin is Mapping:
        value = arguments[1]
        return (
            {"type": "object"} if value is Any else {"type": "object", "additionalProperties": _type(value)}
        )
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    return {
        "type": {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}[hint]
    }
