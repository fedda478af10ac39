"""Trains the demo model for a given wall time on several single-threaded processes; see README.md."""

import argparse
import copy
import json
import random
import tempfile
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as multiprocessing
import torch.nn.functional as F
from tokenizers import Tokenizer

from data import Batch, Task, load_tasks, make_batch
from model import Llama, Shape
from tokenizer import END

BATCH = {"triage": 20, "review": 28, "normalise": 24, "extract": 20, "packing": 6, "record": 9, "copy": 24}
BATCHES_PER_STEP = 2  # in each process
COPY_LENGTH = 24  # tokens of a random sequence that the copying exercise repeats
SHORT_PREFIX = 5  # tokens: the end of the instructions and the start of the user's turn
PEAK_MUON, PEAK_ADAM = 3e-3, 1e-3  # learning rates of the blocks' matrices and of everything else


def copy_batch(size: int, vocab: int) -> Batch:
    """Random sequences followed by themselves: the exercise from which heads that copy arise early."""
    first = torch.randint(3, vocab, (size, COPY_LENGTH))
    ids = torch.cat((first, torch.full((size, 1), END), first), 1)
    answer = torch.zeros_like(ids[:, 1:], dtype=torch.bool)
    answer[:, COPY_LENGTH:] = True
    return Batch("copy", ids[:, :-1], torch.where(answer, ids[:, 1:], -100), answer)


def loss_of(model: Llama, prefix: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Mean loss over the answer's tokens."""
    logits = model.logits(model.hidden(prefix, batch.inputs)[batch.answer])
    return F.cross_entropy(logits.float(), batch.targets[batch.answer])


@torch.no_grad()
def exact_match(model: Llama, task: Task, limit: int) -> float:
    """Share of examples whose whole answer, end mark included, is what greedy decoding gives.

    Greedy decoding gives the answer exactly if each of its tokens is the best one after the right tokens before it,
    so one forward pass over prompt and answer decides.
    """
    right, examples = 0, task.suffixes[:limit]
    for i in range(0, len(examples), 50):
        batch = make_batch(task.name, examples[i : i + 50])
        best = model.logits(model.hidden(task.prefix, batch.inputs)).argmax(-1)
        right += ((best == batch.targets) | ~batch.answer).all(1).sum().item()
    return right / len(examples)


def learning_rate(done: float, step: int) -> float:
    """Share of the peak: 50 steps of warm-up, then flat, then down to zero over the last 40% of the time."""
    return min(1.0, (step + 1) / 50) * min(1.0, max(0.0, (1 - done) / 0.4))


def share(name: str, loss: float, done: float) -> float:
    """Weight with which a task is drawn, from the mean loss of a whole answer: what is learned comes seldom."""
    if name == "copy":
        return 0.3 if loss / COPY_LENGTH > 0.2 and done < 0.5 else 0.0
    return min(1.0, max(0.15, loss))


def short_prefix_probability(done: float) -> float:
    """How often a batch leaves out most of its instructions: often at first, since that is fast, never later."""
    return 0.8 if done < 0.5 else 0.0


def train(rank: int, args: argparse.Namespace, meeting: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=args.processes)
    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    tasks = load_tasks(args.data, tokenizer, "training.jsonl")
    validation = load_tasks(args.data, tokenizer, "validation.jsonl") if rank == 0 else {}

    torch.manual_seed(args.seed)  # the same first weights in every process
    shape = Shape(vocab=tokenizer.get_vocab_size())
    model = Llama(shape)
    if args.resume:
        model.load_state_dict(torch.load(args.resume)["weights"])
    torch.manual_seed(args.seed * 1_000 + rank)
    rng = random.Random(args.seed * 1_000 + rank)
    batches = {name: task.batches(BATCH[name], rng) for name, task in tasks.items()}

    parameters = list(model.parameters())
    matrices = [p for p in model.blocks.parameters() if p.dim() == 2]
    others = [p for p in parameters if not any(p is m for m in matrices)]
    muon = torch.optim.Muon(matrices, lr=PEAK_MUON, weight_decay=0.05, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.AdamW(others, lr=PEAK_ADAM, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    # Passes run in bfloat16 on a copy; the weights themselves stay in float32.
    fast = copy.deepcopy(model)
    for parameter in fast.parameters():
        parameter.data = parameter.data.bfloat16()

    names = [*tasks, "copy"]
    recent = {name: 10.0 for name in names}  # moving mean of the loss of an answer; decides how often a task comes
    start, step, tokens, done = time.time(), 0, 0, 0.0
    while done < 1:
        for name in rng.choices(names, [share(name, recent[name], done) for name in names], k=BATCHES_PER_STEP):
            if name == "copy":
                batch, prefix = copy_batch(BATCH[name], shape.vocab), torch.zeros(0, dtype=torch.long)
            else:
                batch, prefix = next(batches[name]), tasks[name].prefix
                if not args.resume and rng.random() < short_prefix_probability(done):
                    prefix = prefix[-SHORT_PREFIX:]
            loss = loss_of(fast, prefix, batch)
            (loss / BATCHES_PER_STEP).backward()
            recent[name] += 0.1 * (loss.item() * batch.answer.sum().item() / len(batch.answer) - recent[name])
            tokens += batch.inputs.numel() + len(prefix)

        # Gradients and clock are averaged over the processes, so that all of them take the same step.
        clock = torch.tensor([(time.time() - start) / (60 * args.minutes)])
        shared = torch.cat([p.grad.float().flatten() for p in fast.parameters()] + [clock])
        dist.all_reduce(shared)
        shared /= args.processes
        done = shared[-1].item()
        for parameter, grad in zip(parameters, shared.split([p.numel() for p in parameters] + [1])):
            parameter.grad = grad.view_as(parameter)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer, peak in ((muon, PEAK_MUON), (adam, PEAK_ADAM)):
            for group in optimizer.param_groups:
                group["lr"] = peak * learning_rate(done, step)
        muon.step()
        adam.step()
        with torch.no_grad():
            for own, parameter in zip(fast.parameters(), parameters):
                own.copy_(parameter)
                own.grad = None
        step += 1

        if rank == 0 and step % 25 == 0:
            rate = args.processes * tokens / (time.time() - start)
            means = {name: round(value, 3) for name, value in recent.items()}
            print(f"{step} {100 * done:.1f}% {tokens:,} tokens, {rate:,.0f}/s in all, loss of an answer {json.dumps(means)}", flush=True)
        if rank == 0 and (step % 100 == 0 or done >= 1):
            save(model, shape, args.out, step, tokens * args.processes)
            scores = {name: round(exact_match(fast, task, 50), 2) for name, task in validation.items()}
            print(f"{step} exact match on 50 validation examples each: {json.dumps(scores)}", flush=True)
    dist.destroy_process_group()


def save(model: Llama, shape: Shape, out: Path, step: int, tokens: int) -> None:
    part = out.with_suffix(".part")
    torch.save({"shape": shape.as_dict(), "weights": model.state_dict(), "step": step, "tokens": tokens}, part)
    part.replace(out)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--data", type=Path, required=True, help="folder with tasks.json and training.jsonl")
    arguments.add_argument("--tokenizer", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    arguments.add_argument("--resume", type=Path, help="checkpoint whose weights to start from")
    arguments.add_argument("--minutes", type=float, default=60)
    arguments.add_argument("--processes", type=int, default=2)
    arguments.add_argument("--seed", type=int, default=1)
    args = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        multiprocessing.spawn(train, (args, f"{folder}/meeting"), nprocs=args.processes)


if __name__ == "__main__":
    main()
