// Package push publishes media files to any WHIP server, as an encoder would.
package push
