package auth

import (
	"slices"
	"time"
)

// identity is what a good token says, whatever its kind.
type identity struct {
	publish, play patterns
	admin         bool
	// participant is the claim; subject, session, id and issuer are sub, sid,
	// jti and iss.
	participant, subject, session, id, issuer string
	// whole stands for the token itself: a hash.
	whole                string
	name                 string
	tags                 map[string]string
	starts, ends, joinBy time.Time
	once                 bool
}

// allows reports whether the identity may do action at place.
func (i identity) allows(action Action, place Place) bool {
	switch action {
	case Publish:
		return i.publish.match(place.Channel)
	case Play:
		return i.play.match(place.Channel)
	case Join:
		return i.publish.match(place.Channel) || i.play.match(place.Channel)
	case Admin:
		return i.admin
	}
	return false
}

// own is the participant the token is bound to, or "".
func (i identity) own() string {
	if i.participant != "" && i.participant != anyone {
		return i.participant
	}
	return nameOf(i.subject)
}

// participantAt decides who acts. Only publishers and members are named by the address.
func (i identity) participantAt(action Action, place Place) (string, error) {
	own, named := i.own(), place.Participant
	switch {
	case action != Publish && action != Join:
		return own, nil
	case named == "" && own == "" && action == Join:
		return "", nil
	case named == "" && own == "":
		return defaultParticipant, nil
	case named == "":
		return own, nil
	case own == "" || own == named || i.participant == anyone:
		return named, nil
	}
	return "", ErrWrongParticipant.Because(
		"The token is for participant %q; use that name, or leave it out.", own)
}

// defaultParticipant is a publisher whom neither token nor address names.
const defaultParticipant = "main"

// subjectKey identifies whoever the token was made for by the first thing the
// issuer said about that.
func (i identity) subjectKey() string {
	participant := i.participant
	if participant == anyone {
		participant = ""
	}
	return i.first("subject", []fact{
		{"sub", i.subject}, {"participant", participant}, {"sid", i.session}, {"jti", i.id}, {"token", i.whole},
	})
}

// loginKey identifies participant + credential.
func (i identity) loginKey(participant string) string {
	return i.first("login "+participant, []fact{{"sid", i.session}, {"jti", i.id}, {"token", i.whole}})
}

// tokenKey identifies the token among all tokens.
func (i identity) tokenKey() string {
	return i.first("once", []fact{{"jti", i.id}, {"token", i.whole}})
}

type fact struct{ kind, value string }

func (i identity) first(purpose string, facts []fact) string {
	at := slices.IndexFunc(facts, func(f fact) bool { return f.value != "" })
	return digest(purpose, facts[at].kind, i.issuer, facts[at].value)
}
