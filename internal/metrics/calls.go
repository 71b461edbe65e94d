package metrics

import "github.com/headgate/headgate/internal/call"

// calls tells about people: how many, how their media goes, and what they say.
func (p *page) calls(t call.Tally) {
	p.gauge("calls", "Channels that are calls and have somebody in them.").is(float64(t.Calls))
	p.gauge("members", "Participants in the rosters of all channels: who publishes or reads the events of members.").is(float64(t.Members))
	p.gauge("member_streams", "Event streams of members.").is(float64(t.Streams))
	p.gauge("bans", "Participants that are shut out of a channel.").is(float64(t.Bans))
	p.gauge("invitations", "Invitations that nobody has answered.").is(float64(t.Invitations))
	scores := p.distribution("quality_score", "Scores of members in calls from 0 to 5, each time they were looked at, for what they send (up) and are sent (down).")
	scores.of(&t.Up, "direction", "up")
	scores.of(&t.Down, "direction", "down")
	p.gauge("data_channels", "Data channels of sessions that are passed on.").is(float64(t.Data.Open))
	messages := p.counter("messages_total", "Messages of the chat and of data channels: passed on, or dropped because they were too many, too long or no text.")
	messages.count(t.Data.Passed, "result", "passed")
	messages.count(t.Data.Dropped, "result", "dropped")
	p.counter("messages_missed_total", "Messages that one receiver each did not get because too much waited for it.").count(t.Data.Missed)
}
