// Package egress is the way out: a worker per core, each owning a shard of the
// viewers. A worker takes bursts, RTCP and control functions from its inbox,
// lets the shard plan (router, pure), and sends what was planned. It owns the
// clock of the viewers' side.
package egress
