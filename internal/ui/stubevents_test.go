package ui

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
)

// extend adds the two extensions of WHEP: a stream of events, and a place to choose
// a layer that agrees to everything unless a test answers for it.
func (s *stub) extend(e *echo.Echo) {
	e.POST("/session/:id/events", func(c echo.Context) error {
		c.Response().Header().Set("Location", "/session/"+c.Param("id")+"/events/e1")
		return c.NoContent(http.StatusCreated)
	})
	e.GET("/session/:id/events/:stream", s.stream)
	e.POST("/session/:id/layer", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
}

// message is one event as it is on the wire.
func message(event, data string) string { return "event: " + event + "\ndata: " + data + "\n\n" }

// say tells all who listen, and all who will.
func (s *stub) say(event, data string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, message(event, data))
	for stream := range s.streams {
		stream <- message(event, data) // a test says less than fits
	}
}

func (s *stub) stream(c echo.Context) error {
	news := make(chan string, 64)
	s.mu.Lock()
	for _, m := range s.said {
		news <- m
	}
	s.streams[news] = true
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.streams, news)
		s.mu.Unlock()
	}()
	w := c.Response()
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	w.Flush()
	for {
		select {
		case m, on := <-news:
			if !on {
				return nil
			}
			if _, err := fmt.Fprint(w, m); err != nil {
				return nil
			}
			w.Flush()
		case <-c.Request().Context().Done():
			return nil
		}
	}
}

// hangUp breaks all streams of events off.
func (s *stub) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for stream := range s.streams {
		close(stream)
		delete(s.streams, stream)
	}
}
