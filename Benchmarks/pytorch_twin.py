"""The benchmarked training steps in plain PyTorch: the same students, losses and optimiser as the Swift stages.

Module and parameter names are those of the Swift networks, so weights load by name. Shapes: B batch, L tokens,
C width, H heads, D latent dimension, V codebook size, K noise levels.
"""

import json
import math

import torch
import torch.nn.functional as F
from torch import nn

from pytorch_var import ResidualMap, Transformer, Trunk


class HeadBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.up = nn.Linear(width, width)
        self.down = nn.Linear(width, width)

    def forward(self, z):
        return z + self.down(F.silu(self.up(self.norm(z))))


class DenoisingHead(nn.Module):
    FREQUENCIES = 16

    def __init__(self, sizes, C, codes_VD):
        super().__init__()
        width, (V, D) = sizes["width"], codes_VD.shape
        assert sizes["estimate"] == "posterior"
        self.codes_VD = codes_VD
        self.classifier = nn.Linear(C, V)
        self.from_hidden = nn.Linear(C, width)
        self.from_latent = nn.Linear(D, width, bias=False)
        self.from_time = nn.Linear(2 * self.FREQUENCIES, width, bias=False)
        self.blocks = nn.ModuleList(HeadBlock(width) for _ in range(sizes["depth"]))
        self.final_norm = nn.LayerNorm(width, eps=1e-6)
        self.output = nn.Linear(width, D)
        octaves = torch.arange(self.FREQUENCIES) * 6 / (self.FREQUENCIES - 1) - 1
        self.register_buffer("frequencies", math.pi * 2**octaves, persistent=False)

    def forward(self, hidden_BLC, x_t, t):
        """x_t (K, B, L, D), t (K, B, L)."""
        angles = t.unsqueeze(-1) * self.frequencies
        t = t.unsqueeze(-1)
        norm = ((1 - t) ** 2 + t**2).sqrt()
        features = torch.cat([angles.sin(), angles.cos()], dim=-1)
        z = self.from_latent(x_t / norm) + self.from_hidden(hidden_BLC) + self.from_time(features)
        for block in self.blocks:
            z = block(z)
        estimate = posterior_mean(x_t, t, self.classifier(hidden_BLC), self.codes_VD)
        return estimate + self.output(self.final_norm(z)) * (t / norm)


class ScoreNetwork(nn.Module):
    def __init__(self, trunk, sizes, head, codes_VD, latent_scale):
        super().__init__()
        self.trunk = trunk
        self.head = DenoisingHead(head, sizes["width"], codes_VD)
        self.latent_scale = latent_scale

    def hidden(self, latents_BLD, labels, ids_BL=None, extra_BLC=None):
        return self.trunk.hidden(latents_BLD * self.latent_scale, labels, ids_BL, extra_BLC)


class Generator(ScoreNetwork):
    def __init__(self, trunk, sizes, head, codes_VD, latent_scale):
        super().__init__(trunk, sizes, head, codes_VD, latent_scale)
        self.own_noise = nn.Linear(sizes["latentDimension"], sizes["width"], bias=False)

    def forward(self, noise_BLD, labels):
        hidden_BLC = self.hidden(noise_BLD, labels, extra_BLC=self.own_noise(noise_BLD))
        t = torch.ones(1, *noise_BLD.shape[:2])
        return self.head(hidden_BLC, noise_BLD.unsqueeze(0), t).squeeze(0)


class Trainer:
    """AdamW with decay on matrices only, clipping, linear warm-up, and an average of the weights on request."""

    def __init__(self, network, optimizer, peak, warm_up, ema_decay=None):
        matrices = [p for p in network.parameters() if p.ndim >= 2]
        vectors = [p for p in network.parameters() if p.ndim < 2]
        groups = [{"params": matrices, "weight_decay": optimizer["weightDecay"]}, {"params": vectors, "weight_decay": 0}]
        betas = (float(optimizer["beta1"]), float(optimizer["beta2"]))
        self.optimizer = torch.optim.AdamW(groups, lr=peak, betas=betas, eps=optimizer["epsilon"])
        self.network, self.peak, self.warm_up, self.steps = network, peak, warm_up, 0
        self.clip, self.ema_decay = optimizer["clipNorm"], ema_decay
        self.average = [p.detach().clone() for p in network.parameters()] if ema_decay else []

    def minimize(self, loss):
        self.optimizer.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        for group in self.optimizer.param_groups:
            group["lr"] = self.peak * min(1, (self.steps + 1) / self.warm_up)
        self.optimizer.step()
        self.steps += 1
        decay = min(self.ema_decay, self.steps / (self.steps + 9)) if self.ema_decay else None
        for average, parameter in zip(self.average, self.network.parameters()):
            average.lerp_(parameter.detach(), 1 - decay)
        return norm.item()


class Stage2:
    """The networks of a distillation with their optimisers, and the updates of stage 2.

    `teacher` gives logits (B, L, V) of ids (B, L) and labels; `embedding` (V, D) holds its codes in its own scale."""

    def __init__(self, sizes, settings, embedding, teacher, trunk, precision="float32"):
        """`trunk()` makes a students' trunk."""
        self.sizes, self.settings, self.precision = sizes, settings, precision
        self.embedding = embedding
        scale = embedding.square().mean().sqrt()
        self.codes_VD = embedding / scale
        self.half_squares_V = self.codes_VD.square().sum(-1) / 2
        self.teacher = teacher.requires_grad_(False)
        students = (sizes, settings["head"], self.codes_VD, scale)
        self.generator = Generator(trunk(), *students)
        self.score = ScoreNetwork(trunk(), *students)
        adam = {"beta1": 0, "beta2": 0.99, "epsilon": 1e-8, "weightDecay": 0, "clipNorm": 1}
        self.score_trainer = Trainer(self.score, adam, settings["scoreLearningRate"], warm_up=10)
        self.generator_trainer = Trainer(
            self.generator, adam, settings["generatorLearningRate"], 5, settings["emaDecay"]
        )
        self.length = length(sizes)

    def network(self, call, *arguments):
        """A network call, under autocast where that is asked for; float32 comes back."""
        device = self.embedding.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.precision == "bfloat16"):
            return call(*arguments).float()

    def nearest(self, q_BLD):
        return (q_BLD @ self.codes_VD.T - self.half_squares_V).argmax(-1)

    def draws(self):
        """Random inputs of one update of stage 2."""
        K, B, D = self.settings["noiseLevels"], self.settings["batch"], self.sizes["latentDimension"]
        L = self.length
        low, high = self.settings["timeRange"]
        return {
            "noise": torch.randn(B, L, D), "level_noise": torch.randn(K, B, L, D),
            "t": torch.empty(K, B, L).uniform_(low, high),
            "labels": torch.randint(self.sizes["classCount"], (B,)),
        }

    def update_score(self, draws):
        labels, t = draws["labels"].long(), draws["t"]
        with torch.no_grad():
            q_BLD = self.network(self.generator, draws["noise"], labels)
            ids_BL = self.nearest(q_BLD)
            x_t = noised(q_BLD, t, draws["level_noise"])
        hidden_BLC = self.network(self.score.hidden, self.codes_VD[ids_BL], labels, ids_BL)
        prediction = self.network(self.score.head, hidden_BLC, x_t, t)
        loss = (prediction - q_BLD).square().sum(-1).mean()
        norm = self.score_trainer.minimize(loss)
        return {"fcs": loss.item(), "score_gradient_norm": norm}

    def update_generator(self, draws):
        labels, t = draws["labels"].long(), draws["t"]
        q_BLD = self.network(self.generator, draws["noise"], labels)
        with torch.no_grad():
            ids_BL = self.nearest(q_BLD)
            prefix_BLD = self.codes_VD[ids_BL]
            log_p_BLV = self.network(self.teacher, ids_BL, labels).log_softmax(-1)
            hidden_BLC = self.network(self.score.hidden, prefix_BLD, labels, ids_BL)
        x_t = noised(q_BLD, t, draws["level_noise"])
        real = posterior_mean(x_t, t.unsqueeze(-1), log_p_BLV, self.codes_VD)
        self.score.requires_grad_(False)
        fake = self.network(self.score.head, hidden_BLC, x_t, t)
        self.score.requires_grad_(True)
        weight = 1 / ((q_BLD - real).detach().abs().mean(dim=(2, 3), keepdim=True) + 1e-3)
        difference = real - fake
        per_element = difference * (real - q_BLD) - self.settings["alpha"] * difference.square()
        loss = (weight * per_element).sum(-1).mean()
        norm = self.generator_trainer.minimize(loss)
        with torch.no_grad():
            chances = torch.bincount(ids_BL.flatten()) / ids_BL.numel()
            return {
                "csd": loss.item(), "generator_gradient_norm": norm,
                "score_difference": difference.abs().mean().item(),
                "teacher_nll": F.nll_loss(log_p_BLV.flatten(0, 1), ids_BL.flatten()).item(),
                "teacher_entropy": -(log_p_BLV.exp() * log_p_BLV).sum(-1).mean().item(),
                "token_entropy": torch.special.entr(chances).sum().item(),
                "code_distance": (q_BLD - prefix_BLD).norm(dim=-1).mean().item(),
            }

    def cycle(self, score_draws=None, generator_draws=None):
        """The score updates and one generator update, on the given draws or on fresh ones."""
        for update in range(self.settings["scoreUpdates"]):
            metrics = self.update_score(score_draws[update] if score_draws else self.draws())
        return metrics | self.update_generator(generator_draws or self.draws())


class Twin(Stage2):
    """Both tasks of the built-in model, from the file that `dd2-bench --export` writes."""

    def __init__(self, file, bf16=False):
        sizes = json.loads(file.attrs["transformer"])
        self.training = json.loads(file.attrs["training"])
        embedding = tensor(file["weights/embedding"])
        residual_map = ResidualMap(sizes["patchSides"], state(file["weights/map"]))
        teacher, self.transformer = (
            loaded(Transformer(sizes, residual_map, embedding), file["weights/teacher"]) for _ in range(2)
        )
        settings = read_settings(json.loads(file.attrs["distillation"]))
        precision = "bfloat16" if bf16 else "float32"
        super().__init__(sizes, settings, embedding, teacher, lambda: Trunk(sizes, residual_map), precision)
        # The averages, too, begin with these weights.
        for name, trainer in (("generator", self.generator_trainer), ("score", self.score_trainer)):
            loaded(trainer.network, file[f"weights/{name}"])
            trainer.average = [p.detach().clone() for p in trainer.network.parameters()] if trainer.average else []
        schedule = self.training["schedule"]
        self.transformer_trainer = Trainer(
            self.transformer, self.training["optimizer"], schedule["peak"], schedule["warmUpSteps"],
            self.training["emaDecay"],
        )

    def train_teacher(self, batch=None):
        """One step on the given batch or on a random one."""
        if batch is None:
            B = self.training["batch"]
            ids = torch.randint(self.sizes["vocabulary"], (B, self.length))
            batch = {"ids": ids, "labels": torch.randint(self.sizes["classCount"] + 1, (B,))}
        ids_BL, labels = batch["ids"].long(), batch["labels"].long()
        logits = self.network(self.transformer, ids_BL, labels)
        loss = F.cross_entropy(logits.flatten(0, 1), ids_BL.flatten())
        norm = self.transformer_trainer.minimize(loss)
        return {"cross_entropy": loss.item(), "perplexity": math.exp(loss.item()), "gradient_norm": norm}


def read_settings(file):
    """What `Stage2` needs of a distillation's settings, as dd2 writes them."""
    stage2 = file["stage2"]
    return {
        "batch": file["batch"], "noiseLevels": file["noise_levels"], "head": file["head"], "alpha": stage2["alpha"],
        "scoreUpdates": stage2["score_updates"], "timeRange": (stage2["min_time"], stage2["max_time"]),
        "scoreLearningRate": stage2["score_learning_rate"],
        "generatorLearningRate": stage2["generator_learning_rate"], "emaDecay": file["average"]["decay"],
    }  # fmt: skip


def length(sizes):
    """Tokens of an image."""
    return sum(s * s for s in sizes["patchSides"]) if "patchSides" in sizes else sizes["side"] ** 2


def noised(q_BLD, t, noise):
    t = t.unsqueeze(-1)
    return (1 - t) * q_BLD + t * noise


def posterior_mean(x_t, t, log_p_BLV, codes_VD):
    """sum_j w_j c_j with w = softmax_j(log p_j - |x_t - (1-t) c_j|^2 / (2 t^2)); |x_t|^2 cancels. t (K, B, L, 1)."""
    half_squares_V = codes_VD.square().sum(-1) / 2
    logits = log_p_BLV + ((1 - t) / t**2) * (x_t @ codes_VD.T) - ((1 - t) / t) ** 2 * half_squares_V
    return logits.softmax(-1) @ codes_VD


def tensor(dataset):
    return torch.from_numpy(dataset[()])


def state(group):
    return {name: tensor(dataset) for name, dataset in group.items()}


def loaded(network, group):
    network.load_state_dict(state(group))
    return network
