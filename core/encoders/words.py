"""Word features: the states of MiniLM, averaged over the pieces of each word.

MiniLM was trained to tell what a sentence is about. A ``WordAdapter`` is what it learned since about how it is meant:
a change of low rank to its weights, small enough to lie in a checkpoint.
"""

import threading
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from transformers import AutoModel, AutoTokenizer, BatchEncoding
from transformers.utils import logging

from core.encoders.packaged import MINILM, MINILM_TOKENIZER, locate
from core.memory import as_if_not_installed

STATE_WIDTH, INNER_WIDTH, BLOCKS = 384, 1536, 6
WINDOW_WORDS = 100  # MiniLM reads 512 pieces at most; longer transcripts are read in parts
BATCH = 32  # utterances that MiniLM reads at a time
MASKED = "[MASK]"  # stands for a word that is not to be read

LINEARS = {  # in each block: (features out, features in)
    "attention.self.query": (STATE_WIDTH, STATE_WIDTH),
    "attention.self.key": (STATE_WIDTH, STATE_WIDTH),
    "attention.self.value": (STATE_WIDTH, STATE_WIDTH),
    "attention.output.dense": (STATE_WIDTH, STATE_WIDTH),
    "intermediate.dense": (INNER_WIDTH, STATE_WIDTH),
    "output.dense": (STATE_WIDTH, INNER_WIDTH),
}


class WordAdapter(nn.Module):
    """A change ``up @ down`` to every linear layer of MiniLM's blocks (LoRA, Hu et al. 2022); none before training.

    Args:
        rank: of each change.
    """

    def __init__(self, rank: int = 8):
        super().__init__()
        self.rank = rank
        self.down, self.up = nn.ParameterList(), nn.ParameterList()  # one of each a linear layer, all blocks in it
        for width_out, width_in in LINEARS.values():
            self.down.append(torch.randn(BLOCKS, rank, width_in) / width_in**0.5)
            self.up.append(torch.zeros(BLOCKS, width_out, rank))

    @classmethod
    def nearest(cls, changes: Iterable[Tensor], rank: int) -> Self:
        """The adapter whose changes are nearest to those given, by their largest singular values (Eckart and Young
        1936).

        Args:
            changes: [BLOCKS, features out, features in] for each of ``LINEARS``.
        """
        adapter = cls(rank)
        for place, change in enumerate(changes):
            left, values, right = torch.linalg.svd(change.detach().float().cpu(), full_matrices=False)
            root = values[:, :rank].sqrt()  # [BLOCKS, rank]: half of it on each side, which half precision holds best
            adapter.up[place] = left[..., :rank] * root[:, None]
            adapter.down[place] = root[..., None] * right[:, :rank]
        return adapter

    @property
    def changes(self) -> list[Tensor]:
        """[BLOCKS, features out, features in] for each of ``LINEARS``."""
        return [up @ down for down, up in zip(self.down, self.up, strict=True)]

    def weights(self, minilm: nn.Module) -> dict[str, Tensor]:
        """The changed weights by their name in ``minilm``, which stays as it is."""
        return changed(minilm, self.changes)


def changed(minilm: nn.Module, changes: Iterable[Tensor]) -> dict[str, Tensor]:
    """Weights of ``minilm`` with ``changes`` added, by their names in it; it stays as it is.

    Args:
        changes: [BLOCKS, features out, features in] for each of ``LINEARS``.
    """
    weights = {}
    for layer, of_blocks in zip(LINEARS, changes, strict=True):
        for block, change in enumerate(of_blocks):
            name = f"encoder.layer.{block}.{layer}.weight"
            weights[name] = minilm.get_parameter(name) + change
    return weights


class WordEncoder:
    """all-MiniLM-L6-v2 (Reimers and Gurevych 2019; Wang et al. 2020) as a source of word features.

    Args:
        layers: which hidden states are put side by side: 0 the embeddings, 6 the last layer.
        adapter: changes MiniLM's weights; without it they are as they were published.
    """

    def __init__(self, layers: tuple[int, ...] = (6,), device: str = "cpu", adapter: WordAdapter | None = None):
        locate(MINILM_TOKENIZER)
        folder = locate(MINILM).parent
        logging.disable_progress_bar()
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        # With BERT transformers imports PyTorch's compiler, and that Triton, which compiles for GPUs: 70 MB.
        with nullcontext() if torch.cuda.is_available() else as_if_not_installed("triton"):
            self.model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()
        if adapter is not None:
            self.model.load_state_dict(adapter.cpu().weights(self.model), strict=False)
        self.model.to(device)
        self.adapter = adapter
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
        by_length = sorted(range(len(utterances)), key=lambda i: len(utterances[i]))  # so that little is padding
        found: dict[int, np.ndarray] = {}
        for start in range(0, len(utterances), BATCH):
            chosen = by_length[start : start + BATCH]
            states, batch = self.states([utterances[i] for i in chosen])
            for row, i in enumerate(chosen):
                found[i] = _mean_per_word(states[row], batch.word_ids(row), len(utterances[i])).cpu().numpy()
        return [found[i] for i in range(len(utterances))]

    def states(
        self, utterances: list[list[str]], weights: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, BatchEncoding]:
        """States [B, pieces, width] of the pieces of each utterance, padded, and which piece belongs to which word.

        Args:
            weights: by name in MiniLM, used in the place of its own.
        """
        with self._lock:
            batch = self.tokenizer(
                utterances, is_split_into_words=True, padding=True, truncation=True, max_length=512, return_tensors="pt"
            )
        given = {**batch.to(self.model.device), "output_hidden_states": True}
        hidden = functional_call(self.model, weights or {}, kwargs=given).hidden_states
        return torch.cat([hidden[layer] for layer in self.layers], 2), batch


def _mean_per_word(states: Tensor, word_ids: list[int | None], words: int) -> Tensor:
    """[pieces, width] -> [words, width]; a word without pieces (an unprintable one) gets zeros."""
    pieces = [piece for piece, word in enumerate(word_ids) if word is not None]
    owner = torch.tensor([word_ids[piece] for piece in pieces], dtype=torch.long, device=states.device)
    total = states.new_zeros(words, states.shape[1]).index_add_(0, owner, states[pieces])
    count = torch.bincount(owner, minlength=words).clamp_min(1)
    return total / count[:, None]
