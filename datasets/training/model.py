"""The demo model: a small Llama (RMSNorm, rotary positions, grouped queries, SwiGLU, tied output).

The forward pass takes a shared prefix and a batch of suffixes: the prefix is computed once and every suffix attends
to it. Rotary pairs are the two halves of a head here and neighbours in the GGUF file; export_gguf.py reorders the rows.
With an empty prefix this is the ordinary batched forward pass, and both give the same logits.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Sizes of the model; every matrix dimension is a multiple of 32, the block size of Q8_0."""

    vocab: int = 2048
    dim: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 64
    ffn: int = 640
    context: int = 1024
    rope_theta: float = 1_000_000.0
    norm_epsilon: float = 1e-5

    def as_dict(self) -> dict:
        return asdict(self)


def rotary_tables(shape: Shape, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Cosines and sines of all positions and pairs, each (context, 1, head_dim/2); computed in float64."""
    frequencies = shape.rope_theta ** (-torch.arange(0, shape.head_dim, 2).double() / shape.head_dim)
    angles = (torch.arange(shape.context).double()[:, None] * frequencies).unsqueeze(1)
    return angles.cos().to(dtype), angles.sin().to(dtype)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotates the pairs (i, i + head_dim/2). x: (tokens, heads, head_dim); cos, sin: (tokens, 1, head_dim/2)."""
    low, high = x.chunk(2, -1)
    return torch.cat((low * cos - high * sin, low * sin + high * cos), -1).to(x.dtype)


class Block(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.attn_norm = nn.Parameter(torch.ones(shape.dim))
        self.q = nn.Linear(shape.dim, shape.heads * shape.head_dim, bias=False)
        self.k = nn.Linear(shape.dim, shape.kv_heads * shape.head_dim, bias=False)
        self.v = nn.Linear(shape.dim, shape.kv_heads * shape.head_dim, bias=False)
        self.o = nn.Linear(shape.heads * shape.head_dim, shape.dim, bias=False)
        self.ffn_norm = nn.Parameter(torch.ones(shape.dim))
        self.gate = nn.Linear(shape.dim, shape.ffn, bias=False)
        self.up = nn.Linear(shape.dim, shape.ffn, bias=False)
        self.down = nn.Linear(shape.ffn, shape.dim, bias=False)

    def normalise(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), weight, self.shape.norm_epsilon)

    def attend(self, q: Tensor, k: Tensor, v: Tensor, prefix: int, batch: int) -> Tensor:
        """q: (tokens, heads, head_dim); k, v: (tokens, kv_heads, head_dim); the first `prefix` tokens are shared.

        The shared keys meet the queries of the whole batch in one matrix product, without a copy for each suffix.
        """
        kv, width = self.shape.kv_heads, self.shape.head_dim
        group = self.shape.heads // kv
        q = q.view(len(q), kv, group, width) * width**-0.5
        own = (len(q) - prefix) // batch

        k_shared, v_shared = k[:prefix].transpose(0, 1), v[:prefix].transpose(0, 1)
        k_own = k[prefix:].view(batch, own, kv, width).transpose(1, 2)
        v_own = v[prefix:].view(batch, own, kv, width).transpose(1, 2)
        q_own = q[prefix:].view(batch, own, kv, group, width).permute(2, 0, 3, 1, 4)  # kv, batch, group, own, width

        to_shared = q_own.reshape(kv, batch * group * own, width) @ k_shared.transpose(1, 2)
        to_own = q_own.transpose(0, 1).reshape(batch, kv, group * own, width) @ k_own.transpose(2, 3)
        to_own = to_own.view(batch, kv, group, own, own).transpose(0, 1)
        future = torch.ones(own, own, dtype=torch.bool).triu(1)
        to_own = to_own.masked_fill(future, float("-inf"))
        scores = torch.cat((to_shared.view(kv, batch, group, own, prefix), to_own), -1)
        weights = scores.softmax(-1).to(v.dtype)
        out = (weights[..., :prefix].reshape(kv, batch * group * own, prefix) @ v_shared).view(kv, batch, group, own, width)
        on_own = weights[..., prefix:].transpose(0, 1).reshape(batch, kv, group * own, own) @ v_own
        out = out + on_own.view(batch, kv, group, own, width).transpose(0, 1)
        out = out.permute(1, 3, 0, 2, 4).reshape(batch * own, -1)
        if prefix:
            q_shared = q[:prefix].permute(1, 2, 0, 3)
            scores = q_shared @ k_shared.transpose(1, 2).unsqueeze(1)
            future = torch.ones(prefix, prefix, dtype=torch.bool).triu(1)
            weights = scores.masked_fill(future, float("-inf")).softmax(-1).to(v.dtype)
            shared = weights @ v_shared.unsqueeze(1)
            out = torch.cat((shared.permute(2, 0, 1, 3).reshape(prefix, -1), out))
        return out

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, prefix: int, batch: int) -> Tensor:
        h = self.normalise(x, self.attn_norm)
        width = self.shape.head_dim
        q = rotate(self.q(h).view(len(x), -1, width), cos, sin)
        k = rotate(self.k(h).view(len(x), -1, width), cos, sin)
        v = self.v(h).view(len(x), -1, width)
        x = x + self.o(self.attend(q, k, v, prefix, batch))
        h = self.normalise(x, self.ffn_norm)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Llama(nn.Module):
    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.dim)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.Parameter(torch.ones(shape.dim))
        cos, sin = rotary_tables(shape, torch.float32)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for block in self.blocks:
            for name, matrix in block.named_parameters():
                if name.startswith(("o.", "down.")):
                    nn.init.zeros_(matrix)
                elif matrix.dim() == 2:
                    nn.init.normal_(matrix, std=shape.dim**-0.5)
        prepare_copying(self)

    def hidden(self, prefix_ids: Tensor, suffix_ids: Tensor) -> Tensor:
        """Normalised last hidden states of the suffixes.

        prefix_ids: (prefix,), shared by all suffixes, may be empty; suffix_ids: (batch, suffix), padded on the right.
        Returns (batch, suffix, dim).
        """
        prefix, (batch, suffix) = len(prefix_ids), suffix_ids.shape
        positions = torch.cat((torch.arange(prefix), torch.arange(prefix, prefix + suffix).repeat(batch)))
        cos, sin = self.cos[positions], self.sin[positions]
        x = self.embedding(torch.cat((prefix_ids, suffix_ids.flatten())))
        for block in self.blocks:
            x = block(x, cos, sin, prefix, batch)
        x = F.rms_norm(x[prefix:], (self.shape.dim,), self.norm, self.shape.norm_epsilon)
        return x.view(batch, suffix, -1)

    def logits(self, hidden: Tensor) -> Tensor:
        return F.linear(hidden, self.embedding.weight)


EMBEDDING_STD = 0.05
CONSTANT = 9.0  # the part of every embedding that all tokens share, in units of EMBEDDING_STD


@torch.no_grad()
def prepare_copying(model: Llama) -> None:
    """First weights from which copying is learned in minutes: an induction circuit in the first two layers.

    After Olsson et al., "In-context Learning and Induction Heads", 2022. Every embedding shares one constant
    coordinate. From it two heads of layer 0 make attention by position alone and write what stands one and two tokens
    back into subspaces of their own. The heads of layer 1 look for earlier places whose one token back (or two tokens
    back) are what is here now, and write the token found there towards the output. All of it goes on learning.
    """
    shape = model.shape
    half, group = shape.head_dim // 2, shape.heads // shape.kv_heads
    basis = torch.linalg.qr(torch.randn(shape.dim - 1, shape.dim - 1))[0]
    rows = torch.cat((torch.zeros(shape.dim - 1, 1), basis), 1)  # orthonormal, without the constant coordinate
    width = shape.head_dim
    one_back, two_back = rows[:width], rows[width : 2 * width]  # where layer 0 writes, (head_dim, dim)
    read = torch.linalg.qr(torch.randn(shape.dim - 1, shape.kv_heads * width))[0].T
    contents = torch.cat((torch.zeros(len(read), 1), read), 1)  # what is read of a token, for each group of heads
    content = contents[:width]

    tokens = F.normalize(torch.randn(shape.vocab, shape.dim - 1), dim=-1) * shape.dim**0.5
    constant = torch.full((shape.vocab, 1), CONSTANT)
    model.embedding.weight.copy_(EMBEDDING_STD * torch.cat((constant, tokens), 1))
    first, second = model.blocks[0], model.blocks[1]

    # Layer 0: keys are constant; queries are the same turned by one or two positions, in the fastest pairs.
    fast = 10
    turns = shape.rope_theta ** (-torch.arange(fast).float() * 2 / shape.head_dim)
    strength = 1.0
    first.k.weight[:width] = 0
    first.k.weight[:fast, 0] = strength
    for head, back in ((0, 1), (1, 2)):
        q = first.q.weight[head * width : (head + 1) * width]
        q.zero_()
        q[:fast, 0] = strength * torch.cos(turns * back)
        q[half : half + fast, 0] = -strength * torch.sin(turns * back)
    first.v.weight[:width] = content
    first.o.weight[:, :width] = EMBEDDING_STD * one_back.T
    first.o.weight[:, width : 2 * width] = EMBEDDING_STD * two_back.T

    # Layer 1: compare in the slow pairs, which distance hardly turns.
    slow = torch.cat((torch.arange(half // 2, half), torch.arange(half // 2, half) + half))
    near, far = slow[0::2], slow[1::2]
    gain = 2.0
    second.k.weight[: 2 * width] = 0
    second.q.weight.zero_()
    for kv in range(2):
        k = second.k.weight[kv * width : (kv + 1) * width]
        queries = [second.q.weight[h * width : (h + 1) * width] for h in range(kv * group, (kv + 1) * group)]
        if kv == 0:  # one token back is the token here
            k[slow] = gain * one_back[: len(slow)]
            for q in queries:
                q[slow] = gain * content[: len(slow)]
        else:  # the same, and two tokens back is what is one back here
            k[near], k[far] = gain * one_back[: len(near)], gain * two_back[: len(far)]
            for q in queries:
                q[near], q[far] = gain * content[: len(near)], gain * one_back[: len(far)]
        second.v.weight[kv * width : (kv + 1) * width] = contents[kv * width : (kv + 1) * width]
        for h in range(kv * group, (kv + 1) * group):
            second.o.weight[:, h * width : (h + 1) * width] = (
                1.5 * EMBEDDING_STD * contents[kv * width : (kv + 1) * width].T
            )
