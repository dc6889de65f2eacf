"""Mel spectrograms as Whisper takes them, made in parts: what they need of memory does not grow with the voice.

At once, the Fourier transform of five minutes holds 130 MB. The values are the same to the last digit.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from whisper.audio import HOP_LENGTH, N_FFT, N_SAMPLES, mel_filters

from core.media.reader import Waveform

PART = 3000  # spectra that are made at a time: 30 s
MIN_LOG_POWER = -10.0  # log10 of the least power that is told from nothing


def log_powers(samples: Tensor, bands: int) -> Tensor:
    """float32 [bands, F], log10 of the power in each of Whisper's mel bands, 100 spectra a second, at least one.

    Args:
        samples: float32 [N] at 16 kHz, N > 200: their ends are mirrored.
        bands: 80 or 128.
    """
    mirrored = F.pad(samples[None], (N_FFT // 2, N_FFT // 2), mode="reflect")[0]
    count = max(1, len(samples) // HOP_LENGTH)
    filters, window = mel_filters(samples.device, bands), torch.hann_window(N_FFT, device=samples.device)
    powers = samples.new_empty(bands, count)
    for start in range(0, count, PART):
        end = min(start + PART, count)
        part = mirrored[start * HOP_LENGTH : (end - 1) * HOP_LENGTH + N_FFT]
        spectra = torch.stft(part, N_FFT, HOP_LENGTH, window=window, center=False, return_complex=True)
        powers[:, start:end] = filters @ spectra.abs().square()
    return powers.clamp_(min=10**MIN_LOG_POWER).log10_()


def whisper_spectrogram(voice: Waveform, bands: int, device: torch.device | str = "cpu") -> Tensor:
    """[bands, frames] of a voice with 30 s of silence behind it: what ``whisper.log_mel_spectrogram`` makes of it."""
    samples = F.pad(torch.from_numpy(voice.samples).to(device), (0, N_SAMPLES))
    log = log_powers(samples, bands)
    return torch.maximum(log, log.max() - 8.0, out=log).add_(4.0).div_(4.0)
