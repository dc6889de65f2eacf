"""Voices, faces and lines as other microphones, cameras and sentences would have them, so that these do not matter."""

import io

import av
import numpy as np
import torch
import torch.nn.functional as F
from librosa import mel_frequencies
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt
from torch import Tensor

from core.encoders.words import MASKED
from core.media.reader import SAMPLE_RATE, Voice

VERSION = 2
"""Raised whenever the same recording, image or line would give another copy: caches of features are keyed by it."""


def other_recording(voice: Voice, rng: np.random.Generator) -> Voice:
    """The voice with a random choice of speed, room, band, noise, codec and level, in the order of a recording."""
    samples = voice.samples.astype(np.float64)
    if rng.random() < 0.5:
        samples = change_speed(samples, rng.choice([0.9, 0.95, 1.05, 1.1]))
    if rng.random() < 0.5:
        samples = add_room(samples, rng.uniform(0.1, 0.7), rng.uniform(0.1, 0.6), rng)
    if rng.random() < 0.5:
        samples = limit_band(samples, rng.uniform(50, 300), rng.uniform(3400, 7500))
    if rng.random() < 0.6:
        samples = add_noise(samples, rng.uniform(8, 35), rng.uniform(0, 2), rng)
    samples = samples / max(np.abs(samples).max(), 1e-9) * 10 ** rng.uniform(-1.2, 0)
    samples = np.clip(samples, -1, 1).astype(np.float32)
    if rng.random() < 0.3:
        samples = through_codec(samples, int(rng.choice([12_000, 16_000, 24_000, 32_000])))
    return Voice(samples)


def change_speed(samples: np.ndarray, factor: float) -> np.ndarray:
    """Faster (factor > 1) or slower, pitch with it, by resampling."""
    return resample_poly(samples, 100, round(100 * factor))


def add_room(samples: np.ndarray, decay: float, wet: float, rng: np.random.Generator) -> np.ndarray:
    """Reverberation by noise that falls by 60 dB in ``decay`` seconds, mixed in with the share ``wet``."""
    times = np.arange(int(decay * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.standard_normal(len(times)) * 10 ** (-3 * times / decay)
    tail /= np.sqrt((tail**2).sum())
    return (1 - wet) * samples + wet * fftconvolve(samples, tail)[: len(samples)]


def limit_band(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    """What a microphone or line that passes ``low`` to ``high`` Hz leaves."""
    return sosfilt(butter(2, [low, high], "bandpass", fs=SAMPLE_RATE, output="sos"), samples)


def add_noise(samples: np.ndarray, ratio: float, colour: float, rng: np.random.Generator) -> np.ndarray:
    """Noise with a spectrum of 1 / f^colour, ``ratio`` dB below the voice's mean power."""
    spectrum = np.fft.rfft(rng.standard_normal(len(samples)))
    frequency = np.maximum(np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE), 20.0)
    noise = np.fft.irfft(spectrum * frequency ** (-colour / 2), len(samples))
    power = (samples**2).mean() / max((noise**2).mean(), 1e-20) / 10 ** (ratio / 10)
    return samples + noise * np.sqrt(power)


def through_codec(samples: np.ndarray, bit_rate: int) -> np.ndarray:
    """The voice after Opus at ``bit_rate`` bits a second, as calls and browsers send it."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono", bit_rate=bit_rate)
        frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for part in (frame, None):
            container.mux(stream.encode(part))
    buffer.seek(0)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    with av.open(buffer, "r") as coded:
        pieces = [p.to_ndarray()[0] for f in coded.decode(audio=0) for p in resampler.resample(f)]
    return np.concatenate(pieces)[: len(samples)]


def altered_voices(spectra: Tensor, lengths: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Voices of other sizes, tempi, rooms, bands and noises, made where it is cheap: in the powers of their mel bands.

    Args:
        spectra: float32 [B, F, 80], log10 of power (see ``voice.spectrogram``), padded behind ``lengths`` [B].

    Returns:
        Spectra [B, F', 80] of the altered voices, and their lengths [B].
    """
    n, frames, bands = spectra.shape
    device = spectra.device

    def uniform(low: float, high: float) -> Tensor:
        # Drawn on the CPU: the same seed alters alike on every device.
        return (torch.rand(n, generator=generator) * (high - low) + low).to(device)

    def sometimes(share: float) -> Tensor:
        return uniform(0, 1) < share

    # A slower tempo stretches time, a longer vocal tract moves all resonances down.
    tempo = torch.where(sometimes(0.3), uniform(0.87, 1.15), 1.0)
    tract = torch.where(sometimes(0.3), uniform(0.9, 1.1), 1.0)
    longer = (lengths * tempo).round().long().clamp_min(1)
    at = torch.arange(int(longer.max()), device=device) / tempo[:, None]  # [B, F'] of the frames there were
    middles = torch.from_numpy(mel_frequencies(bands + 2, fmax=SAMPLE_RATE / 2)[1:-1]).float()  # Hz
    wanted = middles * tract.cpu()[:, None]
    left = torch.searchsorted(middles, wanted).clamp(1, bands - 1) - 1
    band = left + (wanted - middles[left]) / (middles[left + 1] - middles[left])  # [B, 80]
    band = band.clamp(0, bands - 1).to(device)
    grid = torch.stack(
        [
            (2 * band / (bands - 1) - 1)[:, None].expand(-1, at.shape[1], -1),
            (2 * at / max(frames - 1, 1) - 1)[:, :, None].expand(-1, -1, bands),
        ],
        3,
    )
    moved = F.grid_sample(spectra[:, None], grid, padding_mode="border", align_corners=True)[:, 0]
    exists = (torch.arange(moved.shape[1], device=device) < longer[:, None])[:, :, None]
    power = 10**moved * exists

    # A room answers with a tail that falls exponentially.
    decay, wet = 10 ** (-6 / (100 * uniform(0.1, 0.6))), uniform(0.05, 0.4) * sometimes(0.4)
    tail = decay[:, None] ** torch.arange(40, device=device)  # [B, 40]
    tail = tail / tail.sum(1, keepdim=True)
    before = F.pad(power.mT, (39, 0)).reshape(1, n * bands, -1)
    late = F.conv1d(before, tail.flip(1).repeat_interleave(bands, 0)[:, None], groups=n * bands)
    late = late.view(n, bands, -1).mT  # [B, F', 80]
    power = torch.lerp(power, late, wet[:, None, None])

    # Microphones and lines tilt the spectrum and cut it off at both ends, in decades.
    place = torch.linspace(-1, 1, bands, device=device)
    gain = (uniform(-0.5, 0.5) * sometimes(0.5))[:, None] * place
    low, high = torch.where(sometimes(0.3), uniform(-1, -0.8), -2), torch.where(sometimes(0.3), uniform(0.6, 1), 2)
    gain = gain - 10 * (F.relu(low[:, None] - place) + F.relu(place - high[:, None]))
    power = power * 10 ** gain[:, None, :]

    # Noise of any colour below the voice.
    mean = power.sum((1, 2)) / longer
    colour = 10 ** (uniform(-0.7, 0.7)[:, None] * place)  # [B, 80]
    colour = colour / colour.sum(1, keepdim=True)
    ratio = torch.where(sometimes(0.5), uniform(1, 3.5), 9)  # decades
    # Two thousand samples a spectrum leave about so much chance in a band.
    chance = torch.randn(power.shape, generator=generator).to(device).mul(0.25).exp()
    power = power + chance * (colour * (mean * 10**-ratio)[:, None])[:, None, :]
    return power.clamp_min(1e-10).log10(), longer


def altered_faces(images: Tensor, generator: torch.Generator, erase: float) -> Tensor:
    """Random mirror, rotation, scale, shift, blur, fewer pixels, contrast and covered rectangles.

    Args:
        images: uint8 [N, 48, 48].
        erase: probability of a covered rectangle per image.

    Returns:
        float32 [N, 48, 48], 0 to 255.
    """
    n, height, width = images.shape
    device = images.device

    def uniform(low: float, high: float) -> Tensor:
        # Drawn on the CPU: the same seed alters alike on every device.
        return (torch.rand(n, generator=generator) * (high - low) + low).to(device)

    angle = uniform(-0.26, 0.26)  # radians: 15 degrees either way
    scale_x, scale_y = uniform(0.8, 1.15), uniform(0.8, 1.15)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    matrix = torch.zeros(n, 2, 3, device=device)
    matrix[:, 0, 0], matrix[:, 0, 1] = mirror * scale_x * angle.cos(), -scale_x * angle.sin()
    matrix[:, 1, 0], matrix[:, 1, 1] = mirror * scale_y * angle.sin(), scale_y * angle.cos()
    matrix[:, :, 2] = torch.stack([uniform(-0.15, 0.15), uniform(-0.15, 0.15)], 1)
    grid = F.affine_grid(matrix, [n, 1, height, width], align_corners=False)
    crops = F.grid_sample(images[:, None].float(), grid, padding_mode="border", align_corners=False)[:, 0]

    # Cameras blur and compress more than photographs do.
    blurred = F.avg_pool2d(crops, 3, 1, 1, count_include_pad=False)
    crops = torch.lerp(crops, blurred, uniform(-0.3, 1.0).clamp_min(0)[:, None, None])
    # Faces far from a camera are smaller than a crop.
    small = int(torch.randint(height // 3, height - 6, (), generator=generator))
    coarse = F.interpolate(crops[:, None], size=small, mode="bilinear", antialias=True, align_corners=False)
    coarse = F.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)[:, 0]
    crops = torch.where((uniform(0, 1) < 0.25)[:, None, None], coarse, crops)
    gamma = uniform(-0.5, 0.5).exp()[:, None, None]
    crops = (crops / 255).clamp(1e-4, 1).pow(gamma) * 255

    rows = torch.arange(height, device=device)[None, :, None]
    columns = torch.arange(width, device=device)[None, None, :]
    size_y, size_x = uniform(6, 20)[:, None, None], uniform(6, 20)[:, None, None]
    top, left = uniform(0, 40)[:, None, None], uniform(0, 40)[:, None, None]
    covered = (rows >= top) & (rows < top + size_y) & (columns >= left) & (columns < left + size_x)
    covered &= (uniform(0, 1) < erase)[:, None, None]
    return torch.where(covered, crops.mean((1, 2), keepdim=True), crops)


def masked_words(words: list[str], share: float, rng: np.random.Generator) -> list[str]:
    """The words, each hidden with probability ``share``."""
    return [MASKED if hidden else word for word, hidden in zip(words, rng.random(len(words)) < share, strict=True)]
