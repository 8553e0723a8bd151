// Answers with its version, which whoever measures writes into a copy of the library, over the digits.
package main

import "flexilib"

type versioned struct{ text string }

func create(setup *flexilib.Setup) (*versioned, error) {
	return &versioned{"go 00000000\n"}, nil
}

func (versioned *versioned) OnRequestHead(exchange *flexilib.Exchange) flexilib.Answer {
	return exchange.Reply(200, "text/plain", versioned.text)
}

func init() {
	flexilib.Register(flexilib.Description{
		Name:    "version",
		Summary: "answers with its version",
		Version: "1.0",
	}, create)
}

func main() {}
