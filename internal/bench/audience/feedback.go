package audience

import "time"

type feedback struct{}

func (f *feedback) begin(time.Time, Feedback, *answer)       {}
func (f *feedback) received(time.Time, *Viewer, []byte)      {}
func (f *feedback) arrived(time.Time, header, []byte, uint8) {}
func (f *feedback) tick(time.Time, *Viewer)                  {}

type reportState struct{}

func (r *reportState) arrived(time.Time, uint32, uint32) {}
