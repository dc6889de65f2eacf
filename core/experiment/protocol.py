"""The paper's experiment: every fold x seed x configuration is a small job with a result file of its own.

A job depends on nothing but its settings, so the files that a killed run left are as good as those of an
undisturbed one: what is there is kept, what is missing is computed.
"""

import json
import math
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from tqdm import tqdm

from core.device import Device
from core.experiment.backends import BACKENDS
from core.experiment.configurations import EVERY_CONFIGURATION, PAIRS, Configuration
from core.experiment.damage import damage_report, reordered
from core.experiment.faithfulness import faithfulness, spread
from core.experiment.folds import Collator, Corpus, Examples, Fold, statistics_of
from core.files import write_json
from core.fusion.model import FusionConfig, FusionModel, LocalEncoder, Padded
from core.fusion.pairs import pairs_within
from core.fusion.reference import STEPS, reference_config
from core.metrics import classification_metrics, expected_calibration_error


@dataclass(frozen=True)
class Settings:
    """Everything but the data that decides a result. The defaults are the paper's (section 4, and its code).

    ``variant`` is "masked" (float32, standardised features, existing steps only, strided convolution over time)
    or "reference" (float64, raw features, fixed lengths, padding counts as data, convolution that mixes time steps).
    """

    variant: str = "masked"
    epochs: int = 200  # at most; training ends when the validation accuracy stops rising
    patience: int = 10  # epochs without a better validation accuracy
    batch: int = 32
    learning_rate: float = 1e-3
    plateau_patience: int = 10  # epochs without a lower validation loss before the learning rate falls
    plateau_factor: float = 0.1
    width: int = 120
    heads: int = 6
    local: dict[str, LocalEncoder] = field(  # of the masked variant
        default_factory=lambda: {"video": LocalEncoder(3), "audio": LocalEncoder(5, 4)}
    )
    probes: bool = False  # whether each model is also asked about damaged test sets and about its attention


@dataclass(frozen=True)
class Job:
    """One training: a configuration on a fold (from 0) with a seed (from 0)."""

    configuration: str
    fold: int
    seed: int

    @property
    def file(self) -> str:
        """Name of the result file."""
        return f"{self.configuration}_fold{self.fold + 1}_seed{self.seed}.json"


def all_jobs(configurations: list[str], folds: int, seeds: int) -> list[Job]:
    """Every job, fold by fold and seed by seed, so that an unfinished run already compares configurations."""
    return [Job(c, fold, seed) for seed in range(seeds) for fold in range(folds) for c in configurations]


def fusion_config(configuration: Configuration, corpus: Corpus, settings: Settings) -> FusionConfig:
    """The model of a configuration in the variant asked for, as wide as its number of parameters is to be."""
    config = _config_of_width(configuration, corpus, settings, settings.width)
    if not configuration.sized_like:
        return config
    like = EVERY_CONFIGURATION[configuration.sized_like]
    wanted = count_parameters(_config_of_width(like, corpus, settings, settings.width))
    step = math.lcm(2, settings.heads)

    def of_steps(steps: int) -> FusionConfig:
        return _config_of_width(configuration, corpus, settings, step * steps)

    most = range(1, 2 * settings.width // step + 2)  # more parameters the wider it is
    first = 1 + bisect_left(most, wanted, hi=len(most) - 1, key=lambda steps: count_parameters(of_steps(steps)))
    nearest = [of_steps(steps) for steps in (first - 1, first) if steps]
    return min(nearest, key=lambda candidate: abs(count_parameters(candidate) - wanted))


def _config_of_width(configuration: Configuration, corpus: Corpus, settings: Settings, width: int) -> FusionConfig:
    pairs = pairs_within(PAIRS[configuration.attention], configuration.modalities)
    inputs = {m: corpus.widths[m] for m in configuration.modalities}
    reference = settings.variant == "reference"
    base = reference_config(pairs, inputs) if reference else FusionConfig(pairs, inputs, local=dict(settings.local))
    base = replace(base, local={m: encoder for m, encoder in base.local.items() if m in inputs})
    return replace(
        base, width=width, heads=settings.heads, bottleneck=width // 2, classes=len(corpus.classes),
        pooling=configuration.pooling, weights=configuration.weights, tokens=configuration.tokens,
        gated=configuration.gated,
    )  # fmt: skip


def count_parameters(config: FusionConfig) -> int:
    """Numbers that a model of this configuration learns; nothing is allocated."""
    with torch.device("meta"):
        return sum(p.numel() for p in FusionModel(config).parameters())


def collator_of(fold: Fold, settings: Settings) -> Collator:
    """How this variant reads sequences; statistics come from the training part alone."""
    if settings.variant == "reference":
        return Collator(None, STEPS, torch.float64)
    return Collator(statistics_of(fold.train.sequences), {}, torch.float32)


def run_job(corpus: Corpus, fold: Fold, collator: Collator, job: Job, settings: Settings, device: Device) -> dict:
    """Trains as the paper does and tests the best epoch; a JSON object.

    Adam, cross-entropy; the learning rate falls when the validation loss does not; training ends when the
    validation accuracy has not risen for ``patience`` epochs, and the epoch of its maximum is kept.
    """
    started = time.perf_counter()
    configuration = EVERY_CONFIGURATION[job.configuration]
    fold = reordered(fold, configuration.order, job.seed)
    torch.manual_seed(job.seed)
    model = FusionModel(fusion_config(configuration, corpus, settings)).to(device.name, collator.dtype)
    optimiser = torch.optim.Adam(model.parameters(), settings.learning_rate)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=settings.plateau_factor, patience=settings.plateau_patience
    )
    order = torch.Generator().manual_seed(job.seed)

    def read(examples: Examples, indices: list[int]) -> tuple[dict[str, Padded], torch.Tensor]:
        there = tuple(m for m in configuration.modalities if m in examples.sequences)
        inputs = collator.batch(examples, indices, there)
        inputs = {m: padded.to(device.name) for m, padded in inputs.items()}
        return inputs, torch.from_numpy(examples.labels[indices]).to(device.name)

    best, best_accuracy, best_epoch, history = {}, -1.0, 0, []
    for epoch in range(settings.epochs):
        model.train()
        for indices in torch.randperm(len(fold.train), generator=order).split(settings.batch):
            inputs, truth = read(fold.train, indices.tolist())
            if configuration.left_out:
                inputs = _leave_out_some(inputs, configuration.left_out, order)
            loss = F.cross_entropy(model(inputs).logits, truth)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        validation_loss, logits = _predict(model, fold.validation, read)
        predicted = logits.argmax(1)
        accuracy = float((predicted == torch.from_numpy(fold.validation.labels)).double().mean())
        plateau.step(validation_loss)
        history.append([round(validation_loss, 6), round(accuracy, 6)])
        if accuracy > best_accuracy:
            best, best_accuracy, best_epoch = _copy(model), accuracy, epoch
        elif epoch - best_epoch >= settings.patience:
            break
    model.load_state_dict(best)
    _, logits = _predict(model, fold.test, read)
    predicted, probabilities = logits.argmax(1), logits.double().softmax(1).numpy()
    metrics = classification_metrics(fold.test.labels, predicted.numpy(), corpus.classes)
    result = {
        **asdict(job),
        "accuracy": metrics["accuracy"],
        "balanced_accuracy": metrics["balanced_accuracy"],
        "calibration_error": expected_calibration_error(fold.test.labels, probabilities),
        "truth": fold.test.labels.tolist(),
        "predicted": predicted.tolist(),
        "n_train": len(fold.train),
        "n_test": len(fold.test),
        "best_epoch": best_epoch,
        "history": history,  # validation loss and accuracy, epoch by epoch
        "parameters": sum(p.numel() for p in model.parameters()),
        "seconds": round(time.perf_counter() - started, 2),
        "device": str(device),
    }
    if not settings.probes:
        return result
    used = fold.test.only(configuration.modalities)
    ask = partial(_ask, model, read)
    result["damage"] = damage_report(ask, used, statistics_of(fold.train.sequences).std, len(corpus.classes), job.fold)
    if not model.together:  # one sequence of all modalities has no maps of theirs
        result["attention"] = _faithfulness(model, collator, used, device, job.seed)
        gates = _mean_gates(model, used, read)
        result |= {"gates": gates} if gates else {}
    return result | {"seconds_with_probes": round(time.perf_counter() - started, 2)}


def _ask(model: FusionModel, read: Callable, examples: Examples) -> np.ndarray:
    """Logits [n, classes] in evaluation mode; NaN where the model says nothing."""
    return _predict(model, examples, read)[1].double().numpy()


def _faithfulness(model: FusionModel, collator: Collator, examples: Examples, device: Device, seed: int) -> dict:
    """See ``core.experiment.faithfulness``."""

    def batch(utterances: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Padded]:
        modalities = tuple(examples.sequences)
        sequences = {m: [utterance[m] for utterance in utterances] for m in modalities}
        some = Examples(np.zeros(len(utterances), int), sequences, [""] * len(utterances))
        found = collator.batch(some, range(len(utterances)), modalities)
        return {m: padded.to(device.name) for m, padded in found.items()}

    chosen = spread(len(examples))
    utterances = [{m: found[i] for m, found in examples.sequences.items()} for i in chosen]
    return faithfulness(model.eval(), utterances, examples.labels[chosen], batch, seed)


def _leave_out_some(inputs: dict[str, Padded], share: float, order: torch.Generator) -> dict[str, Padded]:
    """A batch of which about ``share`` of the utterances lack one modality, each modality equally often.

    At least two are left, without which cross-attention says nothing.
    """
    if len(inputs) < 3:
        return inputs
    some = next(iter(inputs.values())).lengths
    chosen = torch.randint(len(inputs), some.shape, generator=order)
    chosen[torch.rand(some.shape, generator=order) >= share] = -1
    return {m: padded.select((chosen != i).to(some.device)) for i, (m, padded) in enumerate(inputs.items())}


def _mean_gates(model: FusionModel, examples: Examples, read: Callable) -> dict[str, float]:
    """Pair -> mean share of cross-attention in its stream; empty for a model without gates."""
    found: dict[str, list[torch.Tensor]] = {}
    model.eval()
    with torch.inference_mode():
        for indices in torch.arange(len(examples)).split(64):
            for (query, key), gate in model(read(examples, indices.tolist())[0]).gates.items():
                found.setdefault(f"{query}->{key}", []).append(gate.cpu())
    return {name: round(torch.cat(parts).double().mean().item(), 4) for name, parts in found.items()}


def _predict(model: FusionModel, examples: Examples, read: Callable) -> tuple[float, torch.Tensor]:
    """Mean cross-entropy and logits [n, classes]."""
    model.eval()
    total, found = 0.0, []
    with torch.inference_mode():
        for indices in torch.arange(len(examples)).split(64):
            inputs, truth = read(examples, indices.tolist())
            logits = model(inputs).logits
            total += F.cross_entropy(logits, truth, reduction="sum").item()
            found.append(logits.cpu())
    return total / len(examples), torch.cat(found)


def _copy(model: FusionModel) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def run_protocol(
    opener: Callable[[], Corpus], jobs: list[Job], settings: Settings, folder: Path, device: Device, workers: int = 1,
    backend: str = "local",
) -> list[dict]:  # fmt: skip
    """Computes the jobs that have no result file in ``folder`` yet and returns the results of all, in their order.

    Args:
        opener: opens the corpus; called once in each process, so it must be picklable when there are several.
        folder: of the results; made if it is not there. Holds ``settings.json`` and one file a job.
        device: what the jobs run on, always in the settings' own precision; each result says it.
        workers: processes on this machine, each of one thread; Ray counts its own.
        backend: "local", or "ray" for the cluster that ``RAY_ADDRESS`` names (or this machine).

    Raises:
        ValueError: the folder holds results of another corpus or other settings, or the device lacks their precision.
        BackendError: Ray is not installed, or a process died.
    """
    if settings.variant == "reference" and device.name == "mps":
        raise ValueError("The reference variant computes in float64, which Apple's GPU lacks; use --device cpu.")
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, opener(), settings)
    waiting = [job for job in jobs if not (folder / job.file).exists()]
    with tqdm(total=len(jobs), initial=len(jobs) - len(waiting), desc="jobs", smoothing=0) as progress:
        for result in BACKENDS[backend](partial(make_runner, opener, settings, device), waiting, workers, device):
            job = Job(result["configuration"], result["fold"], result["seed"])
            write_json(folder / job.file, result)
            progress.update()
            progress.set_postfix_str(f"{job.configuration} {result['balanced_accuracy']:.3f}")
    return [json.loads((folder / job.file).read_text("utf-8")) for job in jobs]


def make_runner(opener: Callable[[], Corpus], settings: Settings, device: Device) -> Callable[[Job], dict]:
    """A function that runs jobs in one process and keeps what the jobs of a fold share."""
    corpus = opener()
    opened: dict[int, tuple[Fold, Collator]] = {}

    def run(job: Job) -> dict:
        if job.fold not in opened:
            opened.clear()  # one fold at a time is kept
            fold = corpus.folds[job.fold]()
            opened[job.fold] = fold, collator_of(fold, settings)
        return run_job(corpus, *opened[job.fold], job, settings, device)

    return run


def _claim(folder: Path, corpus: Corpus, settings: Settings) -> None:
    """Writes down what the results in this folder belong to, or refuses it."""
    said = {"corpus": corpus.name, "classes": list(corpus.classes), "widths": corpus.widths}
    wanted = said | {"features": corpus.features, "split": corpus.split, "settings": asdict(settings)}
    file = folder / "settings.json"
    if not file.exists():
        write_json(file, wanted)
    found = json.loads(file.read_text("utf-8"))
    found["settings"] = {"probes": False} | found["settings"]  # which older folders do not name
    if found != json.loads(json.dumps(wanted)):
        raise ValueError(f"{folder} holds results of other settings: {found}; choose another folder with --out.")
