package main

import (
	"flexilib"
	"time"
)

// ticker is a handler that streams, pauses before and after it has written something, and has no OnResume.
type ticker struct{ timer *flexilib.Timer }

func createTicker(setup *flexilib.Setup) (*ticker, error) {
	timer, err := flexilib.NewTimer(setup)
	return &ticker{timer}, err
}

func (ticker *ticker) OnRequestHead(exchange *flexilib.Exchange) flexilib.Answer {
	return exchange.ReplyStream(200, "text/plain")
}

func (ticker *ticker) OnReplyBody(exchange *flexilib.Exchange) flexilib.Answer {
	turn := flexilib.State[int](exchange)
	*turn++
	if *turn == 1 {
		return ticker.timer.Pause(exchange, time.Millisecond)
	}
	exchange.WriteString("tick\n")
	if *turn == 3 {
		return ticker.timer.Pause(exchange, time.Millisecond)
	}
	if *turn == 4 {
		exchange.EndReply()
	}
	return flexilib.Continue
}
