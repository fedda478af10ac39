#!/usr/bin/env bash
# Packs `weft bench gpu` for a machine that has a GPU, but no Java, Maven or network: a Java runtime, TornadoVM's SDK and the jars.
#
#   TORNADOVM_HOME=/opt/tornadovm benchmarks/gpu-kit.sh gpu-kit.tar.xz
#   # there:
#   tar xf gpu-kit.tar.xz && gpu-kit/bench --quick --out gpu.jsonl
set -euo pipefail

if [[ $# != 1 || -z "${TORNADOVM_HOME:-}" ]]; then
  echo "usage: TORNADOVM_HOME=SDK $0 FILE.tar.xz" >&2
  exit 2
fi
home="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
kit="$work/gpu-kit"
mkdir -p "$kit/lib" "$kit/sdk"

"$home/weft" build
# The options of every start, with the SDK's new place, which is known there only.
"$home/weft" gpu-args | sed "s#$TORNADOVM_HOME#@KIT@/sdk#g" >"$kit/options"
cp -r "$TORNADOVM_HOME"/{share,lib,etc} "$kit/sdk"
for name in benchmarks jobs; do
  cp "$home/$name/target/$name"-*.jar "$kit/lib"
done
# Of Spark nothing: the benchmark uses the kernels, and of `jobs` only what names the machine and the build.
for name in udf-kernels tornado-kernels batching datasets jackson-core jackson-annotations jackson-databind \
  jackson-dataformat-yaml config picocli slf4j-api log4j-api log4j-core log4j-slf4j2-impl jspecify; do
  cp "$home/jobs/target/lib/$name"-[0-9]*.jar "$kit/lib"
done

jdk="${JAVA_HOME:?has to name a JDK 25}"
"$jdk/bin/jlink" --output "$kit/jre" --strip-debug --no-man-pages --no-header-files \
  --add-modules java.base,java.desktop,java.instrument,java.logging,java.management,java.naming,java.net.http,java.sql,java.xml \
  --add-modules jdk.incubator.vector,jdk.internal.vm.ci,jdk.management,jdk.unsupported,jdk.zipfs

cat >"$kit/bench" <<'BENCH'
#!/usr/bin/env bash
# bench [the options of `weft bench gpu`]. HEAP: of the process, 16g.
kit="$(cd "$(dirname "$0")" && pwd)"
export TORNADOVM_HOME="$kit/sdk"
read -r -a options <<<"$(sed "s#@KIT@#$kit#g" "$kit/options")"
exec "$kit/jre/bin/java" "-Xmx${HEAP:-16g}" "${options[@]}" -cp "$kit/lib/*" dev.weft.benchmarks.gpu.GpuBench "$@"
BENCH
chmod +x "$kit/bench"
tar -C "$work" -cJf "$1" gpu-kit
ls -l "$1"
