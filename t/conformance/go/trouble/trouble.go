// A filter that gets its worker into trouble, of the kind that the request's x-trouble asks for.
package main

// static void write_nowhere(void) { volatile int *volatile nowhere = 0; *nowhere = 1; }
import "C"

import (
	"flexilib"
	"runtime"
	"strings"
)

type trouble struct {
	nothing *int
	closing chan struct{}
}

func create(setup *flexilib.Setup) (*trouble, error) {
	return &trouble{closing: make(chan struct{})}, nil
}

func (trouble *trouble) Close() { close(trouble.closing) }

func (trouble *trouble) OnRequestHead(exchange *flexilib.Exchange) flexilib.Answer {
	kind, _ := exchange.Request().Header("x-trouble")
	switch kind {
	case "nil":
		*trouble.nothing = 1
	case "segv":
		C.write_nowhere()
	case "goroutine":
		go func() { *trouble.nothing = 1 }()
		return exchange.Go(func() any { select {} })
	case "work":
		return exchange.Go(func() any { panic("the work is too hard") })
	case "busy":
		return exchange.Go(busy)
	case "wait":
		return exchange.Go(func() any { return <-trouble.closing })
	case "state":
		*flexilib.State[[]byte](exchange) = make([]byte, 1000)
	case "spin":
		for {
		}
	case "late":
		go func() { exchange.Path() }()
	}
	return flexilib.Continue
}

func (trouble *trouble) OnResume(exchange *flexilib.Exchange, result any) flexilib.Answer {
	return exchange.Reply(200, "text/plain", result.(string))
}

// busy keeps the collector and the scheduler at work, which interrupt threads by signals.
func busy() any {
	done := make(chan int)
	for i := 0; i < 8; i++ {
		go func() {
			length := 0
			for j := 0; j < 200; j++ {
				length += len(strings.Repeat("x", 10_000))
			}
			done <- length
		}()
	}
	for i := 0; i < 8; i++ {
		<-done
	}
	runtime.GC()
	return "busy\n"
}

// misspelled has a method that looks like a hook.
type misspelled struct{}

func (misspelled) OnRequestHaed(exchange *flexilib.Exchange) flexilib.Answer {
	return flexilib.Continue
}

// misshaped has a hook of another form.
type misshaped struct{}

func (misshaped) OnRequestHead(exchange *flexilib.Exchange) error { return nil }

func init() {
	flexilib.Register(flexilib.Description{Name: "trouble", Summary: "gets into trouble"}, create)
	flexilib.Register(flexilib.Description{Name: "misspelled"}, func(*flexilib.Setup) (misspelled, error) { return misspelled{}, nil })
	flexilib.Register(flexilib.Description{Name: "misshaped"}, func(*flexilib.Setup) (misshaped, error) { return misshaped{}, nil })
	flexilib.Register(flexilib.Description{Name: "panicking"}, func(*flexilib.Setup) (*trouble, error) { panic("cannot be made") })
}

func main() {}
