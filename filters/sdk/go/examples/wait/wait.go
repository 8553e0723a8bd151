// A handler that pauses, and is resumed from a goroutine.
package main

import "flexilib"

type wait struct{}

func create(setup *flexilib.Setup) (*wait, error) { return &wait{}, nil }

func (wait *wait) OnRequestHead(exchange *flexilib.Exchange) flexilib.Answer {
	return exchange.Go(func() any { return "worked out elsewhere\n" })
}

func (wait *wait) OnResume(exchange *flexilib.Exchange, result any) flexilib.Answer {
	return exchange.Reply(200, "text/plain", result.(string))
}

func init() {
	flexilib.Register(flexilib.Description{Name: "wait", Summary: "waits for a goroutine", Version: "1.0"}, create)
}

func main() {}
