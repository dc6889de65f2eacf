"""Generated tasks whose answer is known: what the protocol and its statistics are tested on.

``relation``: the words hold a key, the pictures a list of keys each with a value, the sound nothing; the class is
the value that belongs to the key. No modality alone says more than how often a value is listed, and a model that
looks at each modality by itself would have to remember the whole list.

``additive``: each modality holds noisy evidence of the class of its own, so that nothing is gained by letting
modalities look at each other.
"""

import numpy as np

from core.experiment.folds import Corpus, Examples, divide

KEYS, CLASSES = 4, ("one", "two", "three")
SOUND_WIDTH = 6
SPLIT = "five folds of generated utterances, each of 20 generated speakers in one part only"


def synthetic_corpus(task: str, count: int, folds: int = 5, seed: int = 0) -> Corpus:
    """A corpus of ``count`` generated utterances of the ``relation`` or the ``additive`` task."""
    chance = np.random.default_rng(seed)
    labels = chance.integers(0, len(CLASSES), count)
    make = {"relation": _relation, "additive": _additive}[task]
    made = [make(label, chance) for label in labels]
    sequences = {m: [utterance[m].astype(np.float32) for utterance in made] for m in ("text", "video", "audio")}
    groups = [f"speaker {i % 20}" for i in range(count)]
    examples = Examples(labels, sequences, [f"{task}-{i}" for i in range(count)])
    widths = {m: values[0].shape[1] for m, values in sequences.items()}
    return Corpus(f"synthetic-{task}", CLASSES, widths, "generated", SPLIT, divide(examples, groups, folds))


def _relation(label: int, chance: np.random.Generator) -> dict[str, np.ndarray]:
    key, values = chance.integers(KEYS), chance.integers(0, len(CLASSES), KEYS)
    values[key] = label
    order = chance.permutation(KEYS)
    text = np.tile(np.eye(KEYS)[key], (int(chance.integers(3, 6)), 1))
    return {
        "text": text + chance.normal(0, 0.1, text.shape),
        "video": np.concatenate([np.eye(KEYS)[order], np.eye(len(CLASSES))[values[order]]], 1),
        "audio": chance.normal(0, 1, (chance.integers(8, 13), SOUND_WIDTH)),
    }


def _additive(label: int, chance: np.random.Generator) -> dict[str, np.ndarray]:
    def evidence(width: int, low: int, high: int) -> np.ndarray:
        noise = chance.normal(0, 1, (chance.integers(low, high), width))
        return noise + 0.8 * np.eye(width)[label] + chance.normal(0, 0.5, width)

    return {
        "text": evidence(KEYS, 3, 6),
        "video": evidence(KEYS + len(CLASSES), 3, 6),
        "audio": evidence(SOUND_WIDTH, 8, 13),
    }
