"""The paper's voice features: 40 MFCCs with their first and second differences, by librosa."""

import librosa
import numpy as np

from core.media import SAMPLE_RATE, Voice

COEFFICIENTS = 40
WIDTH = 3 * COEFFICIENTS
WINDOW = 400  # samples: 25 ms
HOP = 160  # samples: 10 ms, the paper's


def mfcc(voice: Voice, hop: int = HOP) -> np.ndarray:
    """float32 [ceil(N / hop), 120]: MFCCs, deltas, second deltas; step t is centred on sample t * hop.

    The paper (section 4.1) takes 40 MFCCs in windows of 25 ms every 10 ms and their two derivatives.
    """
    static = librosa.feature.mfcc(
        y=voice.samples, sr=SAMPLE_RATE, n_mfcc=COEFFICIENTS, n_fft=512, win_length=WINDOW, hop_length=hop, n_mels=64
    )
    # librosa's derivative needs as many frames as its filter is long.
    width = min(9, static.shape[1] - 1 + static.shape[1] % 2)
    deltas = [librosa.feature.delta(static, width=width, order=o) if width >= 3 else 0 * static for o in (1, 2)]
    steps = -(-len(voice.samples) // hop)
    return np.concatenate([static, *deltas]).T[:steps].astype(np.float32)
