#!/bin/sh
# Writes the commit of this checkout into Sources/CBuild/commit.inc; run before each build (Plugins/Commit). A source
# tree without git, also inside another repository, has none, and one that cannot be written keeps what it has.
cd "$(dirname "$0")/.." || exit 0
[ ! -e .git ] || commit=$(git --no-optional-locks describe --always --dirty --abbrev=7 --exclude '*' 2>/dev/null)
new="#define DD2_COMMIT \"${commit:-}\""
[ "$(cat Sources/CBuild/commit.inc 2>/dev/null)" = "$new" ] || printf '%s\n' "$new" >Sources/CBuild/commit.inc || true
