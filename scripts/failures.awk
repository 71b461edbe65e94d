# Reads what go test printed, with -v or without, and prints for each test that failed its own words: file.go:12: ..., data races and panics. What
# programs and pages said is left out (those logs begin with "---- ", and stand in the whole log). At most 40 lines a test.

function keep(line) {
	if (cur == "") cur = "outside of any test"
	lines[cur, ++count[cur]] = substr(line, 1, 400)
}

/^=== (RUN|NAME|CONT|PAUSE) / { cur = $3; own = crash = 0; next }
/^ *--- (FAIL|PASS|SKIP): / {
	cur = $3; own = crash = 0
	if ($2 == "FAIL:" && !(cur in failed)) { failed[cur] = 1; order[++tests] = cur }
	next
}
/^(ok|FAIL|PASS|\?)([ \t]|$)/ { if (!crash) { cur = ""; own = 0 }; next }
/^(WARNING: DATA RACE|panic: |fatal error: )/ {
	crash = 1; own = 0; keep($0)
	if (!(cur in failed)) { failed[cur] = 1; order[++tests] = cur }
	next
}
/^[ \t]+[A-Za-z0-9_]+\.go:[0-9]+: / {
	text = $0
	sub(/^[ \t]+[A-Za-z0-9_]+\.go:[0-9]+: /, "", text)
	own = text !~ /^---- /
	crash = 0
	if (own) keep($0)
	next
}
crash { keep($0); next }
own && /^        / { keep($0); next }
{ own = 0 }

END {
	for (i = 1; i <= tests; i++) {
		name = order[i]
		if (!count[name]) continue
		print "\n" name
		for (n = 1; n <= count[name]; n++) {
			if (count[name] > 40 && n == 31) { print "    ..."; n = count[name] - 9 }
			print lines[name, n]
		}
	}
}
