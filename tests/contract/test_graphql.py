"""GraphQL: our part of the schema is GitHub's, and so are the documents that the bot sends."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_required_argument,
    is_required_input_field,
    parse,
    validate,
)

from bot.localhub.routes.graphql import schema as ours
from tests.contract import packages

BOT = Path(__file__).parents[2] / "bot"


@cache
def theirs() -> GraphQLSchema:
    return build_schema(packages.graphql().read_text("utf-8"), assume_valid=True)


def names() -> list[str]:
    return sorted(name for name in ours().type_map if not name.startswith("__"))


@pytest.mark.parametrize("name", names())
def test_schema_is_a_part_of_githubs(name: str) -> None:
    mine, real = ours().type_map[name], theirs().type_map.get(name)
    assert real is not None, "GitHub has no such type"
    assert type(mine) is type(real)
    if isinstance(mine, GraphQLEnumType) and isinstance(real, GraphQLEnumType):
        assert mine.values.keys() <= real.values.keys()
    if isinstance(mine, GraphQLInputObjectType) and isinstance(real, GraphQLInputObjectType):
        assert {k: str(v.type) for k, v in mine.fields.items()}.items() <= {
            k: str(v.type) for k, v in real.fields.items()
        }.items()
        assert {k for k, v in real.fields.items() if is_required_input_field(v)} <= mine.fields.keys()
    if isinstance(mine, GraphQLObjectType | GraphQLInterfaceType) and isinstance(
        real, GraphQLObjectType | GraphQLInterfaceType
    ):
        assert {one.name for one in mine.interfaces} <= {one.name for one in real.interfaces}
        for key, field in mine.fields.items():
            assert key in real.fields, f"GitHub has no {name}.{key}"
            other = real.fields[key]
            assert str(field.type) == str(other.type), key
            assert {k: str(v.type) for k, v in field.args.items()}.items() <= {
                k: str(v.type) for k, v in other.args.items()
            }.items()
            assert {k for k, v in other.args.items() if is_required_argument(v)} <= field.args.keys()


def documents() -> list[tuple[str, str]]:
    """(place, text) of every GraphQL document that is a constant in the bot's source."""
    found: list[tuple[str, str]] = []
    for path in sorted(BOT.rglob("*.py")):
        if "localhub" in path.relative_to(BOT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and node.value.lstrip().startswith(("query(", "query ", "mutation ", "mutation("))
                and "{" in node.value
            ):
                found.append((f"{path.relative_to(BOT)}:{node.lineno}", node.value))
    return found


@pytest.mark.parametrize("document", documents(), ids=lambda document: document[0])
def test_documents_of_the_bot(document: tuple[str, str]) -> None:
    assert [error.message for error in validate(theirs(), parse(document[1]))] == []
