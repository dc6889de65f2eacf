"""One epoch loop for everything that is trained here: seeded, resumable, logged, averaged.

Every epoch starts from a seed of its own, so a run that was killed and resumed after an epoch
computes exactly what an undisturbed run computes.
"""

import json
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from core.device import Device
from core.files import write_text
from core.state_files import load_state, save_state
from core.training.provenance import this_process

Model = TypeVar("Model", bound=nn.Module)
Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; ``monitor`` names the validation metric whose highest value is kept, or keeps the last
    epoch if it is empty."""

    epochs: int
    learning_rate: float
    optimiser: str = "adamw"  # or "sgd" with Nesterov momentum 0.9
    weight_decay: float = 1e-4
    warmup: float = 0.1  # share of a cycle with a rising learning rate, cosine decay after it
    ema_decay: float = 0.999  # of the exponential moving average of the weights; 0 for none
    max_grad_norm: float = 5.0
    monitor: str = "balanced_accuracy"
    seed: int = 0
    restarts: tuple[int, ...] = ()  # epochs at which the learning rate begins anew (SGDR, Loshchilov and Hutter 2017)
    fresh: tuple[str, ...] = ()  # submodules that begin from nothing among others that do not: they learn faster
    fresh_rate: float = 10.0  # how much faster


def overridden(recipe, **changes):
    """A recipe of a part whose ``optimisation`` differs in what is not None: "epochs", "seed"."""
    wanted = {name: value for name, value in changes.items() if value is not None}
    return replace(recipe, optimisation=replace(recipe.optimisation, **wanted))


def fit(
    model: Model,
    recipe: Recipe,
    batches: Callable[[torch.Generator], Iterable[Batch]],
    steps: int,
    loss: Callable[[Model, Batch], Tensor],
    evaluate: Callable[[Model], dict[str, float]],
    folder: Path,
    identity: dict,
    device: Device,
) -> list[dict]:
    """Trains ``model`` in place, on ``device``, and leaves the best averaged weights in it.

    Args:
        batches: yields ``steps`` batches of one epoch, all chance drawn from the generator given.
        loss: scalar loss of one batch.
        evaluate: validation metrics of a model in evaluation mode.
        folder: holds ``state.safetensors`` (resumed from if it is there) and ``log.jsonl``.
        identity: what makes this run what it is beside its recipe, of JSON values: fingerprints of the data, sizes of
            the model. A run may go on on another device; which ones it ran on is written down.

    Returns:
        One dict a epoch: epoch, loss, learning_rate and the validation metrics.

    Raises:
        ValueError: the folder holds a run with another recipe or identity.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model.to(device.name)
    optimiser = _optimiser(model, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _learning_rate_factor(step / steps, recipe))
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay), use_buffers=True)
    claimed = json.loads(json.dumps({"recipe": asdict(recipe), **identity}))
    history: list[dict] = []
    seconds, processes = 0.0, []
    best: dict[str, Tensor] = {}

    state_file = folder / "state.safetensors"
    if state_file.exists():
        state = load_state(state_file)
        if state["identity"] != claimed:
            raise ValueError(f"{folder} holds a run with another recipe or other data: remove or rename it.")
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"] | {"lr_lambdas": [None] * len(optimiser.param_groups)})
        history, best, seconds, processes = (state[name] for name in ("history", "best", "seconds", "processes"))
    if len(history) < recipe.epochs and (now := this_process(device)) not in processes:
        processes = [*processes, now]

    for epoch in range(len(history), recipe.epochs):
        started = time.perf_counter()
        seed = recipe.seed * 100_003 + epoch
        torch.manual_seed(seed)  # dropout
        generator = torch.Generator().manual_seed(seed)
        model.train()
        sum_of_losses = 0.0
        progress = tqdm(batches(generator), total=steps, desc=f"epoch {epoch + 1}/{recipe.epochs}", leave=False)
        for batch in progress:
            value = loss(model, batch)
            optimiser.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), recipe.max_grad_norm)
            optimiser.step()
            schedule.step()
            averaged.update_parameters(model)
            sum_of_losses += value.item()
            progress.set_postfix(loss=f"{value.item():.3f}")
        candidate = cast(Model, averaged.module) if recipe.ema_decay else model  # the average is a copy of the model
        candidate.eval()
        with torch.inference_mode():
            metrics = evaluate(candidate)
        entry = {"epoch": epoch, "loss": sum_of_losses / steps, "learning_rate": schedule.get_last_lr()[0], **metrics}
        if not recipe.monitor or all(metrics[recipe.monitor] > past[recipe.monitor] for past in history):
            best = {name: tensor.clone() for name, tensor in candidate.state_dict().items()}
        history.append(entry)
        seconds += time.perf_counter() - started
        save_state(
            state_file,
            {
                "identity": claimed, "model": model.state_dict(), "averaged": averaged.state_dict(),
                "optimiser": optimiser.state_dict(), "schedule": _plain(schedule.state_dict()),
                "history": history, "best": best, "seconds": seconds, "processes": processes,
            },
        )  # fmt: skip
        log = "".join(json.dumps(line) + "\n" for line in history)
        write_text(folder / "log.jsonl", log)
        tqdm.write(" ".join(f"{key}={value:.4g}" for key, value in entry.items()))
    model.load_state_dict(best)
    model.eval()
    return history


def _optimiser(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    groups = []
    for fresh in (False, True):
        named = [p for name, p in model.named_parameters() if fresh == bool(set(name.split(".")) & set(recipe.fresh))]
        rate = {"lr": recipe.learning_rate * (recipe.fresh_rate if fresh else 1)}
        # Biases and normalisation gains are not decayed.
        groups.append({"params": [p for p in named if p.ndim > 1], "weight_decay": recipe.weight_decay, **rate})
        groups.append({"params": [p for p in named if p.ndim <= 1], "weight_decay": 0.0, **rate})
    groups = [group for group in groups if group["params"]]
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, recipe.learning_rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, recipe.learning_rate)


def _learning_rate_factor(epoch: float, recipe: Recipe) -> float:
    """Factor of the learning rate after so many epochs: warm-up and cosine decay, once a cycle."""
    start = max((restart for restart in recipe.restarts if restart <= epoch), default=0)
    end = min((restart for restart in recipe.restarts if restart > epoch), default=recipe.epochs)
    progress = (epoch - start) / (end - start)
    if progress < recipe.warmup:
        return max(progress / recipe.warmup, 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - recipe.warmup) / (1 - recipe.warmup)))


def _plain(schedule_state: dict) -> dict:
    return {key: value for key, value in schedule_state.items() if key != "lr_lambdas"}
