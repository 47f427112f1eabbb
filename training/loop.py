"""One training phase: a schedule that fits a budget, an averaged copy of the weights, resumable, with its progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import torch
import torch.distributed as dist
from digit_pool import normalised
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from torch import Tensor, nn

WEIGHT_DECAY = 0.025
WARM_UP = 0.05  # of the budget
MAX_NORM = 1.0
EMA_DECAY = 0.998
PLAIN_LINE_S, LIVE_LINE_S = 10.0, 0.5

Loss = Callable[[Any, Tensor, Tensor, float], tuple[Tensor, Tensor]]  # model, x, labels, time left -> loss, hits


class Pictures(Protocol):
    """What a phase learns from."""

    def batch(self, number: int, size: int, seed: int, done: float) -> tuple[Tensor, Tensor]:
        """Pictures [N,S,S,3] uint8 and labels [N], when a share `done` of the phase is done."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One phase: how long by the clock, at which resolution, how much at a time, and where to keep it."""

    title: str
    path: Path
    minutes: float
    side: int  # px the model sees; divides 224
    batch: int
    rates: tuple[float, float]  # learning rate after the warm-up and at the end
    seed: int
    save_s: float
    mixed: bool = True  # bfloat16 where the device has it; small nets are faster in float32
    muon: bool = False  # for the matrices of the body; the rest by AdamW in any case

    def fraction(self, done: Done) -> float:
        """How much of the time is spent, 0 to 1 and over."""
        return done.seconds / (60 * self.minutes)

    def learning_rate(self, fraction: float) -> float:
        """Linear warm-up to the first rate, then half a cosine down to the last."""
        peak, last = self.rates
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, max(0.0, fraction - WARM_UP) / (1 - WARM_UP))))
        return min(1.0, fraction / WARM_UP + 0.01) * (last + (peak - last) * cosine)


@dataclass(slots=True)
class Done:
    """What a phase has used so far, interruptions not counted."""

    steps: int = 0
    seconds: float = 0.0


class Run:
    """A model in training, everything needed to go on with it, and its file."""

    def __init__(self, model: nn.Module, plan: Plan) -> None:
        self.model, self.plan, self.done = model, plan, Done()
        self.ema = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.optimizers = optimizers(model, plan)
        if plan.path.exists():
            self.load()
        weights = [(self.ema[name], w) for name, w in model.state_dict().items() if w.is_floating_point()]
        self.averaged, self.current = [slow for slow, _ in weights], [fast for _, fast in weights]

    def load(self) -> None:
        device = next(self.model.parameters()).device
        saved = torch.load(self.plan.path, map_location=device, weights_only=True)
        self.model.load_state_dict(saved["model"])
        for optimizer, state in zip(self.optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        self.ema, self.done = saved["ema"], Done(**saved["done"])

    def save(self) -> None:
        """Writes beside, then replaces: a kill leaves the old file or the new one. Of several processes, the first."""
        if rank():
            return
        beside = self.plan.path.with_suffix(".tmp")
        states = [optimizer.state_dict() for optimizer in self.optimizers]
        parts = {"model": self.model.state_dict(), "optimizers": states}
        torch.save({**parts, "ema": self.ema, "done": asdict(self.done)}, beside)
        beside.replace(self.plan.path)

    def step(self, loss: Tensor) -> None:
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            group["lr"] = self.plan.learning_rate(self.plan.fraction(self.done))
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        average_gradients(self.model)
        nn.utils.clip_grad_norm_(self.model.parameters(), MAX_NORM)
        for optimizer in self.optimizers:
            optimizer.step()
        self.done.steps += 1
        self.average()

    @torch.no_grad()
    def average(self) -> None:
        """Moves the averaged weights and batch-norm statistics towards the current ones."""
        decay = min(EMA_DECAY, (1 + self.done.steps) / (10 + self.done.steps))
        torch._foreach_lerp_(self.averaged, self.current, 1 - decay)


def rank() -> int:
    """This process's number; 0 where there is one only."""
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def average_gradients(model: nn.Module) -> None:
    """The mean over all processes, so that each takes the same step."""
    if world() == 1:
        return
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    sizes = [gradient.numel() for gradient in gradients]
    for gradient, mean in zip(gradients, (flat / world()).split(sizes), strict=True):
        gradient.copy_(mean.view_as(gradient))


def of_the_first(seconds: float) -> float:
    """The first process's clock, for a schedule that all share."""
    if world() == 1:
        return seconds
    clock = torch.tensor([seconds], dtype=torch.float64)
    dist.broadcast(clock, 0)
    return float(clock)


def optimizers(model: nn.Module, plan: Plan) -> list[torch.optim.Optimizer]:
    """AdamW for everything; or Muon for the matrices of `body`, whose steps are then as large as AdamW's.

    Muon: Jordan et al., 2024, kellerjordan.github.io/posts/muon; the size of its steps: Liu et al., 2025,
    arXiv:2502.16982.
    """
    named = dict(model.named_parameters())
    matrices = {name: p for name, p in named.items() if plan.muon and name.startswith("body") and p.ndim == 2}
    rest = {name: p for name, p in named.items() if name not in matrices}
    found: list[torch.optim.Optimizer] = [torch.optim.AdamW(decayed_apart(rest), lr=plan.rates[0])]
    if matrices:
        found.append(
            torch.optim.Muon(
                matrices.values(), lr=plan.rates[0], weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw"
            )
        )
    return found


def decayed_apart(named: dict[str, nn.Parameter]) -> list[dict[str, Any]]:
    """Weight decay for matrices and convolutions; none for norms, biases and attention-bias tables."""
    decays = [p for name, p in named.items() if p.ndim > 1 and not name.endswith("bias.table")]
    rest = [p for name, p in named.items() if p.ndim <= 1 or name.endswith("bias.table")]
    return [{"params": decays, "weight_decay": WEIGHT_DECAY}, {"params": rest, "weight_decay": 0.0}]


def fit(model: nn.Module, loss: Loss, plan: Plan, pool: Pictures) -> dict[str, Tensor]:
    """Trains until the time is spent, from where the plan's file stands; returns the averaged state dict."""
    run = Run(model.train(), plan)
    if plan.fraction(run.done) < 1:
        with Display(plan, run.done) as display:
            _train(run, loss, pool, display)
        run.save()
    return run.ema


def _train(run: Run, loss: Loss, pool: Pictures, display: Display) -> None:
    plan, before, started = run.plan, run.done.seconds, time.monotonic()
    saved = started
    while plan.fraction(run.done) < 1:
        number = run.done.steps * world() + rank()
        _step(run, loss, pool.batch(number, plan.batch, plan.seed, plan.fraction(run.done)), display)
        run.done.seconds = of_the_first(before + time.monotonic() - started)
        if time.monotonic() - saved > plan.save_s:
            run.save()
            saved = time.monotonic()


def _step(run: Run, loss: Loss, batch: tuple[Tensor, Tensor], display: Display) -> None:
    device = next(run.model.parameters()).device
    pixels, truth = (part.to(device) for part in batch)
    with mixed_precision(device, run.plan.mixed):
        left = 1 - run.plan.fraction(run.done)
        value, hits = loss(run.model, normalised(pixels, run.plan.side, jitter=True), truth, left)
    run.step(value)
    display.add(run.done, value.detach(), hits.float().mean())


def mixed_precision(device: torch.device, wanted: bool) -> torch.autocast:
    """bfloat16 where the device computes with it; on other CPUs it would be slower than float32."""
    has_it = device.type == "cuda" or (device.type == "cpu" and torch.cpu._is_avx512_bf16_supported())
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=wanted and has_it)


class Display:
    """A live bar on a terminal, a plain line every ten seconds elsewhere; reads the device only when it shows."""

    def __init__(self, plan: Plan, done: Done) -> None:
        columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[line]}")
        self.plan, self.console = plan, Console()
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.bar.add_task(plan.title, total=1.0, line="")
        self.every_s = LIVE_LINE_S if self.console.is_terminal else PLAIN_LINE_S
        self.shown, self.steps = time.monotonic(), done.steps
        self.losses: list[Tensor] = []
        self.hits: list[Tensor] = []

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def add(self, done: Done, loss: Tensor, hits: Tensor) -> None:
        self.losses.append(loss)
        self.hits.append(hits)
        if time.monotonic() - self.shown >= self.every_s or self.plan.fraction(done) >= 1:
            self.show(done)

    def show(self, done: Done) -> None:
        """Loss and accuracy over the steps since the last line, then starts over."""
        now, fraction = time.monotonic(), self.plan.fraction(done)
        loss, hits = (float(torch.stack(values).mean()) for values in (self.losses, self.hits))
        rate = (done.steps - self.steps) * self.plan.batch * world() / max(now - self.shown, 1e-9)
        eta_s = done.seconds * (1 - fraction) / max(fraction, 1e-9)
        line = f"step {done.steps} {rate:.0f} pictures/s loss {loss:.4f} accuracy {hits:.4f} eta {max(eta_s, 0):.0f} s"
        self.bar.update(self.task, completed=min(fraction, 1.0), line=line)
        if not self.console.is_terminal and not rank():
            print(f"{self.plan.title} {fraction:6.1%} {line}", flush=True)
        self.shown, self.steps = now, done.steps
        self.losses.clear()
        self.hits.clear()
