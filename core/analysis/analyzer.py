"""Reads a clip once and asks the models: both, or more where the checkpoint holds them and somebody wants to know.

A stream and its map depend on their own two modalities only, so one run of a model answers for every set of the
modalities: the same streams are pooled anew for each, and the same maps are shared.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core import CHECKPOINTS, MODALITIES, MODELS, SUBSETS, Subset, subset_name, subset_of
from core.analysis.kept import Envelope, FaceSummary
from core.analysis.phrases import phrases_of
from core.analysis.results import FIRST_SECOND, HOP, WINDOW, Analysis, First, Prediction, Predictions, Segment, Verdict
from core.device import choose_device, one_thread
from core.encoders.face_track import no_faces
from core.encoders.features import FeatureExtractor, nothing_found, timed
from core.encoders.neutral import from_neutral, neutral_face
from core.encoders.utterance import FeatureSequence, Missing, Progress, Utterance, between
from core.fusion.attention import MAX_KEPT, AttentionMap, bin_edges, bin_means
from core.fusion.checkpoint import Checkpoint, load_checkpoint
from core.fusion.model import FusionModel, FusionOutput, Padded, TimeMixing
from core.fusion.pairs import Pair, pairs_within
from core.fusion.values import value_norms
from core.media.reader import MediaError
from core.memory import give_back

NEUTRAL_SECONDS = 1.0  # at the beginning of a clip, in which a person may look neutral
FEW_STEPS = 1000  # of all modalities, in which several threads wait for each other longer than they compute
WINDOWS_AT_A_TIME = 8  # what they need of memory does not grow with the clip


class Analyzer:
    """The fusion models and all that feeds them. Safe to call from several threads.

    Cross and self answer always; what else the checkpoint holds costs nothing until it is asked.

    Args:
        precision: see ``FeatureExtractor``.
    """

    def __init__(
        self, checkpoint: Checkpoint, device: str = "cpu", transcriber: str = "tiny.en", precision: str = "float32"
    ):
        self.checkpoint = checkpoint
        self.device = device
        self.extractor = FeatureExtractor(
            checkpoint.encoders, checkpoint.settings, device, transcriber, other_languages=True, precision=precision
        )
        self.models = {name: model.to(device).eval() for name, model in checkpoint.fusion.items()}

    @classmethod
    def load(
        cls, folder: Path = CHECKPOINTS, device: str = "auto", transcriber: str = "tiny.en", exact: bool = False
    ) -> "Analyzer":
        """Loads a checkpoint onto a device (see ``choose_device``).

        Args:
            exact: whether all is computed in float32, for figures that are compared across machines. Without it faces
                are embedded in bfloat16 where the hardware multiplies it, in less than half the time, and probabilities
                differ by some thousandths.

        Raises:
            WeightsError: a weight is missing or is not the file it should be.
            ValueError: a GPU was asked for that is not there.
        """
        chosen = choose_device(device)
        precision = "float32" if exact else chosen.precision
        analyzer = cls(load_checkpoint(folder), chosen.name, transcriber, precision)
        give_back()
        return analyzer

    @property
    def heads(self) -> int:
        """Attention heads of each model."""
        return self.models["cross"].config.heads

    @property
    def more_models(self) -> tuple[str, ...]:
        """Names of those beside cross and self."""
        return tuple(name for name in self.models if name not in MODELS)

    def extract(
        self, path: str | Path, progress: Progress | None = None, first: Callable[[Utterance], None] | None = None
    ) -> Utterance:
        """The slow part: reads a clip and extracts its features, once.

        Args:
            first: see ``FeatureExtractor.extract``.

        Raises:
            MediaError: the file cannot be read, or holds neither a face nor a voice nor words.
        """
        utterance = self.extractor.extract(path, progress, first)
        if error := nothing_found(utterance):
            raise error
        return utterance

    def analyze(self, path: str | Path, progress: Progress | None = None, first: First | None = None) -> Analysis:
        """``extract``, then both models on every set of the clip's modalities and on every window.

        Args:
            first: gets what both models say from face and voice while the words are still being read; not every clip
                lets anybody wait for them.

        Raises:
            MediaError: as ``extract``.
        """

        def early(utterance: Utterance) -> None:
            assert first
            first(self.predict(utterance, attention=False)[subset_of(("video", "audio"))])

        utterance = self.extract(path, progress, early if first else None)
        if progress:
            progress(0.98, "asking both models")
        timings = dict(utterance.timings)
        long = utterance.duration > WINDOW
        with timed(timings, "fusion"):
            if long:
                give_back()
            predictions = self.predict(utterance)
            if long:
                give_back()
            windows = self._windows(utterance)
            phrases = self._phrases(utterance)
        return Analysis(
            file=utterance.file,
            duration=utterance.duration,
            transcript=utterance.transcript,
            faces=FaceSummary.of(utterance.faces, utterance.duration),
            envelope=Envelope.of(utterance.waveform)
            if utterance.waveform and len(utterance.waveform.samples)
            else None,
            missing={m: found.reason for m in MODALITIES if isinstance(found := utterance[m], Missing)},
            predictions=predictions,
            windows=windows,
            timings=timings,
            warnings=utterance.warnings,
            phrases=phrases,
            sequences=_kept(_sequences(utterance), bool(windows)),
            persons=utterance.persons,
            precision=self.extractor.precision,
        )

    def choose_face(self, analysis: Analysis, face: int) -> Analysis:
        """The analysis with another person's face, by the same models; neither clip, voice nor words are read again.

        Args:
            analysis: with its ``sequences``.
            face: in the order of ``Persons``, from 1.

        Raises:
            MediaError: with the code ``no_such_face``.
        """
        before = _utterance_of(analysis)
        chosen = self.extractor.with_face(before, face)
        if chosen is before:
            return analysis
        return replace(
            self._answered(analysis, chosen),
            faces=FaceSummary.of(chosen.faces, chosen.duration),
            warnings=chosen.warnings,
            persons=chosen.persons,
            neutral="",
        )

    def from_neutral(self, analysis: Analysis, other: Analysis | None = None) -> Analysis:
        """The analysis with the face seen from the same person's neutral face (see ``encoders.neutral``), by the same
        models; nothing is read again.

        Args:
            analysis: with its ``sequences``, and not seen from a neutral face yet.
            other: of a clip in which this person is neutral; None if the first second of this one shows that.

        Raises:
            MediaError: with the code ``no_neutral_face``, if no face is seen there, or none in this clip.
            ValueError: the analysis was stored without what the models read, or the checkpoint knows no neutral face.
        """
        _check_kept(analysis)
        typical = self.checkpoint.normalisation.neutral.get("video")
        if typical is None:
            raise ValueError("this checkpoint does not know what a neutral face is like")
        video, shown = analysis.sequences.get("video"), (other or analysis).sequences.get("video")
        if other is None and shown is not None:
            shown = between(shown, 0.0, NEUTRAL_SECONDS)
        own = None if shown is None else neutral_face(shown.values)
        if video is None or own is None:
            file = analysis.file
            lacking = f"{file}: no face was found in its first second that could be the neutral one."
            if video is None:
                lacking = f"{file}: no face was found."
            elif other is not None:
                lacking = f"{file}: no face was found in {other.file} that could be the neutral one."
            raise MediaError("no_neutral_face", lacking)
        moved = replace(video, values=from_neutral(video.values, own, typical))
        utterance = _utterance_of(replace(analysis, sequences=analysis.sequences | {"video": moved}))
        return replace(self._answered(analysis, utterance), neutral=other.file if other else FIRST_SECOND)

    def _answered(self, analysis: Analysis, utterance: Utterance) -> Analysis:
        """The analysis with what its own models say of another utterance of the same clip."""
        return replace(
            analysis,
            predictions=self.predict(utterance, models=analysis.models),
            windows=self._windows(utterance, analysis.models),
            phrases=self._phrases(utterance, analysis.models),
            sequences=_kept(_sequences(utterance), bool(analysis.windows)),
        )

    def with_more(self, analysis: Analysis) -> Analysis:
        """The analysis with what all other models of the checkpoint say too; the clip is not read again.

        Raises:
            ValueError: the analysis was stored without what the models read.
        """
        _check_kept(analysis)
        wanted = tuple(name for name in self.models if name not in analysis.models)
        if not wanted:
            return analysis
        utterance = _utterance_of(analysis)
        predictions = self.predict(utterance, models=wanted)
        return replace(
            analysis,
            predictions={used: _joined(before, predictions[used]) for used, before in analysis.predictions.items()},
            windows=_joined_segments(analysis.windows, self._windows(utterance, wanted)),
            phrases=_joined_segments(analysis.phrases, self._phrases(utterance, wanted)),
        )

    def predict(self, utterance: Utterance, attention: bool = True, models: Sequence[str] = MODELS) -> Predictions:
        """Models on every set of the utterance's modalities: one run of each, a few milliseconds.

        Args:
            attention: whether the maps are kept.
            models: who is asked.
        """
        return self.predict_from(_sequences(utterance), attention, models)

    def predict_from(
        self, sequences: dict[str, FeatureSequence], attention: bool = True, models: Sequence[str] = MODELS
    ) -> Predictions:
        """``predict`` of sequences alone, of one modality at least."""
        with one_thread() if sum(len(s.times) for s in sequences.values()) <= FEW_STEPS else nullcontext():
            outputs = self.run([sequences], models)
            maps = {name: self._maps(name, output, sequences) for name, output in outputs.items()} if attention else {}
            there = [subset for subset in SUBSETS if set(subset) <= set(sequences)]
            return {subset: self._prediction(outputs, maps, 0, subset) for subset in there}

    def _windows(self, utterance: Utterance, models: Sequence[str] = MODELS) -> tuple[Segment, ...]:
        """All windows of a longer clip, as one batch."""
        if utterance.duration <= WINDOW:
            return ()
        starts = np.arange(0, max(utterance.duration - HOP, HOP), HOP)
        spans = [(float(start), min(float(start) + WINDOW, utterance.duration), "") for start in starts]
        return self._predicted(utterance, spans, models)

    def _phrases(self, utterance: Utterance, models: Sequence[str] = MODELS) -> tuple[Segment, ...]:
        """All phrases of a clip that has more than one."""
        found = phrases_of(utterance.transcript.words, utterance.duration)
        spans = [(p.start, p.end, p.text) for p in found]
        return self._predicted(utterance, spans, models) if len(found) > 1 else ()

    def _predicted(
        self, utterance: Utterance, spans: list[tuple[float, float, str]], models: Sequence[str]
    ) -> tuple[Segment, ...]:
        """What is said from each (start, end, text) of a clip that holds anything, in batches."""
        held = [(span, _sequences(utterance.window(*span[:2]))) for span in spans]
        held = [(span, sequences) for span, sequences in held if sequences]
        found = []
        with one_thread():
            for first in range(0, len(held), WINDOWS_AT_A_TIME):
                batch = held[first : first + WINDOWS_AT_A_TIME]
                outputs = self.run([sequences for _, sequences in batch], models)
                found += [
                    Segment(start, end, self._prediction(outputs, {}, row, tuple(sequences)), text)
                    for row, ((start, end, text), sequences) in enumerate(batch)
                ]
        return tuple(found)

    @torch.inference_mode()
    def run(
        self, utterances: list[dict[str, FeatureSequence]], models: Sequence[str] = MODELS
    ) -> dict[str, FusionOutput]:
        """Models on a batch of at least one utterance, each of one modality at least."""
        inputs = {}
        for modality in subset_of({m for sequences in utterances for m in sequences}):
            inputs[modality] = self.padded(modality, [sequences.get(modality) for sequences in utterances])
        return {name: self.models[name](inputs, MAX_KEPT) for name in models} if inputs else {}

    def padded(self, modality: str, sequences: list[FeatureSequence | None]) -> Padded:
        """A batch on the models' device."""
        return Padded.of([self._normalised(modality, sequence) for sequence in sequences]).to(self.device)

    def _normalised(self, modality: str, sequence: FeatureSequence | None) -> Tensor:
        """float32 [T, D]; no step for a modality that is absent."""
        if sequence is None:
            return torch.zeros(0, len(self.checkpoint.normalisation.mean[modality]))
        return torch.from_numpy(self.checkpoint.normalisation.apply(modality, sequence.values))

    def _maps(self, name: str, output: FusionOutput, sequences: dict[str, FeatureSequence]) -> dict[Pair, AttentionMap]:
        """The maps of the first utterance of a batch; their long axes are in bins (see ``FusionModel.forward``)."""
        times = {m: map_times(self.models[name], m, sequence.times) for m, sequence in sequences.items()}
        maps = {}
        for (query, key), weights in output.attention.items():
            attention = self.models[name].attention[f"{query}_{key}"]
            assert isinstance(attention, nn.MultiheadAttention)
            norms = value_norms(attention, output.encoded[key])[0].float().cpu().numpy()  # [H, Tk]
            steps = (len(times[query]), len(times[key]))
            in_bins = steps != weights.shape[2:]
            maps[query, key] = AttentionMap(
                query,
                key,
                weights=weights[0].to(torch.float16 if in_bins else torch.float32).cpu().numpy(),
                query_times=bin_means(times[query], bin_edges(len(times[query]), weights.shape[2])),
                key_times=bin_means(times[key], bin_edges(len(times[key]), weights.shape[3])),
                steps=steps,
                value_norms=bin_means(norms, bin_edges(norms.shape[1], weights.shape[3]), 1).astype(np.float32),
            )
        return maps

    @torch.inference_mode()
    def _prediction(
        self, outputs: dict[str, FusionOutput], maps: dict[str, dict[Pair, AttentionMap]], row: int, used: Subset
    ) -> Prediction:
        """One utterance of a batch, predicted from its streams within ``used``."""
        verdicts: dict[str, Verdict | None] = {}
        for name, output in outputs.items():
            pairs = pairs_within(self.models[name].config.pairs, used)
            if not pairs:
                verdicts[name] = None
                continue
            streams, exists = output.streams[row][None], output.exists[row][None]
            probabilities = self.probabilities(name, streams, exists, used)[0]
            shared = {pair: map_ for pair, map_ in maps.get(name, {}).items() if pair in pairs}
            threshold = self.checkpoint.calibration[name][subset_name(used)].threshold
            gates = {pair: float(share[row]) for pair, share in output.gates.items() if pair in pairs}
            verdicts[name] = Verdict(name, probabilities, shared, threshold, gates)
        return Prediction.of(used, verdicts)

    @torch.inference_mode()
    def probabilities(self, name: str, streams: Tensor, exists: Tensor, used: Subset) -> np.ndarray:
        """float64 [B, 7], calibrated, of one model from its streams [B, S, W] that exist [B, S] within ``used``."""
        model = self.models[name]
        logits = model.classify(streams, exists & model.streams_within(used).to(exists.device))  # [B, 7]
        # Not every device has float64: on the processor.
        return (
            (logits.cpu().double() / self.checkpoint.calibration[name][subset_name(used)].temperature)
            .softmax(1)
            .numpy()
        )


def _check_kept(analysis: Analysis) -> None:
    """Whether the models can be asked again.

    Raises:
        ValueError: the analysis was stored without what the models read.
    """
    if set(analysis.present) - set(analysis.sequences):
        raise ValueError("what the models read was not kept with this analysis")


def _utterance_of(analysis: Analysis) -> Utterance:
    """What an analysis with its ``sequences`` was made of, as far as the models and ``choose_face`` need it."""
    found: dict[str, FeatureSequence | Missing] = {
        m: analysis.sequences.get(m) or Missing(analysis.missing[m]) for m in MODALITIES
    }
    return Utterance(
        file=analysis.file,
        duration=analysis.duration,
        text=found["text"],
        video=found["video"],
        audio=found["audio"],
        transcript=analysis.transcript,
        faces=analysis.persons.track if analysis.persons else no_faces(analysis.faces.frame_times),
        waveform=None,
        timings=analysis.timings,
        warnings=analysis.warnings,
        persons=analysis.persons,
    )


def _joined(one: Prediction, other: Prediction) -> Prediction:
    """What the models of two predictions from the same modalities say."""
    return replace(one, more={**one.more, **other.more})


def _joined_segments(some: tuple[Segment, ...], same: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """``_joined`` of segments of the same seconds."""
    return tuple(
        replace(one, prediction=_joined(one.prediction, other.prediction))
        for one, other in zip(some, same, strict=True)
    )


def _sequences(utterance: Utterance) -> dict[str, FeatureSequence]:
    """What an utterance has, by modality."""
    return {m: found for m in MODALITIES if isinstance(found := utterance[m], FeatureSequence)}


def _kept(sequences: dict[str, FeatureSequence], long: bool) -> dict[str, FeatureSequence]:
    """Of a long clip half as many bytes; what is measured from it later changes by less than 0.0001."""
    return (
        {m: FeatureSequence(s.values.astype(np.float16), s.times) for m, s in sequences.items()} if long else sequences
    )


def map_times(model: FusionModel, modality: str, times: np.ndarray) -> np.ndarray:
    """Seconds of the steps of an attention map, from those of the input steps of a modality [T].

    What mixes all input steps (see ``TimeMixing``) has no time of its own: its steps are spread evenly.
    """
    encoder = model.config.local.get(modality)
    if isinstance(encoder, TimeMixing):
        return np.linspace(times[0], times[-1], encoder.steps_out)
    return times[:: encoder.stride] if encoder else times
