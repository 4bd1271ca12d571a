#!/usr/bin/env bash
# Costs the NEON loops of our kernels, as C2 of an aarch64 JDK compiles them, beside those of llama.cpp's pinned source, as clang
# compiles them, with llvm-mca: the tables of docs/arm-prediction.md, on standard output.
#
#   neon-loops.sh [WORK_FOLDER]
#
# Compile first: mvn test-compile. Needs an x86-64 Debian with clang-19, llvm-19, binutils-aarch64-linux-gnu,
# libc6-dev-arm64-cross, npm, git and what arm64-jdk.sh needs. LLAMA_CPP_SOURCES may name a source tree of llama.cpp v0.4.0.
set -euo pipefail

skip() {
    printf 'neon-loops skipped: %s\n' "$1" >&2
    exit 0
}

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$scripts/../../../.." && pwd)
work=${1:-$root/tmac-kernels/target/neon-loops}
headers=/usr/aarch64-linux-gnu/include
package=node-llama-cpp@3.21.1
processors=(apple-m2 oryon-1)

for tool in clang-19 llvm-mca-19 aarch64-linux-gnu-objdump npm git java; do
    command -v "$tool" > /dev/null || skip "there is no $tool"
done
[ -d "$headers" ] || skip "there is no $headers; install libc6-dev-arm64-cross"
[ -f "$root/tmac-kernels/target/test-classes/io/tmac4j/kernels/HotKernels.class" ] || skip "nothing is compiled; run mvn test-compile"
slf4j=$(find "${MAVEN_REPOSITORY:-$HOME/.m2/repository}/org/slf4j/slf4j-api" -name '*.jar' ! -name '*-sources.jar' | sort | tail -n 1)
[ -n "$slf4j" ] || skip "slf4j-api is not in Maven's local repository; MAVEN_REPOSITORY may name another"
mkdir -p "$work"

"$scripts/arm64-jdk.sh" "$work/jdk" >&2
grep -q '^arm64.skip=false' "$work/jdk/emulation.properties" || skip "there is no aarch64 JDK to look at"

sources=${LLAMA_CPP_SOURCES:-$work/llama.cpp}
if [ ! -d "$sources" ]; then
    (cd "$work" && npm pack "$package" --ignore-scripts --silent > /dev/null \
        && tar -xzf node-llama-cpp-*.tgz package/llama/gitRelease.bundle) || skip "$package could not be fetched"
    git clone --quiet "$work/package/llama/gitRelease.bundle" "$sources" || skip "the sources in $package could not be unpacked"
fi
# C++ headers do not depend on the processor but for a few, which are those of this machine
cxx=$(find /usr/include/c++ -mindepth 1 -maxdepth 1 | sort -V | tail -n 1)
[ -n "$cxx" ] || skip "there are no C++ headers; install g++"
includes=(-nostdinc++ -isystem "$cxx" -isystem "/usr/include/x86_64-linux-gnu/c++/${cxx##*/}" -isystem "$headers"
    -I"$sources/ggml/include" -I"$sources/ggml/src" -I"$sources/ggml/src/ggml-cpu")
for processor in "${processors[@]}"; do
    for file in quants.c repack.cpp; do
        # the inner loops of a block unrolled, so that it is one loop
        clang-19 --target=aarch64-linux-gnu "-mcpu=$processor" -O3 -DNDEBUG -D_GNU_SOURCE "${includes[@]}" \
            -mllvm -unroll-threshold=20000 -mllvm -unroll-full-max-count=64 -Wno-unused-command-line-argument \
            -c "$sources/ggml/src/ggml-cpu/arch/arm/$file" -o "$work/${file%.*}-$processor.o"
    done
done

# the machine code is printed in hexadecimal; no disassembler plug-in is needed
"$work/jdk/bin/java" -Dtmac.tune=off -Dslf4j.internal.verbosity=ERROR --enable-native-access=ALL-UNNAMED --add-modules jdk.incubator.vector \
    -XX:+UnlockDiagnosticVMOptions -XX:CompileCommand=quiet "-XX:CompileCommand=print,*Kernels::*" \
    "-XX:CompileCommand=print,io.tmac4j.kernels.Word*::*" "-XX:CompileCommand=print,io.tmac4j.kernels.Nested*::*" \
    "-XX:CompileCommand=print,io.tmac4j.kernels.TritOffsets::*" \
    -cp "$root/tmac-kernels/target/classes:$root/tmac-kernels/target/test-classes:$root/bindings/target/classes:$slf4j" \
    io.tmac4j.kernels.HotKernels "${HOT_PRODUCTS:-150}" > "$work/machine-code.log" 2>&1 \
    || { sed '/^Compiled method/,$d' "$work/machine-code.log" >&2; exit 1; }

java "$scripts/NeonLoops.java" "$work"
