#!/usr/bin/env python3
"""Writes files of synthetic weights in PyTorch's zip format, with the names and shapes of published models.

    scripts/make-synthetic-weights.py MODEL FOLDER      (needs NumPy, no PyTorch)

MODEL is var-d16 ... var-d36 (writes var_d16.pth and vae_ch160v4096z32.pth), llamagen-b ... llamagen-3b (c2i_L_256.pt
and vq_ds16_c2i.pt), inception (pt_inception-2015-12-05-6726825d.pth, in the form before PyTorch 1.6 as the published
one), or golden-var and golden-llamagen, the small models of Tests/TestSupport/Goldens. Weights follow from their names
alone (Tests/TestSupport/SyntheticWeights.swift), so that a model of any size can be imported, timed
and compared where the published files cannot be had. A file needs no more memory than its largest tensor.
"""

import argparse
import os
import struct
import zipfile

import numpy as np

GOLDEN_RATIO = 0x9E3779B97F4A7C15


def fnv1a(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def synthetic(name, shape, gain=1.0):
    """float32 elements of the weight `name`: splitmix64 of the name's FNV-1a hash and the element's number.

    `gain` is a factor before rounding."""
    count = int(np.prod(shape))
    z = np.arange(1, count + 1, dtype=np.uint64)
    z *= np.uint64(GOLDEN_RATIO)
    z += np.uint64(fnv1a(name))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    uniform = (z >> np.uint64(40)).astype(np.float64) / 2**24
    signed = 2 * uniform - 1
    if len(shape) > 1:
        values = gain * signed * np.sqrt(3 / np.prod(shape[1:]))
    elif name.endswith("running_var"):
        values = 1 + 0.5 * uniform
    elif name.endswith(".weight"):
        values = 1 + 0.1 * signed
    else:
        values = 0.1 * signed
    return values.astype("<f4").reshape(shape)


class Model:
    """Names, shapes and the arrays behind them, made when they are written."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.tensors = []

    def add(self, name, *shape, make=None):
        self.tensors.append((name, shape, make or (lambda: synthetic(self.prefix + name, shape))))

    def layer(self, name, *shape, bias=True):
        self.add(name + ".weight", *shape)
        if bias:
            self.add(name + ".bias", shape[0])


def residual(model, path, inputs, outputs):
    model.layer(path + ".norm1", inputs)
    model.layer(path + ".conv1", outputs, inputs, 3, 3)
    model.layer(path + ".norm2", outputs)
    model.layer(path + ".conv2", outputs, outputs, 3, 3)
    if inputs != outputs:
        model.layer(path + ".nin_shortcut", outputs, inputs, 1, 1)


def attention(model, path, channels, packed):
    model.layer(path + ".norm", channels)
    for name, factor in [("qkv", 3)] if packed else [("q", 1), ("k", 1), ("v", 1)]:
        model.layer(f"{path}.{name}", factor * channels, channels, 1, 1)
    model.layer(path + ".proj_out", channels, channels, 1, 1)


def pixels(model, channels, multipliers, blocks, latent, is_var):
    """Encoder and decoder of VAR's VQVAE or LlamaGen's VQ."""
    last = len(multipliers) - 1
    widths = [channels * factor for factor in multipliers]

    def middle(path):
        names = ["block_1", "attn_1", "block_2"] if is_var else ["0", "1", "2"]
        residual(model, f"{path}.mid.{names[0]}", widths[last], widths[last])
        attention(model, f"{path}.mid.{names[1]}", widths[last], is_var)
        residual(model, f"{path}.mid.{names[2]}", widths[last], widths[last])

    block = "block" if is_var else "res"
    model.layer("encoder.conv_in", channels, 3, 3, 3)
    width = channels
    for level in range(last + 1):
        path = f"encoder.{'down' if is_var else 'conv_blocks'}.{level}"
        for index in range(blocks):
            residual(model, f"{path}.{block}.{index}", width, widths[level])
            width = widths[level]
            if level == last:
                attention(model, f"{path}.attn.{index}", width, is_var)
        if level != last:
            model.layer(path + ".downsample.conv", width, width, 3, 3)
    middle("encoder")
    model.layer("encoder.norm_out", width)
    model.layer("encoder.conv_out", latent, width, 3, 3)

    model.layer("decoder.conv_in", width, latent, 3, 3)
    middle("decoder")
    for level in reversed(range(last + 1)):
        path = f"decoder.up.{level}" if is_var else f"decoder.conv_blocks.{last - level}"
        for index in range(blocks + 1):
            residual(model, f"{path}.{block}.{index}", width, widths[level])
            width = widths[level]
            if level == last:
                attention(model, f"{path}.attn.{index}", width, is_var)
        if level != 0:
            model.layer(path + ".upsample.conv", width, width, 3, 3)
    model.layer("decoder.norm_out", width)
    model.layer("decoder.conv_out", 3, width, 3, 3)


def var_tokenizer(prefix, channels, D, V, scales):
    model = Model(prefix)
    pixels(model, channels, [1, 1, 2, 2, 4], 2, D, True)
    for name in ["quant_conv", "post_quant_conv"] + [f"quantize.quant_resi.qresi_ls.{i}" for i in range(4)]:
        model.layer(name, D, D, 3, 3)
    model.add("quantize.embedding.weight", V, D)
    model.add("quantize.ema_vocab_hit_SV", scales, V, make=lambda: np.zeros((scales, V), "<f4"))
    return model


def var_transformer(prefix, depth, C, heads, classes, sides, D, V, shared):
    model = Model(prefix)
    levels = np.repeat(np.arange(len(sides)), np.square(sides)).astype("<i8")
    L = len(levels)
    model.add("pos_start", 1, 1, C)
    model.add("pos_1LC", 1, L, C)
    model.add("lvl_1L", 1, L, make=lambda: levels.reshape(1, L))
    mask = lambda: np.where(levels[:, None] >= levels[None], 0, -np.inf).astype("<f4").reshape(1, 1, L, L)
    model.add("attn_bias_for_masking", 1, 1, L, L, make=mask)
    model.layer("word_embed", C, D)
    model.layer("class_emb", classes + 1, C, bias=False)
    model.layer("lvl_embed", len(sides), C, bias=False)
    if shared:
        model.layer("shared_ada_lin.1", 6 * C, C)
    scale = lambda: (np.log(4) + np.linspace(-0.5, 0.5, heads)).astype("<f4").reshape(1, heads, 1, 1)
    for index in range(depth):
        path = f"blocks.{index}"
        model.add(path + ".attn.scale_mul_1H11", 1, heads, 1, 1, make=scale)
        model.add(path + ".attn.q_bias", C)
        model.add(path + ".attn.v_bias", C)
        model.add(path + ".attn.zero_k_bias", C, make=lambda: np.zeros(C, "<f4"))
        model.layer(path + ".attn.mat_qkv", 3 * C, C, bias=False)
        model.layer(path + ".attn.proj", C, C)
        model.layer(path + ".ffn.fc1", 4 * C, C)
        model.layer(path + ".ffn.fc2", C, 4 * C)
        if shared:
            model.add(path + ".ada_gss", 1, 1, 6, C)
        else:
            model.layer(path + ".ada_lin.1", 6 * C, C)
    model.layer("head_nm.ada_lin.1", 2 * C, C)
    model.layer("head", V, C)
    return model


def vq_tokenizer(prefix, channels, latent, D, V):
    model = Model(prefix)
    pixels(model, channels, [1, 1, 2, 2, 4], 2, latent, False)
    model.layer("quant_conv", D, latent, 1, 1)
    model.layer("post_quant_conv", latent, D, 1, 1)
    model.add("quantize.embedding.weight", V, D)
    model.add("quantize.codebook_used", 65536, make=lambda: np.zeros(65536, "<f4"))
    return model


def gpt(prefix, layers, C, classes, V):
    model = Model(prefix)
    hidden = (4 * C * 2 // 3 + 255) // 256 * 256
    model.add("cls_embedding.embedding_table.weight", classes + 1, C)
    model.add("tok_embeddings.weight", V, C)
    for index in range(layers):
        path = f"layers.{index}"
        model.add(path + ".attention.wqkv.weight", 3 * C, C)
        model.add(path + ".attention.wo.weight", C, C)
        model.add(path + ".feed_forward.w1.weight", hidden, C)
        model.add(path + ".feed_forward.w3.weight", hidden, C)
        model.add(path + ".feed_forward.w2.weight", C, hidden)
        model.add(path + ".attention_norm.weight", C)
        model.add(path + ".ffn_norm.weight", C)
    model.add("norm.weight", C)
    model.add("output.weight", V, C)
    return model


INCEPTION_STEM = [("1a", 3, 32, 3), ("2a", 32, 32, 3), ("2b", 32, 64, 3), ("3b", 64, 80, 1), ("4a", 80, 192, 3)]


def inception(prefix):
    """Inception-V3 as pytorch-fid defines it (inception.py): 94 convolutions with batch normalisation, and fc."""
    model = Model(prefix)

    def convolution(path, inputs, outputs, rows, columns):
        name, shape = path + ".conv.weight", (outputs, inputs, rows, columns)
        model.add(name, *shape, make=lambda: synthetic(prefix + name, shape, np.sqrt(2)))
        for part in ["weight", "bias", "running_mean", "running_var"]:
            model.add(f"{path}.bn.{part}", outputs)
        model.add(path + ".bn.num_batches_tracked", make=lambda: np.zeros((), "<i8"))

    def block(path, inputs, branches):
        """A branch is a name, then (suffix, outputs, rows, columns) one after the other."""
        for branch, *layers in branches:
            width = inputs
            for suffix, outputs, rows, columns in layers:
                convolution(f"{path}.{branch}{suffix}", width, outputs, rows, columns)
                # Suffixes a and b read the same map.
                width = width if suffix.endswith("a") else outputs

    for name, inputs, outputs, side in INCEPTION_STEM:
        convolution(f"Conv2d_{name}_{side}x{side}", inputs, outputs, side, side)
    for name, inputs, pooled in [("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)]:
        block(f"Mixed_{name}", inputs, [
            ("branch1x1", ("", 64, 1, 1)),
            ("branch5x5", ("_1", 48, 1, 1), ("_2", 64, 5, 5)),
            ("branch3x3dbl", ("_1", 64, 1, 1), ("_2", 96, 3, 3), ("_3", 96, 3, 3)),
            ("branch_pool", ("", pooled, 1, 1)),
        ])
    block("Mixed_6a", 288, [
        ("branch3x3", ("", 384, 3, 3)),
        ("branch3x3dbl", ("_1", 64, 1, 1), ("_2", 96, 3, 3), ("_3", 96, 3, 3)),
    ])
    for name, inner in [("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)]:
        block(f"Mixed_{name}", 768, [
            ("branch1x1", ("", 192, 1, 1)),
            ("branch7x7", ("_1", inner, 1, 1), ("_2", inner, 1, 7), ("_3", 192, 7, 1)),
            ("branch7x7dbl", ("_1", inner, 1, 1), ("_2", inner, 7, 1), ("_3", inner, 1, 7), ("_4", inner, 7, 1),
             ("_5", 192, 1, 7)),
            ("branch_pool", ("", 192, 1, 1)),
        ])
    block("Mixed_7a", 768, [
        ("branch3x3", ("_1", 192, 1, 1), ("_2", 320, 3, 3)),
        ("branch7x7x3", ("_1", 192, 1, 1), ("_2", 192, 1, 7), ("_3", 192, 7, 1), ("_4", 192, 3, 3)),
    ])
    for name, inputs in [("7b", 1280), ("7c", 2048)]:
        block(f"Mixed_{name}", inputs, [
            ("branch1x1", ("", 320, 1, 1)),
            ("branch3x3", ("_1", 384, 1, 1), ("_2a", 384, 1, 3), ("_2b", 384, 3, 1)),
            ("branch3x3dbl", ("_1", 448, 1, 1), ("_2", 384, 3, 3), ("_3a", 384, 1, 3), ("_3b", 384, 3, 1)),
            ("branch_pool", ("", 192, 1, 1)),
        ])
    model.layer("fc", 1008, 2048)
    return model


class Pickle:
    """The few instructions of protocol 2 that describe tensors."""

    def __init__(self):
        self.bytes = bytearray(b"\x80\x02")

    def text(self, value):
        self.bytes += b"X" + struct.pack("<I", len(value.encode())) + value.encode()

    def integer(self, value):
        self.bytes += b"J" + struct.pack("<i", value)

    def integers(self, values):
        self.bytes += b"("
        for value in values:
            self.integer(value)
        self.bytes += b"t"

    def call(self, name, arguments):
        self.bytes += f"c{name}\n".encode() + b"("
        arguments()
        self.bytes += b"tR"

    def tensor(self, key, array_type, shape, legacy=False):
        count = int(np.prod(shape))
        strides = [int(np.prod(shape[axis + 1 :])) for axis in range(len(shape))]

        def arguments():
            self.bytes += b"("
            self.text("storage")
            self.bytes += f"ctorch\n{array_type}Storage\n".encode()
            for value in [str(key), "cpu"]:
                self.text(value)
            self.integer(count)
            # Before PyTorch 1.6 a storage could be a view of another; None where it is not.
            self.bytes += b"NtQ" if legacy else b"tQ"
            self.integer(0)
            self.integers(shape)
            self.integers(strides)
            self.bytes += b"\x89"
            self.call("collections\nOrderedDict", lambda: None)

        self.call("torch._utils\n_rebuild_tensor_v2", arguments)


def save(model, path, under=None):
    """The state dictionary as torch.save writes it, under the key `under` if one is given."""
    pickle = Pickle()
    if under:
        pickle.bytes += b"}("
        pickle.text(under)
    pickle.bytes += b"}("
    for key, (name, shape, _) in enumerate(model.tensors):
        pickle.text(name)
        pickle.tensor(key, "Long" if name == "lvl_1L" else "Float", shape)
    pickle.bytes += b"uu." if under else b"u."
    folder = os.path.splitext(os.path.basename(path))[0]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.writestr(f"{folder}/data.pkl", bytes(pickle.bytes))
        file.writestr(f"{folder}/byteorder", "little")
        for key, (_, shape, make) in enumerate(model.tensors):
            array = make()
            assert array.shape == tuple(shape)
            file.writestr(f"{folder}/data/{key}", array.tobytes())
        file.writestr(f"{folder}/version", "3\n")
    print(path, os.path.getsize(path), "bytes,", sum(int(np.prod(t[1])) for t in model.tensors), "elements")


def save_legacy(model, path):
    """The state dictionary as torch.save wrote it before 1.6: five pickles, then every storage behind its count."""
    array_type = lambda name: "Long" if name.endswith("num_batches_tracked") else "Float"
    system, tensors, keys = Pickle(), Pickle(), Pickle()
    system.bytes += b"}("
    system.text("protocol_version")
    system.integer(1001)
    system.text("little_endian")
    system.bytes += b"\x88u."
    tensors.bytes += b"}("
    keys.bytes += b"]("
    for key, (name, shape, _) in enumerate(model.tensors):
        tensors.text(name)
        tensors.tensor(key, array_type(name), shape, legacy=True)
        keys.text(str(key))
    tensors.bytes += b"u."
    keys.bytes += b"e."
    magic = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")
    with open(path, "wb") as file:
        file.write(b"\x80\x02\x8a\x0a" + magic + b".")
        file.write(b"\x80\x02M" + struct.pack("<H", 1001) + b".")
        for pickle in [system, tensors, keys]:
            file.write(pickle.bytes)
        for name, shape, make in model.tensors:
            array = make()
            assert array.shape == tuple(shape)
            file.write(struct.pack("<q", array.size) + array.tobytes())
    print(path, os.path.getsize(path), "bytes,", sum(int(np.prod(t[1])) for t in model.tensors), "elements")


SIDES_256, SIDES_512 = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16], [1, 2, 3, 4, 6, 9, 13, 18, 24, 32]
LLAMAGEN = {"b": (12, 768), "l": (24, 1024), "xl": (36, 1280), "xxl": (48, 1536), "3b": (24, 3200)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("folder")
    arguments = parser.parse_args()
    os.makedirs(arguments.folder, exist_ok=True)
    in_folder = lambda name: os.path.join(arguments.folder, name)
    family, _, size = arguments.model.partition("-")
    if arguments.model == "golden-var":
        save(var_tokenizer("golden-var.vae.", 32, 8, 64, 4), in_folder("golden-vae.pth"))
        save(
            var_transformer("golden-var.var.", 2, 128, 2, 10, [1, 2, 3, 4], 8, 64, False), in_folder("golden-var.pth")
        )
    elif arguments.model == "inception":
        save_legacy(inception("inception."), in_folder("pt_inception-2015-12-05-6726825d.pth"))
    elif arguments.model == "golden-llamagen":
        save(vq_tokenizer("golden-llamagen.vq.", 32, 64, 8, 64), in_folder("golden-vq.pt"), "model")
        save(gpt("golden-llamagen.gpt.", 2, 128, 10, 64), in_folder("golden-gpt.pt"), "model")
    elif family == "var" and size in ["d16", "d20", "d24", "d30", "d36"]:
        depth = int(size[1:])
        sides = SIDES_512 if depth == 36 else SIDES_256
        save(
            var_transformer("synthetic.var.", depth, 64 * depth, depth, 1000, sides, 32, 4096, depth == 36),
            in_folder(f"var_d{depth}.pth"),
        )
        save(var_tokenizer("synthetic.vae.", 160, 32, 4096, 10), in_folder("vae_ch160v4096z32.pth"))
    elif family == "llamagen" and size in LLAMAGEN:
        name = {"b": "B", "l": "L", "xl": "XL", "xxl": "XXL", "3b": "3B"}[size]
        save(gpt("synthetic.gpt.", *LLAMAGEN[size], 1000, 16384), in_folder(f"c2i_{name}_256.pt"), "model")
        save(vq_tokenizer("synthetic.vq.", 128, 256, 8, 16384), in_folder("vq_ds16_c2i.pt"), "model")
    else:
        parser.error(f"no model named {arguments.model}")


if __name__ == "__main__":
    main()
