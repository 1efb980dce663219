#!/usr/bin/env bash
# The reference config is right, commented keys included, and what is wrong is told with its place.
set -euo pipefail
# shellcheck source=lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

# exit_code COMMAND...: what it says goes to $dir/said.
exit_code() {
    local code=0
    "$@" >"$dir/said" 2>&1 || code=$?
    echo "$code"
}

lab_open config
reference=$root/deploy/weir.toml
check_equal "the reference config is accepted" "$(exit_code "$weir" check --config "$reference")" 0
sed -E 's/^#([a-z_]+ = |\[\[)/\1/' "$reference" >"$dir/all.toml"
check "more than 20 keys of it are commented out" \
    test "$(diff "$reference" "$dir/all.toml" | grep -c '^>')" -gt 20
check_equal "it is accepted with every key set" "$(exit_code "$weir" check --config "$dir/all.toml")" 0

sed -e 's/^on_engine_loss = .*/on_engine_los = "forward"/' -e 's/^#mode = .*/mode = "protekt"/' \
    "$reference" >"$dir/wrong.toml"
check_equal "two mistakes are bad config" "$(exit_code "$weir" check --config "$dir/wrong.toml")" 78
check "an unknown key is told with file, line and column" \
    grep -qE "wrong.toml:$(grep -n '^on_engine_los ' "$dir/wrong.toml" | cut -d: -f1):[0-9]+" "$dir/said"
check "and so is a wrong word, at once" \
    grep -qE "wrong.toml:$(grep -n '^mode' "$dir/wrong.toml" | cut -d: -f1):[0-9]+" "$dir/said"
check_equal "a config that is not there is bad config" "$(exit_code "$weir" check --config "$dir/none.toml")" 78
check_equal "a wrong flag is usage" "$(exit_code "$weir" check --no-such-flag)" 2
checks_close
