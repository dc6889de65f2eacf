"""Face encoder: a 48x48 grey crop of a face becomes an embedding of its expression.

A small residual network with squeeze-and-excitation (He et al. 2016; Hu et al. 2018), trained on
FER2013 (Goodfellow et al. 2013) by ``scripts/train.py face``. Its penultimate activation is the
video feature of both fusion models; its own classifier serves training and evaluation.
"""

import copy
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


@dataclass(frozen=True)
class ExpressionConfig:
    """Sizes of the face encoder; stored beside its weights."""

    widths: tuple[int, ...] = (32, 64, 128, 256)  # channels of the stem and of each stage
    blocks: int = 2  # residual blocks a stage
    dropout: float = 0.3  # on the embedding, in training only
    classes: int = 7

    @property
    def embedding(self) -> int:
        """Width of the embedding."""
        return self.widths[-1]


class SqueezeExcitation(nn.Module):
    """Weights each channel by a gate computed from the mean of all channels."""

    def __init__(self, width: int, reduction: int = 8):
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(width, width // reduction), nn.ReLU(),
            nn.Linear(width // reduction, width), nn.Sigmoid(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:  # [N, C, H, W]
        return x * self.gate(x.mean((2, 3)))[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a gate, added to the (projected) input."""

    def __init__(self, width_in: int, width: int, stride: int):
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv2d(width_in, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width),
            SqueezeExcitation(width),
        )  # fmt: skip
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or width_in != width:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride), nn.Conv2d(width_in, width, 1, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.convolutions(x) + self.shortcut(x))


class ExpressionNet(nn.Module):
    """``forward`` gives the logits of one crop each, ``embed`` the features used by fusion."""

    def __init__(self, config: ExpressionConfig = ExpressionConfig()):
        super().__init__()
        self.config = config
        stem, *stages = config.widths
        layers: list[nn.Module] = [nn.Conv2d(1, stem, 3, 1, 1, bias=False), nn.BatchNorm2d(stem), nn.ReLU()]
        width_in = stem
        for width in stages:  # 48 -> 24 -> 12 -> 6 pixels
            for block in range(config.blocks):
                layers.append(ResidualBlock(width_in, width, stride=2 if block == 0 else 1))
                width_in = width
        self.trunk = nn.Sequential(*layers)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.embedding, config.classes)

    def embed(self, crops: Tensor) -> Tensor:
        """The feature of fusion: embeddings [N, D] of grey crops [N, 48, 48], each the mean with its mirror image's."""
        return (self._embed(crops) + self._embed(crops.flip(2))) / 2

    def forward(self, crops: Tensor) -> Tensor:
        """Logits [N, 7] of grey crops [N, 48, 48], uint8 or float, of any brightness and contrast."""
        return self.classifier(self.dropout(self._embed(crops)))

    def _embed(self, crops: Tensor) -> Tensor:
        return self.trunk(standardise(crops)[:, None]).mean((2, 3))


def folded(model: ExpressionNet) -> ExpressionNet:
    """A copy for inference alone: the same function in two thirds of the time, normalisations in the convolutions."""
    model = copy.deepcopy(model).eval().requires_grad_(False)
    for sequence in [part for part in model.modules() if isinstance(part, nn.Sequential)]:
        for i, (layer, behind) in enumerate(pairwise(list(sequence))):
            if isinstance(layer, nn.Conv2d) and isinstance(behind, nn.BatchNorm2d):
                sequence[i], sequence[i + 1] = fuse_conv_bn_eval(layer, behind), nn.Identity()
    return channels_last(model)


def channels_last(model: ExpressionNet) -> ExpressionNet:
    """The same model, its weights laid out in memory as convolutions are fastest with."""
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's own types lack it


def standardise(crops: Tensor) -> Tensor:
    """Crops [N, H, W] with mean 0 and std 1 each: light and camera gain carry no expression."""
    crops = crops.float()
    std, mean = torch.std_mean(crops, (1, 2), keepdim=True)
    return (crops - mean) / std.clamp_min(1.0)  # of 255; a flat crop stays flat
