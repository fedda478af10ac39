"""Writes a checkpoint and its tokenizer as one GGUF file: matrices in Q8_0, norms in F32, output tied to the embedding."""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch

from tokenizer import END, END_OF_TEXT, SPECIALS, START

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

BLOCK_TENSORS = {
    "attn_norm": "attn_norm",
    "q.weight": "attn_q",
    "k.weight": "attn_k",
    "v.weight": "attn_v",
    "o.weight": "attn_output",
    "ffn_norm": "ffn_norm",
    "gate.weight": "ffn_gate",
    "up.weight": "ffn_up",
    "down.weight": "ffn_down",
}


def tensor_name(parameter: str) -> str:
    """The GGUF name of a parameter of model.Llama."""
    if parameter.startswith("blocks."):
        _, layer, rest = parameter.split(".", 2)
        return f"blk.{layer}.{BLOCK_TENSORS[rest]}.weight"
    return {"embedding.weight": "token_embd.weight", "norm": "output_norm.weight"}[parameter]


def to_neighbours(weight: np.ndarray, heads: int) -> np.ndarray:
    """Reorders the rows of a query or key matrix from rotary pairs (i, i + half) to pairs (2i, 2i + 1)."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def to_halves(weight: np.ndarray, heads: int) -> np.ndarray:
    """The inverse of to_neighbours."""
    return weight.reshape(heads, -1, 2, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def rotated_heads(parameter: str, heads: int, kv_heads: int) -> int:
    """How many heads a parameter's rows hold if rotary positions apply to them, else 0."""
    return heads if parameter.endswith(".q.weight") else kv_heads if parameter.endswith(".k.weight") else 0


def add_tokenizer(writer: gguf.GGUFWriter, path: Path) -> None:
    tokenizer = json.loads(path.read_text())
    vocabulary = sorted(tokenizer["model"]["vocab"].items(), key=lambda entry: entry[1])
    tokens = [token for token, _ in vocabulary]
    merges = [" ".join(merge) for merge in tokenizer["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL if token in SPECIALS else gguf.TokenType.NORMAL for token in tokens]
    )
    writer.add_token_merges(merges)
    writer.add_bos_token_id(START)
    writer.add_eos_token_id(END)
    writer.add_unk_token_id(END_OF_TEXT)
    writer.add_pad_token_id(END_OF_TEXT)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def export(checkpoint: Path, tokenizer: Path, out: Path) -> None:
    state = torch.load(checkpoint)
    shape, weights = state["shape"], state["weights"]
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_name("Weft demo")
    writer.add_description("Answers the six task kinds of Weft's demo workload; see MODEL_CARD.md")
    writer.add_author("The Weft project")
    writer.add_version("1.0")
    writer.add_license("apache-2.0")
    writer.add_languages(["en"])
    writer.add_size_label(f"{sum(w.numel() for w in weights.values()) / 1e6:.1f}M")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(shape["context"])
    writer.add_embedding_length(shape["dim"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["ffn"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["kv_heads"])
    writer.add_rope_dimension_count(shape["head_dim"])
    writer.add_rope_freq_base(shape["rope_theta"])
    writer.add_layer_norm_rms_eps(shape["norm_epsilon"])
    writer.add_vocab_size(shape["vocab"])
    add_tokenizer(writer, tokenizer)
    for parameter, weight in weights.items():
        values = weight.float().numpy()
        if heads := rotated_heads(parameter, shape["heads"], shape["kv_heads"]):
            values = to_neighbours(values, heads)
        if values.ndim == 2:
            packed = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(tensor_name(parameter), packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(tensor_name(parameter), values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{out}: {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--checkpoint", type=Path, required=True)
    arguments.add_argument("--tokenizer", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    export(**vars(arguments.parse_args()))
