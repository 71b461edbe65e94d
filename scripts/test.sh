#!/bin/sh
# Runs every test that can run here and ends with a list of what was skipped.
set -u
cd "$(dirname "$0")/.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0

make --no-print-directory check || status=1

# Packages one after the other where there are few cores: the race detector and
# media in real time do not share them well.
go test -race -shuffle=on -timeout 5m -p "${TEST_PACKAGES:-1}" $(go list ./... | grep -v /integration) || status=1
go test -count=1 -v -timeout 20m ./integration 2>&1 | tee "$log" | grep -v -E '^(=== (RUN|PAUSE|CONT|NAME))' 
grep -q '^ok' "$log" || status=1

echo
if grep -q '^skipped: [1-9]' "$log"; then
	sed -n '/^skipped: /,/^\(ok\|FAIL\)/p' "$log" | grep -v -E '^(ok|FAIL)'
else
	echo "Nothing was skipped."
fi
exit $status
