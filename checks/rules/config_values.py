"""Hyper-parameters come from the configuration, from the attribute that PyTorch reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.layer_pairs import LayerPair, Pairing, pairing
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._arguments import differs, place, reckons_otherwise, set_arguments, told, usable
from checks.rules._layer_arguments import Difference, all_differences, grouped, is_hard_coded
from checks.rules._structure import forward, pytorch_place
from checks.source.layers import ClassLayers
from checks.source.python import dotted, walk
from checks.source.values import Value, literal
from checks.source.walk import Function, nodes


def check(port: Port) -> Iterator[Finding]:
    paired = pairing(port)
    found = all_differences(paired)
    for group in grouped(one for one in found if is_hard_coded(paired, one) and not _is_default(paired, one)):
        yield _hard_coded(port, group)
    for pair in paired.pairs:
        yield from _attributes(port, paired, pair)
        yield from _fallbacks(pair)
    for layer in paired.layers:
        if layer.layer.short in ("Dropout", "SpatialDropout2D", "StableDropout", "TFStableDropout"):
            yield from _rate(port, paired, layer)


def _attributes(port: Port, paired: Pairing, pair: Pair) -> Iterator[Finding]:
    """`self.scale = …` and the like, where both classes keep a number under the same name."""
    mine = paired.scope(pair.tensorflow, "__init__")
    seen: set[str] = set()
    for owner in pair.pytorch:
        theirs = paired.scope(owner, "__init__")
        for name in sorted(mine.attributes.keys() & theirs.attributes.keys() - seen):
            seen.add(name)
            if name == "padding_idx":
                continue  # of RoBERTa and its kin, 1 in all of them
            here, there = mine.value(mine.attributes[name]), theirs.value(theirs.attributes[name])
            if (
                here is not None
                and here.is_literal
                and there is None
                and _reads_config(theirs.attributes[name])
            ):
                yield _not_computed(paired, pair, owner, name)
            if here is None or there is None or _is_usual(paired, here, there):
                continue
            known = differs(here, [there])
            if not known and not reckons_otherwise(pair.tensorflow, here, owner, there):
                continue
            alike = (
                known
                and here.is_literal == there.is_literal
                and bool(here.attribute) == bool(there.attribute)
            )
            node, expression, path = mine.attributes[name], theirs.attributes[name], paired.path_of(owner)
            lines = port.text(pair.path).split("\n")
            start = place(lines, node.lineno, node.col_offset)
            end = place(lines, node.end_lineno or node.lineno, node.end_col_offset or 0)
            plain = bool(there.attribute or there.is_literal) and "self" not in ast.unparse(expression)
            yield RULE.finding(
                pair.path,
                node.lineno,
                f"{pair.name}.{name} is {here.text}; PyTorch has {there.text}",
                f"Write self.{name} = {there.text}, as in {owner.name}{f' ({path}:{expression.lineno})' if path else ''}.",
                symbol=f"{pair.name}.{name}",
                level="error" if alike else "warning",
                edits=(Edit(pair.path, start, end, there.text),) if plain else (),
            )


def _reads_config(node: ast.expr) -> bool:
    """A computation with the configuration, as `math.sqrt(config.d_model) if config.scale_embedding else 1.0`; no call that makes a module."""
    made = [
        call
        for call in walk(node)
        if isinstance(call, ast.Call) and not dotted(call.func).startswith("math.")
    ]
    return not made and any(
        isinstance(n, ast.Attribute) and dotted(n.value).endswith("config") for n in walk(node)
    )


def _not_computed(paired: Pairing, pair: Pair, owner: ClassLayers, name: str) -> Finding:
    mine = paired.scope(pair.tensorflow, "__init__").attributes[name]
    theirs = paired.scope(owner, "__init__").attributes[name]
    path = paired.path_of(owner)
    return RULE.finding(
        pair.path,
        mine.lineno,
        f"{pair.name}.{name} is {ast.unparse(mine)}; PyTorch has {ast.unparse(theirs)}",
        f"Compute it as {owner.name} does{f' ({path}:{theirs.lineno})' if path else ''}.",
        symbol=f"{pair.name}.{name}",
    )


def _fallbacks(pair: Pair) -> Iterator[Finding]:
    """`use_cache = use_cache if use_cache is not None else True`, where PyTorch asks the configuration."""
    call, theirs = pair.tensorflow.method("call"), forward(pair)
    wanted = _alternatives(theirs) if call is not None and theirs is not None else {}
    for name, mine in _alternatives(call).items() if call is not None and wanted else ():
        there = wanted.get(name)
        if (
            isinstance(mine, ast.Constant)
            and there is not None
            and ast.unparse(there).startswith("self.config.")
        ):
            yield RULE.finding(
                pair.path,
                mine.lineno,
                f"{pair.name}.call takes {name} as {ast.unparse(mine)} if it is not given; PyTorch takes {ast.unparse(there)}",
                f"Write {ast.unparse(there)} ({pytorch_place(pair, there.lineno)}).",
                symbol=f"{pair.name}.call",
            )


def _alternatives(function: Function) -> dict[str, ast.expr]:
    """name -> what is taken for it if it is None."""
    return {
        node.body.id: node.orelse
        for node in nodes(function)
        if isinstance(node, ast.IfExp)
        and isinstance(node.body, ast.Name)
        and ast.unparse(node.test) == f"{node.body.id} is not None"
    }


def _is_usual(paired: Pairing, here: Value, there: Value) -> bool:
    """A literal that is the default of what PyTorch reads."""
    known = paired.config.defaults.get(there.attribute, ())
    return here.is_literal and bool(known) and all(here.equals(literal(default)) for default in known)


def _is_default(paired: Pairing, one: Difference) -> bool:
    """TensorFlow reads the configuration where PyTorch has its default as a number."""
    known = paired.config.defaults.get(one.mine.attribute, ())
    return bool(known) and all(one.theirs.plain == default for default in known)


def _hard_coded(port: Port, group: list[Difference]) -> Finding:
    first = group[0]
    names = ", ".join(one.found.layer.attribute for one in group)
    mine = (
        f"{first.name}={first.mine.text}"
        if first.node is not None
        else f"{first.name}={first.mine.text} by default"
    )
    theirs = ast.unparse(first.expression) if first.expression is not None else first.theirs.text
    text = usable(first.theirs, first.expression, first.found)
    edits = [
        edit
        for one in group
        for edit in set_arguments(port, one.found.pair.path, one.found.layer.call, {one.name: text})
    ]
    return RULE.finding(
        first.found.pair.path,
        first.line,
        f"{first.found.pair.name}: {names} {'has' if len(group) == 1 else 'have'} {mine}; PyTorch has {theirs}",
        f"Write {first.name}={text or theirs}, as in {first.side.owner.name}{told(first.side)}.",
        symbol=first.found.symbol,
        locations=[Location(one.found.pair.path, one.line) for one in group[1:]],
        edits=edits if text and first.node is not None else (),
    )


def _rate(port: Port, paired: Pairing, found: LayerPair) -> Iterator[Finding]:
    """Of a dropout."""
    node = found.layer.argument("rate", 0) or found.layer.argument("drop_prob", 0)
    mine = found.tensorflow.scope.value(node)
    if node is None or mine is None:
        return
    theirs = _pytorch_rates(paired, found)
    values = [value for _, value, _, _ in theirs]
    if not differs(mine, values):
        return
    expression, value, owner, where = theirs[0]
    assert value is not None
    text = usable(value, expression, found)
    lines = port.text(found.pair.path).split("\n")
    start = place(lines, node.lineno, node.col_offset)
    end = place(lines, node.end_lineno or node.lineno, node.end_col_offset or 0)
    yield RULE.finding(
        found.pair.path,
        node.lineno,
        f"{found.symbol} drops {mine.text}; PyTorch drops {value.text}",
        f"Write rate={text or value.text}, as in {owner}{where}.",
        symbol=found.symbol,
        edits=(Edit(found.pair.path, start, end, text),) if text else (),
    )


def _pytorch_rates(paired: Pairing, found: LayerPair) -> list[tuple[ast.expr, Value | None, str, str]]:
    """Expression, value, class and place of the rates that PyTorch may mean: of the module under the same attribute; else of the
    attribute that holds a rate for `nn.functional.dropout`."""
    made: list[tuple[ast.expr, Value | None, str, str]] = []
    sides = [side for side in found.pytorch if "Dropout" in side.layer.short]
    for side in sides:
        node = side.layer.argument("p", 0)
        if node is not None:
            made.append((node, side.scope.value(node), side.owner.name, told(side)))
    if found.pytorch:
        return made
    for owner in found.pair.pytorch:
        scope = paired.scope(owner, "__init__")
        node = scope.attributes.get(found.layer.attribute)
        if node is not None and not isinstance(node, ast.Call):
            path = paired.path_of(owner)
            made.append((node, scope.value(node), owner.name, f" ({path}:{node.lineno})" if path else ""))
            break
    return made


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_OF_MODEL = (
    "        self.dropout = keras.layers.Dropout(rate=config.hidden_dropout_prob)\n        self.classifier"
)

RULE = Rule(
    slug="config-values",
    level="warning",
    summary="Rates and sizes come from the attribute of the configuration that PyTorch reads.",
    why=(
        "A number in the code is right for one checkpoint only: others bring their own configuration. Another attribute is wrong wherever the "
        "two differ, and a wrong dropout shows in training only, where no cross test looks."
    ),
    how="Read the same attribute of `config` as the PyTorch class.",
    source="replaced in review, the history of real drafts",
    check=check,
    examples=(
        Example(
            title="A number where PyTorch reads the configuration",
            path=_TF,
            good=_OF_MODEL,
            bad=_OF_MODEL.replace("config.hidden_dropout_prob", "0.1"),
            finds=("self.dropout = keras.layers.Dropout(rate=0.1)",),
            fixed=True,
        ),
        Example(
            title="Another attribute",
            path=_TF,
            good=_OF_MODEL,
            bad=_OF_MODEL.replace("hidden_dropout_prob", "attention_probs_dropout_prob"),
            finds=("self.dropout = keras.layers.Dropout(rate=config.attention_probs_dropout_prob)",),
            fixed=True,
        ),
    ),
)
