"""What the heads of a checkpoint's models look at most, against what it was worth: figures that ship with them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from core.corpora.layout import CorpusError
from core.device import Device
from core.experiment.faithfulness import faithfulness, spread
from core.fusion.checkpoint import load_checkpoint
from core.fusion.model import Padded
from core.training.evaluation_sets import COMPOSED, EvaluationRequest, read_test_set


def measure_heads(
    corpus: str,
    root: Path,
    split: str | None,
    clips: int,
    folder: Path,
    cache: Path,
    jobs: int,
    device: Device,
    seed: int = 0,
) -> dict:
    """Every head of every model of the checkpoint in ``folder``, on some clips of a corpus.

    Args:
        corpus: one of ``TEST_SETS``.
        split: see ``EvaluationRequest``.
        clips: so many at most, spread over the corpus.

    Returns:
        A JSON object: ``corpus``, ``split``, ``learned_from`` (what of this corpus the models were trained on, where
        figures say little), ``date``, ``seed``, ``clips`` (their number) and ``models``: name -> what ``faithfulness``
        says.

    Raises:
        CorpusError: the corpus is not there or holds no clip.
    """
    checkpoint = load_checkpoint(folder)
    request = EvaluationRequest(root, split, None, checkpoint, folder, cache, jobs, device)
    split, utterances = read_test_set(corpus, request)
    if not len(utterances):
        raise CorpusError(f"{corpus} holds no clip that could be read.")
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

    learned = checkpoint.provenance.get("data", {}).get("learned_from", {})
    return {
        "corpus": corpus,
        "split": split,
        "learned_from": learned if corpus == COMPOSED else learned.get(corpus, []),
        "date": datetime.now(UTC).date().isoformat(),
        "seed": seed,
        "clips": len(chosen),
        "models": {
            name: faithfulness(model.to(device.name).eval(), asked, utterances.labels[chosen], batch, seed)
            for name, model in checkpoint.fusion.items()
        },
    }
