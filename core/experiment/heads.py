"""What the heads of a checkpoint's models look at most, against what it was worth: figures that ship with them."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from core.datasets.labelled import LabelledSequences
from core.device import Device
from core.experiment.faithfulness import faithfulness, spread
from core.fusion.checkpoint import Checkpoint
from core.fusion.model import Padded


def measure_heads(
    checkpoint: Checkpoint, utterances: LabelledSequences, clips: int, device: Device, seed: int = 0
) -> dict:
    """Every head of every model of a checkpoint, on some of at least one utterance.

    Args:
        utterances: whose sequences are normalised.
        clips: so many at most, spread over them.

    Returns:
        A JSON object: ``seed``, ``clips`` (their number) and ``models``: name -> what ``faithfulness`` says.
    """
    chosen = spread(len(utterances), clips)
    widths = checkpoint.normalisation.widths
    asked = [
        {m: utterances.sequences[m][i] if m in utterances.sequences else np.zeros((0, n), np.float32)
         for m, n in widths.items()}
        for i in chosen
    ]  # fmt: skip

    def batch(some: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Padded]:
        found = {m: [torch.from_numpy(np.asarray(one[m], np.float32)) for one in some] for m in widths}
        return {m: Padded.of(sequences).to(device.name) for m, sequences in found.items()}

    return {
        "seed": seed,
        "clips": len(chosen),
        "models": {
            name: faithfulness(model.to(device.name).eval(), asked, utterances.labels[chosen], batch, seed)
            for name, model in checkpoint.fusion.items()
        },
    }
