"""The benchmarked training steps in plain PyTorch: the same networks, losses and optimiser as the Swift stages.

Module and parameter names are those of the Swift networks, so weights load by name. Shapes: B batch, L tokens,
C width, H heads, D latent dimension, V codebook size, K noise levels.
"""

import json
import math

import torch
import torch.nn.functional as F
from torch import nn


class Attention(nn.Module):
    def __init__(self, C, heads):
        super().__init__()
        self.heads = heads
        self.mat_qkv = nn.Linear(C, 3 * C, bias=False)
        self.q_bias = nn.Parameter(torch.zeros(C))
        self.v_bias = nn.Parameter(torch.zeros(C))
        self.scale_mul_1H11 = nn.Parameter(torch.zeros(1, heads, 1, 1))
        self.proj = nn.Linear(C, C)

    def forward(self, x, mask):
        B, L, C = x.shape
        bias = torch.cat([self.q_bias, torch.zeros_like(self.q_bias), self.v_bias])
        qkv = F.linear(x, self.mat_qkv.weight, bias).view(B, L, 3, self.heads, C // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        q = F.normalize(q, dim=-1) * self.scale_mul_1H11.clamp_max(math.log(100)).exp()
        k = F.normalize(k, dim=-1)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1)
        return self.proj(out.transpose(1, 2).reshape(B, L, C))


class FeedForward(nn.Module):
    def __init__(self, C, hidden):
        super().__init__()
        self.fc1 = nn.Linear(C, hidden)
        self.fc2 = nn.Linear(hidden, C)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x), approximate="tanh"))


def modulated_norm(x, scale, shift):
    return F.layer_norm(x, x.shape[-1:], eps=1e-6) * (1 + scale) + shift


class Block(nn.Module):
    def __init__(self, C, heads, ratio):
        super().__init__()
        self.attn = Attention(C, heads)
        self.ffn = FeedForward(C, ratio * C)
        self.ada_lin = nn.Sequential(nn.SiLU(), nn.Linear(C, 6 * C))

    def forward(self, x, class_BC, mask):
        gamma1, gamma2, scale1, scale2, shift1, shift2 = self.ada_lin(class_BC).unsqueeze(1).chunk(6, dim=-1)
        x = x + gamma1 * self.attn(modulated_norm(x, scale1, shift1), mask)
        return x + gamma2 * self.ffn(modulated_norm(x, scale2, shift2))


class HeadNorm(nn.Module):
    def __init__(self, C):
        super().__init__()
        self.ada_lin = nn.Sequential(nn.SiLU(), nn.Linear(C, 2 * C))

    def forward(self, x, class_BC):
        return modulated_norm(x, *self.ada_lin(class_BC).unsqueeze(1).chunk(2, dim=-1))


class ResidualMap:
    """VAR's residual feature map with fixed phi convolutions."""

    def __init__(self, sides, state):
        self.sides = sides
        count = len(state) // 2
        self.phi = [tuple(state[f"quant_resi.qresi_ls.{i}.{n}"] for n in ("weight", "bias")) for i in range(count)]
        margin = 1 / 3 / count if count == 4 else 1 / 2 / count
        ticks = torch.linspace(margin, 1 - margin, count)
        self.phi_of = [int((ticks - s / (len(sides) - 1)).abs().argmin()) for s in range(len(sides))]

    def inputs(self, latents_BLD):
        """What scales 1 and up are shown of the latents of the scales before them."""
        B, _, D = latents_BLD.shape
        S, total, start, views = self.sides[-1], 0, 0, []
        for index, (side, following) in enumerate(zip(self.sides, self.sides[1:])):
            tokens = latents_BLD[:, start : start + side * side].transpose(1, 2).reshape(B, D, side, side)
            start += side * side
            image = F.interpolate(tokens, size=(S, S), mode="bicubic")
            total = total + 0.5 * image + 0.5 * F.conv2d(image, *self.phi[self.phi_of[index]], padding=1)
            views.append(F.interpolate(total, size=(following, following), mode="area").flatten(2).transpose(1, 2))
        return torch.cat(views, dim=1)


class Trunk(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        C, sides = sizes["width"], sizes["patchSides"]
        L = sum(s * s for s in sides)
        self.pos_start = nn.Parameter(torch.zeros(1, sides[0] ** 2, C))
        self.pos_1LC = nn.Parameter(torch.zeros(1, L, C))
        self.word_embed = nn.Linear(sizes["latentDimension"], C)
        self.class_emb = nn.Embedding(sizes["classCount"] + 1, C)
        self.lvl_embed = nn.Embedding(len(sides), C)
        self.blocks = nn.ModuleList(
            Block(C, sizes["heads"], sizes["feedForwardRatio"]) for _ in range(sizes["depth"])
        )
        self.head_nm = HeadNorm(C)
        levels = torch.cat([torch.full((s * s,), i) for i, s in enumerate(sides)])
        self.register_buffer("levels", levels, persistent=False)
        self.register_buffer("mask", levels[:, None] >= levels[None, :], persistent=False)

    def forward(self, inputs_BLD, labels, extra_BLC=None):
        class_BC = self.class_emb(labels)
        x = torch.cat([class_BC.unsqueeze(1) + self.pos_start, self.word_embed(inputs_BLD)], dim=1)
        x = x + self.pos_1LC + self.lvl_embed(self.levels)
        if extra_BLC is not None:
            x = x + extra_BLC
        for block in self.blocks:
            x = block(x, class_BC, self.mask)
        return self.head_nm(x, class_BC)


class Transformer(Trunk):
    def __init__(self, sizes):
        super().__init__(sizes)
        self.head = nn.Linear(sizes["width"], sizes["vocabulary"])

    def forward(self, inputs_BLD, labels):
        return self.head(super().forward(inputs_BLD, labels))


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
    def __init__(self, sizes, head, residual_map, codes_VD, latent_scale):
        super().__init__()
        self.trunk = Trunk(sizes)
        self.head = DenoisingHead(head, sizes["width"], codes_VD)
        self.map, self.latent_scale = residual_map, latent_scale

    def hidden(self, latents_BLD, labels):
        return self.trunk(self.map.inputs(latents_BLD * self.latent_scale), labels)


class Generator(ScoreNetwork):
    def __init__(self, sizes, head, residual_map, codes_VD, latent_scale):
        super().__init__(sizes, head, residual_map, codes_VD, latent_scale)
        self.own_noise = nn.Linear(sizes["latentDimension"], sizes["width"], bias=False)

    def forward(self, noise_BLD, labels):
        inputs = self.map.inputs(noise_BLD * self.latent_scale)
        hidden_BLC = self.trunk(inputs, labels, self.own_noise(noise_BLD))
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


class Twin:
    """Both tasks, from the file that `dd2-bench --export` writes."""

    def __init__(self, file, bf16=False):
        self.sizes = json.loads(file.attrs["transformer"])
        self.settings = json.loads(file.attrs["distillation"])
        self.training = json.loads(file.attrs["training"])
        self.bf16 = bf16
        self.embedding = tensor(file["weights/embedding"])
        scale = self.embedding.square().mean().sqrt()
        self.codes_VD = self.embedding / scale
        self.half_squares_V = self.codes_VD.square().sum(-1) / 2
        self.map = ResidualMap(self.sizes["patchSides"], state(file["weights/map"]))
        students = (self.sizes, self.settings["head"], self.map, self.codes_VD, scale)
        self.teacher = loaded(Transformer(self.sizes), file["weights/teacher"]).requires_grad_(False)
        self.transformer = loaded(Transformer(self.sizes), file["weights/teacher"])
        self.generator = loaded(Generator(*students), file["weights/generator"])
        self.score = loaded(ScoreNetwork(*students), file["weights/score"])
        adam = {"beta1": 0, "beta2": 0.99, "epsilon": 1e-8, "weightDecay": 0, "clipNorm": 1}
        self.score_trainer = Trainer(self.score, adam, self.settings["scoreLearningRate"], warm_up=10)
        self.generator_trainer = Trainer(
            self.generator, adam, self.settings["generatorLearningRate"], 5, self.settings["emaDecay"]
        )
        schedule = self.training["schedule"]
        self.transformer_trainer = Trainer(
            self.transformer, self.training["optimizer"], schedule["peak"], schedule["warmUpSteps"],
            self.training["emaDecay"],
        )

    def network(self, call, *arguments):
        """A network call, under autocast where that is asked for; float32 comes back."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            return call(*arguments).float()

    def nearest(self, q_BLD):
        return (q_BLD @ self.codes_VD.T - self.half_squares_V).argmax(-1)

    def draws(self):
        """Random inputs of one update of stage 2."""
        K, B, D = self.settings["noiseLevels"], self.settings["batch"], self.sizes["latentDimension"]
        L = sum(s * s for s in self.sizes["patchSides"])
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
            prefix_BLD = self.codes_VD[self.nearest(q_BLD)]
            x_t = noised(q_BLD, t, draws["level_noise"])
        hidden_BLC = self.network(self.score.hidden, prefix_BLD, labels)
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
            inputs = self.map.inputs(self.embedding[ids_BL])
            log_p_BLV = self.network(self.teacher, inputs, labels).log_softmax(-1)
            hidden_BLC = self.network(self.score.hidden, prefix_BLD, labels)
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

    def train_teacher(self, batch=None):
        """One step on the given batch or on a random one."""
        if batch is None:
            B, L = self.training["batch"], sum(s * s for s in self.sizes["patchSides"])
            ids = torch.randint(self.sizes["vocabulary"], (B, L))
            batch = {"ids": ids, "labels": torch.randint(self.sizes["classCount"] + 1, (B,))}
        ids_BL, labels = batch["ids"].long(), batch["labels"].long()
        with torch.no_grad():
            inputs = self.map.inputs(self.embedding[ids_BL])
        logits = self.network(self.transformer, inputs, labels)
        loss = F.cross_entropy(logits.flatten(0, 1), ids_BL.flatten())
        norm = self.transformer_trainer.minimize(loss)
        return {"cross_entropy": loss.item(), "perplexity": math.exp(loss.item()), "gradient_norm": norm}


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
