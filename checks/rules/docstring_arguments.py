"""What the documentation of `call` says of its arguments."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import NotBegun
from checks.port import Module, Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._common import enumerate_names, verb
from checks.source.docstrings import Argument, Call, DocFacts, Text, doc_facts

_LEFT_OUT = frozenset({"training", "kwargs", "args", "inputs"})
"""Upstream documents these in some models and not in others."""


def check(port: Port) -> Iterator[Finding]:
    if not port.classes:
        raise NotBegun("no class yet")
    for module in port.modules:
        text = port.text(module.path)
        if "def call" not in text:
            continue
        facts = doc_facts(text)
        yield from _not_accepted(module.path, facts)
        yield from _not_documented(port, module, facts)
        yield from _malformed(module.path, facts)


def _used(facts: DocFacts) -> dict[str, list[Call]]:
    """Constant -> the methods that are documented by it."""
    users: dict[str, list[Call]] = {}
    for call in facts.calls:
        for constant in call.constants:
            users.setdefault(constant, []).append(call)
    return users


def _constant_arguments(facts: DocFacts, call: Call) -> list[Argument]:
    texts = (facts.text(constant) for constant in call.constants)
    return [argument for text in texts if text is not None for argument in text.arguments()]


def _not_accepted(path: str, facts: DocFacts) -> Iterator[Finding]:
    """Documented, but no parameter: in a docstring of a call, or in a constant none of whose calls takes it."""
    for constant, calls in _used(facts).items():
        text = facts.text(constant)
        taken = {name for call in calls for name in call.parameters} | _LEFT_OUT
        for argument in text.arguments() if text is not None else ():
            if argument.name not in taken:
                yield RULE.finding(
                    path,
                    argument.line,
                    f"{constant} documents {argument.name}, which no call that uses it takes",
                    "Take the entry out, or add the argument to call.",
                    symbol=f"{constant}.{argument.name}",
                )
    for call in facts.calls:
        taken = {*call.parameters, *_LEFT_OUT}
        if call.own is None or not call.constants:
            continue
        for argument in call.own.arguments():
            if argument.name not in taken:
                yield RULE.finding(
                    path,
                    argument.line,
                    f"{call.owner}.call documents {argument.name}, which it does not take",
                    "Take the entry out, or add the argument.",
                    symbol=f"{call.owner}.call",
                )


def _not_documented(port: Port, module: Module, facts: DocFacts) -> Iterator[Finding]:
    lacking: dict[str, list[Call]] = {}
    for call in facts.calls:
        if not call.constants or call.owner not in port.classes:
            continue
        if any(facts.text(constant) is None for constant in call.constants):  # it comes from another module
            continue
        own = call.own.arguments() if call.own is not None else ()
        known = {a.name for a in (*_constant_arguments(facts, call), *own)} | _LEFT_OUT
        for name in call.parameters:
            if name not in known:
                lacking.setdefault(name, []).append(call)
    pytorch = {
        owner: _pytorch_documents(port, module, owner)
        for calls in lacking.values()
        for owner in (c.owner for c in calls)
    }
    together: dict[tuple[str, ...], list[str]] = {}
    for name, calls in lacking.items():
        lost = any(name in pytorch[call.owner] for call in calls)
        together.setdefault(tuple(call.owner for call in calls) if lost else (), []).append(name)
    for owners, names in together.items():
        calls = [call for call in facts.calls if any(call in lacking[name] for name in names)]
        lines = sorted({_place(facts, lacking[name], name) for name in names})
        takers = [f"{call.owner}.call" for call in calls]
        yield RULE.finding(
            module.path,
            lines[0],
            f"{enumerate_names(takers)} {verb(takers, 'takes', 'take')} {enumerate_names(names)}, but the docstrings say nothing of {verb(names, 'it', 'them')}",
            f"Add {verb(names, 'an entry', 'an entry for each')}"
            + (f", as {module.pytorch_path} has." if owners else "; PyTorch's docstring has none either."),
            symbol=f"{owners[0]}.{names[0]}" if owners else "",
            locations=[Location(module.path, line) for line in lines[1:]],
        )


def _place(facts: DocFacts, calls: list[Call], name: str) -> int:
    """The line that the entry goes before: in the constant, if all its calls lack it, else in the docstring of the call; else the call."""
    call = calls[0]
    users = _used(facts)[call.constants[-1]]
    text = facts.text(call.constants[-1])
    if text is not None and {user.owner for user in users} <= {c.owner for c in calls}:
        return _before(text, call.parameters, name)
    if call.own is not None:
        return _before(call.own, call.parameters, name)
    return call.line


def _before(text: Text, parameters: tuple[str, ...], name: str) -> int:
    later = set(parameters[parameters.index(name) + 1 :])
    following = next((argument for argument in text.arguments() if argument.name in later), None)
    return following.line if following is not None else text.line + len(text.lines) - 1


def _pytorch_documents(port: Port, module: Module, owner: str) -> set[str]:
    """Arguments that the PyTorch class's `forward` documents."""
    if not module.pytorch_path:
        return set()
    facts = doc_facts(port.text(module.pytorch_path))
    call = next((found for found in facts.calls if found.owner == owner.removeprefix("TF")), None)
    if call is None:
        return set()
    own = call.own.arguments() if call.own is not None else ()
    return {argument.name for argument in (*_constant_arguments(facts, call), *own)}


def _malformed(path: str, facts: DocFacts) -> Iterator[Finding]:
    """Entries without backticks, and entries that stand twice."""
    documented = {constant for call in facts.calls for constant in call.constants}
    owners = {f"{call.owner}.call" for call in facts.calls if call.constants}
    plain: list[Argument] = []
    for text in facts.texts:
        if text.owner not in documented and text.owner not in owners:
            continue
        seen: set[str] = set()
        for argument in text.arguments():
            if argument.name in seen:
                yield RULE.finding(
                    path,
                    argument.line,
                    f"{text.owner} documents {argument.name} twice",
                    "Keep one entry.",
                    symbol=f"{text.owner}.{argument.name}",
                )
            seen.add(argument.name)
            if argument.type and "`" not in argument.type and argument.name not in _LEFT_OUT:
                plain.append(argument)
    if plain:
        yield RULE.finding(
            path,
            plain[0].line,
            f"The type of {enumerate_names([a.name for a in plain])} stands without backticks",
            "Write it as the other entries: name (`tf.Tensor` of shape `(batch_size,)`, *optional*).",
            symbol=plain[0].name,
            locations=[Location(path, argument.line) for argument in plain[1:]],
        )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_LABELS = """\
        labels (`tf.Tensor` of shape `(batch_size,)`, *optional*):
            Labels for computing the sequence classification loss.
"""

RULE = Rule(
    slug="docstring-arguments",
    level="suggestion",
    summary="The documentation of `call` has one entry for each argument that it takes, and none that it does not take.",
    why="The page of the model is made of it. What it names and `call` does not take is an error for who believes it.",
    how=(
        "Entries that all models share stand in `…_INPUTS_DOCSTRING`, the others in the docstring of `call`: "
        "name (`type` of shape `(…)`, *optional*), and the text indented below."
    ),
    guide="Step 3: convert the PyTorch code, its documentation included.",
    source="upstream utils/check_docstrings.py; review of SAM, CvT and others",
    by_the_way=True,
    check=check,
    examples=(
        Example(
            title="An argument of PyTorch's docstring that the port does not take",
            path=_TF,
            good=_LABELS,
            bad=f"{_LABELS}        glare (`bool`, *optional*):\n            Whether it dazzles.\n",
            finds=("glare (`bool`, *optional*):",),
        ),
        Example(
            title="The shared docstring has one that nobody takes",
            path=_TF,
            good="        training (`bool`, *optional*, defaults to `False`):\n",
            bad="        head_mask (`tf.Tensor`, *optional*):\n            Mask.\n        training (`bool`, *optional*, defaults to `False`):\n",
            finds=("head_mask (`tf.Tensor`, *optional*):",),
        ),
        Example(
            title="An argument without entry",
            path=_TF,
            good="        flicker (`tf.Tensor` of shape `(batch_size,)`, *optional*):\n            How unsteady the light is.\n",
            bad="",
            finds=("labels (`tf.Tensor` of shape `(batch_size, sequence_length)`, *optional*):",),
        ),
        Example(
            title="No backticks",
            path=_TF,
            good="        labels (`tf.Tensor` of shape `(batch_size,)`, *optional*):",
            bad="        labels (tf.Tensor of shape (batch_size,), *optional*):",
            finds=("labels (tf.Tensor of shape (batch_size,), *optional*):",),
        ),
    ),
)
