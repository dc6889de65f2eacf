"""Training of the face encoder on FER2013: from the labels first, then in generations from labels and its own opinion.

FER2013's labels are wrong about one time in three. Where the network that learned from them keeps doubting a label,
it is more often right than the label, so each generation teaches the next (born-again networks, Furlanello et al.
2018).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from core.corpora.fer2013 import FaceImages, read_fer2013
from core.expression import ExpressionConfig, ExpressionNet
from core.training.loop import Recipe, fit
from core.training.metrics import classification_metrics
from core.training.state import load_state, save_state

SGD = {"optimiser": "sgd", "weight_decay": 5e-4, "average": 0.995, "select": "accuracy"}
TEACHER_VIEWS = 4  # altered copies of each training image whose predictions are averaged


@dataclass(frozen=True)
class FaceRecipe:
    """Everything that decides what the face encoder becomes.

    Attributes:
        optimisation: of the first training, from the labels alone.
        generations: of each later one, which begins with the weights of the one before.
        smoothing: share of each label that is spread over all classes.
        opinion: share of the prediction of the generation before in the targets of the next.
        erase: probability of covering a rectangle.
    """

    model: ExpressionConfig = ExpressionConfig()
    optimisation: Recipe = field(default_factory=lambda: Recipe(epochs=52, restarts=(24,), learning_rate=0.1, **SGD))
    generations: tuple[Recipe, ...] = field(
        default_factory=lambda: (
            Recipe(epochs=28, learning_rate=0.06, warmup=0.04, **SGD),
            Recipe(epochs=32, learning_rate=0.06, warmup=0.04, seed=1, **SGD),
        )
    )
    batch: int = 128
    smoothing: float = 0.1
    opinion: float = 0.5
    erase: float = 0.3


def train_face_encoder(root: Path, recipe: FaceRecipe, folder: Path) -> tuple[ExpressionNet, dict[Path, list[dict]]]:
    """Trains on FER2013's training part, selects on its validation part (PublicTest).

    Returns:
        The encoder, and for the folder of each training, in their order, one entry an epoch.
    """
    train, validation = read_fer2013(root, "train"), read_fer2013(root, "validation")
    images = torch.from_numpy(train.images)
    classes = recipe.model.classes
    labels = F.one_hot(torch.from_numpy(train.labels), classes) * (1 - recipe.smoothing) + recipe.smoothing / classes
    torch.manual_seed(recipe.optimisation.seed)
    model = ExpressionNet(recipe.model).to(memory_format=torch.channels_last)
    steps = len(train) // recipe.batch

    def fit_to(targets: Tensor, optimisation: Recipe, folder: Path) -> list[dict]:  # targets [n, classes]
        def batches(generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
            order = torch.randperm(len(train), generator=generator)
            for start in range(0, steps * recipe.batch, recipe.batch):
                chosen = order[start : start + recipe.batch]
                yield augment(images[chosen], generator, recipe.erase), targets[chosen]

        return fit(model, optimisation, batches, steps, _loss, lambda m: evaluate_face_encoder(m, validation), folder)

    histories = {folder / "first": fit_to(labels, recipe.optimisation, folder / "first")}
    for number, optimisation in enumerate(recipe.generations, 2):
        generation = folder / f"generation-{number}"
        generation.mkdir(exist_ok=True)
        opinion = _opinion(model, images, generation / "opinion.safetensors")
        targets = (1 - recipe.opinion) * labels + recipe.opinion * opinion
        histories[generation] = fit_to(targets, optimisation, generation)
    return model, histories


def _loss(model: ExpressionNet, batch: tuple[Tensor, Tensor]) -> Tensor:
    crops, targets = batch
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(crops)
    return F.cross_entropy(logits.float(), targets)


def _opinion(model: ExpressionNet, images: Tensor, file: Path) -> Tensor:
    """Probabilities [n, classes] of the images [n, 48, 48], averaged over altered copies; kept in ``file``."""
    if not file.exists():
        generator = torch.Generator().manual_seed(0)
        found = []
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            for chosen in tqdm(images.split(256), desc="opinion"):
                views = [model(augment(chosen, generator, erase=1.0)).float() for _ in range(TEACHER_VIEWS)]
                found.append(torch.stack(views).softmax(2).mean(0))
        save_state(file, {"probabilities": torch.cat(found)})
    return load_state(file)["probabilities"]


def evaluate_face_encoder(model: ExpressionNet, faces: FaceImages) -> dict[str, float]:
    """Accuracy and balanced accuracy of single crops, from the embeddings that fusion gets."""
    predicted = []
    for start in range(0, len(faces), 256):
        crops = torch.from_numpy(faces.images[start : start + 256])
        with torch.autocast("cpu", torch.bfloat16):
            predicted.append(model.classifier(model.embed(crops)).argmax(1).numpy())
    metrics = classification_metrics(faces.labels, np.concatenate(predicted))
    return {name: metrics[name] for name in ("accuracy", "balanced_accuracy")}


def augment(images: Tensor, generator: torch.Generator, erase: float) -> Tensor:
    """Random mirror, rotation, scale, shift, blur, contrast and covered rectangles.

    Args:
        images: uint8 [N, 48, 48].
        erase: probability of a covered rectangle per image.

    Returns:
        float32 [N, 48, 48], 0 to 255.
    """
    n, height, width = images.shape

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(n, generator=generator) * (high - low) + low

    angle = uniform(-0.26, 0.26)  # radians: 15 degrees either way
    scale_x, scale_y = uniform(0.8, 1.15), uniform(0.8, 1.15)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    matrix = torch.zeros(n, 2, 3)
    matrix[:, 0, 0], matrix[:, 0, 1] = mirror * scale_x * angle.cos(), -scale_x * angle.sin()
    matrix[:, 1, 0], matrix[:, 1, 1] = mirror * scale_y * angle.sin(), scale_y * angle.cos()
    matrix[:, :, 2] = torch.stack([uniform(-0.15, 0.15), uniform(-0.15, 0.15)], 1)
    grid = F.affine_grid(matrix, (n, 1, height, width), align_corners=False)
    crops = F.grid_sample(images[:, None].float(), grid, padding_mode="border", align_corners=False)[:, 0]

    # Cameras blur and compress more than photographs do.
    blurred = F.avg_pool2d(crops, 3, 1, 1, count_include_pad=False)
    crops = torch.lerp(crops, blurred, uniform(-0.3, 1.0).clamp_min(0)[:, None, None])
    gamma = uniform(-0.5, 0.5).exp()[:, None, None]
    crops = (crops / 255).clamp(1e-4, 1).pow(gamma) * 255

    rows, columns = torch.arange(height)[None, :, None], torch.arange(width)[None, None, :]
    size_y, size_x = uniform(6, 20)[:, None, None], uniform(6, 20)[:, None, None]
    top, left = uniform(0, 40)[:, None, None], uniform(0, 40)[:, None, None]
    covered = (rows >= top) & (rows < top + size_y) & (columns >= left) & (columns < left + size_x)
    covered &= (uniform(0, 1) < erase)[:, None, None]
    return torch.where(covered, crops.mean((1, 2), keepdim=True), crops)
