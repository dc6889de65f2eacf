"""How long a training step takes: the masked variant against the reference-exact one, at the reference's shapes."""

import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from core.fusion.model import FusionConfig, FusionModel, LocalEncoder, Padded
from core.fusion.pairs import CROSS, SELF
from core.fusion.reference import STEPS, WIDTHS, reference_config

RATES = {"text": 2.7, "video": 3.0, "audio": 100.0}
"""Steps a second in the reference's data: words, pictures, MFCC frames."""

LOCAL = {"video": LocalEncoder(3), "audio": LocalEncoder(5, 4)}
BATCH = 32


@dataclass(frozen=True)
class StepTimes:
    """Seconds a training step, each a median, and how many times faster the masked variant is."""

    model: str
    reference: float
    masked: float

    @property
    def ratio(self) -> float:
        """Reference / masked."""
        return self.reference / self.masked


def typical_lengths(mean_seconds: float, spread: float, generator: np.random.Generator) -> dict[str, torch.Tensor]:
    """Steps of a batch of utterances of log-normal duration; ``spread`` 0 makes all of them equally long.

    IEMOCAP's utterances last 4.5 s on average with a long tail, for which a spread of 0.6 stands.
    """
    seconds = mean_seconds * np.exp(generator.normal(-(spread**2) / 2, spread, BATCH))
    return {m: torch.from_numpy(np.clip(np.round(seconds * RATES[m]), 1, STEPS[m]).astype(np.int64)) for m in STEPS}


def time_steps(model: str, rounds: int, mean_seconds: float = 4.5, spread: float = 0.6) -> StepTimes:
    """Times forward, backward and Adam of both variants in turns, on the same utterances.

    The reference pads every utterance to 128, 32 and 1000 steps, as its data are; the masked variant to the
    longest of the batch. Float64 against float32, as each is trained.
    """
    pairs = {"self": SELF, "cross": CROSS}[model]
    torch.manual_seed(0)
    exact = FusionModel(reference_config(pairs)).double().train()
    masked = FusionModel(FusionConfig(pairs, WIDTHS, dict(LOCAL))).train()
    steppers = {"reference": _Stepper(exact), "masked": _Stepper(masked)}
    generator = np.random.default_rng(0)
    times: dict[str, list[float]] = {name: [] for name in steppers}
    for _ in range(rounds + 1):
        lengths = typical_lengths(mean_seconds, spread, generator)
        longest = {m: int(n.max()) for m, n in lengths.items()}
        values = {m: torch.randn(BATCH, STEPS[m], WIDTHS[m]) for m in STEPS}
        batches = {
            "reference": {m: Padded.full(v.double()) for m, v in values.items()},
            "masked": {m: Padded(v[:, : longest[m]].contiguous(), lengths[m]) for m, v in values.items()},
        }
        for name, stepper in steppers.items():
            times[name].append(stepper.step(batches[name]))
    medians = {name: float(np.median(seconds[1:])) for name, seconds in times.items()}  # the first one warms up
    return StepTimes(model, **medians)


class _Stepper:
    def __init__(self, model: nn.Module):
        self.model = model
        self.optimiser = torch.optim.Adam(model.parameters(), 1e-3)
        self.labels = torch.arange(BATCH) % 7

    def step(self, batch: dict[str, Padded]) -> float:
        """Seconds of one training step."""
        started = time.perf_counter()
        loss = F.cross_entropy(self.model(batch).logits, self.labels)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return time.perf_counter() - started
