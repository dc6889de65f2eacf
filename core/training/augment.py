"""Voices as other microphones and rooms would have recorded them, so that neither matters to the model."""

import io

import av
import numpy as np
from scipy.signal import butter, fftconvolve, resample_poly, sosfilt

from core.media import SAMPLE_RATE, Voice


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
    with av.open(buffer) as container:
        pieces = [p.to_ndarray()[0] for f in container.decode(audio=0) for p in resampler.resample(f)]
    return np.concatenate(pieces)[: len(samples)]
