"""What the config of a checkpoint says, read without its models: nothing here needs PyTorch.

See ``core.fusion.checkpoint`` for what a checkpoint is.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from core import CHECKPOINTS, EVERY_MODEL, MODELS
from core.encoders.packaged import WeightsError, verify

ENCODERS = ("face", "voice", "words")  # what makes the features that a pair learns from
FAITHFULNESS = "faithfulness.json"


def read_config(folder: Path) -> dict:
    """The config of a checkpoint; empty where there is none."""
    path = folder / "config.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def hashes_in(config: dict) -> dict[str, str]:
    """SHA-256 of each of ``ENCODERS`` that a config names."""
    return {name: config[name]["sha256"] for name in ENCODERS if name in config}


def encoder_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each of ``ENCODERS`` that the folder holds: what decides the features that a pair learns from."""
    return hashes_in(read_config(folder))


def learned_voices(folder: Path) -> list[str]:
    """Groups ("ravdess/10") whose voices the folder's voice encoder has learned from; none without one."""
    made = read_config(folder).get("voice", {}).get("provenance", {})
    return made.get("data", {}).get("train", {}).get("speakers", [])


def load_faithfulness(folder: Path = CHECKPOINTS) -> dict | None:
    """What ``save_faithfulness`` wrote; None where nothing was measured of these models.

    Raises:
        WeightsError: it was changed.
    """
    known = read_config(folder).get("faithfulness")
    if known is None or not (folder / FAITHFULNESS).exists():
        return None
    verify(folder / FAITHFULNESS, known["sha256"])
    return json.loads((folder / FAITHFULNESS).read_text("utf-8"))


def fingerprint(folder: Path = CHECKPOINTS, models: Sequence[str] = MODELS) -> str:
    """SHA-256 of all that decides what these of the folder's models say: weights, feature settings, calibration.

    Raises:
        WeightsError: it is no checkpoint.
    """
    config = read_config(folder)
    if "features" not in config:
        raise WeightsError(f"{folder} is no checkpoint: it lacks cross, self.")
    decides = {"features": config["features"]}
    for name in (*ENCODERS, *models):
        own = config.get(name, {})
        decides[name] = [own.get("sha256"), own.get("calibration", own.get("temperature"))]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def more_models(folder: Path = CHECKPOINTS) -> tuple[str, ...]:
    """What a checkpoint holds beside cross and self, read without loading it."""
    return tuple(name for name in models_of(read_config(folder)) if name not in MODELS)


def models_of(config: dict) -> tuple[str, ...]:
    """The models that a config describes, cross and self first."""
    return tuple(name for name in EVERY_MODEL if name in config)


def attention_heads(folder: Path = CHECKPOINTS) -> int:
    """Attention heads of a checkpoint's models, read without loading them.

    Raises:
        WeightsError: it is no checkpoint.
    """
    config = read_config(folder)
    if "cross" not in config:
        raise WeightsError(f"{folder} is no checkpoint: it lacks cross.")
    return config["cross"]["network"]["heads"]
