#!/bin/sh
# Runs every test that can run here and ends with lists of what was skipped and what failed. Of a failed run it keeps the log.
set -u
cd "$(dirname "$0")/.."
run=$(mktemp -d) || exit 1
log=$run/log
failed=$run/failed
trap '[ -s "$failed" ] || rm -rf "$run"' EXIT

make --no-print-directory check || echo "make check" >>"$failed"

# Packages one after the other where there are few cores: the race detector and
# media in real time do not share them well.
{ go test -race -shuffle=on -timeout 10m -p "${TEST_PACKAGES:-1}" $(go list ./... | grep -v /integration) 2>&1 || echo units >>"$failed"; } |
	tee "$log"
{ go test -count=1 -v -timeout 40m ./integration 2>&1 || echo integration >>"$failed"; } |
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
