"""The losses of the three stages. All take unit vectors; a test recomputes each in a plain Python loop.

Shapes: B views in a batch, C classes (or cards in a bank), D dimensions.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class ArcFace(nn.Module):
    """Cross-entropy over cosines to one learned proxy a class, with an additive angular margin for the right class.

    Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", CVPR 2019. With one scan a card the
    proxies start at the embeddings of the clean scans, and the margin grows from zero: a full margin on day one
    tears apart what the backbone already knows.
    """

    def __init__(self, proxies: Tensor, margin: float, scale: float):
        """``proxies`` C×D are the first proxies; ``margin`` is in radians; ``scale`` is the inverse temperature."""
        super().__init__()
        self.proxies = nn.Parameter(proxies.clone())
        self.margin = margin
        self.scale = scale

    def forward(self, embeddings: Tensor, classes: Tensor, ripeness: float = 1.0) -> Tensor:
        """The mean loss of B×D unit embeddings and their B classes; ``ripeness`` 0..1 is the share of the margin in force."""
        cosines = embeddings @ functional.normalize(self.proxies, dim=1).T
        right = torch.zeros_like(cosines).scatter_(1, classes[:, None], 1.0)
        angles = torch.acos(cosines.clamp(-1 + 1e-6, 1 - 1e-6))
        # Beyond pi the cosine would rise again and reward a worse angle.
        with_margin = torch.cos((angles + ripeness * self.margin * right).clamp(max=torch.pi))
        return functional.cross_entropy(self.scale * with_margin, classes)


def cosine_distance(embeddings: Tensor, targets: Tensor) -> Tensor:
    """The mean of 1 - cosine between B×D unit embeddings and their B×D unit targets."""
    return 1 - (embeddings * targets).sum(dim=1).mean()


def relation_divergence(embeddings: Tensor, targets: Tensor, bank: Tensor, temperature: float) -> Tensor:
    """How differently student and teacher rank a bank of cards, as a KL divergence of softmaxed similarities.

    ``embeddings`` B×D are the student's, ``targets`` B×D the teacher's of the same cards, ``bank`` C×D the teacher's of
    all cards. Tejankar et al., "ISD: Self-Supervised Learning by Iterative Similarity Distillation", ICCV 2021. Twins
    share the teacher's probability, so nothing asks the student to tell them apart.
    """
    wanted = functional.softmax(targets @ bank.T / temperature, dim=1)
    found = functional.log_softmax(embeddings @ bank.T / temperature, dim=1)
    return functional.kl_div(found, wanted, reduction="batchmean")


def koleo(embeddings: Tensor, cards: Tensor) -> Tensor:
    """The KoLeo regulariser: minus the mean log distance to the nearest embedding of another card.

    Sablayrolles et al., "Spreading vectors for similarity search", ICLR 2019. Views of one card do not repel each other,
    as in SSCD (Pizzi et al., CVPR 2022). A batch of one card only has nothing to spread and gives zero.
    """
    others = cards[:, None] != cards[None, :]
    if not others.any():
        return embeddings.sum() * 0
    cosines = (embeddings @ embeddings.T).masked_fill(~others, -2.0)
    nearest = cosines.max(dim=1).values
    lonely = nearest < -1.5
    squared = (2 - 2 * nearest).clamp(min=1e-8)
    return -(0.5 * squared.log())[~lonely].mean()
