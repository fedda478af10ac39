"""Reads what the generator wrote and cuts it into batches of one task each."""

import json
import random
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from tokenizer import END, prefix_text

TURN_END = "<|im_end|>\n<|im_start|>assistant\n"


@dataclass(frozen=True)
class Batch:
    """Suffixes of one task: user text, turn marks and answer; `answer` marks the positions that predict the answer."""

    task: str
    inputs: Tensor  # (batch, suffix)
    targets: Tensor  # (batch, suffix), -100 where padded
    answer: Tensor  # (batch, suffix), bool


class Task:
    def __init__(self, name: str, instructions: str, tokenizer: Tokenizer):
        self.name = name
        self.prefix = torch.tensor(tokenizer.encode(prefix_text(instructions)).ids)
        self.suffixes: list[tuple[list[int], int]] = []  # token ids and where the answer begins

    def add(self, users: list[str], answers: list[str], tokenizer: Tokenizer) -> None:
        """Encodes prompt ends and answers apart, as an engine does that encodes a prompt and then generates."""
        prompts = tokenizer.encode_batch([user + TURN_END for user in users])
        endings = tokenizer.encode_batch(answers)
        for prompt, ending in zip(prompts, endings):
            self.suffixes.append((prompt.ids + ending.ids + [END], len(prompt.ids)))

    def batches(self, size: int, rng: random.Random):
        """Endless batches of suffixes of like length; every example once before any comes again."""
        order = sorted(self.suffixes, key=lambda suffix: (len(suffix[0]), rng.random()))
        chunks = [order[i : i + size] for i in range(0, len(order) - size + 1, size)]
        while True:
            rng.shuffle(chunks)
            for chunk in chunks:
                yield make_batch(self.name, chunk)


def make_batch(task: str, suffixes: list[tuple[list[int], int]]) -> Batch:
    width = max(len(ids) for ids, _ in suffixes) - 1
    inputs = torch.zeros(len(suffixes), width, dtype=torch.long)
    targets = torch.full((len(suffixes), width), -100)
    answer = torch.zeros(len(suffixes), width, dtype=torch.bool)
    for row, (ids, start) in enumerate(suffixes):
        inputs[row, : len(ids) - 1] = torch.tensor(ids[:-1])
        targets[row, : len(ids) - 1] = torch.tensor(ids[1:])
        answer[row, start - 1 : len(ids) - 1] = True
    return Batch(task, inputs, targets, answer)


def load_tasks(folder: Path, tokenizer: Tokenizer, file: str) -> dict[str, Task]:
    """Tasks with the examples of one JSON-lines file of {"task", "user", "answer"}."""
    described = json.loads((folder / "tasks.json").read_text())
    tasks = {name: Task(name, entry["instructions"], tokenizer) for name, entry in described.items()}
    examples: dict[str, tuple[list[str], list[str]]] = {name: ([], []) for name in tasks}
    with open(folder / file, encoding="utf-8") as lines:
        for line in lines:
            example = json.loads(line)
            users, answers = examples[example["task"]]
            users.append(example["user"])
            answers.append(example["answer"])
    for name, (users, answers) in examples.items():
        tasks[name].add(users, answers, tokenizer)
    return tasks
