# SPDX-License-Identifier: Apache-2.0
# ./dev test: every check, one after the other; one that fails does not stop the rest. The last line counts them.

PASSED=0 FAILED=0 SKIPPED=0 SUMMARY=()

# check NAME COMMAND…: exit code 77 means skipped, with the reason in SKIP_REASON's file.
check() {
  local name=$1 start=$SECONDS code=0 word
  shift
  printf '\n== %s\n' "$name"
  ("$@") || code=$?
  case $code in
    0) word=passed PASSED=$((PASSED + 1)) ;;
    77) word="skipped: $(cat "$HOB_LOGS/skip")" SKIPPED=$((SKIPPED + 1)) ;;
    *) word=FAILED FAILED=$((FAILED + 1)) ;;
  esac
  SUMMARY+=("$(printf '%-28s %5d s  %s' "$name" $((SECONDS - start)) "$word")")
}

skip() {
  echo "$*" >"$HOB_LOGS/skip"
  exit 77
}

# ctest_in PRESET [CTEST ARGUMENT…]: that preset's tests; prints what failed, ctest's closing lines, and why test
# cases were skipped.
ctest_in() {
  local folder=$HOB_ROOT/build/$1 code=0
  shift
  ctest --test-dir "$folder" -j "$JOBS" --output-on-failure --no-tests=ignore "$@" | shorten || code=$?
  awk '/SKIPPED:$/ { wanted = 1 } wanted && /^  / { print "skipped:" $0; wanted = 0 }' \
    "$folder/Testing/Temporary/LastTest.log" | sort | uniq -c
  return $code
}

# ctest writes a line a test; what matters is what failed and how many there were.
shorten() { awk '!/Passed +[0-9.]+ sec/ && !/^ *Start +[0-9]+:/ && !/^\[HANDLER_OUTPUT\]/ && NF { sub(/\r/, ""); print }'; }

check_release() { ctest_in release; }

check_asan() {
  build asan
  # The tests in Python run the command with the real model: much slower here, and the tiny models do the same.
  ctest_in asan -LE python
}

# Where threads meet: the pool, the scheduler, sessions, cancelling from another thread.
check_tsan() {
  local areas="base session scheduler abi" area targets=()
  for area in $areas; do
    if compgen -G "$HOB_ROOT/tests/$area/*_test.cc" >/dev/null; then targets+=("test_$area"); fi
  done
  [ ${#targets[@]} -gt 0 ] || skip "no tests of threads"
  build tsan "${targets[@]}"
  ctest_in tsan -L "^(${areas// /|})\$"
}

check_fuzz() {
  compgen -G "$HOB_ROOT/tests/fuzz/*_fuzz.cc" >/dev/null || skip "no fuzz targets"
  build fuzz
  local code=0
  JOBS=2 ctest_in fuzz -L '^fuzz$' || code=$?
  fuzz_table "$HOB_ROOT/build/fuzz/Testing/Temporary/LastTest.log"
  return $code
}

# What each fuzz target did, from the log of ctest: libFuzzer's last status line and its statistics.
fuzz_table() {
  printf '%-14s %12s %9s %8s %9s\n' target executions exec/s edges features
  awk '/^[0-9]+\/[0-9]+ Test: fuzz\// { name = substr($3, 6) }
    / cov: [0-9]+ ft: [0-9]+/ { for (i = 1; i < NF; ++i) { if ($i == "cov:") edges = $(i + 1); if ($i == "ft:") features = $(i + 1) } }
    /^stat::number_of_executed_units:/ { runs = $2 }
    /^stat::average_exec_per_sec:/ { printf "%-14s %12d %9d %8d %9d\n", name, runs, $2, edges, features }' "$1"
}

run_tests() {
  local preset start=$SECONDS
  ensure_packages $PACKAGES_ABI $PACKAGES_DOCS $PACKAGES_MEMCHECK $PACKAGES_TEST
  ensure_python
  ensure_model
  ensure_embed_model
  ensure_test_python
  (build release) || fail "the release build failed; nothing was tested"
  check "tests (release)" check_release
  if [ "${1:-}" != --quick ]; then
    check "size and symbols" bash "$HOB_ROOT/tests/install/check_symbols.sh" "$HOB_ROOT/build/release"
    check "format" format --check
    check "tests (asan, ubsan)" check_asan
    check "threads (tsan)" check_tsan
    check "fuzz" check_fuzz
    check "clang-tidy" lint
  fi
  printf '\n'
  printf '%s\n' "${SUMMARY[@]}"
  printf '\nAll of it took %d s.\n%d passed, %d failed, %d skipped\n' $((SECONDS - start)) "$PASSED" "$FAILED" "$SKIPPED"
  [ "$FAILED" -eq 0 ]
}
