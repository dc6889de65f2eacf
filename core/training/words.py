"""Training of the word adapter on labelled lines: MiniLM learns how a line is meant.

All weights of its linear layers learn; of what they have changed by, the adapter keeps what a low rank can hold. The
classifier above it is thrown away afterwards; fusion has its own.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core import LABELS
from core.corpora.layout import ClipRecord, CorpusError
from core.datasets.augment import VERSION, masked_words
from core.datasets.cache import digest
from core.datasets.composed import words_of
from core.datasets.sources import official_parts
from core.device import Device
from core.encoders.packaged import MINILM
from core.encoders.words import BLOCKS, LINEARS, STATE_WIDTH, WordAdapter, WordEncoder, changed
from core.metrics import classification_metrics
from core.training.batches import drawn_share, floored
from core.training.loop import Recipe, fit

BUCKET = 4  # batches whose lines are drawn together and sorted by length, so that little is padding


@dataclass(frozen=True)
class WordsRecipe:
    """Everything that decides what the word adapter becomes.

    Attributes:
        rank: of the adapter.
        layers: hidden states of MiniLM that the classifier sees, as in ``FeatureSettings.text_layers``.
        most_steps: batches an epoch at most; each corpus is drawn equally often, however many lines it has. Batch by
            the root of their number, MELD lost two points of weighted F1 and GoEmotions gained none.
        skew: of a corpus a label is drawn as often as its lines have it, to this power; the loss takes the frequencies
            out again.
        masked: share of the words of a training line that are not to be read.
        dropout: inside MiniLM.
        classifier_dropout: on what the classifier sees.
    """

    optimisation: Recipe = field(
        default_factory=lambda: Recipe(
            epochs=4, learning_rate=1e-4, weight_decay=0.01, ema_decay=0.99, max_grad_norm=1.0, monitor="",
            fresh=("classifiers",),
        )
    )  # fmt: skip
    rank: int = 96
    layers: tuple[int, ...] = (4, 6)
    batch: int = 64
    most_steps: int = 350
    skew: float = 0.5
    masked: float = 0.1
    dropout: float = 0.1
    classifier_dropout: float = 0.3


class LineClassifier(nn.Module):
    """A change to every linear layer of MiniLM's blocks, and for each corpus a linear classifier of the mean and
    deviation over a line's pieces.

    What one corpus calls sadness another calls neutral: with a classifier in common, two corpora of lines taught
    MiniLM less than one. Weight decay draws the change to none.
    """

    def __init__(self, recipe: WordsRecipe, corpora: int):
        super().__init__()
        self.changes = nn.ParameterList(torch.zeros(BLOCKS, *size) for size in LINEARS.values())
        self.dropout = nn.Dropout(recipe.classifier_dropout)
        self.classifiers = nn.Linear(2 * STATE_WIDTH * len(recipe.layers), corpora * len(LABELS))

    def forward(self, lines: list[list[str]], corpora: Tensor, encoder: WordEncoder, device: Device) -> Tensor:
        """Logits [B, 7] of lines, each a list of words, by the classifiers of their ``corpora`` int64 [B]."""
        with device.autocast():
            states, batch = encoder.states(lines, changed(encoder.model, self.changes))
        read = batch["attention_mask"].clone()  # [B, pieces]
        read[:, 0] = 0  # [CLS]
        read.scatter_(1, read.sum(1, keepdim=True), 0)  # [SEP], the last
        read, states = read[..., None].float(), states.float()
        count = read.sum(1).clamp_min(1)
        mean = (states * read).sum(1) / count  # [B, D]
        variance = ((states - mean[:, None]).square() * read).sum(1) / count
        logits = self.classifiers(self.dropout(torch.cat([mean, (variance + 1e-6).sqrt()], 1)))  # [B, corpora * 7]
        return logits.unflatten(1, (-1, len(LABELS)))[torch.arange(len(lines), device=logits.device), corpora]


@dataclass(frozen=True)
class Drawing:
    """How often lines are drawn: ``chance`` [n] of each, ``log_share`` [n, 7] of each label in its corpus."""

    chance: np.ndarray
    log_share: np.ndarray

    @classmethod
    def of(cls, records: list[ClipRecord], skew: float) -> "Drawing":
        """Corpora equally often, their labels as the recipe says."""
        chance, log_share = np.zeros(len(records)), np.zeros((len(records), len(LABELS)), np.float32)
        labels = np.array([record.label for record in records])
        for rows in rows_by_corpus(records).values():
            frequency = np.bincount(labels[rows], minlength=len(LABELS)) / len(rows)
            share = drawn_share(frequency, skew)
            log_share[rows] = np.log(share)
            of_corpus = (share / floored(frequency))[labels[rows]]
            chance[rows] = of_corpus / of_corpus.sum()
        return cls(chance / chance.sum(), log_share)


Batch = tuple[list[list[str]], Tensor, Tensor, Tensor]
"""Lines, and of each its corpus, its label and how often each label is drawn ("log_share" [7])."""


def rows_by_corpus(records: list[ClipRecord]) -> dict[str, np.ndarray]:
    """Corpus -> indices of its lines."""
    corpora = np.array([corpus_name(record) for record in records])
    return {str(corpus): np.flatnonzero(corpora == corpus) for corpus in np.unique(corpora)}


def corpus_name(record: ClipRecord) -> str:
    """What groups of the registry's corpora begin with."""
    return record.group.partition("/")[0]


@dataclass(frozen=True)
class LineData:
    """Lines that an adapter learns from, and others on which it is measured, of all corpora of lines at hand."""

    train: list[ClipRecord]
    held_out: list[ClipRecord]
    described: dict

    @cached_property
    def corpora(self) -> list[str]:
        """Names of the corpora that train."""
        return sorted({corpus_name(record) for record in self.train})

    def corpus_of(self, records: list[ClipRecord]) -> np.ndarray:
        """int64 [n], where the corpus of each stands in ``corpora``."""
        return np.array([self.corpora.index(corpus_name(record)) for record in records])

    @classmethod
    def read(cls, root: Path) -> "LineData":
        """The training parts and the held-out parts of every source of lines below ``root``.

        Raises:
            CorpusError: there is none, or a part is empty.
        """
        parts: dict[str, list[ClipRecord]] = {"train": [], "held_out": []}
        described = {}
        for role, source, part in official_parts("lines", root):
            lines = [r for r in source.records("lines", source.within(root), part) if r.text.split()]
            if not lines:
                raise CorpusError(f"{source.name}: the part {part} in {source.within(root)} holds no line.")
            text = "\n".join(f"{r.label}\t{r.text}" for r in lines)
            described[f"{source.name}/{part}"] = {"n": len(lines), "sha256": digest(text)}
            parts[role] += lines
        return cls(parts["train"], parts["held_out"], described)


def train_word_adapter(
    data: LineData, recipe: WordsRecipe, folder: Path, device: Device
) -> tuple[WordAdapter, list[dict]]:
    """Trains on the training lines; the held-out ones are measured after each epoch and choose nothing.

    Returns:
        The adapter, in the half precision in which it is stored, and one entry an epoch; behind them one, with the
        adapter's rank, of what is left of the change in it.
    """
    train = data.train
    encoder = WordEncoder(recipe.layers, device.name)
    encoder.model.requires_grad_(False)
    for module in encoder.model.modules():
        if isinstance(module, nn.Dropout):
            module.p = recipe.dropout
    torch.manual_seed(recipe.optimisation.seed)
    model = LineClassifier(recipe, len(data.corpora))
    labels, corpora = np.array([record.label for record in train]), data.corpus_of(train)
    drawing = Drawing.of(train, recipe.skew)
    steps = min(recipe.most_steps, max(1, len(train) // recipe.batch))

    def batches(generator: torch.Generator) -> Iterator[Batch]:
        rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
        encoder.model.train()
        for _ in range(steps):
            drawn = rng.choice(len(train), recipe.batch * BUCKET, p=drawing.chance)
            by_length = drawn[np.argsort([len(train[i].text) for i in drawn])]
            chosen = np.split(by_length, BUCKET)[rng.integers(BUCKET)]
            lines = [masked_words(words_of(train[i]), recipe.masked, rng) for i in chosen]
            of_lines = (corpora, labels, drawing.log_share)
            corpus, label, log_share = (torch.from_numpy(each[chosen]).to(device.name) for each in of_lines)
            yield lines, corpus, label, log_share

    def loss(model: LineClassifier, batch: Batch) -> Tensor:
        lines, corpora, wanted, log_share = batch
        return F.cross_entropy(model(lines, corpora, encoder, device) + log_share, wanted)

    def evaluate(model: LineClassifier) -> dict[str, float]:
        encoder.model.eval()
        return evaluate_lines(model, encoder, data, device)

    identity = {"words": asdict(recipe), "data": data.described, "augmentation": VERSION, "minilm": MINILM.sha256}
    history = fit(model, recipe.optimisation, batches, steps, loss, evaluate, folder, identity, device)
    adapter = WordAdapter.nearest(model.changes, recipe.rank).half().float().requires_grad_(False)
    with torch.inference_mode():
        for change, kept in zip(model.changes, adapter.changes, strict=True):
            change.copy_(kept)
        left = {"epoch": history[-1]["epoch"], "rank": recipe.rank, **evaluate(model)}
    return adapter, [*history, left]


def evaluate_lines(model: LineClassifier, encoder: WordEncoder, data: LineData, device: Device) -> dict[str, float]:
    """Of each corpus on its held-out lines: balanced accuracy and macro F1 with all labels equally likely, weighted F1
    with the frequencies of its training lines."""
    records = data.held_out
    logits = np.zeros((len(records), len(LABELS)), np.float32)
    by_length = np.argsort([len(record.text) for record in records])
    for rows in np.array_split(by_length, -(-len(records) // 64)):
        part = [records[i] for i in rows]
        corpora = torch.from_numpy(data.corpus_of(part)).to(device.name)
        logits[rows] = model([words_of(r) for r in part], corpora, encoder, device).cpu().numpy()
    labels = np.array([record.label for record in records])
    learned = rows_by_corpus(data.train)
    figures: dict[str, float] = {}
    for corpus, rows in rows_by_corpus(records).items():
        counts = np.bincount([data.train[i].label for i in learned[corpus]], minlength=len(LABELS))
        prior = np.log(floored(counts / counts.sum()))
        equal = classification_metrics(labels[rows], logits[rows].argmax(1))
        natural = classification_metrics(labels[rows], (logits[rows] + prior).argmax(1))
        figures |= {f"{corpus}_{name}": equal[name] for name in ("balanced_accuracy", "macro_f1")}
        figures[f"{corpus}_weighted_f1"] = natural["weighted_f1"]
    return figures
