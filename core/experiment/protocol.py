"""The paper's experiment: every fold x seed x configuration is a small job with a result file of its own.

A job depends on nothing but its settings, so the files that a killed run left are as good as those of an
undisturbed one: what is there is kept, what is missing is computed.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from tqdm import tqdm

from core import MODALITIES
from core.device import Device
from core.experiment.backends import BACKENDS
from core.experiment.folds import Collator, Corpus, Examples, Fold, statistics_of
from core.files import write_json
from core.fusion.model import FusionConfig, FusionModel, LocalEncoder, Padded
from core.fusion.pairs import BOTH, CROSS, SELF, pairs_within
from core.fusion.reference import STEPS, reference_config
from core.metrics import classification_metrics

PAIRS = {"self": SELF, "cross": CROSS, "both": BOTH}


@dataclass(frozen=True)
class Configuration:
    """One line of the paper's table: a set of modalities, a set of pairs and how the streams are pooled."""

    name: str
    modalities: tuple[str, ...]
    attention: str  # "self", "cross" or "both", the paper's Cross+Self
    pooling: str = "statistics"  # or "concatenation", the paper's noSP


def _configurations() -> Iterator[Configuration]:
    of = {"a": ("audio",), "v": ("video",), "t": ("text",), "av": ("video", "audio"), "at": ("text", "audio")}
    of |= {"vt": ("text", "video"), "avt": MODALITIES}
    for letters, modalities in of.items():
        for attention in ("self",) if len(letters) == 1 else ("self", "cross"):
            yield Configuration(f"{letters}-{attention}", modalities, attention)
    for attention in ("self", "cross"):
        yield Configuration(f"avt-{attention}-nosp", MODALITIES, attention, "concatenation")
    yield Configuration("avt-both", MODALITIES, "both")


CONFIGURATIONS: dict[str, Configuration] = {c.name: c for c in _configurations()}
"""All fourteen of the paper, by name: ``a-self`` ... ``avt-cross``, ``avt-self-nosp``, ``avt-both``."""


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
    """The model of a configuration in the variant asked for."""
    pairs = pairs_within(PAIRS[configuration.attention], configuration.modalities)
    inputs = {m: corpus.widths[m] for m in configuration.modalities}
    reference = settings.variant == "reference"
    base = reference_config(pairs, inputs) if reference else FusionConfig(pairs, inputs, local=dict(settings.local))
    return replace(
        base, width=settings.width, heads=settings.heads, bottleneck=settings.width // 2, classes=len(corpus.classes),
        pooling=configuration.pooling,
    )  # fmt: skip


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
    configuration = CONFIGURATIONS[job.configuration]
    torch.manual_seed(job.seed)
    model = FusionModel(fusion_config(configuration, corpus, settings)).to(device.name, collator.dtype)
    optimiser = torch.optim.Adam(model.parameters(), settings.learning_rate)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=settings.plateau_factor, patience=settings.plateau_patience
    )
    order = torch.Generator().manual_seed(job.seed)

    def read(examples: Examples, indices: list[int]) -> tuple[dict[str, Padded], torch.Tensor]:
        inputs = collator.batch(examples, indices, configuration.modalities)
        inputs = {m: padded.to(device.name) for m, padded in inputs.items()}
        return inputs, torch.from_numpy(examples.labels[indices]).to(device.name)

    best, best_accuracy, best_epoch, history = {}, -1.0, 0, []
    for epoch in range(settings.epochs):
        model.train()
        for indices in torch.randperm(len(fold.train), generator=order).split(settings.batch):
            inputs, truth = read(fold.train, indices.tolist())
            loss = F.cross_entropy(model(inputs).logits, truth)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        validation_loss, predicted = _predict(model, fold.validation, read)
        accuracy = float((predicted == torch.from_numpy(fold.validation.labels)).double().mean())
        plateau.step(validation_loss)
        history.append([round(validation_loss, 6), round(accuracy, 6)])
        if accuracy > best_accuracy:
            best, best_accuracy, best_epoch = _copy(model), accuracy, epoch
        elif epoch - best_epoch >= settings.patience:
            break
    model.load_state_dict(best)
    _, predicted = _predict(model, fold.test, read)
    metrics = classification_metrics(fold.test.labels, predicted.numpy(), corpus.classes)
    return {
        **asdict(job),
        "accuracy": metrics["accuracy"],
        "balanced_accuracy": metrics["balanced_accuracy"],
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


def _predict(model: FusionModel, examples: Examples, read: Callable) -> tuple[float, torch.Tensor]:
    """Mean cross-entropy and predicted classes [n]."""
    model.eval()
    total, predicted = 0.0, []
    with torch.inference_mode():
        for indices in torch.arange(len(examples)).split(64):
            inputs, truth = read(examples, indices.tolist())
            logits = model(inputs).logits
            total += F.cross_entropy(logits, truth, reduction="sum").item()
            predicted.append(logits.argmax(1).cpu())
    return total / len(examples), torch.cat(predicted)


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
    if found != json.loads(json.dumps(wanted)):
        raise ValueError(f"{folder} holds results of other settings: {found}; choose another folder with --out.")
