"""What PyTorch and transformers reach on a device: one JSON object a line. Started by `weft bench gpu --python PYTHON`.

Arguments: the device as PyTorch names it, tokens of a prompt, tokens of the context before decode steps, batches with commas between them, then
models as label:layers,width,heads,key and value heads,inner width,vocabulary,1 if the output is tied else 0.
"""
import json
import sys
import time

import torch

OUT = sys.stdout
sys.stdout = sys.stderr  # libraries print, too
DEVICE = torch.device(sys.argv[1])
PROMPT = int(sys.argv[2])
CONTEXT = int(sys.argv[3])
BATCHES = [int(batch) for batch in sys.argv[4].split(",")]
MODELS = [argument.split(":") for argument in sys.argv[5:]]
GPU = DEVICE.type == "cuda"
REPETITIONS = 5 if GPU else 2
STEPS = 32 if GPU else 4
RATE = "tokens per second"


def synchronize():
    if GPU:
        torch.cuda.synchronize(DEVICE)


def seconds(work):
    synchronize()
    start = time.perf_counter()
    work()
    synchronize()
    return time.perf_counter() - start


def write(name, **fields):
    print(json.dumps({"name": name, **fields}), file=OUT, flush=True)


def report(name, unit, workload, measure):
    """Writes what measure() returns some times, or why it cannot."""
    try:
        write(name, unit=unit, workload=workload, values=[measure() for _ in range(REPETITIONS)])
    except Exception as e:
        write(name, skipped=f"{type(e).__name__}: {e}")


def gemm():
    size = 8192 if GPU else 256
    a = torch.randn(size, size, device=DEVICE).half()
    b = torch.randn(size, size, device=DEVICE).half()
    seconds(lambda: a @ b)
    report("limit.fp16_gemm", "operations per second, a multiply-add is two",
           f"{size} x {size} x {size} by PyTorch {torch.__version__}, which calls the vendor's library", lambda: 2.0 * size**3 / seconds(lambda: a @ b))


def decode_rate(batch, generate):
    """generate(count) answers all prompts with count tokens each; the time of the prompts is measured with one token each and taken off."""
    prompts = seconds(lambda: generate(1))
    return batch * STEPS / (seconds(lambda: generate(STEPS + 1)) - prompts)


def plain(llama, label, batch):
    ids = torch.randint(259, 1000, (batch, CONTEXT), device=DEVICE)

    def generate(count):
        llama.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=count, min_new_tokens=count, do_sample=False, pad_token_id=0)

    generate(2)
    report(f"peer.transformers.decode.b{batch}.{label}.f16", RATE,
           f"generate() of {batch} sequences after {CONTEXT} tokens, one batch, less its prompts", lambda: decode_rate(batch, generate))


def continuous(llama, label, batch):
    import transformers
    from transformers import ContinuousBatchingConfig, GenerationConfig
    inputs = torch.randint(259, 1000, (batch, CONTEXT)).tolist()
    tokens = 4 * STEPS
    settings = GenerationConfig(do_sample=False, eos_token_id=-1, pad_token_id=0, max_new_tokens=tokens)
    # Without a number of blocks the cache takes most of the memory there is; on a processor that is the machine's.
    config = ContinuousBatchingConfig(num_blocks=None if GPU else 2 * batch)

    def measure():
        """Tokens per second while all sequences decode: from the last first token to the first end."""
        answers = llama.generate_batch(inputs, generation_config=settings, continuous_batching_config=config, record_timestamps=True, persistent_manager=True)
        times = [answer.timestamps for answer in answers.values() if answer.error is None]
        if len(times) != batch or any(len(each) != tokens for each in times):
            raise RuntimeError(f"not all {batch} sequences were answered with {tokens} tokens")
        begin, first = max(each[0] for each in times), min(times, key=lambda each: each[-1])
        steps = sum(moment > begin for moment in first)
        if sum(begin < moment <= first[-1] for each in times for moment in each) <= batch * (steps - 1):
            raise RuntimeError("there are no steps in which all sequences decode")
        return batch * steps / (first[-1] - begin)

    name = f"peer.transformers.continuous.decode.b{batch}.{label}.f16"
    try:
        measure()
        report(name, RATE, f"generate_batch() of transformers {transformers.__version__}, {batch} sequences after {CONTEXT} tokens, "
               f"{llama.config._attn_implementation}, while all of them decode", measure)
    except Exception as e:
        write(name, skipped=f"{type(e).__name__}: {e}")
    finally:
        llama.destroy_cached_continuous_batching_manager()


def model(label, layers, width, heads, kv_heads, inner, vocab, tied):
    from transformers import LlamaConfig, LlamaForCausalLM
    config = LlamaConfig(vocab_size=vocab, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=heads,
                         num_key_value_heads=kv_heads, max_position_embeddings=8192, tie_word_embeddings=bool(tied))
    torch.set_default_dtype(torch.float16)
    with DEVICE:
        llama = LlamaForCausalLM(config).eval()
    torch.set_default_dtype(torch.float32)
    prompt = torch.randint(259, 1000, (1, PROMPT), device=DEVICE)
    seconds(lambda: llama(prompt))
    report(f"peer.transformers.prefill.{label}.f16", RATE, f"a prompt of {PROMPT} tokens", lambda: PROMPT / seconds(lambda: llama(prompt)))
    for batch in BATCHES:
        plain(llama, label, batch)
    # Last: it changes the model's attention.
    continuous(llama, label, 128 if 128 in BATCHES else max(BATCHES))


with torch.no_grad():
    gemm()
    for name, shape in MODELS:
        try:
            model(name, *map(int, shape.split(",")))
        except Exception as e:
            write(f"peer.transformers.{name}", skipped=f"{type(e).__name__}: {e}")
