#!/usr/bin/env bash
# Installs what 'make' built: dd2 with the models that come with it, completions and the man page.
#   scripts/install.sh PREFIX     e.g. /usr/local; dd2 finds PREFIX/share/dd2 from PREFIX/bin/dd2
# The program needs the libraries of scripts/setup.sh and the Swift that built it; scripts/ship.sh packs one that does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
prefix=${1:?"usage: scripts/install.sh PREFIX"}
dd2=${DD2:-.build/release/dd2}
[ -x "$dd2" ] || {
  echo "install.sh: no $dd2; run 'make' first" >&2
  exit 66
}
share=$prefix/share
install -d "$prefix/bin" "$share/dd2/Models" "$share/man/man1" "$share/bash-completion/completions" \
  "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
install -m 755 "$dd2" "$prefix/bin/dd2"
install -m 644 Models/*.h5 "$share/dd2/Models/"
install -m 644 weights-manifest.json plugins-manifest.json LICENSE "$share/dd2/"
bash scripts/man.sh "$dd2" >"$share/man/man1/dd2.1"
"$dd2" --generate-completion-script bash >"$share/bash-completion/completions/dd2"
"$dd2" --generate-completion-script zsh >"$share/zsh/site-functions/_dd2"
"$dd2" --generate-completion-script fish >"$share/fish/vendor_completions.d/dd2.fish"
echo "$prefix/bin/dd2"
