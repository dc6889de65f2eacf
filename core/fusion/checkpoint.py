"""Checkpoints on disk: weights as safetensors, everything else as readable JSON beside them.

A checkpoint folder holds ``config.json`` and ``face.safetensors``, ``voice.safetensors``, ``words.safetensors``,
``cross.safetensors``, ``self.safetensors``; it may hold more models beside these two (``core.MORE_MODELS``), each in a
file of its name, and in ``faithfulness.json`` what was measured of their heads. The config says the labels, the sizes
of each network, the feature settings, the calibration, how each was trained, and the SHA-256 of each file, which is
checked on loading. Each file is replaced as a whole, the config last.
"""

import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core import CHECKPOINTS, EVERY_MODEL, LABELS, MODELS
from core.encoders.expression import ExpressionConfig, ExpressionNet
from core.encoders.features import Encoders, FeatureSettings
from core.encoders.packaged import WeightsError, verify
from core.encoders.voice import VoiceConfig, VoiceEncoder
from core.encoders.words import WordAdapter
from core.files import file_digest, write_file, write_json
from core.fusion.config import ENCODERS, FAITHFULNESS, hashes_in, models_of, read_config
from core.fusion.model import FusionConfig, FusionModel
from core.fusion.normalisation import Normalisation
from core.fusion.prediction_sets import Calibration


@dataclass(frozen=True)
class Checkpoint:
    """A pair of fusion models with all that they need; more models may stand beside the pair.

    Attributes:
        fusion: "cross", "self" and whatever more there is -> model, in evaluation mode.
        calibration: model -> set of modalities (see ``subset_name``) -> how sure its verdicts may be.
        label_frequencies: training corpus -> share [7] of each label in it. The models are trained as if all labels
            were equally frequent; adding the logarithm of these shares to the logits undoes that.
        provenance: how it was trained: commands, seeds, data, commit; for people.
    """

    encoders: Encoders
    fusion: dict[str, FusionModel]
    settings: FeatureSettings
    normalisation: Normalisation
    calibration: dict[str, dict[str, Calibration]]
    label_frequencies: dict[str, list[float]]
    provenance: dict


@dataclass(frozen=True)
class EncoderFormat:
    """How one encoder lies in a checkpoint.

    Attributes:
        read: the encoder that a ``network`` of the config describes.
        describe: inverse of ``read``: the encoder's ``network``.
        trainable: whether training may go on with what is loaded; what may not is stored in half precision.
    """

    read: Callable[[dict], nn.Module]
    describe: Callable[[Any], dict]
    trainable: bool


FORMATS: dict[str, EncoderFormat] = {
    "face": EncoderFormat(
        lambda network: ExpressionNet(ExpressionConfig(**_tuples(network))), lambda model: asdict(model.config), True
    ),
    "voice": EncoderFormat(
        lambda network: VoiceEncoder(VoiceConfig(**_tuples(network))), lambda model: asdict(model.config), False
    ),
    "words": EncoderFormat(lambda network: WordAdapter(**network), lambda model: {"rank": model.rank}, False),
}


def save_encoder(folder: Path, name: str, model: nn.Module, provenance: dict) -> None:
    """Writes one of ``ENCODERS`` and its part of the config."""
    config, form = read_config(folder), FORMATS[name]
    weights = model.state_dict()
    _write_weights(folder, config, name, weights if form.trainable else {k: v.half() for k, v in weights.items()})
    config[name] |= {"network": form.describe(model), "provenance": provenance}
    _write(folder, config)


@overload
def load_encoder(folder: Path, name: Literal["face"]) -> ExpressionNet: ...
@overload
def load_encoder(folder: Path, name: Literal["voice"]) -> VoiceEncoder | None: ...
@overload
def load_encoder(folder: Path, name: Literal["words"]) -> WordAdapter | None: ...
def load_encoder(folder, name):
    """Reads one of ``ENCODERS`` alone; None if the checkpoint does not have it and can do without.

    Raises:
        WeightsError: it was changed, or the face encoder is missing.
    """
    config, form = read_config(folder), FORMATS[name]
    if name not in config:
        if name == "face":
            raise WeightsError(f"{folder} holds no face encoder; train one with: python scripts/train.py face")
        return None
    model = _load_weights(folder, config, name, form.read(config[name]["network"]))
    return model if form.trainable else model.requires_grad_(False)


def load_encoders(folder: Path) -> Encoders:
    """Reads whatever makes features.

    Raises:
        WeightsError: the face encoder is missing, or a file was changed.
    """
    return Encoders(load_encoder(folder, "face"), load_encoder(folder, "voice"), load_encoder(folder, "words"))


def save_pair(folder: Path, checkpoint: Checkpoint) -> None:
    """Writes the fusion models, their settings and statistics; what encodes faces, voices and words stays as it is.

    A model that was in the folder and is not in the checkpoint goes, for it was trained with others; so does what was
    measured of the heads.
    """
    config = read_config(folder)
    config.pop("faithfulness", None)
    gone = [name for name in EVERY_MODEL if name in config and name not in checkpoint.fusion]
    for name in gone:
        del config[name]
    for name, model in checkpoint.fusion.items():
        statistics = {
            f"normalisation.{kind}.{modality}": torch.from_numpy(values.astype(np.float32))
            for kind, by_modality in asdict(checkpoint.normalisation).items()
            for modality, values in by_modality.items()
        }
        _write_weights(folder, config, name, model.state_dict() | statistics)
        calibration = {subset: asdict(found) for subset, found in checkpoint.calibration[name].items()}
        config[name] |= {"network": model.config.to_json(), "calibration": calibration}
    config |= {
        "labels": list(LABELS),
        "features": asdict(checkpoint.settings),
        "encoders": hashes_in(config),
        "label_frequencies": checkpoint.label_frequencies,
        "provenance": checkpoint.provenance,
    }
    _write(folder, config)
    for name in gone:
        (folder / f"{name}.safetensors").unlink(missing_ok=True)
    (folder / FAITHFULNESS).unlink(missing_ok=True)


def save_faithfulness(folder: Path, found: dict) -> None:
    """Puts what was measured of the heads of a checkpoint's models beside them (see ``core.experiment.heads``)."""
    config = read_config(folder)
    write_json(folder / FAITHFULNESS, found, indent=1)
    config["faithfulness"] = {"sha256": file_digest(folder / FAITHFULNESS)}
    _write(folder, config)


def copy_encoders(source: Path, target: Path, names: tuple[str, ...] = ENCODERS) -> None:
    """Copies those of the encoders that there are; the target keeps its others, and nothing that learned from any."""
    config, own = read_config(source), read_config(target)
    copied = {name: config[name] for name in names if name in config}
    kept = {name: own[name] for name in ENCODERS if name in own and name not in copied}
    target.mkdir(parents=True, exist_ok=True)
    for name in copied:
        shutil.copyfile(source / f"{name}.safetensors", target / f"{name}.safetensors")
    _write(target, copied | kept)


def install(source: Path, target: Path = CHECKPOINTS) -> None:
    """Puts a complete checkpoint in the place of another, all files at once; a model card in the target stays.

    Raises:
        WeightsError: the source is not complete.
    """
    load_checkpoint(source)
    fresh, old = (target.with_name(f"{target.name}.{word}") for word in ("new", "old"))
    if old.exists() and not target.exists():  # an earlier one was killed between the two renames below
        old.rename(target)
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, fresh)
    for file in target.glob("*.md"):
        shutil.copy2(file, fresh)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def load_checkpoint(folder: Path = CHECKPOINTS) -> Checkpoint:
    """Reads a whole checkpoint.

    Raises:
        WeightsError: a part is missing, was changed, is for other labels or goes with other encoders.
    """
    config = read_config(folder)
    missing = [name for name in ("face", *MODELS) if name not in config]
    if missing:
        raise WeightsError(f"{folder} is no checkpoint: it lacks {', '.join(missing)}.")
    if tuple(config["labels"]) != LABELS:
        raise WeightsError(f"{folder} was trained for other labels: {', '.join(config['labels'])}.")
    if config.get("encoders") != hashes_in(config):
        raise WeightsError(f"{folder}: its pair learned from other encoders; train it again.")
    fusion, statistics = {}, {}
    for name in models_of(config):
        fusion[name] = FusionModel(FusionConfig.from_json(config[name]["network"]))
        statistics = _load_weights(folder, config, name, fusion[name], prefix="normalisation.")
    by_kind: dict[str, dict[str, np.ndarray]] = {"mean": {}, "std": {}, "neutral": {}}
    for name, tensor in statistics.items():
        _, kind, modality = name.split(".")
        by_kind[kind][modality] = tensor.numpy()
    return Checkpoint(
        encoders=load_encoders(folder),
        fusion=fusion,
        settings=FeatureSettings(**_tuples(config["features"])),
        normalisation=Normalisation(**by_kind),
        calibration={name: _calibration(config[name]) for name in fusion},
        label_frequencies=config["label_frequencies"],
        provenance=config["provenance"],
    )


def _calibration(of_model: dict) -> dict[str, Calibration]:
    """Of one model; a checkpoint of version 1.0 knows temperatures only, so that its sets hold one label."""
    former = {subset: {"temperature": t, "threshold": 1.0} for subset, t in of_model.get("temperature", {}).items()}
    return {subset: Calibration(**found) for subset, found in of_model.get("calibration", former).items()}


def _tuples(fields: dict) -> dict:
    """Arguments of a dataclass from their JSON, which knows lists only."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def _write(folder: Path, config: dict) -> None:
    write_json(folder / "config.json", config, indent=2)


def _write_weights(folder: Path, config: dict, name: str, tensors: dict[str, Tensor]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    content = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    write_file(path, lambda partial: save_file(content, partial))
    config[name] = {"sha256": file_digest(path)}


def _load_weights(folder: Path, config: dict, name: str, model: nn.Module, prefix: str | None = None):
    """Fills a model from its verified file; with ``prefix``, returns the tensors under it instead of the model."""
    path = folder / f"{name}.safetensors"
    if not path.exists():
        raise WeightsError(f"{path} is missing.")
    verify(path, config[name]["sha256"])
    tensors = load_file(path)
    beside = {key: tensors.pop(key) for key in list(tensors) if prefix and key.startswith(prefix)}
    model.load_state_dict(tensors, strict=True)
    model.eval()
    return beside if prefix else model
