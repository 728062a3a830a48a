"""The TensorFlow side of a comparison: the head's classes with the weights and inputs that it is given. No torch is needed here, unless
the port's own tests make a case only with it."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import Any, Dict, List, Mapping, Tuple

from . import double, load, runs, testers
from .arrays import neutral, to_tf
from .cases import Place, fix_seeds, prepared
from .imports import hide, leave_out_pipelines
from .lines import Lines
from .modules import explain, find_class


class Candidate:
    """Answers of the TensorFlow side. Each `do_…` takes a request and returns the answer's fields."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.root = str(request["root"])
        self.threads = int(request.get("threads", 1))
        self.torch = bool(request.get("torch"))
        self.place = Place("", "", "", "")
        self.lines = Lines([], self.root)

    def warm(self) -> None:
        """Imports what does not depend on a tree."""
        if not self.torch:
            os.environ["USE_TF"] = "1"  # for transformers: as if there were no torch
            os.environ.pop("USE_TORCH", None)
            hide("torch", "accelerate", "flax", "jax")
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(self.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        if self.torch:
            import torch

            torch.set_num_threads(self.threads)

    def do_open(self, asked: Mapping[str, Any]) -> Dict[str, Any]:
        """Imports the port's TensorFlow module."""
        os.chdir(self.root)
        sys.path[:0] = [os.path.join(self.root, "src"), self.root]
        self.place = Place(
            asked["module"], asked.get("pytorch_module", "") if self.torch else "", asked.get("tests", ""), ""
        )
        _quiet()
        leave_out_pipelines()
        importlib.import_module(self.place.module)
        self.lines = Lines([str(path) for path in asked.get("files", ())], self.root)
        return {}

    def do_case(self, asked: Mapping[str, Any]) -> Dict[str, Any]:
        """Configuration and inputs from the TensorFlow tester, or from the cross test of a composite."""
        name, reasons = str(asked["class"]), {}
        found = find_class(name, self.place.module)
        takes = runs.parameter_names(found.call)
        strategies = [("tf-tester", testers.from_tf_tester), ("tf-tester", testers.from_composite)]
        if self.torch:
            strategies.append(("cross-test", testers.from_cross_test))
        for strategy, make in strategies:
            if asked.get("strategy") not in (None, strategy):
                continue
            fix_seeds(0)
            try:
                made = make(name, self.place)
                if made is None:
                    continue
                config, inputs, labels = made
                return {
                    "strategy": strategy,
                    "takes": takes,
                    "config": runs.config_dict(config),
                    "inputs": runs.plain_inputs(prepared(inputs, 0)),
                    "labels": runs.plain_inputs(prepared(labels, 0)),
                }
            except BaseException as error:  # a tester may skip, exit, assert: it is somebody's code
                if isinstance(error, KeyboardInterrupt):
                    raise
                reasons[strategy] = f"{type(error).__name__}: {runs.first_line(str(error))}"
        return {"unmade": reasons, "takes": takes}

    def do_run(self, asked: Mapping[str, Any]) -> Dict[str, Any]:
        """Makes the class, loads the weights, runs it.

        Args (of the request):
            class, config, inputs, labels, double, variants, checkpoint: as for the reference.
            weights: by PyTorch's names.
            lines: whether to say which lines of the port's files ran.

        Returns:
            load: what found no place; outputs: for each variant its `named` arrays, or an `error`; lines: by file.
        """
        wide = bool(asked.get("double"))
        with double.in_tensorflow() if wide else contextlib.nullcontext():
            try:
                model, loaded = self.model(asked)
            except Exception as error:
                return {"unbuilt": explain(error, self.root)}
            takes = runs.parameter_names(model.call)
            answer: Dict[str, Any] = {"load": loaded, "outputs": {}}
            with self.lines if asked.get("lines") else contextlib.nullcontext():
                for variant in asked["variants"]:
                    given = runs.arguments(asked["inputs"], asked.get("labels", {}), variant, takes)
                    answer["outputs"][variant["id"]] = self._forward(model, given, variant, takes, wide)
        answer["lines"] = self.lines.told()
        return answer

    def do_localise(self, asked: Mapping[str, Any]) -> Dict[str, Any]:
        """Where a model whose outputs differ, or that cannot be built, departs from the recorded run. Asked only once all verdicts stand.

        Args (of the request): as for `do_run`, with what `Reference.do_record` returned; `limit`: what is rounding.

        Returns:
            sites: entries as in the report; profile: [path, difference] in the order of execution, where it is known.
        """
        from .localise import localise
        from .record import Event, Module

        wide = bool(asked.get("double"))
        with double.in_tensorflow() if wide else contextlib.nullcontext():
            try:
                model, _ = self.model(asked)
            except Exception:  # it has no weights yet: only shapes are compared
                cls = find_class(str(asked["class"]), self.place.module)
                model = cls(runs.made_config(cls, asked["config"]))
            fix_seeds(0)
            found = localise(
                model,
                asked["given"],
                [Event(**event) for event in asked["events"]],
                [Module(**module) for module in asked["modules"]],
                asked["weights"],
                float(asked["limit"]),
                self.root,
                float(asked.get("seconds", 20)),
                also=[
                    (one["given"], [Event(**event) for event in one["events"]])
                    for one in asked.get("also", ())
                ],
                remake=lambda: self.model(asked)[0],
            )
        return {"sites": [site.data() for site in found]}

    def do_layer(self, asked: Mapping[str, Any]) -> Dict[str, Any]:
        """The first call of one layer, its inputs computed from PyTorch's values.

        Args (of the request): as for `do_localise`; `layer`: its path on either side.

        Returns:
            tf_path, pytorch_path; arguments of the call by name; training: whether it takes that flag. `unknown`: the nearest paths, where
            there is no such layer, or no PyTorch module that matches it.
        """
        import difflib

        from .localise import Comparison
        from .record import Event, Module, bound, plain

        model, _ = self.model(asked)
        fix_seeds(0)
        events = [Event(**event) for event in asked["events"]]
        modules = [Module(**module) for module in asked["modules"]]
        known = Comparison(model, asked["given"], events, modules, asked["weights"], 1e-4, self.root)
        layer = str(asked["layer"])
        path = next((ours for ours, theirs in known.pairs.items() if layer in (ours, theirs)), None)
        if path is None:
            names = [*known.pairs, *known.pairs.values()]
            return {"unknown": difflib.get_close_matches(layer, names, n=3, cutoff=0.3)}
        run = known.forcing(keep=True)
        with contextlib.suppress(Exception):  # one further on may raise
            run.run(known.inputs)
        if (path, 0) not in run.calls:
            raise ValueError(f"{path} does not run")
        positional, named, _ = run.calls[path, 0]
        call = known.layers[path].call
        arguments = {k: plain(v) for k, v in bound(call, positional, named).items() if k != "training"}
        return {
            "tf_path": path,
            "pytorch_path": known.pairs[path],
            "arguments": arguments,
            "training": "training" in runs.parameter_names(call),
        }

    def do_training(self, asked: Mapping[str, Any]) -> Dict[str, Any]:
        """How the class acts in training (`training.candidate`), and its hyper-parameters against PyTorch's `modules` (`audit`)."""
        from . import training
        from .audit import audit
        from .record import Module

        model, _ = self.model(asked)
        names = load.pytorch_names(model, asked["weights"])
        modules = [Module(**module) for module in asked["modules"]]
        said = training.candidate(model, asked["inputs"], asked["labels"], names, self.root)
        return {"said": said, "audit": audit(model, modules, asked["weights"], self.root)}

    def model(self, asked: Mapping[str, Any]) -> Tuple[Any, Dict[str, Any]]:
        """The class's model with the weights, and what found no place."""
        cls = find_class(str(asked["class"]), self.place.module)
        fix_seeds(0)
        model = cls(runs.made_config(cls, asked["config"]))
        try:
            load.build(model)
        except Exception:  # composites whose dummies lack what only a retriever would bring
            inputs = double.widened(dict(asked["inputs"])) if asked.get("double") else dict(asked["inputs"])
            takes = runs.parameter_names(model.call)
            model(**to_tf(runs.arguments(inputs, {}, {}, takes)), training=False)
        loaded = load.load(model, asked["weights"])
        return model, {
            "missing": [{"name": m["name"], "nearest": m["nearest"]} for m in loaded["missing"]],
            "unexpected": [entry["name"] for entry in loaded["unexpected"]],
            "mismatched": [entry["name"] for entry in loaded["mismatched"]],
            "loaded": loaded["loaded"],
        }

    def _forward(
        self, model: Any, given: Dict[str, Any], variant: Mapping[str, Any], takes: List[str], wide: bool
    ) -> Dict[str, Any]:
        fix_seeds(0)
        flags: Dict[str, Any] = {"return_dict": not variant.get("tuple")}
        if variant.get("everything", True):
            flags.update(output_hidden_states=True, output_attentions=True)
        flags = {name: value for name, value in flags.items() if name in takes}
        try:
            value = model(**to_tf(double.widened(given) if wide else given), **flags, training=False)
        except Exception as error:
            return {"error": explain(error, self.root)}
        return {"named": runs.outputs(neutral(value))}


def _quiet() -> None:
    import logging
    import warnings

    from transformers.utils import logging as transformers_logging

    warnings.simplefilter("ignore")
    transformers_logging.set_verbosity_error()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
