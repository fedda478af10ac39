"""Reads a GGUF file of export_gguf.py back into the model, with the weights an engine sees: dequantized Q8_0."""

from pathlib import Path

import gguf
import numpy as np
import torch

from export_gguf import rotated_heads, tensor_name, to_halves
from model import Llama, Shape


def load_gguf(path: Path) -> Llama:
    reader = gguf.GGUFReader(path)

    def field(key: str):
        return reader.get_field(key).contents()

    shape = Shape(
        vocab=field("llama.vocab_size"),
        dim=field("llama.embedding_length"),
        layers=field("llama.block_count"),
        heads=field("llama.attention.head_count"),
        kv_heads=field("llama.attention.head_count_kv"),
        head_dim=field("llama.rope.dimension_count"),
        ffn=field("llama.feed_forward_length"),
        context=field("llama.context_length"),
        rope_theta=field("llama.rope.freq_base"),
        norm_epsilon=field("llama.attention.layer_norm_rms_epsilon"),
    )
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    model = Llama(shape)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            tensor = tensors[tensor_name(name)]
            values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
            if heads := rotated_heads(name, shape.heads, shape.kv_heads):
                values = to_halves(values, heads)
            parameter.copy_(torch.from_numpy(np.array(values, dtype=np.float32)))
    return model.eval()
