// Package integration runs the built headgate binary against real WebRTC clients: FFmpeg, GStreamer, simple-whip-client, Chromium, Firefox, curl and
// JavaScript clients of other projects; and behind nginx and Caddy. One behaviour a file.
//
// The tests run in a network namespace of their own, which has loopback and one more address, because some clients gather no candidate
// on a machine that has loopback only. A client that is missing is a skip with its reason, and a failure when HEADGATE_REQUIRE_CLIENTS=1.
// scripts/install-clients.sh installs them.
//
//	HEADGATE_BINARY           test this binary instead of building one
//	HEADGATE_CLIENTS          where scripts/install-clients.sh put the clients
//	HEADGATE_REQUIRE_CLIENTS  1: a missing client is a failure
//	HEADGATE_SOAK             1: also the rows that need minutes of real time
//	HEADGATE_SKIPPED          a file that gets one line for each skipped test, and why
package integration
