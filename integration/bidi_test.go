package integration

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/net/websocket"
)

// object is a JSON object.
type object = map[string]any

// bidi is a connection of the W3C WebDriver BiDi protocol: commands with an id over a WebSocket. One goroutine reads until close; calls may be
// made from any goroutine.
type bidi struct {
	socket *websocket.Conn
	done   chan struct{}

	mu      sync.Mutex
	last    int
	waiting map[int]chan bidiAnswer
}

type bidiAnswer struct {
	ID      int
	Type    string
	Result  json.RawMessage
	Error   string
	Message string
}

func dialBiDi(url, origin string) (*bidi, error) {
	socket, err := websocket.Dial(url, "", origin)
	if err != nil {
		return nil, fmt.Errorf("WebDriver BiDi at %s: %w", url, err)
	}
	b := &bidi{socket: socket, done: make(chan struct{}), waiting: map[int]chan bidiAnswer{}}
	go b.read()
	return b, nil
}

func (b *bidi) read() {
	defer close(b.done)
	for {
		var answer bidiAnswer
		if err := websocket.JSON.Receive(b.socket, &answer); err != nil {
			return
		}
		b.mu.Lock()
		waiting := b.waiting[answer.ID]
		delete(b.waiting, answer.ID)
		b.mu.Unlock()
		if waiting != nil {
			waiting <- answer
		}
	}
}

// call sends a command and decodes its result into out, if out is not nil.
func (b *bidi) call(method string, parameters, out any) error {
	answered := make(chan bidiAnswer, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.waiting[id] = answered
	err := websocket.JSON.Send(b.socket, object{"id": id, "method": method, "params": parameters})
	b.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case answer := <-answered:
		return answer.decode(method, out)
	case <-b.done:
		return errors.New(method + ": the browser hung up")
	case <-time.After(evaluateTimeout):
		return fmt.Errorf("%s: no answer within %v", method, evaluateTimeout)
	}
}

func (a bidiAnswer) decode(method string, out any) error {
	if a.Type == "error" {
		return fmt.Errorf("%s: %s: %s", method, a.Error, a.Message)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(a.Result, out)
}

// close hangs up and waits for the reader.
func (b *bidi) close() {
	_ = b.socket.Close()
	<-b.done
}
