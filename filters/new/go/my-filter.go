// my-filter: gives responses a field that tells who has seen them.
//
//	filters: [{ my-filter: { text: hello } }]
package main

import "flexilib"

type marker struct{ text string }

func create(setup *flexilib.Setup) (*marker, error) {
	return &marker{setup.Option("text").Text()}, nil
}

func (marker *marker) OnResponseHead(exchange *flexilib.Exchange) flexilib.Answer {
	exchange.Response().SetHeader("x-my-filter", marker.text)
	return flexilib.Continue
}

func init() {
	flexilib.Register(flexilib.Description{
		Name:    "my-filter",
		Summary: "gives responses a field",
		Version: "0.1",
		Options: []flexilib.Option{flexilib.Text("text", "what the field says").Fallback("hello")},
	}, create)
}

func main() {}
