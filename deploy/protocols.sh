#!/bin/sh
# Writes what `weir protocols` lists into the page that shows it.
set -eu
cd "$(dirname "$0")/.."
page=deploy/protocols.md
list=$("${CARGO:-cargo}" run --quiet --locked -p engine -- protocols)
head=$(sed '/^```text$/,$d' "$page")
fence='```'
printf '%s\n\n%stext\n%s\n%s\n' "$head" "$fence" "$list" "$fence" >"$page"
