"""Writes goldens.json: what float64 arithmetic over the dequantized weights of a GGUF file gives for some prompts.

For each prompt: its text and token ids, logits of the last position (the 50 best tokens and 200 fixed ones), and 40
greedy tokens, continued past the end mark, with the gap between the best and the second-best logit of each.
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch
from tokenizers import Tokenizer

from model import Llama, rotary_tables
from tokenizer import prompt_text
from weights import load_gguf

GREEDY_TOKENS = 40


@torch.no_grad()
def golden(model: Llama, ids: list[int]) -> dict:
    none = torch.zeros(0, dtype=torch.long)
    greedy, gaps, first = [], [], None
    for _ in range(GREEDY_TOKENS):
        logits = model.logits(model.hidden(none, torch.tensor([ids + greedy]))[0, -1])
        best = logits.topk(2)
        first = logits if first is None else first
        greedy.append(best.indices[0].item())
        gaps.append(round((best.values[0] - best.values[1]).item(), 6))
    chosen = sorted(set(first.topk(50).indices.tolist()) | set(range(0, len(first), len(first) // 200)))
    return {
        "logits": [[token, round(first[token].item(), 9)] for token in chosen],
        "greedy": greedy,
        "gaps": gaps,
    }


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", type=Path, required=True)
    arguments.add_argument("--tokenizer", type=Path, required=True)
    arguments.add_argument("--demo", type=Path, required=True, help="folder with requests.jsonl and expected.jsonl")
    arguments.add_argument("--out", type=Path, required=True)
    args = arguments.parse_args()
    torch.set_num_threads(1)

    tokenizer = Tokenizer.from_file(str(args.tokenizer))
    model = load_gguf(args.model).double()
    model.cos, model.sin = rotary_tables(model.shape, torch.float64)
    cases: dict[str, dict] = {}
    with open(args.demo / "requests.jsonl") as requests, open(args.demo / "expected.jsonl") as answers:
        for request, answer in zip(map(json.loads, requests), map(json.loads, answers)):
            if answer["task"] in cases:
                continue
            messages = request["body"]["messages"]
            prompt = prompt_text(*(message["content"] for message in messages))
            ids = tokenizer.encode(prompt).ids
            result = golden(model, ids)
            cases[answer["task"]] = {
                "custom_id": request["custom_id"],
                "messages": messages,
                "prompt": prompt,
                "prompt_tokens": ids,
                "expected": answer["expected"],
                "greedy_text": tokenizer.decode(result["greedy"], skip_special_tokens=False),
                **result,
            }
    file = {
        "model_sha256": hashlib.sha256(args.model.read_bytes()).hexdigest(),
        "arithmetic": "float64 over dequantized Q8_0 weights",
        "logits": "pairs of token id and logit after the prompt's last token",
        "gaps": "best minus second-best logit at each greedy token",
        "cases": list(cases.values()),
    }
    args.out.write_text(json.dumps(file, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{args.out}: {args.out.stat().st_size:,} bytes, {len(cases)} cases")


if __name__ == "__main__":
    main()
