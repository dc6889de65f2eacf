"""Figures of merit as pure functions on arrays; scikit-learn does the counting."""

import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, recall_score

from core import LABELS


def classification_metrics(truth: np.ndarray, predicted: np.ndarray, labels: tuple[str, ...] = LABELS) -> dict:
    """Accuracy, balanced accuracy, F1 and recalls of class indices [n] against class indices [n] into ``labels``.

    Balanced accuracy is the mean recall of the classes that occur in ``truth``: what the paper calls
    "weighted accuracy"; plain accuracy is what it calls "unweighted".
    """
    classes = range(len(labels))
    present = np.unique(truth)
    recalls = recall_score(truth, predicted, labels=classes, average=None, zero_division=0)
    return {
        "n": len(truth),
        "accuracy": float(accuracy_score(truth, predicted)),
        "balanced_accuracy": float(recalls[present].mean()),
        "macro_f1": float(f1_score(truth, predicted, labels=present, average="macro", zero_division=0)),
        "weighted_f1": float(f1_score(truth, predicted, labels=classes, average="weighted", zero_division=0)),
        "recall": {labels[c]: float(recalls[c]) if c in present else None for c in classes},
        "confusion": confusion_matrix(truth, predicted, labels=classes).tolist(),
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
