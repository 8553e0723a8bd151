// A filter that owns an address, which one process has at a time.
package main

import (
	"flexilib"
	"net"
)

type owner struct {
	address  string
	listener net.Listener
}

func create(setup *flexilib.Setup) (*owner, error) {
	address := setup.Option("address").Text()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &owner{address, listener}, nil
}

func (owner *owner) OnRequestHead(exchange *flexilib.Exchange) flexilib.Answer {
	if owner.listener == nil {
		return exchange.Reply(200, "text/plain", "quiet\n")
	}
	return exchange.Reply(200, "text/plain", "owns\n")
}

func (owner *owner) Quiesce() bool {
	owner.listener.Close()
	owner.listener = nil
	return true
}

func (owner *owner) Wake() {
	owner.listener, _ = net.Listen("tcp", owner.address)
}

func init() {
	flexilib.Register(flexilib.Description{Name: "owner", Summary: "owns a port", Options: []flexilib.Option{flexilib.Text("address", "where")}}, create)
}

func main() {}
