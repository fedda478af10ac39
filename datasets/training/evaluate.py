"""Exact match of a GGUF file over the shipped requests: float32 arithmetic over the dequantized weights."""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import torch
from tokenizers import Tokenizer

from data import Task
from train import exact_match
from weights import load_gguf


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", type=Path, required=True)
    arguments.add_argument("--tokenizer", type=Path, required=True)
    arguments.add_argument("--demo", type=Path, required=True, help="folder with requests.jsonl and expected.jsonl")
    arguments.add_argument("--limit", type=int, default=1_000_000, help="requests of each task")
    args = arguments.parse_args()

    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    model = load_gguf(args.model)
    instructions, examples = {}, defaultdict(lambda: ([], []))
    with open(args.demo / "requests.jsonl") as requests, open(args.demo / "expected.jsonl") as answers:
        for request, answer in zip(map(json.loads, requests), map(json.loads, answers)):
            assert request["custom_id"] == answer["custom_id"]
            system, user = (message["content"] for message in request["body"]["messages"])
            instructions[answer["task"]] = system
            examples[answer["task"]][0].append(user)
            examples[answer["task"]][1].append(answer["expected"])

    right = total = 0
    for name, (users, answers) in sorted(examples.items()):
        task = Task(name, instructions[name], tokenizer)
        task.add(users, answers, tokenizer)
        count = min(len(users), args.limit)
        share = exact_match(model, task, args.limit)
        right, total = right + share * count, total + count
        print(f"{name}: {100 * share:.1f}% of {count}", flush=True)
    print(f"all: {100 * right / total:.1f}% of {total}, {sum(p.numel() for p in model.parameters()):,} parameters")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
