#!/usr/bin/env bash
# Tells Spark which NVIDIA GPUs this host has, as spark.{executor,worker}.resource.gpu.discoveryScript asks for:
#   {"name": "gpu", "addresses": ["0", "1"]}
# An address is the number that a process sees: with CUDA_VISIBLE_DEVICES they begin at 0 again.
set -euo pipefail

fail() {
  echo "gpu-discovery: $1" >&2
  exit 1
}

command -v nvidia-smi >/dev/null ||
  fail "nvidia-smi is not on the PATH: install NVIDIA's driver, or give this host no GPUs in Spark's configuration"
listed="$(nvidia-smi --query-gpu=index --format=csv,noheader)" || fail "nvidia-smi failed: $listed"
if [[ -n "${CUDA_VISIBLE_DEVICES:-}" ]]; then
  listed="$(tr ',' '\n' <<<"$CUDA_VISIBLE_DEVICES" | grep -v '^-1$' | awk '{ print NR - 1 }' || true)"
fi
addresses=""
while read -r index; do
  [[ -z "$index" ]] && continue
  [[ "$index" =~ ^[0-9]+$ ]] || fail "nvidia-smi named a GPU '$index'"
  addresses+="${addresses:+, }\"$index\""
done <<<"$listed"
[[ -n "$addresses" ]] || fail "nvidia-smi lists no GPU"
echo "{\"name\": \"gpu\", \"addresses\": [$addresses]}"
