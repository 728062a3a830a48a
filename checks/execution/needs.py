"""What a test needs from outside: checkpoints and data sets of the Hub, addresses of the web. Found in the sources, so that "the
checkpoint could not be had" is never the test's own word.

Looked at is the code that a test can reach in its file: the test, the methods and properties of its class that it names, `setUp`, the
functions of the module that it calls, constants, class attributes and archive lists.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from checks.conventions import read
from checks.snapshot import Snapshot
from checks.source.python import Problem, parse, strings

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
LOADERS = frozenset({"from_pretrained", "hf_hub_download", "snapshot_download", "cached_file", "pipeline", "from_encoder_decoder_pretrained", "from_vision_text_pretrained", "from_question_encoder_generator_pretrained"})  # fmt: skip
DATASETS = frozenset({"load_dataset"})
FETCHERS = frozenset({"get", "urlopen", "urlretrieve", "get_file", "load_image"})
SET_UPS = ("setUp", "setUpClass", "setup_method", "setup_class")
TINY_MODELS = "tests/utils/tiny_model_summary.json"
MOST = 50
"""Repositories of one test; more are not looked at."""


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """Something from outside. `kind`: model (a repository of the Hub), dataset, url. `revision`: of a repository, "" for its main."""

    kind: str
    name: str
    revision: str = ""

    def __str__(self) -> str:
        return {"model": "checkpoint {}", "dataset": "data set {}", "url": "{}"}[self.kind].format(self.name)


def needs(
    path: str, ids: Iterable[str], base: Snapshot, head: Snapshot, *, modeling: Iterable[str] = ()
) -> dict[str, frozenset[Need]]:
    """What each of the tests `ids` of the head's file `path` needs; a test that needs nothing is left out.

    Args:
        modeling: the port's modeling files, where archive lists stand that are imported from the package.
    """
    tree = parse(read(head, path))
    if isinstance(tree, Problem):
        return {}
    module = _Module(tree, _revisions(base), _archive_lists(tree, tuple(modeling), base, head))
    found: dict[str, frozenset[Need]] = {}
    for id in ids:
        parts = id.split("::")[1:]
        names = [re.sub(r"\[.*", "", part) for part in parts]
        needed = module.of_function(names[0]) if len(names) == 1 else module.of_method(names[0], names[-1])
        if needed:
            found[id] = frozenset(sorted(needed)[:MOST])
    return found


class _Module:
    """A test file's functions and classes."""

    def __init__(
        self, tree: ast.Module, revisions: Mapping[str, str], lists: Mapping[str, tuple[str, ...]]
    ) -> None:
        self._revisions = revisions
        self.functions: dict[str, ast.FunctionDef] = {}
        self.classes: dict[str, ast.ClassDef] = {}
        self.constants: dict[str, tuple[str, ...]] = dict(lists)
        for node in _statements(tree.body):
            if isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
            elif isinstance(node, ast.ClassDef):
                self.classes[node.name] = node
            elif isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.constants[target.id] = tuple(n.name for n in strings(node.value))

    def of_function(self, name: str) -> set[Need]:
        function = self.functions.get(name)
        return self._reach([function], {}, {}) if function is not None else set()

    def of_method(self, cls: str, name: str) -> set[Need]:
        if cls not in self.classes:
            return set()
        methods: dict[str, ast.FunctionDef] = {}
        attributes: dict[str, tuple[str, ...]] = {}
        pipelines: dict[str, tuple[str, ...]] = {}
        for found in reversed(list(self._lineage(cls, frozenset()))):
            for node in _statements(found.body):
                if isinstance(node, ast.FunctionDef):
                    methods[node.name] = node
                    attributes.update(_self_attributes(node))
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    attributes[node.targets[0].id] = tuple(n.name for n in strings(node.value))
                    if node.targets[0].id == "pipeline_model_mapping":
                        pipelines = _mapping(node.value)
        if name.startswith("test_pipeline_") and name not in methods:
            return {
                Need("model", f"hf-internal-testing/tiny-random-{name_of}", self._revisions.get(name_of, ""))
                for task, models in pipelines.items()
                if task.replace("-", "_") == name.removeprefix("test_pipeline_")
                for name_of in (re.sub("^(TF|Flax)", "", model) for model in models)
            }
        roots = [methods[n] for n in _reached_by_suffix(name, methods)]
        if not roots:
            return set()
        return self._reach([*roots, *(methods[n] for n in SET_UPS if n in methods)], methods, attributes)

    def _lineage(self, name: str, seen: frozenset[str]) -> Iterator[ast.ClassDef]:
        if name in seen or name not in self.classes:
            return
        yield self.classes[name]
        for base in self.classes[name].bases:
            if isinstance(base, ast.Name):
                yield from self._lineage(base.id, seen | {name})

    def _reach(
        self,
        roots: list[ast.FunctionDef],
        methods: Mapping[str, ast.FunctionDef],
        attributes: Mapping[str, tuple[str, ...]],
    ) -> set[Need]:
        found: set[Need] = set()
        done: set[ast.FunctionDef] = set()
        helpers: dict[str, list[ast.FunctionDef]] = {}  # methods of helper classes, by name
        named: set[str] = {"__init__"}  # attributes that reachable code mentions
        pending = list(roots)
        while pending:
            function = pending.pop()
            if function in done:
                continue
            done.add(function)
            found |= _Function(function, self.constants, attributes).needs()
            for node in ast.walk(function):
                if isinstance(node, ast.Attribute):
                    named.add(node.attr)
                    if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                        pending += [methods[node.attr]] if node.attr in methods else []
                elif isinstance(node, ast.Name) and node.id in self.functions:
                    pending.append(self.functions[node.id])
                elif isinstance(node, ast.Name) and node.id in self.classes:
                    for method in _helper_methods(self.classes[node.id]):
                        helpers.setdefault(method.name, []).append(method)
            pending += [method for name in named & helpers.keys() for method in helpers[name]]
        return found


class _Function:
    """One function: which literals reach a call that loads."""

    def __init__(
        self,
        function: ast.FunctionDef,
        constants: Mapping[str, tuple[str, ...]],
        attributes: Mapping[str, tuple[str, ...]],
    ) -> None:
        self._function = function
        self._attributes = attributes
        self._names: dict[str, tuple[str, ...]] = dict(constants)
        defaults = function.args.defaults
        for argument, default in zip(
            function.args.args[len(function.args.args) - len(defaults) :], defaults, strict=True
        ):
            self._names[argument.arg] = tuple(n.name for n in strings(default))
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name) and (values := self._values(node.value)):
                        self._names[target.id] = self._names.get(target.id, ()) + values
            elif isinstance(node, ast.For) and isinstance(node.target, ast.Name):
                self._names[node.target.id] = self._values(node.iter)

    def needs(self) -> set[Need]:
        found: set[Need] = set()
        for node in ast.walk(self._function):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = [*node.args, *(k.value for k in node.keywords if k.arg in _NAMING)]
            if called in LOADERS:
                for argument in given:
                    found |= {Need("model", v) for v in self._values(argument) if _is_repository(v, called)}
            elif called in DATASETS and node.args:
                found |= {Need("dataset", v) for v in self._values(node.args[0]) if REPOSITORY.fullmatch(v)}
            elif called in FETCHERS:
                for argument in given:
                    found |= {
                        Need("url", v)
                        for v in self._values(argument)
                        if v.startswith(("http://", "https://"))
                    }
        return found

    def _values(self, node: ast.expr) -> tuple[str, ...]:
        """The texts that an expression may stand for, as far as literals tell."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id, ())
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in ("self", "cls")
        ):
            return self._attributes.get(node.attr, ())
        if isinstance(node, ast.Subscript):
            values = self._values(node.value)
            if isinstance(node.slice, ast.Slice) and isinstance(node.slice.upper, ast.Constant):
                upper = node.slice.upper.value
                return values[:upper] if isinstance(upper, int) else values
            if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int):
                return values[node.slice.value : node.slice.value + 1 or None]
            return values
        if isinstance(node, ast.IfExp):
            return self._values(node.body) + self._values(node.orelse)
        return tuple(name.name for name in strings(node))


def _helper_methods(found: ast.ClassDef) -> list[ast.FunctionDef]:
    """Methods of a class that is no class of tests (a model tester)."""
    methods = [node for node in found.body if isinstance(node, ast.FunctionDef)]
    return [] if any(method.name.startswith("test") for method in methods) else methods


_NAMING = frozenset(
    {"model", "repo_id", "tokenizer", "pretrained_model_name_or_path", "path", "url", "origin"}
)


def _is_repository(value: str, called: str) -> bool:
    if not REPOSITORY.fullmatch(value) or value.startswith(("./", "/")):
        return False
    # pipeline("fill-mask"): a task, and its default checkpoint is not in the source.
    return "/" in value or called != "pipeline"


def _reached_by_suffix(name: str, methods: Mapping[str, ast.FunctionDef]) -> list[str]:
    """The method of a test's name; of `test_beams_0_greedy` it is `test_beams`."""
    if name in methods:
        return [name]
    stem = re.sub(r"_\d+(_.*)?$", "", name)
    return [stem] if stem in methods else []


def _self_attributes(function: ast.FunctionDef) -> dict[str, tuple[str, ...]]:
    """`self.checkpoint = "…"` in a method."""
    found: dict[str, tuple[str, ...]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            target = node.targets[0]
            if (
                isinstance(target.value, ast.Name)
                and target.value.id in ("self", "cls")
                and strings(node.value)
            ):
                found[target.attr] = tuple(n.name for n in strings(node.value))
    return found


def _mapping(node: ast.expr) -> dict[str, tuple[str, ...]]:
    """`{"task": TFModel, "other": (TFA, TFB)} if is_tf_available() else {}`."""
    if isinstance(node, ast.IfExp):
        return _mapping(node.body) or _mapping(node.orelse)
    if not isinstance(node, ast.Dict):
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            names = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value]
            found[key.value] = tuple(n.id for n in names if isinstance(n, ast.Name))
    return found


def _archive_lists(
    tree: ast.Module, modeling: tuple[str, ...], base: Snapshot, head: Snapshot
) -> dict[str, tuple[str, ...]]:
    """Lists of checkpoints (`TF_BERT_PRETRAINED_MODEL_ARCHIVE_LIST`) that the test file imports."""
    found: dict[str, tuple[str, ...]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or (node.module or "").split(".")[0] != "transformers":
            continue
        for alias in node.names:
            if alias.name.endswith(("_ARCHIVE_LIST", "_ARCHIVE_MAP")):
                files = [f"src/{(node.module or '').replace('.', '/')}.py", *modeling]
                lists = (_listed(read(head, file) or read(base, file), alias.name) for file in files)
                found[alias.asname or alias.name] = next(filter(None, lists), ())
    return found


def _revisions(base: Snapshot) -> dict[str, str]:
    """The commits of the tiny models that the pipeline tests load, by class."""
    try:
        summary = json.loads(read(base, TINY_MODELS) or "{}")
        return {name: about["sha"] for name, about in summary.items() if isinstance(about.get("sha"), str)}
    except (ValueError, AttributeError):
        return {}


def _listed(text: str, name: str) -> tuple[str, ...]:
    tree = parse(text)
    if isinstance(tree, Problem):
        return ()
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in node.targets
        ):
            return tuple(n.name for n in strings(node.value))
    return ()


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a body, those under `if` and `try` included."""
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _statements(node.body)
            yield from _statements(node.orelse)
        elif isinstance(node, ast.Try):
            yield from _statements(node.body)
