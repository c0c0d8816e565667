"""The lessons: what each stage prepares once, and which loss its steps follow. The loop itself is in train.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from edge_runtime.geometry import whole_card
from pcr_assets.imaging import camera
from pcr_assets.learning import embed, heads, losses, together
from pcr_assets.learning.backbones import EmbeddingNet, see_blocks
from pcr_assets.learning.data import Cards, Image
from pcr_assets.learning.progress import Say
from pcr_assets.learning.settings import Stage1Settings, Stage2Settings, TeacherSettings, TrainingSettings
from pcr_assets.measures import even_sample

REFIT_STRENGTHS = ("medium", "hard")
Prepared = dict[str, Tensor]  # what a stage computes before its first step: kept, so that a resumed run skips it


@dataclass(frozen=True)
class Stage:
    """One stage: its settings, what it prepares, the loss ``criterion(embeddings B×D, rows B, ripeness 0..1)``, and how the
    head is computed once more after the last step, in place, where the settings ask for it."""

    settings: type[TrainingSettings]
    prepare: Callable[[EmbeddingNet, Cards, Any, EmbeddingNet | None, Say], Prepared]
    criterion: Callable[[Prepared, Cards, Any], nn.Module]
    finish: Callable[[EmbeddingNet, Cards, Any, Say], None]


def prepare_teacher(
    net: EmbeddingNet, cards: Cards, settings: TeacherSettings, teacher: EmbeddingNet | None, say: Say
) -> Prepared:
    """A discriminant head, and class proxies where the clean scans lie."""
    head = _discriminant_head(net, cards, settings, say)
    return head | {"proxies": class_means(_clean_embeddings(net, cards, settings.view_size, say), cards.classes)}


def prepare_stage1(
    net: EmbeddingNet, cards: Cards, settings: Stage1Settings, teacher: EmbeddingNet | None, say: Say
) -> Prepared:
    """The teacher's embeddings of all clean cards, and a student head regressed onto them."""
    if teacher is None:
        raise ValueError("stage 1 distils a teacher: the job has to name its weights and model")
    bank = _clean_embeddings(teacher, cards, teacher.spec.input_size, say)
    if not (picked := even_sample(len(cards), settings.head_fit_cards).tolist()):
        return {"bank": bank}
    clean, seen = _features(net, cards, settings, picked, say)
    weight, bias = heads.regression(clean, seen, bank[picked])
    return {"bank": bank, "head.weight": weight, "head.bias": bias}


def prepare_stage2(
    net: EmbeddingNet, cards: Cards, settings: Stage2Settings, teacher: EmbeddingNet | None, say: Say
) -> Prepared:
    """A discriminant head, class proxies where the clean scans lie, and each card's neighbours: those it is confused with."""
    head = _discriminant_head(net, cards, settings, say)
    clean = _clean_embeddings(net, cards, settings.view_size, say)
    return head | {
        "proxies": class_means(clean, cards.classes),
        "neighbours": nearest_others(clean, cards.classes, settings.neighbours - 1),
    }


def refit_discriminant(net: EmbeddingNet, cards: Cards, settings: TrainingSettings, say: Say) -> None:
    """The head with which the next stage would begin: so a stage is judged by what its backbone has learned; in place."""
    if settings.head_refit_cards:
        _refit_head(net, cards, settings, heads.discriminant, say)


def refit_posterior(net: EmbeddingNet, cards: Cards, settings: Stage2Settings, say: Say) -> None:
    """The head that no training follows, which may see more of the backbone than the one that was trained; in place.

    Where there are fewer training cards than ``head_refit_cards`` the head stays: axes that few cards don't show would be lost.
    """
    if not (count := settings.head_refit_cards):
        return
    if len(cards) < count:
        say(f"the head stays as trained: it is computed anew from {count} cards, and there are {len(cards)}")
        return
    if settings.head_refit_blocks:
        see_blocks(net, settings.head_refit_blocks)
    _refit_head(net, cards, settings, heads.posterior, say)


class NamesCards(nn.Module):
    """ArcFace over the classes of the cards, and KoLeo where it is weighed."""

    classes: Tensor

    def __init__(self, prepared: Prepared, cards: Cards, settings: TeacherSettings | Stage2Settings):
        super().__init__()
        self.arcface = losses.ArcFace(prepared["proxies"], settings.margin, settings.scale)
        self.koleo_weight = getattr(settings, "koleo_weight", 0.0)
        self.register_buffer("classes", torch.from_numpy(cards.classes), persistent=False)

    def forward(self, embeddings: Tensor, rows: Tensor, ripeness: float) -> Tensor:
        """The loss of a batch."""
        classes = self.classes[rows]
        loss = self.arcface(embeddings, classes, ripeness)
        if not self.koleo_weight:
            return loss
        return loss + self.koleo_weight * losses.koleo(together.everyones(embeddings), together.everyones(classes))


class MeetsTeacher(nn.Module):
    """Cosine distance to the teacher's embedding of the clean card, and its relations to all other cards."""

    bank: Tensor

    def __init__(self, prepared: Prepared, cards: Cards, settings: Stage1Settings):
        super().__init__()
        self.settings = settings
        self.register_buffer("bank", prepared["bank"], persistent=False)

    def forward(self, embeddings: Tensor, rows: Tensor, ripeness: float) -> Tensor:
        """The loss of a batch; there is no margin that would have to ripen."""
        targets = self.bank[rows]
        relation = losses.relation_divergence(embeddings, targets, self.bank, self.settings.temperature)
        return (
            self.settings.cosine_weight * losses.cosine_distance(embeddings, targets)
            + self.settings.relation_weight * relation
        )


STAGES: Mapping[str, Stage] = {
    "teacher": Stage(TeacherSettings, prepare_teacher, NamesCards, refit_discriminant),
    "student_stage1": Stage(Stage1Settings, prepare_stage1, MeetsTeacher, refit_discriminant),
    # As the teacher did.
    "student_undistilled": Stage(TeacherSettings, prepare_teacher, NamesCards, refit_discriminant),
    "student_stage2": Stage(Stage2Settings, prepare_stage2, NamesCards, refit_posterior),
}


def class_means(embeddings: Tensor, classes: np.ndarray) -> Tensor:
    """The unit mean C×D of the embeddings N×D of each class."""
    sums = torch.zeros(int(classes.max()) + 1, embeddings.shape[1])
    return functional.normalize(sums.index_add_(0, torch.from_numpy(classes), embeddings), dim=1)


def nearest_others(embeddings: Tensor, classes: np.ndarray, count: int) -> Tensor:
    """For each of N rows the ``count`` most similar rows of other classes, int64 N×count, nearest first.

    There are no more columns than other rows; where other classes have too few rows, the last columns are of the row's own.
    """
    count = min(count, len(embeddings) - 1)
    names = torch.from_numpy(classes)
    found = []
    for rows in torch.arange(len(embeddings)).split(1024):
        cosines = embeddings[rows] @ embeddings.T
        cosines[names[rows][:, None] == names[None, :]] = -2.0
        found.append(cosines.topk(count, dim=1).indices)
    return torch.cat(found)


def _discriminant_head(net: EmbeddingNet, cards: Cards, settings: TrainingSettings, say: Say) -> Prepared:
    """The network's new head, which is set; nothing where it keeps the one that it has."""
    if not (picked := even_sample(len(cards), settings.head_fit_cards).tolist()):
        return {}
    weight, bias = heads.discriminant(*_features(net, cards, settings, picked, say), net.spec.embedding_dim)
    heads.set_linear(net.head, weight, bias)
    return {"head.weight": weight, "head.bias": bias}


def _refit_head(
    net: EmbeddingNet,
    cards: Cards,
    settings: TrainingSettings,
    fit: Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]],
    say: Say,
) -> None:
    """Compute the head anew, in what the backbone has learned, at the size at which it will be asked; in place."""
    looks = settings.model_copy(update={"view_size": net.spec.input_size, "strengths": REFIT_STRENGTHS})
    picked = even_sample(len(cards), settings.head_refit_cards).tolist()
    heads.set_linear(net.head, *fit(*_features(net, cards, looks, picked, say), net.spec.embedding_dim))


def _features(
    net: EmbeddingNet, cards: Cards, settings: TrainingSettings, picked: list[int], say: Say
) -> tuple[Tensor, Tensor]:
    """Backbone features of the picked cards, clean and through the camera."""

    def clean(at: int) -> Image:
        return whole_card(cards.image(picked[at]), settings.view_size)

    def seen(at: int) -> Image:
        rng = np.random.default_rng([settings.seed, 0, at])
        strength = settings.strengths[at % len(settings.strengths)]
        return camera.rectified(cards.image(picked[at]), rng, strength, settings.view_size)

    of = partial(embed.each, net, count=len(picked), part="features", say=say)
    return of(clean, what="features of clean cards"), of(seen, what="features of seen cards")


def _clean_embeddings(net: EmbeddingNet, cards: Cards, size: tuple[int, int], say: Say) -> Tensor:
    return embed.each(net, lambda i: whole_card(cards.image(i), size), len(cards), say=say, what="clean cards")
