"""The fusion models of Rajan, Brutti and Cavallaro (ICASSP 2022): one class, which is told who attends to whom.

``FusionConfig.pairs`` alone makes it cross-attention, self-attention or both (see ``core.fusion.pairs``). The controls
of the experiment, and later models, change one more field each; what they put in is in ``core.fusion.controls``.

Letters in shape comments: B utterances, T time steps (of a modality), W width, H heads, S streams (pairs).
"""

from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from core import LABELS, MODALITIES
from core.fusion.binning import kept_edges, mean_of_bins, parts_of
from core.fusion.controls import EvenAttention, GatedPooling, LateFusion, TokenAttention, stretched
from core.fusion.pairs import ALL, Pair


@dataclass(frozen=True)
class LocalEncoder:
    """Temporal convolution in front of a modality's GRU; ``kernel`` and ``stride`` in time steps."""

    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class TimeMixing:
    """The reference's local encoder: each of ``steps_out`` steps is a learned mixture of all ``steps`` time steps.

    Sequences have a fixed length, padding is mixed in with the rest and the feature width stays as it is.
    """

    steps: int
    steps_out: int


@dataclass(frozen=True)
class FusionConfig:
    """What a fusion model is made of; stored beside its weights. Sizes are the paper's (section 3)."""

    pairs: tuple[Pair, ...]
    inputs: dict[str, int]  # modality -> feature width
    local: dict[str, LocalEncoder | TimeMixing] = field(default_factory=dict)  # those without one feed their GRU
    width: int = 120  # of the bidirectional GRU, of attention and of every stream
    heads: int = 6
    input_dropout: dict[str, float] = field(default_factory=lambda: {"text": 0.25})
    attention_dropout: float = 0.1
    deviation_dropout: float = 0.0  # see ``StatisticalPooling``
    pooling: str = "statistics"  # "concatenation", the paper's noSP; "late": a classifier a stream, averaged
    bottleneck: int = 60
    classes: int = len(LABELS)
    masked: bool = True  # False takes padding for data, as the reference does: every step exists
    weights: str = "learned"  # "even", no attention: every query gets the plain mean of its values
    tokens: int = 0  # through so many learned tokens one modality attends to another; 0: directly
    gated: bool = False  # mixes cross- with self-attended streams, pair by pair

    def to_json(self) -> dict:
        """A JSON object from which ``from_json`` restores the config."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict) -> "FusionConfig":
        """Inverse of ``to_json``."""
        local = {
            modality: (TimeMixing if "steps" in encoder else LocalEncoder)(**encoder)
            for modality, encoder in value["local"].items()
        }
        return cls(**{**value, "pairs": tuple(tuple(pair) for pair in value["pairs"]), "local": local})


@dataclass(frozen=True)
class Padded:
    """A batch of sequences: ``values`` [B, T, D], of which the first ``lengths`` [B] steps exist.

    Length 0 says that the modality is absent from that utterance. What lies behind a length is never read.
    """

    values: Tensor
    lengths: Tensor

    @classmethod
    def of(cls, sequences: list[Tensor], steps: int = 1) -> "Padded":
        """Sequences [T, D] of several lengths, empty ones for what is absent, as one batch of ``steps`` at least."""
        lengths = torch.tensor([len(sequence) for sequence in sequences])
        values = sequences[0].new_zeros(len(sequences), max(steps, int(lengths.max())), sequences[0].shape[1])
        for row, sequence in zip(values, sequences, strict=True):
            row[: len(sequence)] = sequence
        return cls(values, lengths)

    @classmethod
    def full(cls, values: Tensor) -> "Padded":
        """A batch [B, T, D] all of whose steps exist: padding counts as data, as in the reference."""
        return cls(values, torch.full((len(values),), values.shape[1], device=values.device))

    def to(self, device: str | torch.device) -> "Padded":
        """The same batch on a device."""
        return Padded(self.values.to(device), self.lengths.to(device))

    def select(self, present: Tensor) -> "Padded":
        """The same sequences, absent where ``present`` [B] is false."""
        return Padded(self.values, torch.where(present, self.lengths, 0))


@dataclass(frozen=True)
class FusionOutput:
    """What a fusion model says of a batch.

    Attributes:
        logits: [B, 7]; undefined (NaN) where no stream exists.
        streams: [B, S, W], one a pair, in the order of the config's pairs.
        exists: [B, S] bool, whether both modalities of the pair are there.
        attention: pair -> [B, H, Tq, Tk], each existing query row summing to 1 over the existing keys;
            0 wherever the query or the key does not exist.
        encoded: modality -> what attention reads, behind both encoders; its lengths are the sizes of the maps.
        gates: pair -> [B] in [0, 1], how much of the stream is cross-attended; NaN where there is none to mix. Empty
            for a model without gates.
    """

    logits: Tensor
    streams: Tensor
    exists: Tensor
    attention: dict[Pair, Tensor]
    encoded: dict[str, Padded]
    gates: dict[Pair, Tensor] = field(default_factory=dict)

    @property
    def lengths(self) -> dict[str, Tensor]:
        """Modality -> [B], steps that attention reads."""
        return {modality: padded.lengths for modality, padded in self.encoded.items()}

    @property
    def defined(self) -> Tensor:
        """[B] bool, true where at least one stream exists."""
        return self.exists.any(1)


class TemporalConvolution(nn.Module):
    """Local encoder: convolution over time that keeps what does not exist at zero."""

    def __init__(self, width_in: int, width: int, encoder: LocalEncoder):
        super().__init__()
        self.stride = encoder.stride
        self.convolution = nn.Conv1d(width_in, width, encoder.kernel, encoder.stride, padding=encoder.kernel // 2)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T, D], [B] -> [B, ceil(T / stride), W], [B]; output step j is centred on input step j * stride."""
        x = x.masked_fill(~step_mask(lengths, x.shape[1])[:, :, None], 0.0)
        y = torch.relu(self.convolution(x.mT)).mT  # [B, T', W]
        return y, torch.div(lengths + self.stride - 1, self.stride, rounding_mode="floor")


class TimeMixingConvolution(nn.Module):
    """Local encoder of the reference: the time steps are the channels of a convolution with kernel 1."""

    def __init__(self, mixing: TimeMixing):
        super().__init__()
        self.mixing = mixing
        self.convolution = nn.Conv1d(mixing.steps, mixing.steps_out, 1)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T, D], [B] -> [B, steps_out, D], [B]; every step of the output exists.

        Sequences that are not of the fixed length are made so (see ``with_steps``).
        """
        if x.shape[1] != self.mixing.steps:
            x = with_steps(x, lengths, self.mixing.steps)
        return self.convolution(x), torch.where(lengths > 0, self.mixing.steps_out, 0)


class RecurrentEncoder(nn.Module):
    """Global encoder: one-layer bidirectional GRU that ends where each sequence ends."""

    def __init__(self, width_in: int, width: int, masked: bool = True):
        super().__init__()
        self.masked = masked
        self.gru = nn.GRU(width_in, width // 2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """[B, T, D], [B] -> [B, T, W], zero behind each length."""
        if not self.masked:
            return self.gru(x)[0]
        # Packing cannot hold empty sequences: an absent one runs over a single step that is then erased.
        packed = pack_padded_sequence(x, lengths.clamp_min(1).cpu(), batch_first=True, enforce_sorted=False)
        y, _ = pad_packed_sequence(self.gru(packed)[0], batch_first=True, total_length=x.shape[1])
        return y.masked_fill(~step_mask(lengths, x.shape[1])[:, :, None], 0.0)


class StatisticalPooling(nn.Module):
    """Standard deviation, then mean, across the streams that exist (paper section 3.4).

    The deviation is unbiased, as in the reference. A single stream has deviation 0.

    Args:
        deviation_dropout: probability that an utterance's whole deviation is left out, in training only.
    """

    def __init__(self, deviation_dropout: float = 0.0):
        super().__init__()
        self.deviation_dropout = nn.Dropout1d(deviation_dropout)

    def forward(self, streams: Tensor, exists: Tensor) -> Tensor:
        """[B, S, W], bool [B, S] -> [B, 2W]."""
        weight = exists[:, :, None].to(streams.dtype)  # [B, S, 1]
        count = weight.sum(1)  # [B, 1]
        mean = (streams * weight).sum(1) / count.clamp_min(1)  # [B, W]
        squares = ((streams - mean[:, None]).square() * weight).sum(1)  # [B, W]
        variance = squares / (count - 1).clamp_min(1)
        # The root has no gradient at 0, where a single stream or equal streams would make it NaN.
        positive = variance > 0
        std = torch.where(positive, torch.where(positive, variance, 1.0).sqrt(), 0.0)  # [B, W]
        return torch.cat([self.deviation_dropout(std[:, None])[:, 0], mean], 1)


class ConcatenationPooling(nn.Module):
    """The paper's noSP: the streams side by side, zero where one does not exist."""

    def forward(self, streams: Tensor, exists: Tensor) -> Tensor:
        """[B, S, W], bool [B, S] -> [B, SW]."""
        return (streams * exists[:, :, None]).flatten(1)


class FusionModel(nn.Module):
    """Encoders per modality, one attention block per pair, mean over time, pooling over pairs, classifier."""

    def __init__(self, config: FusionConfig):
        super().__init__()
        self.config = config
        self.together = any(ALL in pair for pair in config.pairs)
        in_pairs = config.inputs if self.together else {m for pair in config.pairs for m in pair}
        self.modalities = tuple(m for m in MODALITIES if m in in_pairs)
        width = config.width
        self.input_dropout = nn.ModuleDict({m: nn.Dropout(config.input_dropout.get(m, 0.0)) for m in self.modalities})
        self.local_encoder = nn.ModuleDict(
            {m: local_encoder(config.inputs[m], width, config.local[m]) for m in self.modalities if m in config.local}
        )
        convolved = {m for m, encoder in config.local.items() if isinstance(encoder, LocalEncoder)}
        self.local_widths = {m: width if m in convolved else config.inputs[m] for m in self.modalities}
        widths = {ALL: sum(self.local_widths.values())} if self.together else self.local_widths
        self.global_encoder = nn.ModuleDict({m: RecurrentEncoder(n, width, config.masked) for m, n in widths.items()})
        self.attention = nn.ModuleDict({f"{q}_{k}": attention_block(config, (q, k)) for q, k in config.pairs})
        self.pooling, pooled = pooling_of(config)
        late = config.pooling == "late"  # each stream has been classified before they are pooled
        self.bottleneck = nn.Identity() if late else nn.Linear(pooled, config.bottleneck)
        self.classifier = nn.Identity() if late else nn.Linear(config.bottleneck, config.classes)

    def forward(self, inputs: dict[str, Padded], most_kept: int | None = None) -> FusionOutput:
        """Runs the model on a batch; a modality that is not among ``inputs`` is absent from all of it.

        Args:
            most_kept: an axis of an attention map with more steps is kept in bins (see ``binning``), so that
                memory does not grow with the square of a clip's length. Streams and logits are the same.
        """
        there = {m: inputs[m] for m in self.modalities if m in inputs}
        encoded = self.encode_together(there) if self.together else {m: self.encode(m, x) for m, x in there.items()}
        streams, exists, attention = [], [], {}
        for query, key in self.config.pairs:
            if query in encoded and key in encoded:
                stream, pair_exists, weights = self.attend(encoded[query], encoded[key], f"{query}_{key}", most_kept)
                attention[query, key] = weights
            else:
                some = next(iter(inputs.values()))
                stream = some.values.new_zeros(len(some.lengths), self.config.width)
                pair_exists = torch.zeros_like(some.lengths, dtype=torch.bool)
            streams.append(stream)
            exists.append(pair_exists)
        every, which = torch.stack(streams, 1), torch.stack(exists, 1)  # [B, S, W], [B, S]
        return FusionOutput(self.classify(every, which), every, which, attention, encoded, self.gates(every, which))

    def classify(self, streams: Tensor, exists: Tensor) -> Tensor:
        """[B, S, W], bool [B, S] -> logits [B, 7], undefined (NaN) where no stream exists.

        A stream knows of its own two modalities only: with fewer streams marked as existing, these are the logits
        of the same utterances without the other modalities (see ``streams_within``).
        """
        pooled = self.pooling(streams, exists)
        logits = self.classifier(self.bottleneck(pooled))  # no non-linearity between, as in the reference
        return logits.masked_fill(~exists.any(1)[:, None], torch.nan)

    def streams_within(self, modalities: tuple[str, ...]) -> Tensor:
        """bool [S]: which streams are left with only these modalities."""
        together = set(self.modalities) <= set(modalities)
        return torch.tensor([set(pair) <= set(modalities) or (ALL in pair and together) for pair in self.config.pairs])

    def gates(self, streams: Tensor, exists: Tensor) -> dict[Pair, Tensor]:
        """[B, S, W], bool [B, S] -> pair -> [B], see ``FusionOutput.gates``."""
        if not isinstance(self.pooling, GatedPooling):
            return {}
        return dict(zip(self.pooling.pairs, self.pooling.gates(streams, exists).unbind(1), strict=True))

    def encode(self, modality: str, sequence: Padded) -> Padded:
        """Local, then global encoder: [B, T, D] -> [B, T', W]."""
        local = self.encode_locally(modality, sequence)
        return Padded(self.global_encoder[modality](local.values, local.lengths), local.lengths)

    def encode_together(self, inputs: dict[str, Padded]) -> dict[str, Padded]:
        """Local encoders, then all of them side by side on the longest time axis, then one global encoder."""
        local = {m: self.encode_locally(m, sequence) for m, sequence in inputs.items()}
        some = next(iter(local.values()))
        longest = torch.stack([sequence.lengths for sequence in local.values()]).amax(0)  # [B]
        steps = longest.clamp_min(1)
        beside = [
            stretched(local[m].values, local[m].lengths, steps) if m in local
            else some.values.new_zeros(len(steps), int(steps.max()), self.local_widths[m])
            for m in self.modalities
        ]  # fmt: skip
        return {ALL: Padded(self.global_encoder[ALL](torch.cat(beside, 2), longest), longest)}

    def encode_locally(self, modality: str, sequence: Padded) -> Padded:
        """Local encoder, where there is one: [B, T, D] -> [B, T', W or D]."""
        x, lengths = sequence.values, sequence.lengths
        if self.config.masked:
            # Erased first: NaN or garbage behind a length must not reach a product with zero.
            x = x.masked_fill(~step_mask(lengths, x.shape[1])[:, :, None], 0.0)
        x = self.input_dropout[modality](x)
        if modality in self.local_encoder:
            x, lengths = self.local_encoder[modality](x, lengths)
        return Padded(x, lengths)

    def attend(
        self, query: Padded, key: Padded, name: str, most_kept: int | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One pair: stream [B, W], whether it exists [B], weights per head [B, H, Tq, Tk]."""
        exists = (query.lengths > 0) & (key.lengths > 0)
        if not self.config.masked:
            attended, weights = self.attention[name](query.values, key.values, key.values, average_attn_weights=False)
            return attended.mean(1), exists, weights
        query_exists = step_mask(query.lengths, query.values.shape[1])  # [B, Tq]
        # A row without any key has no softmax: absent utterances attend to everything and are erased below.
        ignored = ~step_mask(key.lengths, key.values.shape[1]) & exists[:, None]  # [B, Tk]
        alive = query_exists & exists[:, None]  # [B, Tq]
        edges = {axis: kept_edges(steps, most_kept) for axis, steps in ((2, alive.shape[1]), (3, ignored.shape[1]))}
        stream, kept = 0, []
        for start, end in parts_of(edges[2]):
            attended, weights = self.attention[name](
                query.values[:, start:end], key.values, key.values,
                key_padding_mask=ignored, need_weights=True, average_attn_weights=False,
            )  # fmt: skip
            stream = stream + (attended * alive[:, start:end, None]).sum(1)  # [B, W]
            weights = weights * alive[:, None, start:end, None]
            within = edges[2][(edges[2] >= start) & (edges[2] <= end)] - start
            kept.append(mean_of_bins(mean_of_bins(weights, within, 2), edges[3], 3))
        return stream / alive.sum(1, keepdim=True).clamp_min(1), exists, torch.cat(kept, 2)


def attention_block(config: FusionConfig, pair: Pair) -> nn.Module:
    """What a query's modality attends to a key's with, called like ``nn.MultiheadAttention``."""
    if config.weights == "even":
        return EvenAttention(config.width, config.heads)
    if config.tokens and pair[0] != pair[1]:
        return TokenAttention(config.width, config.heads, config.attention_dropout, config.tokens)
    return nn.MultiheadAttention(config.width, config.heads, config.attention_dropout, batch_first=True)


def pooling_of(config: FusionConfig) -> tuple[nn.Module, int]:
    """The pooling that a configuration describes, and the width of what it gives.

    Raises:
        ValueError: there is none of that name, or no stream to mix by gates.
    """
    pairs = tuple(pair for pair in config.pairs if pair[0] != pair[1]) if config.gated else config.pairs
    if config.pooling == "late":
        pooling: nn.Module = LateFusion(len(pairs), config.width, config.bottleneck, config.classes)
        pooled = config.classes
    elif config.pooling == "statistics":
        pooling, pooled = StatisticalPooling(config.deviation_dropout), 2 * config.width
    elif config.pooling == "concatenation":
        pooling, pooled = ConcatenationPooling(), len(pairs) * config.width
    else:
        raise ValueError(f"There is no pooling {config.pooling}.")
    return (GatedPooling(config.pairs, config.width, pooling) if config.gated else pooling), pooled


def local_encoder(width_in: int, width: int, encoder: LocalEncoder | TimeMixing) -> nn.Module:
    """The module that a local encoder's configuration describes."""
    if isinstance(encoder, TimeMixing):
        return TimeMixingConvolution(encoder)
    return TemporalConvolution(width_in, width, encoder)


def with_steps(x: Tensor, lengths: Tensor, steps: int) -> Tensor:
    """[B, T, D], of which the first ``lengths`` [B] steps exist -> [B, steps, D].

    Longer sequences are thinned evenly, shorter ones are followed by zeros, as the reference's data are.
    """
    place = torch.arange(steps, device=x.device)[None]  # [1, steps]
    last = (lengths.to(x.device) - 1).clamp_min(0)[:, None]  # [B, 1]
    thinned = (place * last / max(steps - 1, 1)).round().long()
    index = torch.where(last < steps, place.minimum(last), thinned)  # [B, steps]
    found = x.gather(1, index[:, :, None].expand(-1, -1, x.shape[2]))
    return found.masked_fill(~step_mask(lengths.to(x.device), steps)[:, :, None], 0.0)


def step_mask(lengths: Tensor, steps: int) -> Tensor:
    """[B] -> bool [B, steps], true for the steps that exist."""
    return torch.arange(steps, device=lengths.device)[None] < lengths[:, None]
