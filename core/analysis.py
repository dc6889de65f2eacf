"""One typed result for everything downstream: two verdicts on a clip and the attention behind them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from core import LABELS, MODALITIES
from core.checkpoint import CHECKPOINTS, MODELS, Checkpoint, load_checkpoint, subset_name
from core.faces import FaceTrack
from core.features import FeatureExtractor, Missing, Progress, Sequence, Utterance, nothing_found, timed
from core.fusion import FusionModel, Padded, Pair, pairs_within
from core.media import Voice
from core.speech import Transcript

SWITCHED_OFF = "switched off"


@dataclass(frozen=True)
class AttentionMap:
    """Attention weights of one pair.

    Attributes:
        query, key: modalities.
        weights: float32 [H, Tq, Tk]; each row sums to 1 over the keys.
        query_times: [Tq] seconds.
        key_times: [Tk] seconds.

    A text axis has one step a word, a video axis one a face crop, an audio axis one every 0.08 s.
    """

    query: str
    key: str
    weights: np.ndarray
    query_times: np.ndarray
    key_times: np.ndarray

    def to_json(self) -> dict:
        """Times in seconds and weights [H][Tq][Tk], rounded to what float32 attention means."""
        return {
            "query_times": [round(float(t), 3) for t in self.query_times],
            "key_times": [round(float(t), 3) for t in self.key_times],
            "heads": int(self.weights.shape[0]),
            "weights": [[[round(float(w), 6) for w in row] for row in head] for head in self.weights],
        }


@dataclass(frozen=True)
class Verdict:
    """What one model makes of an utterance: ``probabilities`` float64 [7] in the order of ``LABELS``."""

    model: str
    probabilities: np.ndarray
    attention: dict[Pair, AttentionMap]

    @property
    def label(self) -> str:
        """The most probable label."""
        return LABELS[int(self.probabilities.argmax())]

    @property
    def probability(self) -> float:
        """Of ``label``, in [0, 1]."""
        return float(self.probabilities.max())

    def to_json(self) -> dict:
        """``label`` and ``probabilities`` by label."""
        return {
            "label": self.label,
            "probabilities": {label: float(p) for label, p in zip(LABELS, self.probabilities, strict=True)},
        }


@dataclass(frozen=True)
class Analysis:
    """The result for one clip and one set of modalities.

    Attributes:
        used: the modalities that both models saw, in the order of ``MODALITIES``.
        missing: the others, each with its reason ("switched off" among them).
        cross: None when fewer than two modalities are used: cross-attention needs two.
        self_: None only when every modality is switched off.
        timings: stage -> seconds.
    """

    file: str
    duration: float
    used: tuple[str, ...]
    missing: dict[str, str]
    transcript: Transcript
    faces: FaceTrack
    voice: Voice | None
    cross: Verdict | None
    self_: Verdict | None
    timings: dict[str, float]
    warnings: tuple[str, ...]

    def verdicts(self) -> dict[str, Verdict | None]:
        """Model name -> verdict."""
        return {"cross": self.cross, "self": self.self_}

    def to_json(self, attention: bool = False) -> dict:
        """The object that ``scripts/analyze.py --json`` prints (its contract stands in the README)."""
        result = {
            "file": self.file,
            "duration": round(self.duration, 3),
            "labels": list(LABELS),
            "used": list(self.used),
            "missing": self.missing,
            "transcript": {
                "text": self.transcript.text,
                "words": [
                    {"word": w.text, "start": round(w.start, 3), "end": round(w.end, 3)} for w in self.transcript.words
                ],
            },
            **{name: verdict and verdict.to_json() for name, verdict in self.verdicts().items()},
            "timings": {stage: round(seconds, 4) for stage, seconds in self.timings.items()},
            "warnings": list(self.warnings),
        }
        if attention:
            result["attention"] = {
                name: {f"{query}->{key}": map_.to_json() for (query, key), map_ in verdict.attention.items()}
                for name, verdict in self.verdicts().items()
                if verdict
            }
        return result


class Analyzer:
    """Both fusion models and all that feeds them. Safe to call from several threads."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu", transcriber: str = "tiny.en"):
        self.checkpoint = checkpoint
        self.device = device
        self.extractor = FeatureExtractor(
            checkpoint.face_encoder, checkpoint.settings, device, transcriber, checkpoint.word_adapter
        )
        self.models = {name: checkpoint.fusion[name].to(device).eval() for name in MODELS}

    @classmethod
    def load(cls, folder: Path = CHECKPOINTS, device: str = "auto", transcriber: str = "tiny.en") -> "Analyzer":
        """Loads a checkpoint onto "cpu", "cuda", or with "auto" a GPU where there is one.

        Raises:
            WeightsError: a weight is missing or is not the file it should be.
            ValueError: "cuda" was asked for and there is no GPU.
        """
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if device == "cuda" and not torch.cuda.is_available():
            raise ValueError("No GPU was found; use --device cpu or auto.")
        return cls(load_checkpoint(folder), device, transcriber)

    def extract(self, path: str | Path, progress: Progress | None = None) -> Utterance:
        """The slow part: reads a clip and extracts its features, once.

        Raises:
            MediaError: the file cannot be read, or holds neither a face nor a voice nor words.
        """
        utterance = self.extractor.extract(path, progress)
        if error := nothing_found(utterance):
            raise error
        return utterance

    def judge(self, utterance: Utterance, modalities: tuple[str, ...] = MODALITIES) -> Analysis:
        """The fast part: both models on the modalities that are wanted and there."""
        sequences = {m: utterance[m] for m in MODALITIES if m in modalities and isinstance(utterance[m], Sequence)}
        missing = {
            m: utterance[m].reason if isinstance(utterance[m], Missing) else SWITCHED_OFF
            for m in MODALITIES
            if m not in sequences
        }
        timings = dict(utterance.timings)
        with timed(timings, "fusion"):
            inputs = {m: self._padded(m, sequence) for m, sequence in sequences.items()}
            verdicts = {name: self._verdict(name, inputs, sequences) for name in MODELS}
        return Analysis(
            file=utterance.file,
            duration=utterance.duration,
            used=tuple(sequences),
            missing=missing,
            transcript=utterance.transcript,
            faces=utterance.faces,
            voice=utterance.voice,
            cross=verdicts["cross"],
            self_=verdicts["self"],
            timings=timings,
            warnings=utterance.warnings,
        )

    def analyze(
        self, path: str | Path, modalities: tuple[str, ...] = MODALITIES, progress: Progress | None = None
    ) -> Analysis:
        """``extract``, then ``judge``."""
        return self.judge(self.extract(path, progress), modalities)

    def _padded(self, modality: str, sequence: Sequence) -> Padded:
        values = self.checkpoint.normalisation.apply(modality, sequence.values)
        return Padded(
            torch.from_numpy(values.astype(np.float32))[None].to(self.device),
            torch.tensor([len(values)], device=self.device),
        )

    @torch.inference_mode()
    def _verdict(self, name: str, inputs: dict[str, Padded], sequences: dict[str, Sequence]) -> Verdict | None:
        model = self.models[name]
        if not pairs_within(model.config.pairs, tuple(inputs)):
            return None
        output = model(inputs)
        temperature = self.checkpoint.temperature[name][subset_name(tuple(inputs))]
        probabilities = (output.logits[0].double() / temperature).softmax(0).cpu().numpy()
        times = {m: sequence.times[:: stride_of(model, m)] for m, sequence in sequences.items()}
        attention = {
            (query, key): AttentionMap(query, key, weights[0].float().cpu().numpy(), times[query], times[key])
            for (query, key), weights in output.attention.items()
        }
        return Verdict(name, probabilities, attention)


def stride_of(model: FusionModel, modality: str) -> int:
    """Input steps of a modality that become one step of an attention map."""
    encoder = model.config.local.get(modality)
    return encoder.stride if encoder else 1
