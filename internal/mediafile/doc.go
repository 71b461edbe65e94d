// Package mediafile reads media files and streams as timed samples: IVF (VP8,
// VP9, AV1) and Annex-B H.264 or H.265 for video, Ogg Opus for audio. It also
// holds the short clip that is published when somebody has no file at hand.
package mediafile
