// Package testkit holds what tests of media share: a stream whose frames can be
// recognised, publishers and players made of pion, a player's eye for freezes,
// and a gateway on free ports of this machine or on a virtual network.
package testkit
