"""Training of the face encoder: from labels and votes first, then in generations from a teacher's probabilities too.

FER2013's labels are wrong about one time in three. Ten people saw something else there (FER+), and where the network
that learned from them keeps doubting a label, it is more often right than the label, so each generation teaches the
next (born-again networks, Furlanello et al. 2018).
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from core.corpora.fer2013 import FaceImages
from core.corpora.layout import CorpusError
from core.datasets.augment import VERSION, altered_faces
from core.datasets.cache import digest, weights_digest
from core.datasets.sources import official_parts
from core.device import Device
from core.encoders.expression import ExpressionConfig, ExpressionNet, channels_last
from core.metrics import classification_metrics
from core.state_files import load_state, save_state
from core.training.loop import Recipe, fit

FIRST = Recipe(
    epochs=52, restarts=(24,), learning_rate=0.1, optimiser="sgd", weight_decay=5e-4, ema_decay=0.995, monitor="both"
)  # fmt: skip
TEACHER_VIEWS = 4  # altered copies of each training image whose predictions are averaged


@dataclass(frozen=True)
class FaceRecipe:
    """Everything that decides what the face encoder becomes.

    Attributes:
        optimisation: of the first training, without a teacher; it is left out where there is an encoder to begin with.
        generations: of each later one, which begins with the weights of the one before.
        votes: share of people's votes in the targets, where there are any; the label has the rest.
        smoothing: share of each label that is spread over all classes.
        teacher_share: weight of the teacher's probabilities, the generation before, in the targets of the next.
        erase: probability of covering a rectangle.
    """

    model: ExpressionConfig = field(default_factory=ExpressionConfig)
    optimisation: Recipe = FIRST
    generations: tuple[Recipe, ...] = (
        replace(FIRST, epochs=8, restarts=(), learning_rate=0.03, warmup=0.04, seed=2),
    )  # fmt: skip
    batch: int = 128
    votes: float = 0.5
    smoothing: float = 0.1
    teacher_share: float = 0.5
    erase: float = 0.3


@dataclass(frozen=True)
class FaceData:
    """What a face encoder learns from and is chosen on, of all corpora of faces at hand."""

    train: FaceImages
    validation: FaceImages
    described: dict

    @classmethod
    def read(cls, root: Path) -> "FaceData":
        """The training parts and the whole held-out parts of every source of faces below ``root``.

        Raises:
            CorpusError: there is none, or a part is empty.
        """
        parts: dict[str, list[FaceImages]] = {"train": [], "held_out": []}
        described = {}
        for role, source, part in official_parts("faces", root):
            faces = source.images(source.within(root), part)
            if role == "train":
                faces = faces.select(~faces.leave_out)
            content = digest(faces.images.tobytes() + faces.labels.tobytes() + faces.votes.tobytes())
            described[f"{source.name}/{part}"] = {"n": len(faces), "sha256": content}
            if not len(faces):
                raise CorpusError(f"{source.name}: the part {part} in {source.within(root)} holds no face.")
            parts[role].append(faces)
        return cls(_joined(parts["train"]), _joined(parts["held_out"]), described)


def _joined(parts: list[FaceImages]) -> FaceImages:
    return FaceImages(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(FaceImages)))


def train_face_encoder(
    data: FaceData, recipe: FaceRecipe, folder: Path, device: Device, begin_with: ExpressionNet | None = None
) -> tuple[ExpressionNet, dict[Path, list[dict]]]:
    """Trains on the training part, selects on the validation part.

    Args:
        begin_with: an encoder that goes on learning, the teacher of the first generation.

    Returns:
        The encoder, and for the folder of each training, in their order, one entry an epoch.
    """
    train, images = data.train, torch.from_numpy(data.train.images).to(device.name)
    labels = torch.from_numpy(train.said(recipe.votes, recipe.smoothing)).to(device.name)
    torch.manual_seed(recipe.optimisation.seed)
    model = channels_last((begin_with or ExpressionNet(recipe.model)).to(device.name))
    steps = max(1, len(train) // recipe.batch)
    shared = {name: getattr(recipe, name) for name in ("batch", "votes", "smoothing", "erase")}
    identity = {"face": {"model": asdict(recipe.model), **shared}, "data": data.described, "augmentation": VERSION}

    def fit_to(targets: Tensor, optimisation: Recipe, folder: Path, taught: dict) -> list[dict]:  # targets [n, classes]
        def batches(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            order = torch.randperm(len(train), generator=generator)
            for start in range(0, steps * recipe.batch, recipe.batch):
                chosen = order[start : start + recipe.batch]
                yield altered_faces(images[chosen], generator, recipe.erase), targets[chosen]

        def loss(model: ExpressionNet, batch: tuple[Tensor, Tensor]) -> Tensor:
            crops, wanted = batch
            with device.autocast():
                logits = model(crops)
            return F.cross_entropy(logits.float(), wanted)

        def evaluate(model: ExpressionNet) -> dict[str, float]:
            return evaluate_face_encoder(model, data.validation, device)

        return fit(model, optimisation, batches, steps, loss, evaluate, folder, identity | taught, device)

    histories: dict[Path, list[dict]] = {}
    teachers: list[dict | str] = []  # a recipe, or the digest of weights that were there before
    if begin_with is None:
        histories[folder / "first"] = fit_to(labels, recipe.optimisation, folder / "first", {})
        teachers.append(asdict(recipe.optimisation))
    else:
        teachers.append(weights_digest(begin_with))
    for number, optimisation in enumerate(recipe.generations, 2):
        generation = folder / f"generation-{number}"
        generation.mkdir(parents=True, exist_ok=True)
        teacher = _teacher_probabilities(model, images, generation / "teacher.safetensors", device)
        if teacher.shape != labels.shape:
            raise ValueError(f"{generation} holds a run with other data: remove or rename it.")
        targets = (1 - recipe.teacher_share) * labels + recipe.teacher_share * teacher
        taught = {"teachers": list(teachers), "teacher_share": recipe.teacher_share}
        histories[generation] = fit_to(targets, optimisation, generation, taught)
        teachers.append(asdict(optimisation))
    return model, histories


def _teacher_probabilities(model: ExpressionNet, images: Tensor, file: Path, device: Device) -> Tensor:
    """Probabilities [n, classes] of the images [n, 48, 48], averaged over altered copies; kept in ``file``."""
    if not file.exists():
        generator = torch.Generator().manual_seed(0)
        found = []
        with torch.inference_mode(), device.autocast():
            for chosen in tqdm(images.split(256), desc="teacher"):
                views = [model(altered_faces(chosen, generator, erase=1.0)).float() for _ in range(TEACHER_VIEWS)]
                found.append(torch.stack(views).softmax(2).mean(0))
        save_state(file, {"probabilities": torch.cat(found)})
    return load_state(file)["probabilities"].to(device.name)


def evaluate_face_encoder(model: ExpressionNet, faces: FaceImages, device: Device) -> dict[str, float]:
    """Of single crops, from the embeddings that fusion gets: accuracy and balanced accuracy by the labels, accuracy
    by the votes where more than half agree (see ``fer2013.read_ferplus``), and the mean of both accuracies."""
    parts = []
    for start in range(0, len(faces), 256):
        crops = torch.from_numpy(faces.images[start : start + 256]).to(device.name)
        with device.autocast():
            parts.append(model.classifier(model.embed(crops)).argmax(1).cpu().numpy())
    predicted = np.concatenate(parts)
    metrics = classification_metrics(faces.labels, predicted)
    found = {name: metrics[name] for name in ("accuracy", "balanced_accuracy")}
    agreed = (faces.votes.max(1) > 0.5) & ~faces.leave_out
    by_votes = np.mean(faces.votes.argmax(1)[agreed] == predicted[agreed]) if agreed.any() else found["accuracy"]
    return found | {"accuracy_by_votes": float(by_votes), "both": float(found["accuracy"] + by_votes) / 2}
