"""How good the recipe is with a person or a corpus that it has never met: trained without them, once for each.

The voice encoder too is trained anew, without the corpus, or without the whole corpus to which the person belongs; the
encoders of faces and lines have learned from other people anyway.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.special import softmax

from core import LABELS, MODELS, SUBSETS, Subset, subset_name
from core.corpora.layout import CorpusError
from core.datasets.bank import FeatureBank
from core.datasets.multimodal import MultimodalClips
from core.device import Device
from core.encoders.features import FeatureSettings
from core.fusion.checkpoint import copy_encoders, save_encoder
from core.fusion.pairs import pairs_within
from core.metrics import classification_metrics
from core.training.batches import PairRecipe
from core.training.calibration import evaluate_strangers
from core.training.evaluation import LabelledUtterances
from core.training.pair import PAIRS, normalisation_of, train_fusion, with_neutral
from core.training.provenance import provenance
from core.training.voice import VoiceData, VoiceRecipe, train_voice_encoder


@dataclass(frozen=True)
class HeldOutPredictions:
    """What a pair said of n real clips, and of m voices, of whom it has never met.

    Attributes:
        clips, voices: int64 [n] and [m], the labels.
        of_clips: set of modalities -> model -> logits [n, 7], NaN for a clip that lacks one of them; for the sets that
            any clip has.
        of_voices: logits [m, 7] of the self-attention model from the voice alone.
    """

    clips: np.ndarray
    voices: np.ndarray
    of_clips: dict[Subset, dict[str, np.ndarray]]
    of_voices: np.ndarray

    def of_set(self, subset: Subset, model: str) -> float | None:
        """Balanced accuracy on the clips that have these modalities; None where it is undefined or there are none."""
        logits = self.of_clips.get(subset, {}).get(model)
        return None if logits is None else _balanced(*self.judged(subset, model))

    def judged(self, subset: Subset, model: str) -> tuple[np.ndarray, np.ndarray]:
        """Labels and logits of the clips that have these modalities."""
        logits = self.of_clips[subset][model]
        there = np.isfinite(logits).all(1)
        return self.clips[there], logits[there]

    @property
    def of_voice(self) -> float | None:
        """Balanced accuracy on the voices; None if there are none."""
        return _balanced(self.voices, self.of_voices) if len(self.voices) else None


def hear_without(
    corpus: str, checkpoint: Path, root: Path, cache: Path, recipe: VoiceRecipe, folder: Path, device: Device
) -> Path:
    """Encoders of which none has met the voices of a corpus: that of voices is trained on all of the others, those of
    faces and words are the checkpoint's. In ``folder``, where what is finished is read back.

    Returns:
        The folder of the encoders.

    Raises:
        CorpusError: no corpus of voices is left to learn from, or there is no such corpus.
    """
    data = VoiceData.read(root, cache, everything=True, without=corpus)
    model, history = train_voice_encoder(data, recipe, folder / "training", device)
    encoders = folder / "encoders"
    copy_encoders(checkpoint, encoders, ("face", "words"))
    made = provenance(recipe.optimisation.seed, data.described, [folder / "training"])
    save_encoder(encoders, "voice", model.encoder, made | {"recipe": asdict(recipe), "validation": history[-1]})
    return encoders


def leave_out(
    name: str, banks: dict[str, FeatureBank], moments: MultimodalClips, settings: FeatureSettings, recipe: PairRecipe,
    folder: Path, device: Device,
) -> HeldOutPredictions:  # fmt: skip
    """Trains a pair without a corpus ("nemo") or a person ("javased/03"), and asks it about them.

    Args:
        banks: of every corpus, altered copies among it, made by encoders that have not met whom ``name`` says.
        moments: real clips.
        settings: of their features.
        folder: of the trainings, one below it each; what is finished there is read back.

    Raises:
        CorpusError: no voice is left to learn from.
    """
    voices = banks["audio"]
    heard, seen = _belongs(voices.groups, name), _belongs(moments.groups, name)
    if heard.all():
        raise CorpusError(f"Without {name} there is no voice to learn from: at least two corpora are needed.")
    train = banks | {"audio": voices.select(~heard)}
    normalisation, met = with_neutral(normalisation_of(train), moments.select(~seen) or None, settings)
    place = folder / name.replace("/", "-")
    models = {
        model: train_fusion(model, train, None, normalisation, recipe, place / model, device, met)[0]
        for model in MODELS
    }
    clips = LabelledUtterances.normalised(moments.select(seen), normalisation)
    alone = LabelledUtterances.single("audio", voices.select(heard & (voices.variants == 0)), normalisation)
    of_clips = {
        subset: {
            model: np.where(clips.complete(subset)[:, None], clips.logits(models[model], subset), np.nan)
            for model in MODELS
            if pairs_within(PAIRS[model], subset)
        }
        for subset in SUBSETS
        if len(clips.labels) and clips.complete(subset).any()
    }
    of_voices = alone.logits(models["self"], ("audio",)) if len(alone.labels) else np.zeros((0, len(LABELS)))
    return HeldOutPredictions(clips.labels, alone.labels, of_clips, of_voices)


def averaged(judged: Sequence[HeldOutPredictions]) -> HeldOutPredictions:
    """What several trainings say of the same clips and voices: the mean of their probabilities, as logits."""
    first = judged[0]

    def mean(of_each: list[np.ndarray]) -> np.ndarray:
        return np.log(softmax(np.stack(of_each), -1).mean(0))  # [n, 7], NaN stays

    of_clips = {
        subset: {model: mean([one.of_clips[subset][model] for one in judged]) for model in by_model}
        for subset, by_model in first.of_clips.items()
    }
    return replace(first, of_clips=of_clips, of_voices=mean([one.of_voices for one in judged]))


def together(judged: Sequence[HeldOutPredictions]) -> HeldOutPredictions:
    """All of several, each judged by the pair that has not met it."""
    shared = set.intersection(*(set(one.of_clips) for one in judged))
    of_clips = {
        subset: {model: np.concatenate([one.of_clips[subset][model] for one in judged]) for model in of_first}
        for subset, of_first in judged[0].of_clips.items()
        if subset in shared
    }
    clips, voices, of_voices = (
        np.concatenate([getattr(j, n) for j in judged]) for n in ("clips", "voices", "of_voices")
    )
    return HeldOutPredictions(clips, voices, of_clips, of_voices)


def calibration_error(judged: Sequence[HeldOutPredictions], subset: Subset, model: str) -> float | None:
    """Expected calibration error on all clips of several, on each as sure as fits the clips of the others; None where
    fewer than two of them have clips with these modalities."""
    people = {
        str(n): one.judged(subset, model) for n, one in enumerate(judged) if model in one.of_clips.get(subset, {})
    }
    if len(people) < 2:
        return None
    name = subset_name(subset)
    people = {who: (logits, labels) for who, (labels, logits) in people.items()}
    figures = evaluate_strangers({model: {name: people}}, {"all": list(people)})
    return figures["all"][name][model]["expected_calibration_error"]


def _belongs(groups: np.ndarray, name: str) -> np.ndarray:
    """bool [n], whether each group is that of a person or lies in a corpus."""
    return np.array([f"{group}/".startswith(f"{name}/") for group in groups], bool)


def _balanced(truth: np.ndarray, logits: np.ndarray) -> float:
    return classification_metrics(truth, logits.argmax(1))["balanced_accuracy"]
