#!/bin/sh
# Runs the test programs given, each in a folder of its own for its files, and says at the end how many passed.
# Compiled kernels are kept beside them: compiling takes most of a first run's time.
cache=$(cd "$(dirname "${CELDA:-.}")" && pwd)/cache
passed=0 failed=0 names=
for t in "$@"; do
    scratch=$(mktemp -d) || exit 1
    if LSAN_OPTIONS=suppressions=tests/support/lsan.supp TEST_TMP=$scratch XDG_STATE_HOME=$scratch/state XDG_CACHE_HOME=$cache XDG_CONFIG_HOME=$scratch/config \
        $WRAP "$t" >"$scratch/log" 2>&1; then
        passed=$((passed + 1))
        grep -E 'PASSED|SKIPPED' "$scratch/log" | sed "s|^|$(basename "$t"): |"
    else
        echo "$t: exit status $?"
        cat "$scratch/log"
        failed=$((failed + 1)) names="$names $t"
    fi
    rm -rf "$scratch"
done
[ -z "$names" ] || echo "failed:$names"
echo "programs: $passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
