#!/usr/bin/env bash
# Draws the README's sheets of samples from the files in Models/: the same noise seed, ten classes, four of each.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
dd2=.build/release/dd2
[ -x "$dd2" ] || { echo "pictures: $dd2 is missing; swift build -c release" >&2; exit 66; }
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
mkdir -p docs/samples

# Each teacher with the guidance that its bundled generator has learned.
for pair in "var 0" "llamagen 3"; do
  read -r family cfg <<<"$pair"
  "$dd2" sample --teacher-steps --teacher "shapes32-$family" --cfg "$cfg" -o "$folder/$family-teacher" --count 40 --grid
  "$dd2" sample --one-step --teacher "shapes32-$family" --checkpoint "Models/shapes32-$family-generator.h5" \
    -o "$folder/$family-one-step" --count 40 --grid
  for method in teacher one-step; do cp "$folder/$family-$method/grid.png" "docs/samples/$family-$method.png"; done
done
