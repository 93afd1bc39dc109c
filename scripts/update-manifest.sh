#!/usr/bin/env bash
# Writes weights-manifest.json anew: sizes and hashes of the bundled files in Models/, then, as they stand, the entries
# without a path, which are facts about published files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

entry() { # name family kind file layout notes
  local bytes hash
  bytes=$(wc -c <"Models/$4" | tr -d ' ')
  hash=$(sha256sum "Models/$4" | cut -d' ' -f1)
  printf '  {\n    "name": "%s",\n    "family": "%s",\n    "kind": "%s",\n    "urls": [],\n' "$1" "$2" "$3"
  printf '    "bytes": %s,\n    "sha256": "%s",\n    "license": "MIT",\n' "$bytes" "$hash"
  printf '    "layout": "%s",\n    "path": "Models/%s",\n    "notes": "%s"\n  }' "$5" "$4" "$6"
}

# Entries of the present manifest that have no path, each with a comma before it.
published() {
  [ -e weights-manifest.json ] || return 0
  awk '
    /^  \{$/ { block = "" }
    /^  \},?$/ {
      if (block != "" && block !~ /\n    "path":/) printf ",\n%s  }", block
      block = ""
      next
    }
    block != "" || /^  \{$/ { block = block $0 "\n" }
  ' weights-manifest.json
}

{
  echo '['
  entry shapes32-var var teacher shapes32-var-teacher.h5 "dd2 HDF5, parameters/{transformer,tokenizer}.*" \
    "built-in teacher of shapes32"
  echo ,
  entry shapes32-var-generator var generator shapes32-var-generator.h5 "dd2 HDF5, ema/{trunk,head,own_noise,noise_gain}.*" \
    "one-step generator distilled from shapes32-var"
  echo ,
  entry shapes32-llamagen llamagen teacher shapes32-llamagen-teacher.h5 "dd2 HDF5, parameters/{transformer,tokenizer}.*" \
    "built-in LlamaGen teacher of shapes32"
  echo ,
  entry shapes32-llamagen-generator llamagen generator shapes32-llamagen-generator.h5 \
    "dd2 HDF5, ema/{trunk,head,own_noise,noise_gain}.*" "one-step generator distilled from shapes32-llamagen"
  echo ,
  entry shapes32-features shapes32 features shapes32-features.h5 "dd2 HDF5, parameters/*" \
    "scores shapes32; not comparable with Inception FID"
  echo ,
  entry shapes32-reference shapes32 statistics shapes32-reference-statistics.h5 "dd2 HDF5, mu and sigma" \
    "10,000 reference images in the features of shapes32-features"
  published
  echo
  echo ']'
} >weights-manifest.json.tmp
mv weights-manifest.json.tmp weights-manifest.json
