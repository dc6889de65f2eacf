"""Word features: the states of a frozen MiniLM, averaged over the pieces of each word."""

import threading

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from core.weights import MINILM, MINILM_TOKENIZER, locate

STATE_WIDTH = 384
WINDOW_WORDS = 100  # MiniLM reads 512 pieces at most; longer transcripts are read in parts


class WordEncoder:
    """all-MiniLM-L6-v2 (Reimers and Gurevych 2019; Wang et al. 2020) as a source of word features.

    Args:
        layers: which hidden states are put side by side: 0 the embeddings, 6 the last layer.
    """

    def __init__(self, layers: tuple[int, ...] = (6,), device: str = "cpu"):
        locate(MINILM_TOKENIZER)
        folder = locate(MINILM).parent
        logging.disable_progress_bar()
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).to(device).eval()
        self.layers = layers
        self._lock = threading.Lock()  # the tokenizer keeps its padding settings in shared state

    @property
    def width(self) -> int:
        """Features a word."""
        return STATE_WIDTH * len(self.layers)

    def encode(self, words: list[str]) -> np.ndarray:
        """Features float32 [n, width] of the words of one utterance, in context."""
        parts = [words[start : start + WINDOW_WORDS] for start in range(0, len(words), WINDOW_WORDS)]
        return np.concatenate([self.encode_all([part])[0] for part in parts] or [np.zeros((0, self.width), np.float32)])

    @torch.inference_mode()
    def encode_all(self, utterances: list[list[str]]) -> list[np.ndarray]:
        """Features float32 [n, width] of each of several utterances of at most ``WINDOW_WORDS`` words, none empty."""
        with self._lock:
            batch = self.tokenizer(
                utterances, is_split_into_words=True, padding=True, truncation=True, max_length=512, return_tensors="pt"
            )
        hidden = self.model(**batch.to(self.model.device), output_hidden_states=True).hidden_states
        states = torch.cat([hidden[layer] for layer in self.layers], 2)  # [B, pieces, width]
        return [
            _mean_per_word(states[i], batch.word_ids(i), len(words)).cpu().numpy() for i, words in enumerate(utterances)
        ]


def _mean_per_word(states: torch.Tensor, word_ids: list[int | None], words: int) -> torch.Tensor:
    """[pieces, width] -> [words, width]; a word without pieces (an unprintable one) gets zeros."""
    pieces = [piece for piece, word in enumerate(word_ids) if word is not None]
    owner = torch.tensor([word_ids[piece] for piece in pieces], dtype=torch.long, device=states.device)
    total = states.new_zeros(words, states.shape[1]).index_add_(0, owner, states[pieces])
    count = torch.bincount(owner, minlength=words).clamp_min(1)
    return total / count[:, None]
