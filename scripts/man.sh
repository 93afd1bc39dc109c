#!/usr/bin/env bash
# Prints the man page: the help of dd2 and of all its commands.
#   scripts/man.sh DD2 > dd2.1
set -euo pipefail
dd2=$1
export COLUMNS=78

# The help of a command, as a literal block.
help() {
  printf '.Bd -literal\n'
  "$dd2" "$@" --help | sed -e 's/\\/\\e/g' -e "s/^[.']/\\\\\&&/"
  printf '.Ed\n'
}

# A section for a command and those below it.
commands() {
  local name names
  names=$("$dd2" "$@" --help | awk '/^SUBCOMMANDS:/ { on = 1; next } /^$/ { on = 0 } on && /^  [a-z]/ { print $1 }')
  for name in $names; do
    name=${name%,}
    printf '.Ss dd2 %s\n' "${*:+$* }$name"
    help "$@" "$name"
    commands "$@" "$name"
  done
}

cat <<EOF
.Dd $(LC_ALL=C date -u '+%B %-d, %Y')
.Dt DD2 1
.Os "$("$dd2" --version)"
.Sh NAME
.Nm dd2
.Nd one-step distillation of auto-regressive image models
.Sh SYNOPSIS
.Nm
.Ar command
.Op Ar options
.Sh DESCRIPTION
EOF
help
printf '.Sh COMMANDS\n'
commands
