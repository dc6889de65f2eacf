"""Figures of merit as pure functions on arrays.

The page scores clips too: scikit-learn, which would count the same, takes a tenth of its start to import.
"""

import numpy as np

from core import LABELS


def classification_metrics(truth: np.ndarray, predicted: np.ndarray, labels: tuple[str, ...] = LABELS) -> dict:
    """Accuracy, balanced accuracy, F1 and recalls of class indices [n] against class indices [n] into ``labels``.

    Balanced accuracy is the mean recall of the classes that occur in ``truth``: what the paper calls
    "weighted accuracy"; plain accuracy is what it calls "unweighted".
    """
    counts = np.bincount(np.asarray(truth) * len(labels) + predicted, minlength=len(labels) ** 2)
    confusion = counts.reshape(len(labels), len(labels))  # [true, said]
    right, true, said = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    present, recalls, f1 = true > 0, right / np.maximum(true, 1), 2 * right / np.maximum(true + said, 1)
    return {
        "n": len(truth),
        "accuracy": float(right.sum() / true.sum()),
        "balanced_accuracy": float(recalls[present].mean()),
        "macro_f1": float(f1[present].mean()),
        "weighted_f1": float((f1 * true).sum() / true.sum()),
        "recall": {labels[c]: float(recalls[c]) if present[c] else None for c in range(len(labels))},
        "confusion": confusion.tolist(),
    }


def expected_calibration_error(truth: np.ndarray, probabilities: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equally wide bins (Guo et al. 2017), in [0, 1].

    Args:
        truth: class indices [n].
        probabilities: [n, classes], rows summing to 1.
    """
    confidence = probabilities.max(1)
    correct = probabilities.argmax(1) == truth
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(correct[bin_of == b].mean() - confidence[bin_of == b].mean()) * (bin_of == b).sum()
        for b in np.unique(bin_of)
    ]
    return float(sum(gaps) / len(truth))
