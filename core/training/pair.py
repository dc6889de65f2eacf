"""Training of the pair of fusion models on composed utterances, with every set of modalities; and that twice.

More models than cross and self may be trained with them, in the same way: see ``PAIRS``.

First with parts held out, which says how good the recipe is and how sure its verdicts may be (calibration). The same
recipe then learns from all speakers, faces and lines at hand, because more of them help with the next stranger; that
pair cannot be measured here any more.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core import EVERY_MODEL, MODELS, SUBSETS, Subset, subset_name
from core.corpora.layout import CorpusError
from core.datasets.bank import FeatureBank
from core.datasets.composed import BankMaker, compose
from core.datasets.multimodal import MultimodalClips
from core.device import Device
from core.encoders.features import FeatureSettings
from core.fusion.checkpoint import Checkpoint
from core.fusion.model import FusionConfig, FusionModel
from core.fusion.normalisation import Normalisation
from core.fusion.pairs import BOTH, CROSS, SELF, pairs_within
from core.fusion.prediction_sets import Calibration
from core.training.batches import Batch, PairRecipe, compose_batch, moment_batch
from core.training.calibration import Telling, evaluate_strangers, fit_calibration, judge
from core.training.evaluation import LabelledUtterances
from core.training.loop import fit
from core.training.provenance import provenance

PAIRS = {"cross": CROSS, "self": SELF, "both": BOTH, "gated": BOTH}
"""Name of each model of a checkpoint -> its pairs."""
assert tuple(PAIRS) == EVERY_MODEL
VALIDATION_UTTERANCES, TEST_UTTERANCES = 1400, 2800  # composed from the held-out parts
REHEARSED = 16  # of each, on which untrained models are measured before the training


def train_measured_pair(
    maker: BankMaker,
    recipe: PairRecipe,
    runs: Path,
    moments: MultimodalClips | None = None,
    people: MultimodalClips | None = None,
    met: Collection[str] = (),
    names: Sequence[str] = MODELS,
) -> tuple[Checkpoint, dict]:
    """Trains with what each source holds out (see ``sources``), in ``runs/measured``, a folder a model.

    A model whose training is finished there is read back, so that more can be added later (see ``fit``).

    All of the measuring is done once before, with models that have learned nothing, so that whatever is wrong with the
    data shows now and not after hours.

    Args:
        moments: real clips to learn from; there may be none.
        people: real clips of people who are held out; there may be none.
        met: groups whom the voice encoder has learned from: nothing is measured on them.
        names: of the models, ``MODELS`` among them.

    Returns:
        The models with their calibration, and their figures (see ``evaluate_strangers``): of utterances composed of
        the test parts, "composed/NAME" with the voices of a corpus and "composed" together, "neutral words/NAME"
        likewise with sentences that say nothing; of English lines as they were spoken, "spoken/NAME"; of each person on
        camera, and "people" together. If there are corpora of voices that nothing has learned from, they stand together
        as "composed, new corpora" and "neutral words, new corpora", and how sure verdicts may be is told by their
        speakers and by people on camera: everybody else is less of a stranger. Where words stand beside face or voice
        they are neutral ones for that, as most sentences are.

    Raises:
        CorpusError: the voice encoder has learned from everybody who could be measured on.
    """
    banks, moments, people = maker.parts(), moments or None, people or None
    heard = banks["test"]["audio"]
    unmet = banks["test"] | {"audio": heard.select(~np.isin(heard.groups, list(met)))}
    if not len(unmet["audio"]):
        raise CorpusError("The voice encoder has learned from all speakers who are held out: nothing can be measured.")
    normalisation, clips_twice = with_neutral(normalisation_of(banks["train"]), moments, maker.settings)
    validation = _validation(banks, normalisation)
    known = {group.partition("/")[0] for group in (*met, *banks["train"]["audio"].groups.tolist())}
    strangers: dict[str, LabelledUtterances] = {}
    together: dict[str, list[str]] = {}
    single: list[str] = []  # groups of single speakers of unknown corpora
    kinds: tuple[tuple[str, Subset], ...] = (("composed", ()), ("neutral words", ("text",)))
    for name, neutral in kinds:
        drawn = compose(unmet, TEST_UTTERANCES, 2, neutral)
        utterances = LabelledUtterances.composed(unmet, drawn, normalisation)
        rows = [utterance.indices["audio"] for utterance in drawn]
        corpora, speakers = unmet["audio"].corpora[rows], unmet["audio"].groups[rows]
        new = ~np.isin(corpora, list(known))
        groups = np.where(new, speakers, corpora)
        found = {f"{name}/{group}": utterances.select(groups == group) for group in np.unique(groups)}
        strangers |= found
        together[name] = list(found)
        for corpus in np.unique(corpora[new]):
            each = [f"{name}/{speaker}" for speaker in np.unique(speakers[corpora == corpus])]
            together[f"{name}/{corpus}"] = each
            together.setdefault(f"{name}, new corpora", []).extend(each)
            single += each
    spoken = maker.spoken_lines(banks["test"]["video"], met, 3)
    strangers |= {f"spoken/{name}": LabelledUtterances.normalised(s, normalisation) for name, s in spoken.items()}
    together["people"] = [] if people is None else np.unique(people.groups).tolist()
    if people is not None:
        clips = LabelledUtterances.normalised(people, normalisation)
        strangers |= {str(person): clips.select(people.groups == person) for person in together["people"]}

    telling = _telling(single, together["people"]) if single else None

    def measured(models: dict[str, FusionModel], most: int | None = None):
        """The calibration of each model, and the figures of all; from so many utterances of each group."""
        groups = {name: u if most is None else u.some(most) for name, u in strangers.items()}
        judged = {name: judge(model, groups) for name, model in models.items()}
        calibration = {name: fit_calibration(of_model, telling) for name, of_model in judged.items()}
        figures = evaluate_strangers(judged, together, telling)
        return calibration, {name: of_group for name, of_group in figures.items() if name not in single}

    measured({name: fusion_model(name, banks["train"], recipe).eval() for name in names}, REHEARSED)
    models, folders = _train_each(
        names, maker, banks["train"], clips_twice, validation, normalisation, recipe, runs / "measured"
    )
    calibration, figures = measured(models)
    return _checkpoint(maker, models, normalisation, calibration, banks, moments, recipe, folders), figures


def train_final_pair(
    maker: BankMaker,
    recipe: PairRecipe,
    runs: Path,
    calibration: dict[str, dict[str, Calibration]],
    moments: MultimodalClips | None = None,
) -> Checkpoint:
    """Trains the models that are calibrated, with nothing held out, in ``runs/final``.

    Args:
        calibration: of each measured model; it becomes that of the final one.
    """
    banks = maker.everything()
    normalisation, clips_twice = with_neutral(normalisation_of(banks), moments or None, maker.settings)
    names = list(calibration)
    models, folders = _train_each(names, maker, banks, clips_twice, None, normalisation, recipe, runs / "final")
    return _checkpoint(maker, models, normalisation, calibration, {"train": banks}, moments, recipe, folders)


def train_some(
    maker: BankMaker, recipe: PairRecipe, folder: Path, moments: MultimodalClips | None, names: Sequence[str],
    held_out: bool,
) -> None:  # fmt: skip
    """Trains some models of the measured pair, or of the final one, in ``folder``, and puts nothing together: that is
    for ``train_measured_pair`` and ``train_final_pair``, which read back what is finished.

    Args:
        held_out: whether parts are held out, as of the measured pair.
    """
    banks = maker.parts() if held_out else {"train": maker.everything()}
    normalisation, clips_twice = with_neutral(normalisation_of(banks["train"]), moments or None, maker.settings)
    validation = _validation(banks, normalisation) if held_out else None
    _train_each(names, maker, banks["train"], clips_twice, validation, normalisation, recipe, folder)


def _telling(speakers: Sequence[str], people: Sequence[str]) -> Telling:
    """Who tells how sure verdicts may be: speakers, of whom each is there with words of the label's class ("composed")
    and with neutral words, and people on camera. Words that agree with everything else, as only composed ones do, would
    make verdicts too sure."""
    neutral = [name for name in speakers if name.startswith("neutral words/")]
    return {subset_name(s): [*(neutral if "text" in s and len(s) > 1 else speakers), *people] for s in SUBSETS}


def _validation(banks: dict[str, dict[str, FeatureBank]], normalisation: Normalisation) -> LabelledUtterances:
    drawn = compose(banks["validation"], VALIDATION_UTTERANCES, 1)
    return LabelledUtterances.composed(banks["validation"], drawn, normalisation)


def normalisation_of(banks: dict[str, FeatureBank]) -> Normalisation:
    """Statistics of all steps of the training banks; a feature that never varies keeps its scale."""
    mean, std = {}, {}
    for modality, bank in banks.items():
        steps = bank.values[:: max(1, len(bank.values) // 200_000)].astype(np.float64)
        mean[modality] = steps.mean(0).astype(np.float32)
        std[modality] = np.maximum(steps.std(0), 1e-3).astype(np.float32)
    return Normalisation(mean, std)


def with_neutral(
    normalisation: Normalisation, moments: MultimodalClips | None, settings: FeatureSettings
) -> tuple[Normalisation, MultimodalClips | None]:
    """What a typical neutral face is, and the clips once more, seen from each person's own: models learn with it and
    without."""
    typical = moments.typical_face if moments and settings.blendshapes else None
    if moments is None or typical is None:
        return normalisation, moments
    return replace(normalisation, neutral={"video": typical}), moments.and_also(moments.seen_from_neutral(typical))


def fusion_model(name: str, train: dict[str, FeatureBank], recipe: PairRecipe) -> FusionModel:
    """A model of ``PAIRS`` for the modalities of ``train``, which has learned nothing yet."""
    pairs = pairs_within(PAIRS[name], tuple(train))
    inputs = {m: bank.values.shape[1] for m, bank in train.items()}
    return FusionModel(
        FusionConfig(
            pairs,
            inputs,
            dict(recipe.local),
            input_dropout=recipe.input_dropout,
            deviation_dropout=recipe.deviation_dropout,
            gated=name == "gated",
        )
    )


def train_fusion(
    name: str, train: dict[str, FeatureBank], validation: LabelledUtterances | None, normalisation: Normalisation,
    recipe: PairRecipe, folder: Path, device: Device, moments: MultimodalClips | None = None,
) -> tuple[FusionModel, list[dict]]:  # fmt: skip
    """Trains a model of ``PAIRS`` on the modalities of ``train``; it comes back on the CPU.

    ``validation`` chooses nothing, it is logged: the balanced accuracy from each set of modalities that the model is
    defined for, and their mean. The last epoch is kept, so that a training without it ends at the same place.
    """
    torch.manual_seed(recipe.optimisation.seed)
    model = fusion_model(name, train, recipe)
    pairs = model.config.pairs
    subsets = [subset for subset in SUBSETS if set(subset) <= set(train) and pairs_within(pairs, subset)]
    # What is beside the voice, for batches without it.
    beside = {m: bank for m, bank in train.items() if m != "audio"}
    beside_subsets = [subset for subset in subsets if "audio" not in subset]
    beside_recipe = replace(recipe, batch=recipe.voiceless)

    def batches(generator: torch.Generator) -> Iterator[list[Batch]]:
        rng = np.random.default_rng(int(torch.randint(2**31, (), generator=generator)))
        for _ in range(recipe.steps):
            step = [compose_batch(train, normalisation, subsets, recipe, rng)]
            if recipe.voiceless and "audio" in train and beside_subsets:
                step.append(compose_batch(beside, normalisation, beside_subsets, beside_recipe, rng))
            if moments:
                step.append(moment_batch(moments, normalisation, subsets, recipe, rng))
            yield [batch.to(device.name) for batch in step]

    def loss(model: FusionModel, step: list[Batch]) -> Tensor:
        return torch.stack([batch_loss(model, batch, recipe) for batch in step]).sum()

    def evaluate(model: FusionModel) -> dict[str, float]:
        if validation is None:
            return {}
        scores = {subset_name(subset): validation.balanced_accuracy(model, subset) for subset in subsets}
        return {"balanced_accuracy": float(np.mean(list(scores.values()))), **scores}

    identity = {"model": name, "pair": asdict(recipe), "data": {m: bank.fingerprint for m, bank in train.items()}}
    if moments:
        identity["moments"] = moments.fingerprint
    history = fit(model, recipe.optimisation, batches, recipe.steps, loss, evaluate, folder, identity, device)
    return model.cpu(), history


def batch_loss(model: FusionModel, batch: Batch, recipe: PairRecipe) -> Tensor:
    """Cross-entropy of the verdicts from every set of modalities, all in one run of the model.

    Pooling takes the mean of the streams, but what independent witnesses say adds up: the verdict of n modalities
    is taught n times its logits, and its temperature divides accordingly. The logits are taught to leave out how
    often a label is drawn (logit adjustment, Menon et al. 2021).
    """
    output = model(batch.inputs)
    everything = tuple(batch.inputs)
    taught = batch.targets if recipe.every_set else {everything: batch.targets[everything]}
    total, weights = output.streams.new_zeros(()), 0.0
    for subset, target in taught.items():
        within = model.streams_within(subset).to(output.exists.device)
        logits = model.classify(output.streams, output.exists & within)
        # Where nothing is taught there may be no stream, and its NaN must not reach the sum.
        logits = logits.masked_fill(target.sum(1, keepdim=True) == 0, 0.0)
        weight = recipe.alone if len(subset) == 1 else 1.0
        total = total + weight * F.cross_entropy(len(subset) * logits + batch.log_share, target)
        weights += weight
    return total / weights


def _train_each(
    names: Sequence[str], maker: BankMaker, train: dict[str, FeatureBank], moments: MultimodalClips | None,
    validation: LabelledUtterances | None, normalisation: Normalisation, recipe: PairRecipe, runs: Path,
) -> tuple[dict[str, FusionModel], list[Path]]:  # fmt: skip
    folders = {name: runs / name for name in names}
    models = {
        name: train_fusion(name, train, validation, normalisation, recipe, folder, maker.device, moments)[0]
        for name, folder in folders.items()
    }
    return models, list(folders.values())


def _checkpoint(
    maker: BankMaker, models: dict[str, FusionModel], normalisation: Normalisation,
    calibration: dict[str, dict[str, Calibration]], banks: dict[str, dict[str, FeatureBank]],
    moments: MultimodalClips | None, recipe: PairRecipe, folders: list[Path],
) -> Checkpoint:  # fmt: skip
    train = banks["train"]
    data = {
        "sequences": {
            part: {m: dict(Counter(bank.corpora.tolist())) for m, bank in by.items()} for part, by in banks.items()
        },
        "fingerprints": {part: {m: bank.fingerprint for m, bank in by.items()} for part, by in banks.items()},
        "learned_from": _learned_from(train),
    }
    if moments:
        data["clips"] = dict(Counter(moments.groups.tolist()))
    made = provenance(recipe.optimisation.seed, data, folders) | {"recipe": asdict(recipe)}
    return Checkpoint(
        maker.encoders, models, maker.settings, normalisation, calibration, _frequencies(train), made
    )  # fmt: skip


def _learned_from(banks: dict[str, FeatureBank]) -> dict[str, list[str]]:
    """Corpus -> its speakers or official parts: the second name of each group ("ravdess/10", "meld/train/dia3")."""
    named = sorted({tuple(group.split("/")[:2]) for bank in banks.values() for group in bank.groups})
    learned: dict[str, list[str]] = {}
    for corpus, name in named:
        learned.setdefault(corpus, []).append(name)
    return learned


def _frequencies(banks: dict[str, FeatureBank]) -> dict[str, list[float]]:
    """Corpus -> share [7] of each label in what was learned from it."""
    return {
        str(corpus): bank.select(bank.corpora == corpus).label_frequencies().tolist()
        for bank in banks.values()
        for corpus in np.unique(bank.corpora)
    }
