// A handler: answers by itself.
package main

import "flexilib"

type greeter struct{ greeting string }

func create(setup *flexilib.Setup) (*greeter, error) {
	return &greeter{setup.Option("greeting").Text()}, nil
}

func (greeter *greeter) OnRequestHead(exchange *flexilib.Exchange) flexilib.Answer {
	return exchange.Reply(200, "text/plain", greeter.greeting+", you asked for "+exchange.Path()+"\n")
}

func init() {
	flexilib.Register(flexilib.Description{
		Name:    "answer",
		Summary: "answers by itself",
		Version: "1.0",
		Options: []flexilib.Option{flexilib.Text("greeting", "what is said").Fallback("Hello")},
	}, create)
}

func main() {}
