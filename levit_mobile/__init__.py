"""Turn a trained LeViT, ViT or DeiT into Core ML, ExecuTorch and TFLite bundles that hold their own proof.

    >>> import levit_mobile
    >>> bundle = levit_mobile.convert("LeViT-256.pth", "tflite-fp32", out="build")
    >>> run = levit_mobile.validate(bundle.path, images="photos")
    >>> print(run.verdict)
    proven

There is one function per command: ``convert``, ``predict``, ``validate``, ``inspect``, ``bench``, ``plan``, ``cost``,
``report``, ``deploy``, ``doctor`` and ``setup_arm64``. They take and return typed values, print nothing themselves, and
leave the process as they found it. The command line parses its options, calls one of them and prints the result. Each
docstring says whether several threads may call the function at once. Calls that take long have a ``progress`` argument,
which is called as the work advances (see ``Progress``).

Everything that these functions raise on purpose is a ``LevitMobileError``, with a stable ``code`` for programs.

Public names are imported on first use, so ``import levit_mobile`` needs neither torch nor a vendor package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from levit_mobile.arm64.count import CostRun, cost
    from levit_mobile.arm64.setup import setup_arm64
    from levit_mobile.bundle.inspect import Inspected, differences, inspect
    from levit_mobile.bundle.reader import OpenBundle, open_bundle
    from levit_mobile.cluster.connect import Cluster, open_cluster
    from levit_mobile.contract import Contract
    from levit_mobile.demo.android.run import bench_in_app
    from levit_mobile.demo.ios.run import bench_in_ios_app
    from levit_mobile.demo.options import AppOptions, IosAppOptions
    from levit_mobile.demo.plan import TimingPlan
    from levit_mobile.deployment.deploy import Deployment, deploy
    from levit_mobile.device.bench import bench_on_device, write_payload
    from levit_mobile.device.options import DeviceOptions
    from levit_mobile.errors import LevitMobileError
    from levit_mobile.images.spec import ImageSpec
    from levit_mobile.model.checkpoint import load_checkpoint
    from levit_mobile.model.families.levit.trained import LeViT
    from levit_mobile.parity.report import Proof
    from levit_mobile.pipeline.convert import convert
    from levit_mobile.pipeline.plan import PlanSearch, plan
    from levit_mobile.pipeline.precheck import check
    from levit_mobile.pipeline.source_model import SourceModel, load_source
    from levit_mobile.pipeline.writing import Bundle
    from levit_mobile.prediction.predict import PredictionRun, predict
    from levit_mobile.recipe import RECIPES, Recipe, Verdict
    from levit_mobile.reporting.report import Report, report
    from levit_mobile.runtimes.doctor import Examination, doctor
    from levit_mobile.system.progress import Progress
    from levit_mobile.timing.bench import BenchOptions, bench
    from levit_mobile.timing.record import TimingRun
    from levit_mobile.timing.regression import Slowdown, slowdowns
    from levit_mobile.validation.passes import ValidationRun, validate
    from levit_mobile.validation.results import Validation

_HOMES = {
    "AppOptions": "levit_mobile.demo.options",
    "BenchOptions": "levit_mobile.timing.bench",
    "Bundle": "levit_mobile.pipeline.writing",
    "Cluster": "levit_mobile.cluster.connect",
    "Contract": "levit_mobile.contract",
    "CostRun": "levit_mobile.arm64.count",
    "Deployment": "levit_mobile.deployment.deploy",
    "DeviceOptions": "levit_mobile.device.options",
    "Examination": "levit_mobile.runtimes.doctor",
    "ImageSpec": "levit_mobile.images.spec",
    "Inspected": "levit_mobile.bundle.inspect",
    "IosAppOptions": "levit_mobile.demo.options",
    "LeViT": "levit_mobile.model.families.levit.trained",
    "LevitMobileError": "levit_mobile.errors",
    "OpenBundle": "levit_mobile.bundle.reader",
    "PlanSearch": "levit_mobile.pipeline.plan",
    "PredictionRun": "levit_mobile.prediction.predict",
    "Progress": "levit_mobile.system.progress",
    "Proof": "levit_mobile.parity.report",
    "RECIPES": "levit_mobile.recipe",
    "Recipe": "levit_mobile.recipe",
    "Report": "levit_mobile.reporting.report",
    "Slowdown": "levit_mobile.timing.regression",
    "SourceModel": "levit_mobile.pipeline.source_model",
    "TimingPlan": "levit_mobile.demo.plan",
    "TimingRun": "levit_mobile.timing.record",
    "Validation": "levit_mobile.validation.results",
    "ValidationRun": "levit_mobile.validation.passes",
    "Verdict": "levit_mobile.recipe",
    "bench": "levit_mobile.timing.bench",
    "bench_in_app": "levit_mobile.demo.android.run",
    "bench_in_ios_app": "levit_mobile.demo.ios.run",
    "bench_on_device": "levit_mobile.device.bench",
    "check": "levit_mobile.pipeline.precheck",
    "convert": "levit_mobile.pipeline.convert",
    "cost": "levit_mobile.arm64.count",
    "deploy": "levit_mobile.deployment.deploy",
    "differences": "levit_mobile.bundle.inspect",
    "doctor": "levit_mobile.runtimes.doctor",
    "inspect": "levit_mobile.bundle.inspect",
    "load_checkpoint": "levit_mobile.model.checkpoint",
    "load_source": "levit_mobile.pipeline.source_model",
    "open_bundle": "levit_mobile.bundle.reader",
    "open_cluster": "levit_mobile.cluster.connect",
    "plan": "levit_mobile.pipeline.plan",
    "predict": "levit_mobile.prediction.predict",
    "report": "levit_mobile.reporting.report",
    "setup_arm64": "levit_mobile.arm64.setup",
    "slowdowns": "levit_mobile.timing.regression",
    "validate": "levit_mobile.validation.passes",
    "write_payload": "levit_mobile.device.bench",
}

__all__ = [
    "RECIPES",
    "AppOptions",
    "BenchOptions",
    "Bundle",
    "Cluster",
    "Contract",
    "CostRun",
    "Deployment",
    "DeviceOptions",
    "Examination",
    "ImageSpec",
    "Inspected",
    "IosAppOptions",
    "LeViT",
    "LevitMobileError",
    "OpenBundle",
    "PlanSearch",
    "PredictionRun",
    "Progress",
    "Proof",
    "Recipe",
    "Report",
    "Slowdown",
    "SourceModel",
    "TimingPlan",
    "TimingRun",
    "Validation",
    "ValidationRun",
    "Verdict",
    "bench",
    "bench_in_app",
    "bench_in_ios_app",
    "bench_on_device",
    "check",
    "convert",
    "cost",
    "deploy",
    "differences",
    "doctor",
    "inspect",
    "load_checkpoint",
    "load_source",
    "open_bundle",
    "open_cluster",
    "plan",
    "predict",
    "report",
    "setup_arm64",
    "slowdowns",
    "validate",
    "write_payload",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("levit-mobile")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
