"""Trains the demo model's byte-level BPE tokenizer; pre-tokenizer "smollm": single digits, then the GPT-2 expression."""

import json
import random
import sys
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
END_OF_TEXT, START, END = range(3)


def prompt_text(instructions: str, user: str) -> str:
    """The ChatML prompt: what the GGUF file's chat template renders for a system and a user message."""
    return (
        f"<|im_start|>system\n{instructions}<|im_end|>\n"
        f"<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n"
    )


def prefix_text(instructions: str) -> str:
    """The part of the prompt that all requests of a task share."""
    return f"<|im_start|>system\n{instructions}<|im_end|>\n<|im_start|>user\n"


def train(data: Path, vocab_size: int, examples: int, seed: int) -> Tokenizer:
    """A tokenizer of vocab_size entries, trained on the instructions and a sample of the examples."""
    tasks = json.loads((data / "tasks.json").read_text())
    with open(data / "training.jsonl", encoding="utf-8") as lines:
        sample = random.Random(seed).sample(lines.readlines(), examples)
    texts = []
    for line in sample:
        example = json.loads(line)
        texts += [example["user"], example["answer"]]
    # The instructions count as often as examples of a task do in a batch, so that their words become tokens too.
    texts += [task["instructions"] for task in tasks.values()] * 200 + ["system\n", "user\n", "assistant\n"]

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=SPECIALS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


if __name__ == "__main__":
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    tokenizer = train(data, vocab_size=2048, examples=30_000, seed=1)
    tokenizer.save(str(out))
    for name, task in json.loads((data / "tasks.json").read_text()).items():
        print(f"{name}: {len(tokenizer.encode(prefix_text(task['instructions'])).ids)} prefix tokens")
    print(f"{tokenizer.get_vocab_size()} tokens written to {out}")
