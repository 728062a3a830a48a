"""What is being ported, described once for all rules. `checks.discover.find_ports` makes ports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from checks.conventions import AUTO, MAIN_INIT, MODELS, Conventions, read
from checks.errors import NotApplicable, Undecidable, Unreadable
from checks.report import Stage
from checks.snapshot import Change, Snapshot
from checks.source import facts
from checks.source.inits import InitFacts, init_facts
from checks.source.python import Class, ModuleFacts, Problem, module_facts, torch_expressions
from checks.source.registries import AutoFacts, auto_facts
from checks.style import Formatted

T = TypeVar("T")


@dataclass(frozen=True)
class Module:
    """A TensorFlow module of a port and its PyTorch counterpart.

    Attributes:
        suffix: "bert" of `modeling_tf_bert.py`; pairs it with `modeling_bert.py`.
        facts: of the head; empty with a `problem` if it can't be read or parsed.
        unreadable: why its text can't be had at all (binary, too large, a link), "" if it can.
        pytorch_path: of the counterpart, "" if neither head nor base has one.
        added: the pull request adds the file.
        touched: lines that the pull request adds or changes.
    """

    path: str
    suffix: str
    facts: ModuleFacts
    unreadable: str
    pytorch_path: str
    pytorch: ModuleFacts | None
    added: bool
    touched: frozenset[int]


@dataclass(frozen=True, eq=False)
class Port:
    """One port: the model, its files on both sides, and what the base demands. Rules read all of it and change none.

    Attributes:
        model: name of the model's folder: "bert".
        modules: its TensorFlow modules that the pull request adds or extends.
        changed: every path that differs between base and head.
        formatted: what the base's formatters make of the changed files, None where nobody ran them.
        ready: the pull request is no draft any more.
    """

    model: str
    base: Snapshot
    head: Snapshot
    modules: tuple[Module, ...]
    changed: Mapping[str, Change]
    conventions: Conventions
    formatted: Formatted | None = None
    ready: bool = False

    @property
    def folder(self) -> str:
        """Where the model lives (or should): `src/transformers/models/bert`."""
        return f"{MODELS}/{self.model}"

    @property
    def init_path(self) -> str:
        """The model's `__init__.py`."""
        return f"{self.folder}/__init__.py"

    # -- files ---------------------------------------------------------------------------------------------------------

    def facts(self, path: str, parser: Callable[[str], T], *, base: bool = False) -> T | None:
        """Facts of a file of the head (or base); None where there is none.

        Raises:
            checks.errors.Undecidable: its text can't be had.
        """
        try:
            return facts(self.base if base else self.head, path, parser)
        except Unreadable as error:
            raise Undecidable(error.message) from None

    def known_facts(self, path: str, parser: Callable[[str], T], *, base: bool = False) -> T | None:
        """As `facts`, but None also where the text can't be had: for what is only looked up on the way."""
        try:
            return self.facts(path, parser, base=base)
        except Undecidable:
            return None

    def text(self, path: str) -> str:
        """Text of a file of the head, "" where there is none or it can't be read."""
        return read(self.head, path)

    def init(self, path: str) -> InitFacts:
        """Facts of an init of the head.

        Raises:
            checks.errors.NotApplicable: neither base nor head has it.
            checks.errors.Undecidable: it can't be parsed.
        """
        found = self.facts(path, init_facts)
        if found is None:
            raise NotApplicable(f"there is no {path}")
        return _parsed(path, found, found.problem)

    def auto(self, name: str) -> AutoFacts:
        """Mappings of `models/auto/<name>.py` of the head; see `init` for errors."""
        path = f"{AUTO}/{name}.py"
        found = self.facts(path, auto_facts)
        if found is None:
            raise NotApplicable(f"there is no {path}")
        return _parsed(path, found, found.problem)

    # -- classes -------------------------------------------------------------------------------------------------------

    @property
    def broken(self) -> tuple[Module, ...]:
        """Modules that can't be read or parsed."""
        return tuple(m for m in self.modules if m.unreadable or m.facts.problem)

    @cached_property
    def classes(self) -> dict[str, tuple[Module, Class]]:
        """Every class of the TensorFlow modules, under its name.

        Raises:
            checks.errors.Undecidable: a module can't be read or parsed.
        """
        for module in self.broken:
            raise Undecidable(f"{_file(module.path)} cannot be parsed")
        return {
            name: (module, found) for module in self.modules for name, found in module.facts.classes.items()
        }

    @cached_property
    def intended(self) -> dict[str, str]:
        """The name that a class should have -> the name that it has. They differ where `TF` is missing."""
        names: dict[str, str] = {}
        for name, (_, found) in self.classes.items():
            meant = self.intended_name(found)
            names[name if meant in self.classes else meant] = name
        return names

    def intended_name(self, found: Class) -> str:
        """`TF` and the name of the PyTorch class, for a Keras class that is named as one; else its own name."""
        if found.name.startswith(("TF", "_TF")) or not self.is_keras(found):
            return found.name
        bare = re.sub(r"^_?[Tt][Ff]_?(?=[A-Z])", "", found.name)
        return f"TF{bare}" if bare in self.pytorch_classes else found.name

    @cached_property
    def pytorch_classes(self) -> dict[str, Class]:
        """Classes of the paired PyTorch modules."""
        paired = [module.pytorch for module in self.modules if module.pytorch is not None]
        return {name: found for module in paired for name, found in module.classes.items()}

    def awaits(self, name: str) -> bool:
        """There is no such class yet, but its PyTorch class: a port in the making may name it in advance."""
        return name.startswith("TF") and name[2:] in self.pytorch_classes and name not in self.classes

    def is_keras(self, found: Class) -> bool:
        """It is a Keras layer or model, as far as its bases tell."""
        return id(found) in self._keras

    def is_model(self, found: Class) -> bool:
        """It is a `TFPreTrainedModel`."""
        return id(found) in self._models

    @cached_property
    def _keras(self) -> frozenset[int]:
        return self._inheriting(lambda found: any(_is_keras_base(*base) for base in self._outside(found)))

    @cached_property
    def _models(self) -> frozenset[int]:
        return self._inheriting(lambda found: any(_is_model_base(*base) for base in self._outside(found)))

    def _inheriting(self, test: Callable[[Class], bool]) -> frozenset[int]:
        """The classes (by identity: two modules may have one of the same name) for which something holds, and all below them.

        From the bases down, each class once: whoever writes the module decides how many paths lead from a class to a base.
        """
        below: dict[int, list[Class]] = {}
        found: set[int] = set()
        todo: list[Class] = []
        for module in self.modules:
            for one in module.facts.classes.values():
                for base in one.bases:
                    local = self._local.get(base.split(".")[-1])
                    if local is not None and local is not one:
                        below.setdefault(id(local), []).append(one)
                if test(one):
                    todo.append(one)
        while todo:
            one = todo.pop()
            if id(one) not in found:
                found.add(id(one))
                todo += below.get(id(one), ())
        return frozenset(found)

    @cached_property
    def _local(self) -> dict[str, Class]:
        """Class by name; of several the first module's."""
        return {
            name: found for module in reversed(self.modules) for name, found in module.facts.classes.items()
        }

    def _outside(self, found: Class) -> Iterator[tuple[str, str]]:
        """The bases of a class that are none of the port's, each with the module that it is imported from ("" if unknown)."""
        for base in found.bases:
            local = self._local.get(base.split(".")[-1])
            if local is None or local is found:
                imports = (m.facts.importing(base.split(".")[0]) for m in self.modules)
                yield base, next((i.module for i in imports if i is not None), "")

    def has_torch(self, module: Module, found: Class) -> bool:
        """PyTorch expressions are left in the class."""
        lines = self.known_facts(module.path, torch_expressions) or ()
        return any(found.first_line <= line <= found.end_line for line in lines)

    @cached_property
    def pytorch_exports(self) -> frozenset[str]:
        """Names that the model's package offers for PyTorch, in base or head."""
        names: set[str] = set()
        for base in (True, False):
            init = self.known_facts(self.init_path, init_facts, base=base)
            if init is not None:
                names.update(entry.name for e in init.entries if e.backend == "torch" for entry in e.names)
        for module in self.modules:
            if module.pytorch is not None and module.pytorch.exported is not None:
                names.update(name.name for name in module.pytorch.exported)
        return frozenset(names - {"*"})

    @cached_property
    def tensorflow_exports(self) -> frozenset[str]:
        """Names that head's inits and modules offer for TensorFlow, complete or not."""
        names: set[str] = set()
        inits = [(self.init_path, "modeling_tf_")]
        if self.conventions.lists_classes:
            inits.append((MAIN_INIT, f"models.{self.model}"))
        for path, prefix in inits:
            init = self.known_facts(path, init_facts)
            if init is not None:
                for entry in init.entries:
                    if entry.backend == "tf" and entry.module.startswith(prefix):
                        names.update(name.name for name in entry.names)
        for module in self.modules:
            names.update(name.name for name in module.facts.exported or ())
        return frozenset(names - {"*"})

    @cached_property
    def public(self) -> tuple[str, ...]:
        """Names (as they should be) of the classes that users import, sorted: models whose PyTorch twin is public, and
        whatever an init of the head offers.
        """
        found: list[str] = []
        for meant, name in self.intended.items():
            cls = self.classes[name][1]
            if meant in self.tensorflow_exports or (
                self.is_model(cls) and not meant.startswith("_") and self._twin_is_public(meant)
            ):
                found.append(meant)
        return tuple(sorted(found))

    def _twin_is_public(self, name: str) -> bool:
        if not self.pytorch_exports:  # no PyTorch side to ask
            return True
        return name.removeprefix("TF") in self.pytorch_exports

    @cached_property
    def models(self) -> tuple[str, ...]:
        """The public classes that a user makes an instance of: without `TFXPreTrainedModel`."""
        return tuple(
            name
            for name in self.public
            if not re.search(r"Pre[Tt]rained(Model|Reader)$", name)
            and self.is_model(self.classes[self.intended[name]][1])
        )

    def of(self, name: str) -> tuple[Module, Class]:
        """Module and class of a public name."""
        return self.classes[self.intended[name]]

    @cached_property
    def archive_lists(self) -> dict[str, tuple[Module, int]]:
        """`TF_X_PRETRAINED_MODEL_ARCHIVE_LIST` -> module and line, where the base still exports such lists."""
        if not self.conventions.archive_lists:
            return {}
        return {
            name: (module, line)
            for module in self.modules
            for name, line in module.facts.names.items()
            if re.fullmatch(r"TF_\w+_ARCHIVE_LIST", name)
        }

    @cached_property
    def configuration(self) -> str:
        """Name of the model's (main) configuration class, "" if there is none."""
        path = f"{self.folder}/configuration_{self.model}.py"
        found = self.known_facts(path, module_facts) or self.known_facts(path, module_facts, base=True)
        names = [n for n, c in found.classes.items() if "PretrainedConfig" in c.bases] if found else []
        plain = self.model.replace("_", "") + "config"
        return next((name for name in names if name.lower() == plain), names[-1] if names else "")

    @cached_property
    def kin(self) -> str:
        """A model that has a TensorFlow port and that the PyTorch code was mostly copied from; "" if none is known."""
        texts = (read(self.head, m.pytorch_path) or read(self.base, m.pytorch_path) for m in self.modules)
        sources = [
            s
            for text in texts
            for s in re.findall(r"# Copied from transformers\.models\.(\w+)\.modeling_", text)
        ]
        ranked = sorted(set(sources), key=lambda name: (-sources.count(name), name))
        for name in ranked:
            if name != self.model and self.base.blob_id(f"{MODELS}/{name}/modeling_tf_{name}.py") is not None:
                return name
        return ""

    # -- progress ------------------------------------------------------------------------------------------------------

    @cached_property
    def progress(self) -> tuple[int, int]:
        """PyTorch expressions that are left, and those of the PyTorch modules."""
        readable = [module for module in self.modules if not module.unreadable]
        left = sum(len(self.known_facts(module.path, torch_expressions) or ()) for module in readable)
        paths = (
            {module.pytorch_path for module in self.modules if module.pytorch_path} if left else set[str]()
        )
        start = sum(
            len(
                self.known_facts(p, torch_expressions)
                or self.known_facts(p, torch_expressions, base=True)
                or ()
            )
            for p in paths
        )
        return left, max(left, start)

    @cached_property
    def stage(self) -> Stage:
        """How far the port is."""
        if self.broken:
            return "in-progress"
        if not self.classes:
            return "empty"
        callable_models = [self.of(name) for name in self.models if self._has_call(self.of(name)[1])]
        if not self.progress[0]:
            return "complete" if callable_models else "in-progress"
        return "in-progress" if self.converted else "copied"

    @cached_property
    def converted(self) -> tuple[str, ...]:
        """Names of the classes that are TensorFlow already: of Keras, with a method, and without a PyTorch expression."""
        return tuple(
            name
            for name, (module, found) in self.classes.items()
            if found.methods and self.is_keras(found) and not self.has_torch(module, found)
        )

    def _has_call(self, found: Class) -> bool:
        return id(found) in self._callable

    @cached_property
    def _callable(self) -> frozenset[int]:
        return self._inheriting(lambda found: "call" in found.methods or self._inherits_call(found))

    def _inherits_call(self, found: Class) -> bool:
        # TFCamembertModel(TFRobertaModel): what a class of another model's module does is inherited.
        names = [base.split(".")[-1] for base in found.bases]
        return any(
            name not in self._local
            and name.startswith("TF")
            and name != "TFPreTrainedModel"
            and not name.endswith(("PreTrainedModel", "Loss"))
            for name in names
        )


def _file(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _parsed(path: str, found: T, problem: Problem | None) -> T:
    if problem is not None:
        raise Undecidable(f"{path} cannot be parsed (line {problem.line})")
    return found


def _is_keras_base(base: str, origin: str) -> bool:
    if base.startswith(("tf.keras.", "keras.")) or base in ("Layer", "Model"):
        return "torch" not in origin
    return _is_model_base(base, origin) or (base.startswith("TF") and "modeling_tf_" in origin)


def _is_model_base(base: str, origin: str) -> bool:
    name = base.split(".")[-1]
    if name == "TFPreTrainedModel":
        return True
    if not name.startswith("TF") or "modeling_tf_" not in origin:
        return False
    # Another model's class; what modeling_tf_utils and modeling_tf_outputs offer besides are losses, mixins and outputs.
    known = ("Loss", "Mixin", "Output", "Layer", "Embeddings", "Attention")
    return "modeling_tf_utils" not in origin and not name.endswith(known)
