// Changes heads and bodies of both halves: requests arrive in lower case, responses in upper case, with a tail.
package main

import (
	"bytes"
	"flexilib"
)

type rewrite struct{ tail string }

func create(setup *flexilib.Setup) (*rewrite, error) {
	return &rewrite{setup.Option("tail").Text()}, nil
}

func (rewrite *rewrite) OnRequestHead(exchange *flexilib.Exchange) flexilib.Answer {
	exchange.Request().SetHeader("x-rewritten", "request")
	return flexilib.Continue
}

func (rewrite *rewrite) OnRequestBody(exchange *flexilib.Exchange, piece []byte, last bool) flexilib.Answer {
	exchange.Write(bytes.ToLower(piece))
	return flexilib.Continue
}

func (rewrite *rewrite) OnResponseHead(exchange *flexilib.Exchange) flexilib.Answer {
	exchange.Response().SetHeader("x-rewritten", "response")
	return flexilib.Continue
}

func (rewrite *rewrite) OnResponseBody(exchange *flexilib.Exchange, piece []byte, last bool) flexilib.Answer {
	exchange.Write(bytes.ToUpper(piece))
	if last {
		exchange.WriteString(rewrite.tail)
	}
	return flexilib.Continue
}

func init() {
	flexilib.Register(flexilib.Description{
		Name:    "rewrite",
		Summary: "changes both halves",
		Version: "1.0",
		Options: []flexilib.Option{flexilib.Text("tail", "what is added to responses").Fallback("")},
	}, create)
}

func main() {}
