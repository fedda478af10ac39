"""What PyTorch and transformers reach on a GPU: one JSON object a line. Started by `weft bench gpu --python PYTHON`.

Arguments: number of the device, tokens of a prompt, tokens of the context before decode steps.
"""
import json
import sys
import time

import torch

DEVICE = torch.device("cuda", int(sys.argv[1]))
PROMPT = int(sys.argv[2])
CONTEXT = int(sys.argv[3])
REPETITIONS = 5
STEPS = 32
BATCHES = (1, 32, 128, 256)
# As dev.weft.benchmarks.gpu.GpuShape: layers, width, heads, key and value heads, inner width, tied output.
SHAPES = {"llama-1b": (16, 2048, 32, 8, 8192, True), "llama-8b": (32, 4096, 32, 8, 14336, False)}


def seconds(work):
    torch.cuda.synchronize(DEVICE)
    start = time.perf_counter()
    work()
    torch.cuda.synchronize(DEVICE)
    return time.perf_counter() - start


def report(name, unit, workload, rate, work):
    """Prints rate / seconds of some repetitions, after two that do not count."""
    for _ in range(2):
        work()
    values = [rate / seconds(work) for _ in range(REPETITIONS)]
    print(json.dumps({"name": name, "unit": unit, "workload": workload, "values": values}), flush=True)


def gemm():
    size = 8192
    a = torch.randn(size, size, device=DEVICE, dtype=torch.float16)
    b = torch.randn(size, size, device=DEVICE, dtype=torch.float16)
    report("limit.fp16_gemm", "operations per second, a multiply-add is two",
           f"{size} x {size} x {size} by PyTorch {torch.__version__}, which calls the vendor's library", 2.0 * size**3, lambda: a @ b)


def model(label, layers, width, heads, kv_heads, inner, tied):
    from transformers import LlamaConfig, LlamaForCausalLM
    config = LlamaConfig(vocab_size=128256, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers,
                         num_attention_heads=heads, num_key_value_heads=kv_heads, max_position_embeddings=8192, tie_word_embeddings=tied)
    torch.set_default_dtype(torch.float16)
    with DEVICE:
        llama = LlamaForCausalLM(config).eval()
    prompt = torch.randint(259, 1000, (1, PROMPT), device=DEVICE)
    report(f"peer.transformers.prefill.{label}.f16", "tokens per second", f"a prompt of {PROMPT} tokens", PROMPT, lambda: llama(prompt))
    for batch in BATCHES:
        ids = torch.randint(259, 1000, (batch, CONTEXT), device=DEVICE)

        def generate(count):
            llama.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0)

        # Its one batch grows by a token a step; the time of the prompts is measured alone and taken off.
        generate(1)
        prompts = min(seconds(lambda: generate(1)) for _ in range(2))
        values = [batch * STEPS / (seconds(lambda: generate(STEPS + 1)) - prompts) for _ in range(3)]
        print(json.dumps({"name": f"peer.transformers.decode.b{batch}.{label}.f16", "unit": "tokens per second",
                          "workload": f"generate() of {batch} sequences after {CONTEXT} tokens, one batch, less its prompts", "values": values}), flush=True)


with torch.inference_mode():
    gemm()
    for name, shape in SHAPES.items():
        model(name, *shape)
