"""The newer way of a model's `__init__.py`: star imports, and `__all__` in each module."""

from __future__ import annotations

from collections.abc import Iterator

from checks.edits import insert, replace_lines, statement
from checks.port import Module, Port
from checks.report import Finding
from checks.rules import Rule
from checks.rules._common import enumerate_names, verb
from checks.source.inits import InitFacts


def check_star_imports(rule: Rule, port: Port, init: InitFacts) -> Iterator[Finding]:
    """Findings of `rule` about `from .modeling_tf_x import *` and `__all__`."""
    # A module may offer what another one defines (BLIP's offers TFBlipTextModel).
    offered = {n.name: m for m in port.modules for n in m.facts.exported or () if m.facts.importing(n.name)}
    for module in port.modules:
        names = [name for name in port.public if offered.get(name, port.of(name)[0]) is module]
        if not names:
            continue
        yield from _star_import(rule, port, init, module)
        yield from _exported(rule, port, module, names)


def _star_import(rule: Rule, port: Port, init: InitFacts, module: Module) -> Iterator[Finding]:
    name = f"modeling_tf_{module.suffix}"
    stars = [e for e in init.entries if e.half == "typing" and any(n.name == "*" for n in e.names)]
    if any(entry.module == name for entry in stars):
        return
    before = [entry for entry in stars if entry.module < name]
    line = before[-1].end_line + 1 if before else stars[0].line if stars else init.type_checking[1] + 1
    column = stars[0].column if stars else 5
    yield rule.finding(
        port.init_path,
        min(line, init.lines),
        f"{name} is not imported in the model's __init__.py",
        f"Add: from .{name} import *",
        symbol=name,
        column=column,
        edits=(insert(port.init_path, line, f"{' ' * (column - 1)}from .{name} import *\n"),),
        absent=True,
    )


def _exported(rule: Rule, port: Port, module: Module, names: list[str]) -> Iterator[Finding]:
    exported = module.facts.exported
    listed = {name.name for name in exported or ()}
    missing = [name for name in names if name not in listed]
    if not missing:
        return
    full = statement(
        "__all__ =", [*(n.name for n in exported or ()), *missing], indent=0, quoted=True, brackets="[]"
    )
    if exported is None:
        line = module.facts.lines
        edits = (insert(module.path, line + 1, f"\n\n{full}"),)
        message = f"{module.path.rsplit('/', 1)[-1]} has no __all__, so {enumerate_names(missing)} cannot be imported"
    else:
        line = module.facts.exported_at[0]
        edits = (replace_lines(module.path, *module.facts.exported_at, full),)
        message = f"{enumerate_names(missing)} {verb(missing, 'is', 'are')} not in __all__"
    yield rule.finding(
        module.path,
        line,
        message,
        f"Name {verb(missing, 'it', 'them')} in __all__ at the end of the file.",
        symbol=missing[0],
        edits=edits,
        absent=True,
    )
