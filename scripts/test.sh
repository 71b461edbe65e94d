#!/bin/sh
# Runs every test that can run here and ends with lists of what was skipped and what failed. Of a failed run it keeps the log.
set -u
cd "$(dirname "$0")/.."
run=$(mktemp -d) || exit 1
log=$run/log
failed=$run/failed
trap '[ -s "$failed" ] || rm -rf "$run"' EXIT

make --no-print-directory check || echo "make check" >>"$failed"

# Each program with the race detector sleeps for a second before it ends, for the
# sake of goroutines that are left. Here none are: every package looks for them.
export GORACE="atexit_sleep_ms=50 ${GORACE:-}"

# Packages in real time, one after the other where there are few cores: the race
# detector and media do not share them well. A package that plays media or keeps
# others waiting belongs here; all others run side by side.
realtime=$(go list ./cmd/... ./internal/bench/... ./internal/conformance ./internal/egress ./internal/gateway \
	./internal/httpserver ./internal/peer ./internal/pull ./internal/push ./internal/sockets ./internal/turn ./internal/ui ./whep ./whip)
others=$(go list ./... | grep -v /integration | grep -vxF "$realtime")

# units runs packages; make check has vetted them.
units() { go test -race -shuffle=on -vet=off -timeout 10m "$@" 2>&1 || echo units >>"$failed"; }

{
	units $others
	units -p "${TEST_PACKAGES:-1}" $realtime
} | tee "$log"
{ go test -count=1 -v -vet=off -timeout 40m ./integration 2>&1 || echo integration >>"$failed"; } |
	tee -a "$log" | grep -v -E '^(=== (RUN|PAUSE|CONT|NAME))'

echo
if grep -q '^skipped: [1-9]' "$log"; then
	sed -n '/^skipped: /,/^\(ok\|FAIL\)/p' "$log" | grep -v -E '^(ok|FAIL)'
else
	echo "Nothing was skipped."
fi
if [ ! -s "$failed" ] && grep -q '^ok.*/integration' "$log"; then exit 0; fi
echo
echo "Failed: $(tr '\n' ' ' 2>/dev/null <"$failed")(the whole log of the tests is $log)"
grep -E '^ *--- FAIL|^FAIL[[:space:]]|^panic: ' "$log"
awk -f scripts/failures.awk "$log"
exit 1
