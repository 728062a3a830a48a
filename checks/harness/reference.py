"""The PyTorch side of a comparison: makes tiny models of the base's classes, gives them weights, runs them. No TensorFlow is needed here."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import Any, Dict, List, Mapping, Optional

import numpy as np

from . import double, runs, shrink, testers
from .arrays import neutral, to_torch
from .cases import Place, fix_seeds, prepared
from .imports import hide, leave_out_pipelines
from .load import state_dict
from .modules import explain, find_class
from .weights import randomise


class Reference:
    """Answers of the PyTorch side. Each `do_…` takes a request and returns the answer's fields."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.root = str(request["root"])
        self.threads = int(request.get("threads", 1))
        self.place = Place("", "", "", "")

    def warm(self) -> None:
        """Imports what does not depend on a tree."""
        os.environ["USE_TORCH"] = "1"
        os.environ.pop("USE_TF", None)
        hide("tensorflow", "flax", "jax")
        import torch

        with contextlib.suppress(ImportError):  # torch 1 has none
            import torch._dynamo

        torch.set_num_threads(self.threads)
        torch.set_grad_enabled(False)

    def do_open(self, asked: Mapping[str, Any]) -> Dict[str, Any]:
        """Imports the port's PyTorch module and its tests."""
        os.chdir(self.root)
        sys.path[:0] = [os.path.join(self.root, "src"), self.root]
        self.place = Place("", asked["pytorch_module"], "", asked.get("pytorch_tests", ""))
        _quiet()
        leave_out_pipelines()
        importlib.import_module(self.place.pytorch_module)
        return {}

    def do_case(self, asked: Mapping[str, Any]) -> Dict[str, Any]:
        """Configuration and inputs from the PyTorch tester, else from a shrunk configuration."""
        name, reasons = str(asked["class"]), {}
        strategies = [("pytorch-tester", self._from_tester), ("configuration", self._from_shrunk)]
        if asked.get("checkpoint"):
            strategies = [("checkpoint", lambda name: self._from_checkpoint(name, str(asked["checkpoint"])))]
        for strategy, make in strategies:
            if asked.get("strategy") not in (None, strategy):
                continue
            fix_seeds(0)
            try:
                made = make(name)
                if made is None:
                    continue
                config, inputs, labels = made
                return {
                    "strategy": strategy,
                    "config": runs.config_dict(config),
                    "inputs": runs.plain_inputs(prepared(inputs, 0)),
                    "labels": runs.plain_inputs(prepared(labels, 0)),
                }
            except BaseException as error:  # a tester may skip, exit, assert: it is somebody's code
                if isinstance(error, KeyboardInterrupt):
                    raise
                reasons[strategy] = f"{type(error).__name__}: {runs.first_line(str(error))}"
        return {"unmade": reasons}

    def _from_tester(self, name: str) -> Any:
        return testers.from_pytorch_tester(name, self.place)

    def _from_shrunk(self, name: str) -> Any:
        twin = find_class(name[2:], self.place.pytorch_module)
        return shrink.from_pytorch_configuration(twin)

    def _from_checkpoint(self, name: str, folder: str) -> Any:
        """The checkpoint's own configuration, and inputs that fit it."""
        twin = find_class(name[2:], self.place.pytorch_module)
        config = twin.config_class.from_pretrained(folder)
        return config, shrink.inputs_from_signature(twin, twin, config), {}

    def do_run(self, asked: Mapping[str, Any]) -> Dict[str, Any]:
        """Makes the class's PyTorch twin and runs it.

        Args (of the request):
            class, config, inputs, labels: of the case.
            random: weights in which nothing hides instead of the default initialisation.
            double: in float64.
            variants: see `runs.arguments`; each with an `id`, and `tuple` for return_dict=False.
            checkpoint: folder with a real one, instead of configuration and seed.

        Returns:
            weights; buffers (names of those that are no parameters, or share another's memory); takes (arguments); outputs: for each
            variant its `named` arrays, or an `error`.
        """
        wide = bool(asked.get("double"))
        with double.in_torch() if wide else contextlib.nullcontext():
            model = self.model(asked)
            takes = runs.parameter_names(model.forward)
            answer: Dict[str, Any] = {
                "takes": takes,
                "outputs": {},
                "main_input": str(getattr(model, "main_input_name", "")),
            }
            inputs = completed(dict(asked["inputs"]), takes, model.config)
            added = {key: value for key, value in inputs.items() if key not in asked["inputs"]}
            answer["added"] = added
            for variant in asked["variants"]:
                given = runs.arguments(inputs, asked.get("labels", {}), variant, takes)
                answer["outputs"][variant["id"]] = self._forward(model, given, variant, takes, wide)
            if asked.get("weights", True):
                # A real checkpoint is large, and its values are float32 anyway.
                answer["weights"] = state_dict(model.float() if asked.get("checkpoint") else model)
                answer["buffers"] = _no_own_parameters(model)
        return answer

    def do_record(self, asked: Mapping[str, Any]) -> Dict[str, Any]:
        """One run of the twin with everything that its modules got and gave.

        Args (of the request): as for `do_run`, with one `variant`; `takes`: the arguments that both sides know.

        Returns:
            events, modules (see `record`); given: the arguments of the run; weights.
        """
        from .record_torch import record_torch

        wide = bool(asked.get("double"))
        with double.in_torch() if wide else contextlib.nullcontext():
            model = self.model(asked)
            variant, takes = asked["variant"], [str(name) for name in asked["takes"]]
            takes = [name for name in takes if name in runs.parameter_names(model.forward)]
            given = runs.arguments(asked["inputs"], asked.get("labels", {}), variant, takes)
            given = {**(double.widened(given) if wide else given), **_flags(variant, takes)}
            fix_seeds(0)
            _, events, modules = record_torch(model, given)
            return {
                "events": [vars(event) for event in events],
                "modules": [vars(module) for module in modules],
                "given": given,
                "weights": state_dict(model),
            }

    def do_training(self, asked: Mapping[str, Any]) -> Dict[str, Any]:
        """How the twin acts in training (`training.reference`), its modules, and the weights that the other side is to take."""
        from . import training
        from .record_torch import describe_torch

        twin = find_class(str(asked["class"])[2:], self.place.pytorch_module)
        config = runs.config_dict(training.with_rates(runs.made_config(twin, asked["config"])))
        model = self.model({**asked, "config": config, "random": True, "double": False})
        weights = {name: np.array(value) for name, value in state_dict(model).items()}
        takes = runs.parameter_names(model.forward)
        inputs, labels = (runs.arguments(asked[key], {}, {}, takes) for key in ("inputs", "labels"))
        said = training.reference(model, inputs, labels)
        modules = [vars(module) for module in describe_torch(model)]
        return {"said": said, "config": config, "weights": weights, "modules": modules}

    def model(self, asked: Mapping[str, Any]) -> Any:
        """The twin, with its weights, in evaluation mode."""
        twin = find_class(str(asked["class"])[2:], self.place.pytorch_module)
        fix_seeds(0)
        if asked.get("checkpoint"):
            model = twin.from_pretrained(asked["checkpoint"])
        else:
            model = twin(runs.made_config(twin, asked["config"]))
            if asked.get("random"):
                randomise(model, int(asked.get("seed", 0)))
        if asked.get("double"):
            model = model.double()
        return model.eval()

    def _forward(
        self, model: Any, given: Dict[str, Any], variant: Mapping[str, Any], takes: List[str], wide: bool
    ) -> Dict[str, Any]:
        fix_seeds(0)
        flags = _flags(variant, takes)
        try:
            value = model(**to_torch(double.widened(given) if wide else given), **flags)
        except Exception as error:
            return {"error": explain(error, self.root)}
        return {"named": runs.outputs(neutral(value))}


def _flags(variant: Mapping[str, Any], takes: List[str]) -> Dict[str, Any]:
    flags = {"return_dict": not variant.get("tuple")}
    if variant.get("everything", True):
        flags.update(output_hidden_states=True, output_attentions=True)
    return {name: value for name, value in flags.items() if name in takes}


def completed(inputs: Dict[str, Any], takes: List[str], config: Any) -> Dict[str, Any]:
    """With what a model would otherwise draw at random: the noise of masked auto-encoders."""
    if "noise" in takes and "noise" not in inputs and "pixel_values" in inputs:
        pixels = inputs["pixel_values"].shape
        size, patch = _pair(config.image_size), _pair(config.patch_size)
        patches = (size[0] // patch[0]) * (size[1] // patch[1])
        inputs["noise"] = np.random.RandomState(0).random_sample((pixels[0], patches))
    return inputs


def _pair(size: Any) -> Any:
    return (size, size) if isinstance(size, int) else tuple(size)


def _no_own_parameters(model: Any) -> List[str]:
    """Names in the state that need no place elsewhere: buffers, and parameters that share their memory with an earlier one."""
    state = model.state_dict(keep_vars=True)
    parameters = {id(parameter) for parameter in model.parameters()}
    seen: Dict[Optional[int], str] = {}
    found: List[str] = []
    for name, value in state.items():
        first = seen.setdefault(value.data_ptr() or id(value), name)
        if id(value) not in parameters or first != name:
            found.append(name)
    return found


def _quiet() -> None:
    import logging
    import warnings

    from transformers.utils import logging as transformers_logging

    warnings.simplefilter("ignore")
    transformers_logging.set_verbosity_error()
    logging.getLogger("torch").setLevel(logging.ERROR)
