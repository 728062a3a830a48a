"""Weights that nothing fills since their layers are called otherwise than PyTorch's: with the nearest unused weights in their place, the
model either agrees, and then it was their names, or the names are not it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from . import where
from .load import _ignored, _renamed, fitted, nearest, pytorch_names
from .record_tf import layers as all_layers
from .sites import Cause, Site


@dataclass
class Misnamed:
    """A variable and the PyTorch weight that it most probably means.

    Attributes:
        wrong, right: the name that it has, the one that it should have; PyTorch's spelling.
        array: the weight as the variable stores it.
        path: of the layer that owns it.
    """

    variable: Any
    wrong: str
    right: str
    array: np.ndarray
    path: str


def misnamed(model: Any, weights: Mapping[str, np.ndarray]) -> List[Misnamed]:
    """The variables of a built model that no weight fills, each with the nearest one that nothing else takes."""
    names = pytorch_names(model, weights)
    known = {_renamed(name) for name in weights}
    taken = {name for name, _ in names.values()}
    free = [name for name in weights if _renamed(name) not in taken]
    found: List[Misnamed] = []
    for path, variable in _owned(model):
        name, transpose = names[id(variable)]
        if name in known or _ignored(model, "_keys_to_ignore_on_load_missing", name):
            continue
        right = nearest({"name": name, "shape": list(variable.shape)}, free, weights)
        array = fitted(weights[right], transpose, tuple(variable.shape)) if right else None
        if array is not None:
            free.remove(right)
            found.append(Misnamed(variable, name, right, array, path))
    return found


def _owned(model: Any) -> List[Tuple[str, Any]]:
    """Each variable with the path of the smallest layer that has it."""
    homes: Dict[int, Tuple[str, Any]] = {}
    sizes = {}
    for path, layer in all_layers(model).items():
        variables = list(layer.trainable_weights) + list(layer.non_trainable_weights)
        for variable in variables:
            if id(variable) not in homes or len(variables) <= sizes[id(variable)]:
                homes[id(variable)], sizes[id(variable)] = (path, variable), len(variables)
    return list(homes.values())


def sites(found: Sequence[Misnamed], layers: Mapping[str, Any], root: str, difference: float) -> List[Site]:
    """One site for each statement whose name leads nowhere, without a cause's figure yet."""
    named: Dict[Any, Site] = {}
    for one in found:
        wrong, right = _differing(one.wrong, one.right)
        path, line, symbol, edit = _statement(one.path, wrong, right, layers, root)
        site = named.get((path, line))
        if site is None:
            text = f'`name="{wrong}"` leads to no weight of PyTorch: `{one.wrong}` should be `{one.right}`'
            site = Site("layer", one.path, one.right.rpartition(".")[0], symbol, path, line, difference)
            site.cause = Cause("weight-name", text, False)
            site.edits = [edit] if edit else []
            named[path, line] = site
    return list(named.values())


def _differing(wrong: str, right: str) -> Tuple[str, str]:
    """The first parts in which the two names differ."""
    for one, other in zip(wrong.split("."), right.split(".")):
        if one != other:
            return one, other
    return wrong.rpartition(".")[2], right.rpartition(".")[2]


def _statement(path: str, wrong: str, right: str, layers: Mapping[str, Any], root: str) -> Any:
    """File, line, class and edit of the `name=` in the way to a layer; else the statement that makes it."""
    first: Optional[Any] = None
    while path:
        above, attribute = where.owner_of(path, layers)
        found = where.assignment(type(layers[above]), attribute)
        if found is not None:
            function, statement = found
            file = where.relative(function.file, root)
            symbol = type(layers[above]).__name__
            first = first or (file, statement.lineno, symbol, None)
            for node in ast.walk(statement):
                if isinstance(node, ast.Constant) and node.value == wrong:
                    span = [node.lineno, node.col_offset + 1], [node.end_lineno, node.end_col_offset + 1]
                    edit = {"path": file, "start": span[0], "end": span[1], "text": f'"{right}"'}
                    return file, node.lineno, symbol, edit
        path = above
    return first or ("", 0, "", None)
