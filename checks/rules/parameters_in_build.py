"""`nn.Parameter` and `add_weight`."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from dataclasses import replace

from checks.errors import NotApplicable
from checks.port import Port
from checks.report import Finding, Level, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.rules._name_edits import argument_edit, segment_edit
from checks.rules._naming import SPELLED, Name, Naming, path_of
from checks.rules._namings import namings
from checks.rules._places import Module, Opaque, Parameter
from checks.rules._shapes import differs
from checks.source.layers import ClassLayers, Weight, argument, pattern, statements
from checks.source.python import dotted, walk


def check(port: Port) -> Iterator[Finding]:
    seen = False
    for naming in namings(port):
        weights = [name for name in naming.names if name.weight is not None]
        seen = seen or bool(weights) or any(w.kind == "parameter" for _, w in _parameters(naming))
        # A main layer that is a model is what is wrong then.
        if weights and port.is_model(naming.pair.facts) and not naming.pair.name.endswith("MainLayer"):
            yield _of_model(naming, weights)
            weights = []
        early = [name for name in weights if name.weight is not None and name.weight.method == "__init__"]
        if early and not naming.pair.name.endswith("BiasLayer"):
            yield _of_constructor(naming, early)
        wrong = 0
        for name in weights:
            if name in early:
                continue
            found = _judge(port, naming, name)
            if found is not None:
                wrong += name.segments != () or name.text is None
                yield found
        yield from _missing(naming, wrong)
    if not seen:
        raise NotApplicable("no class has an nn.Parameter of its own")


def _judge(port: Port, naming: Naming, name: Name) -> Finding | None:
    """What is wrong with one `add_weight`, if anything."""
    if name.text is None:
        known = name.attribute in naming.torch_weighted
        advice = (
            f'Pass name="{name.attribute}", as PyTorch calls it ({naming.attribute_line(name.attribute)}).'
            if known
            else "Name it as PyTorch does."
        )
        edits = argument_edit(port, naming, name.call, f'name="{name.attribute}"') if known else ()
        return replace(
            _finding(
                naming,
                name,
                f"{_weight(naming, name)} has no name=, so PyTorch's weight does not find it",
                advice,
            ),
            edits=edits,
        )
    if not name.segments or not naming.places:
        return None
    place = _place(naming, name)
    if place is None:
        return _unknown(port, naming, name)
    if isinstance(place, Parameter) and place.weight is not None:
        return _of_pair(port, naming, name, place.weight)
    return None


def _place(naming: Naming, name: Name) -> Parameter | Opaque | Module | None:
    """The PyTorch weight that a name leads to; None if there is none. `Module` stands for anything else."""
    last = name.segments[-1]
    for places in filter(None, (naming.places, naming.elsewhere)):
        for end in dict.fromkeys([last, SPELLED.get(last, last)]):
            reached, steps = replace(naming, places=places).walk((*name.segments[:-1], end))
            if steps == len(name.segments):
                weights = [place for place in reached if isinstance(place, Parameter)]
                if weights:
                    return weights[0]
                if any(isinstance(place, Opaque) for place in reached):
                    return Opaque()
    return None


def _unknown(port: Port, naming: Naming, name: Name) -> Finding | None:
    scoped = len(name.segments) > 1
    taken = naming.roots
    free = [attribute for attribute, _ in _parameters(naming) if attribute not in taken]
    meant = ""
    if not scoped:
        if name.attribute in dict(_parameters(naming)):
            meant = name.attribute
        elif len(free) == 1:
            meant = free[0]
    near = difflib.get_close_matches(name.segments[-1], free, n=1, cutoff=0.5)
    where = naming.where()
    if meant:
        line = naming.attribute_line(meant)
        advice = f"Name it {meant}{f' ({line})' if line else ''}."
    elif near:
        advice = f"Did you mean {near[0]} ({naming.attribute_line(near[0])})?"
    else:
        advice = "Name it as the nn.Parameter that it stands for."
    path = ".".join(name.segments)
    edits = segment_edit(port, naming, name, name.segments[-1], meant, 0) if meant else ()
    line = 0
    message = f'add_weight(name="{name.text}") names nothing of {naming.torch or "its PyTorch class"}{f" ({where})" if where else ""}'
    if scoped:
        message = f"{naming.torch or 'The PyTorch class'} has no {path}{f' ({where})' if where else ''}"
        advice = f"Scopes and name have to give the path of PyTorch's weight{_left(naming)}."
        _, steps = naming.walk(name.segments)
        line = _scope_line(naming, name, name.segments[min(steps, len(name.segments) - 1)])
    return replace(_finding(naming, name, message, advice, line=line), edits=edits)


def _left(naming: Naming) -> str:
    return f"; {enumerate_names(naming.free)} {verb(naming.free, 'is', 'are')} left" if naming.free else ""


def _scope_line(naming: Naming, name: Name, segment: str) -> int:
    """Line of the `tf.name_scope("…")` around a weight that has this part of its path; 0 if it is the weight's own name."""
    for node in walk(naming.pair.tensorflow.node):
        if isinstance(node, ast.With) and any(
            part is name.call for child in node.body for part in walk(child)
        ):
            for item in node.items:
                call = item.context_expr
                if (
                    isinstance(call, ast.Call)
                    and call.args
                    and segment in path_of(pattern(call.args[0]) or "")
                ):
                    return call.lineno
    return 0


def _of_pair(port: Port, naming: Naming, name: Name, torch: Weight) -> Finding | None:
    where = naming.attribute_line(torch.attribute)
    trainable = argument(name.call, "trainable", 5)
    frozen = isinstance(trainable, ast.Constant) and trainable.value is False
    if torch.kind == "buffer" and not frozen and not (trainable and not isinstance(trainable, ast.Constant)):
        found = _finding(
            naming,
            name,
            f"{torch.attribute} is a buffer in PyTorch ({where}), but {_weight(naming, name)} is trained",
            "Pass trainable=False.",
            "warning",
            line=name.call.lineno,
        )
        edits = argument_edit(port, naming, name.call, "trainable=False") if trainable is None else ()
        return replace(found, edits=edits)
    if torch.kind == "parameter" and frozen and all(_is_trained(twin, torch) for twin in naming.pair.pytorch):
        return _finding(
            naming,
            name,
            f"{torch.attribute} is trained in PyTorch ({where}), but {_weight(naming, name)} is not",
            "Leave out trainable=False.",
            "warning",
            line=name.call.lineno,
        )
    shape = argument(name.call, "shape", 1)
    transposed = name.text is not None and name.text.endswith("kernel")
    reason = None if transposed else differs(torch.call, shape)
    if reason is not None and shape is not None:
        return _finding(
            naming,
            name,
            f"{_weight(naming, name)} has the shape {ast.unparse(shape)}, PyTorch's has {reason.torch} ({where})",
            "Give it PyTorch's shape: loading does not transpose what is no kernel.",
            "error" if reason.sure else "warning",
            line=shape.lineno,
        )
    return None


# -- parameters that nothing stands for --------------------------------------------------------------------------------


def _parameters(naming: Naming) -> list[tuple[str, Weight]]:
    """Parameters of the PyTorch class, by attribute."""
    found: dict[str, Weight] = {}
    for place in naming.places:
        if isinstance(place, Module):
            for _, layers in place.chain:
                for weight in layers.weights:
                    if (
                        weight.kind == "parameter"
                        and weight.method == "__init__"
                        and _is_trained(layers, weight)
                    ):
                        found.setdefault(weight.attribute, weight)
    return list(found.items())


def _is_trained(layers: ClassLayers, weight: Weight) -> bool:
    """It is no table that the class computes, as sinusoidal positions are."""
    if any(isinstance(k.value, ast.Constant) and not k.value.value for k in weight.call.keywords):
        return False
    frozen = f"self.{weight.attribute}.requires_grad"
    init = layers.method("__init__")
    return init is None or not any(
        isinstance(node, ast.Assign) and frozen in map(dotted, node.targets) for node in statements(init.body)
    )


def _assigned(layers: ClassLayers) -> set[str]:
    """Attributes that a class gets in other methods than setters."""
    return {
        target.attr
        for part in layers.node.body
        if isinstance(part, ast.FunctionDef) and not part.name.startswith("set_")
        for node in statements(part.body)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Attribute)
    }


def _missing(naming: Naming, wrong: int) -> Iterator[Finding]:
    pair = naming.pair
    if not naming.paired or naming.foreign or not naming.complete or pair.name.endswith("PreTrainedModel"):
        return
    if any(name.weight is not None and not name.segments for name in naming.names):
        return
    absent = [
        (attribute, weight)
        for attribute, weight in _parameters(naming)
        if attribute not in _assigned(pair.tensorflow)
        and not naming.mentions(attribute)
        and all(_is_trained(layers, weight) for layers in pair.pytorch)
    ]
    # A parameter under another name has its finding already.
    if not absent or wrong:
        return
    names = [attribute for attribute, _ in absent]
    sure = any(not weight.conditional for _, weight in absent)
    build = pair.tensorflow.method("build")
    where = naming.attribute_line(names[0])
    yield RULE.finding(
        pair.path,
        build.lineno if build is not None else pair.facts.line,
        f"{pair.name} has no {enumerate_names(names)}, {verb(names, 'a parameter', 'parameters')} of {naming.torch} ({where})",
        f'Make {verb(names, "it", "them")} in build(): self.{names[0]} = self.add_weight(name="{names[0]}", shape=…).',
        symbol=f"{pair.name}.build" if build is not None else pair.name,
        absent=True,
        level=None if sure else "warning",
    )


def _of_constructor(naming: Naming, weights: list[Name]) -> Finding:
    """Weights made in `__init__`."""
    shown = [_weight(naming, name) for name in weights]
    return RULE.finding(
        naming.pair.path,
        weights[0].call.lineno,
        f"{enumerate_names(shown)} {verb(shown, 'is', 'are')} made in __init__, where no scope is around {verb(shown, 'it', 'them')}: PyTorch's weights are not found",
        f"Move {verb(shown, 'it', 'them')} to build(), before the sub-layers are built.",
        symbol=naming.pair.name,
        locations=[Location(naming.pair.path, name.call.lineno) for name in weights[1:]],
        level="warning",
    )


def _of_model(naming: Naming, weights: list[Name]) -> Finding:
    """`add_weight` on a model, whose name would have no layer's scope."""
    first = weights[0]
    return RULE.finding(
        naming.pair.path,
        first.call.lineno,
        f"{_weight(naming, first)} belongs to a model, where saving in shards and h5 lose it",
        "Put it into a layer: BiasLayer of modeling_tf_bart.py is one for final_logits_bias.",
        symbol=naming.pair.name,
        locations=[Location(naming.pair.path, name.call.lineno) for name in weights[1:]],
        level="suggestion",
    )


def _weight(naming: Naming, name: Name) -> str:
    shown = name.attribute or name.text or "a weight"
    return f"{naming.pair.name}.{shown}"


def _finding(
    naming: Naming, name: Name, message: str, advice: str, level: Level | None = None, *, line: int = 0
) -> Finding:
    return RULE.finding(
        naming.pair.path,
        line or name.line,
        message,
        advice,
        symbol=naming.pair.name,
        level=level,
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_GLOW = 'self.glow = self.add_weight(shape=(self.config.hidden_size,), initializer="ones", name="glow")'

RULE = Rule(
    slug="parameters-in-build",
    level="error",
    summary="Every `nn.Parameter` is an `add_weight` with the same name and shape, made in `build()`.",
    why=(
        "PyTorch's weight is found by the variable's path. A variable gets the scopes of its layer only in `build()`; in `__init__` it "
        "has none. What has another name or is not there keeps its random values, and what has another shape does not load."
    ),
    how=(
        'In `build()`: `self.cls_token = self.add_weight(name="cls_token", shape=…)`, with the attribute of the PyTorch class as the name. '
        "A buffer that PyTorch saves gets `trainable=False`. A weight of a model itself goes into a small layer, as the `BiasLayer` of BART."
    ),
    guide="Step 4: nn.Parameter becomes add_weight in build(), with the name and the shape of PyTorch's.",
    source="convert_tf_weight_name_to_pt_weight_name; 8088ca418 (buffers), 7f27e002f (final_logits_bias)",
    check=check,
    examples=(
        Example(
            title="Another name than PyTorch's",
            path=_TF,
            good='initializer="ones", name="glow")',
            bad='initializer="ones", name="shine")',
            finds=(_GLOW.replace('"glow"', '"shine"'),),
            fixed=True,
        ),
        Example(
            title="No name",
            path=_TF,
            good=', initializer="ones", name="glow")',
            bad=', initializer="ones")',
            finds=(_GLOW.replace(', name="glow"', ""),),
            fixed=True,
        ),
        Example(
            title="A parameter was forgotten",
            path=_TF,
            good=f"        {_GLOW}\n",
            bad="",
            finds=("def build(self, input_shape=None):#1",),
        ),
        Example(
            title="Another shape",
            path=_TF,
            good="shape=(self.config.hidden_size,), initializer",
            bad="shape=(self.config.hidden_size + 1,), initializer",
            finds=(_GLOW.replace("size,)", "size + 1,)"),),
        ),
        Example(
            title="Not trained",
            path=_TF,
            good='initializer="ones", name="glow")',
            bad='initializer="ones", trainable=False, name="glow")',
            finds=(_GLOW.replace('"ones", ', '"ones", trainable=False, '),),
        ),
        Example(
            title="Another scope",
            path=_TF,
            good='with tf.name_scope("word_embeddings"):',
            bad='with tf.name_scope("words"):',
            finds=('with tf.name_scope("words"):',),
        ),
    ),
)
