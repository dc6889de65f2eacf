"""Features of about mean 0 and standard deviation 1, by the statistics of the training data."""

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation [D] of each modality's features over the training data.

    Attributes:
        neutral: "video" -> a typical neutral face [D], the mean over people (see ``encoders.neutral``); nothing where
            no clip of a neutral face was learned from.
    """

    mean: dict[str, np.ndarray]
    std: dict[str, np.ndarray]
    neutral: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def widths(self) -> dict[str, int]:
        """Modality -> features a step."""
        return {modality: len(mean) for modality, mean in self.mean.items()}

    def apply(self, modality: str, values: np.ndarray) -> np.ndarray:
        """Features [T, D] of any precision -> float32 [T, D] with about mean 0 and std 1."""
        normalised = (values.astype(np.float32) - self.mean[modality]) / self.std[modality]
        return normalised.astype(np.float32, copy=False)
