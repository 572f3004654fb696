#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A program under valgrind's memcheck: no error and no lost memory. usage: memcheck.sh SUPPRESSIONS PROGRAM [ARG…]
# Its CPU has no AVX-512: kernels are chosen by what is detected, so others run than outside of it.
set -euo pipefail
supp=$1
shift
if ! command -v valgrind >/dev/null; then
  echo "skipped: valgrind is not installed"
  exit 77
fi
exec valgrind --tool=memcheck --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite,indirect \
  --errors-for-leak-kinds=definite,indirect --track-origins=no --suppressions="$supp" --fair-sched=yes \
  --gen-suppressions=no "$@"
