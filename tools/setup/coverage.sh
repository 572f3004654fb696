# SPDX-License-Identifier: Apache-2.0
# ./dev fuzz --coverage: which lines of lib/ the fuzz targets run, over what they have learnt
# (build/fuzz/corpus), their seeds and their past findings.

# The tools have to be of the compiler's version, or they do not read what it wrote.
PACKAGES_COVERAGE="clang-19 libclang-rt-19-dev llvm-19"

fuzz_coverage() {
  [ $# -eq 0 ] || fail "./dev fuzz --coverage takes no arguments: $*"
  ensure_python
  build coverage fuzz_replay fuzz_seeds
  local folder=$HOB_ROOT/build/coverage target
  local profiles=$folder/profiles
  export HOB_SOURCE_DIR=$HOB_ROOT
  rm -rf "$profiles"
  mkdir -p "$profiles"
  "$folder/tests/fuzz/fuzz_seeds" "$folder/tests/fuzz/seeds"
  for target in $(fuzz_targets); do
    LLVM_PROFILE_FILE=$profiles/$target.profraw logged "coverage-$target" "Replaying $target" \
      "$folder/tests/fuzz/fuzz_replay" "$target" "$HOB_ROOT/build/fuzz/corpus/$target" \
      "$folder/tests/fuzz/seeds/$target" "$HOB_ROOT/tests/fuzz/corpus/$target" ||
      fail "the replay of $target failed" "the log is $HOB_LOGS/coverage-$target.log"
  done
  llvm-profdata-19 merge -o "$folder/all.profdata" "$profiles"/*.profraw
  llvm-cov-19 export -summary-only -instr-profile "$folder/all.profdata" "$folder/tests/fuzz/fuzz_replay" \
    >"$folder/coverage.json"
  python3 "$HOB_ROOT/tools/setup/coverage.py" "$folder/coverage.json" "$HOB_ROOT"
}
