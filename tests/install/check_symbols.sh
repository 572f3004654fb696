#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: check_symbols.sh BUILD_FOLDER [LIMIT_IN_MIB]
# - the shared library, stripped, is under the limit (8 MiB), exports hob_* alone and needs no library but the C and C++ ones;
# - no object of lib/ or abi/ calls what takes the host down or writes to its output (abort, exit, printf, …);
# - none has a static initialiser or destructor.
set -euo pipefail
build=$1 limit=${2:-8} failed=0
library=$(readlink -f "$build/shared/libhob.so")
bad() {
  printf 'FAILED: %s\n' "$1"
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@"
  failed=1
}

stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" "$library"
size=$(stat -c %s "$stripped")
echo "stripped shared library: $size bytes"
[ "$size" -lt $((limit * 1024 * 1024)) ] || bad "the stripped shared library has $size bytes; the limit is $limit MiB"
echo "exported symbols: $(nm -D --defined-only "$library" | awk '$2 != "A"' | wc -l)"
# Relative ones cost the loader an addition each; those by name a search. Code has none: it is shared by all processes.
readelf -rW "$stripped" | awk '$3 ~ /^R_/ { $3 ~ /RELATIV/ ? relative++ : named++ }
  END { printf "relocations: %d relative, %d by name\n", relative, named }'
dynamic=$(readelf -d "$library")
[[ $dynamic != *TEXTREL* ]] || bad "the shared library has relocations in its code"

foreign=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | grep -v '^hob_' || true)
[ -z "$foreign" ] || bad "the shared library exports what is not its interface" $(head -n 10 <<<"$foreign")
needed=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$dynamic" |
  grep -v -E '^(libc|libm|libstdc\+\+|libgcc_s|libpthread|libdl|libatomic|ld-linux[a-z0-9-]*)\.so' || true)
[ -z "$needed" ] || echo "note: it needs" $needed

# std::terminate comes where a noexcept function calls what may throw. The one allowed is in std::thread's own
# destructor, which the thread pool's, having joined them all, never lets get that far.
allowed='^_ZSt9terminatev lib/(base/thread_pool|scheduler/scheduler)\.cc$'
forbidden='^(abort|exit|_exit|_Exit|quick_exit|at_quick_exit|atexit|__assert_fail|raise|kill|signal|sigaction|longjmp|siglongjmp|printf|__printf_chk|vprintf|__vprintf_chk|fprintf|__fprintf_chk|vfprintf|__vfprintf_chk|puts|putchar|putc|fputs|fputc|fwrite|perror|stdout|stderr|_ZSt9terminatev|_ZSt4cout|_ZSt4cerr|_ZSt4clog|_ZNSt8ios_base4InitC1Ev)$'
objects=$(find "$build/CMakeFiles/hob_objects.dir" -name '*.o' | sort)
[ -n "$objects" ] || bad "no objects below $build/CMakeFiles/hob_objects.dir"
found=$(
  for object in $objects; do
    name=${object#"$build"/CMakeFiles/hob_objects.dir/}
    nm -u "$object" | awk '{ print $NF }' | { grep -E "$forbidden" || true; } | sed "s|\$| ${name%.o}|"
    if readelf -SW "$object" | grep -q -E ' \.(init_array|ctors|fini_array)'; then echo "(static-initialiser) ${name%.o}"; fi
  done | { grep -v -E "$allowed" || true; } | sort
)
if [ -n "$found" ]; then
  # A line a symbol, with the first files that refer to it.
  bad "objects of hob refer to what they must not:"
  awk '{ files[$1] = files[$1] (count[$1]++ < 6 ? " " $2 : "") }
    END { for (s in files) printf "  %s in %d:%s\n", s, count[s], files[s] }' <<<"$found" | c++filt
fi
echo "objects of hob: $(wc -w <<<"$objects") checked"
exit $failed
