"""Training of the word adapter on the lines of MELD: MiniLM learns how a line is meant.

The classifier above it is thrown away afterwards; fusion has its own.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core import LABELS
from core.corpora.layout import ClipRecord
from core.corpora.meld import read_meld
from core.training.fusion import drawn_share
from core.training.loop import Recipe, fit
from core.training.metrics import classification_metrics
from core.words import MASKED, STATE_WIDTH, WINDOW_WORDS, WordAdapter, WordEncoder

BUCKET = 4  # batches whose lines are drawn together and sorted by length, so that little is padding


@dataclass(frozen=True)
class WordsRecipe:
    """Everything that decides what the word adapter becomes.

    Attributes:
        layers: hidden states of MiniLM that the classifier sees, as in ``FeatureSettings.text_layers``.
        skew: a label is drawn as often as MELD has it, to this power; the loss takes the frequencies out again.
        masked: share of the words of a training line that are not to be read.
        dropout: inside MiniLM.
        classifier_dropout: on what the classifier sees.
    """

    optimisation: Recipe = field(
        default_factory=lambda: Recipe(epochs=3, learning_rate=2e-3, weight_decay=0.01, average=0.99, select="")
    )
    rank: int = 8
    layers: tuple[int, ...] = (4, 6)
    batch: int = 64
    skew: float = 0.5
    masked: float = 0.15
    dropout: float = 0.2
    classifier_dropout: float = 0.5


class LineClassifier(nn.Module):
    """The adapter, and a linear classifier of the mean and deviation over a line's pieces."""

    def __init__(self, recipe: WordsRecipe):
        super().__init__()
        self.adapter = WordAdapter(recipe.rank)
        self.dropout = nn.Dropout(recipe.classifier_dropout)
        self.classifier = nn.Linear(2 * STATE_WIDTH * len(recipe.layers), len(LABELS))

    def forward(self, lines: list[list[str]], encoder: WordEncoder) -> Tensor:
        """Logits [B, 7] of lines, each a list of words."""
        with torch.autocast("cpu", torch.bfloat16):
            states, batch = encoder.states(lines, self.adapter.weights(encoder.model))
        read = batch["attention_mask"].clone()  # [B, pieces]
        read[:, 0] = 0  # [CLS]
        read.scatter_(1, read.sum(1, keepdim=True), 0)  # [SEP], the last
        read, states = read[..., None].float(), states.float()
        count = read.sum(1).clamp_min(1)
        mean = (states * read).sum(1) / count  # [B, D]
        variance = ((states - mean[:, None]).square() * read).sum(1) / count
        return self.classifier(self.dropout(torch.cat([mean, (variance + 1e-6).sqrt()], 1)))


def train_word_adapter(root: Path, recipe: WordsRecipe, folder: Path) -> tuple[WordAdapter, list[dict]]:
    """Trains on MELD's training lines; the dev part is measured after each epoch and chooses nothing.

    Returns:
        The adapter, and one entry an epoch.
    """
    train, dev = ([r for r in read_meld(root, part) if r.text.split()] for part in ("train", "dev"))
    encoder = WordEncoder(recipe.layers)
    encoder.model.requires_grad_(False)
    for module in encoder.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = recipe.dropout
    torch.manual_seed(recipe.optimisation.seed)
    model = LineClassifier(recipe)
    labels = np.array([record.label for record in train])
    frequency = np.bincount(labels, minlength=len(LABELS)) / len(labels)
    share = drawn_share(frequency, recipe.skew)
    log_share = torch.from_numpy(np.log(share)).float()
    chance = (share / frequency)[labels] / len(labels)  # of each line
    steps = len(train) // recipe.batch

    def batches(generator: torch.Generator) -> Iterator[tuple[list[list[str]], Tensor]]:
        rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
        encoder.model.train()
        for _ in range(steps):
            drawn = rng.choice(len(train), recipe.batch * BUCKET, p=chance)
            by_length = drawn[np.argsort([len(train[i].text) for i in drawn])]
            chosen = np.split(by_length, BUCKET)[rng.integers(BUCKET)]
            lines = [masked(words_of(train[i]), recipe.masked, rng) for i in chosen]
            yield lines, torch.from_numpy(labels[chosen])

    def loss(model: LineClassifier, batch: tuple[list[list[str]], Tensor]) -> Tensor:
        lines, wanted = batch
        return F.cross_entropy(model(lines, encoder) + log_share, wanted)

    def evaluate(model: LineClassifier) -> dict[str, float]:
        encoder.model.eval()
        return evaluate_lines(model, encoder, dev, np.log(frequency))

    history = fit(model, recipe.optimisation, batches, steps, loss, evaluate, folder, {"words": asdict(recipe)})
    return model.adapter.requires_grad_(False), history


def evaluate_lines(
    model: LineClassifier, encoder: WordEncoder, records: list[ClipRecord], log_prior: np.ndarray
) -> dict[str, float]:
    """Balanced accuracy with all labels equally likely, weighted F1 with the logarithm [7] of their frequencies."""
    parts = [records[start : start + 64] for start in range(0, len(records), 64)]
    logits = np.concatenate([model([words_of(r) for r in part], encoder).numpy() for part in parts])
    labels = np.array([record.label for record in records])
    equal = classification_metrics(labels, logits.argmax(1))
    natural = classification_metrics(labels, (logits + log_prior).argmax(1))
    return {"balanced_accuracy": equal["balanced_accuracy"], "weighted_f1": natural["weighted_f1"]}


def words_of(record: ClipRecord) -> list[str]:
    """A line's words, as many as fit."""
    return record.text.split()[:WINDOW_WORDS]


def masked(words: list[str], share: float, rng: np.random.Generator) -> list[str]:
    """The words, each hidden with probability ``share``."""
    return [MASKED if hidden else word for word, hidden in zip(words, rng.random(len(words)) < share, strict=True)]
