package main

import (
	"flexilib"
	"fmt"
)

// observer looks at bodies, and logs how many bytes there were in both halves.
type observer struct{}

type seen struct{ request, response int }

func createObserver(setup *flexilib.Setup) (observer, error) { return observer{}, nil }

func (observer) OnRequestBody(exchange *flexilib.Exchange, piece []byte, last bool) flexilib.Answer {
	flexilib.State[seen](exchange).request += len(piece)
	return tryToWrite(exchange)
}

func (observer) OnResponseBody(exchange *flexilib.Exchange, piece []byte, last bool) flexilib.Answer {
	flexilib.State[seen](exchange).response += len(piece)
	return tryToWrite(exchange)
}

func tryToWrite(exchange *flexilib.Exchange) flexilib.Answer {
	if exchange.WriteString("!") {
		return flexilib.Fail
	}
	return flexilib.Continue
}

func (observer) OnEnd(exchange *flexilib.Exchange) {
	seen := flexilib.State[seen](exchange)
	exchange.Log(flexilib.Info, fmt.Sprintf("saw %d and %d bytes", seen.request, seen.response))
}
