// Package sockets is about where the gateway's listening sockets come from: it
// takes over those that systemd opened (sd_listen_fds(3)), and says what to do
// where opening one fails.
package sockets
