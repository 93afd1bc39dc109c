#!/usr/bin/env bash
# Packs dd2 for a machine that has neither Swift nor a network, such as one with a GPU: both programs with their libraries
# but glibc's, the bundled teachers, and what gpu-check.sh needs.
#   scripts/ship.sh [DIR]     default .build/shipped; there: DIR/gpu-check.sh, which unpacks dd2.tar.xz beside it
# After unpacking, bin/dd2 runs from anywhere. The machine needs a glibc as new as this one's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:-.build/shipped}
most=$((64 << 20))
for product in dd2 dd2-bench; do
  # RPATH, not RUNPATH: it holds for the libraries of libraries, and unlike LD_LIBRARY_PATH not for programs that dd2 starts.
  swift build -c release --scratch-path .build/ship --static-swift-stdlib --product "$product" \
    -Xlinker -rpath -Xlinker '$ORIGIN/../lib' -Xlinker --disable-new-dtags >&2
done
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,lib,scripts,Benchmarks} "$folder"
for product in dd2 dd2-bench; do strip -o "$root/bin/$product" ".build/ship/release/$product"; done
# OpenBLAS is opened at run time.
openblas=$(ldconfig -p | awk '$1 == "libopenblas.so.0" { print $NF; exit }')
[ -n "$openblas" ] || {
  echo "ship.sh: no libopenblas.so.0; run scripts/setup.sh" >&2
  exit 69
}
{
  echo "$openblas"
  ldd "$root"/bin/* "$openblas" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }'
} | sort -u | grep -vE '/(libc|libm|libdl|libpthread|librt|libresolv|libutil|ld-linux[^/]*)\.so' |
  xargs -I{} cp -L {} "$root/lib/"
# Generators are left out: they would not fit.
mkdir "$root/Models"
cp Models/shapes32-{var,llamagen}-teacher.h5 Models/shapes32-features.h5 "$root/Models/"
cp weights-manifest.json "$root/"
cp scripts/gpu-check.sh scripts/make-synthetic-weights.py "$root/scripts/"
cp Benchmarks/pytorch_*.py "$root/Benchmarks/"
# The programs are largely the same: a dictionary that holds one finds it in the other.
tar -C "$root" -cf - bin lib Models weights-manifest.json scripts Benchmarks |
  xz --lzma2=preset=6,dict=128MiB >"$folder/dd2.tar.xz"
cp scripts/gpu-check.sh "$folder/"
size=$(du -sb "$folder" | cut -f1)
if [ "$size" -gt "$most" ]; then
  echo "ship.sh: $folder has $size bytes, more than the $most that may be carried" >&2
  exit 1
fi
echo "$folder: $((size >> 20)) MiB"
