#!/usr/bin/env bash
# Coverage-guided fuzzing of a reader of other people's files, with libFuzzer and the sanitizers of addresses and undefined
# behaviour: no crash, at most 5 s and 1 GiB for a file, and errors of one line.
#   scripts/fuzz.sh READER SECONDS [FILE...]     READER: weights, images, checkpoint, numpy
# Begins with Tests/Fuzz/Corpus/READER, the FILEs and what earlier runs left in .build/fuzz/READER/corpus. Ends with 1 where
# there are findings: they lie beside that folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

reader=$1
seconds=$2
shift 2
build=$PWD/.build/fuzz
work=$build/$reader
mkdir -p "$build/objects" "$work/corpus" "$work/given"

# The C that readers call, then Artifacts as a module of its own, then the harness.
read -ra include < <(pkg-config --cflags hdf5 libpng libjpeg)
read -ra libraries < <(pkg-config --libs hdf5 libpng libjpeg)
for file in checksum hdf5 hdf5_trial inflate jpeg png resample; do
  clang -std=gnu17 -g -O1 -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined \
    -ISources/CShims/include "${include[@]}" -c "Sources/CShims/$file.c" -o "$build/objects/$file.o"
done
echo 'module CShims { umbrella header "'"$PWD"'/Sources/CShims/include/CShims.h" export * }' >"$build/module.modulemap"
compile=(swiftc -O -wmo -parse-as-library -swift-version 6 -package-name dd2 -sanitize=fuzzer,address -use-ld=lld
  -Xcc "-fmodule-map-file=$build/module.modulemap" -I "$build")
mapfile -t sources < <(find Sources/Artifacts -name '*.swift')
"${compile[@]}" -module-name Artifacts -emit-module -emit-module-path "$build/Artifacts.swiftmodule" -c "${sources[@]}" \
  -o "$build/objects/Artifacts.o"
"${compile[@]}" -module-name Fuzz Tests/Fuzz/Fuzz.swift Tests/ArtifactsTests/FuzzedReader.swift "$build"/objects/*.o -o "$build/fuzz" "${libraries[@]}" -lcrypto -lz

if [ $# -gt 0 ]; then cp "$@" "$work/given"; fi
for folder in "Tests/Fuzz/Corpus/$reader" "$work/given"; do
  if [ -d "$folder" ]; then cp -rn "$folder/." "$work/corpus"; fi
done
# In processes of its own: a finding does not end it. HDF5 itself leaks what damaged files made it read.
if [ "$reader" = checkpoint ]; then export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=1024; fi
DD2_FUZZ_READER=$reader "$build/fuzz" -fork=1 -ignore_crashes=1 -ignore_timeouts=1 -ignore_ooms=1 -timeout=5 \
  -rss_limit_mb=1024 -max_len=16384 -max_total_time="$seconds" -artifact_prefix="$work/" "$work/corpus"
if compgen -G "$work/*-*" >/dev/null; then
  ls "$work"/*-*
  exit 1
fi
