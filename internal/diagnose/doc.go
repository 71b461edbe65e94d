// Package diagnose turns what is known of a session into one sentence that says
// what is wrong and one that says what to do. It is pure: typed facts in, one
// Diagnosis out. Facts are put together by internal/session; docs/diagnoses.md
// lists every diagnosis, and a test keeps it so.
package diagnose
