// Package flexilib is FlexiLib's filter contract for Go. A filter is a type with some of the hook methods; Register tells
// of it, in an init function, and the library is built with -buildmode=c-shared from a package main whose main does
// nothing. A panic in a hook is recovered, logged with its place, and counts as Fail.
//
// Everything else is as flexilib/filter.h says, which stays the reference: lifetimes, what may be called when. Hooks run
// on the worker's event loop and must not block it; goroutines may do what they like, but know a Resumer and never an
// Exchange, which panics when its hook is over.
package flexilib

// #cgo CFLAGS: -I${SRCDIR}/../../include -I${SRCDIR}/../../../../include
// #include "library.h"
import "C"

import (
	"fmt"
	"reflect"
	"strings"
)

// Answer is what a hook answers.
type Answer int32

const (
	Continue Answer = C.FLEXILIB_CONTINUE
	Pause    Answer = C.FLEXILIB_PAUSE
	Reply    Answer = C.FLEXILIB_REPLY
	Fail     Answer = C.FLEXILIB_FAIL
)

// Level is how serious a log line is.
type Level int32

const (
	Debug   Level = C.FLEXILIB_DEBUG
	Info    Level = C.FLEXILIB_INFO
	Warning Level = C.FLEXILIB_WARNING
	Error   Level = C.FLEXILIB_ERROR
)

// The hooks. A filter has those that it needs; bodies that no filter has a hook for pass untouched.
type (
	RequestHeadHook interface {
		OnRequestHead(exchange *Exchange) Answer
	}
	// RequestBodyHook decides about pieces of the request's body: what it neither passes nor writes is gone.
	RequestBodyHook interface {
		OnRequestBody(exchange *Exchange, piece []byte, last bool) Answer
	}
	ResponseHeadHook interface {
		OnResponseHead(exchange *Exchange) Answer
	}
	// ResponseBodyHook decides about pieces of the response's body: what it neither passes nor writes is gone.
	ResponseBodyHook interface {
		OnResponseBody(exchange *Exchange, piece []byte, last bool) Answer
	}
	// ReplyBodyHook is asked for more of a reply that the filter streams.
	ReplyBodyHook interface {
		OnReplyBody(exchange *Exchange) Answer
	}
	// ResumeHook goes on after a pause of the filter; result is what a Resumer was given, nil after a timer.
	ResumeHook interface {
		OnResume(exchange *Exchange, result any) Answer
	}
	// EndHook is told that the exchange is over.
	EndHook interface {
		OnEnd(exchange *Exchange)
	}
	// Closer is told that no exchange is left, and that the filter ends, which waits for work of Exchange.Go to end: Close
	// is where to tell that work that nobody wants it any more.
	Closer interface {
		Close()
	}
	// Exclusive is for a filter that owns something its successor needs too, as a port.
	Exclusive interface {
		Quiesce() bool
		Wake()
	}
)

// Description is what FlexiLib and its users are told of a filter.
type Description struct {
	Name    string // as the configuration calls it: lower case, digits, "-"
	Summary string // one line for people
	Version string
	Options []Option

	Blocking   bool // its hooks may take long: they run on threads of a pool, one at a time
	Concurrent bool // with Blocking: several at once
	Observes   bool // its body hooks look at pieces and change none
}

// entry is a registered filter.
type entry struct {
	description Description
	hooks       uint32
	create      func(*Setup) (any, error)
	problem     string
}

var entries []*entry

// Register tells of a filter, whose uses create makes. To be called by init functions.
func Register[F any](description Description, create func(*Setup) (F, error)) {
	hooks, problem := hooksOf(reflect.TypeOf((*F)(nil)).Elem())
	entries = append(entries, &entry{
		description: description,
		hooks:       hooks,
		create:      func(setup *Setup) (any, error) { return create(setup) },
		problem:     problem,
	})
}

var hookTypes = []struct {
	method string
	hook   reflect.Type
	bit    uint32
}{
	{"OnRequestHead", typeOf[RequestHeadHook](), C.FLEXILIB_GO_REQUEST_HEAD},
	{"OnRequestBody", typeOf[RequestBodyHook](), C.FLEXILIB_GO_REQUEST_BODY},
	{"OnResponseHead", typeOf[ResponseHeadHook](), C.FLEXILIB_GO_RESPONSE_HEAD},
	{"OnResponseBody", typeOf[ResponseBodyHook](), C.FLEXILIB_GO_RESPONSE_BODY},
	{"OnReplyBody", typeOf[ReplyBodyHook](), C.FLEXILIB_GO_REPLY_BODY},
	{"OnResume", typeOf[ResumeHook](), C.FLEXILIB_GO_RESUME},
	{"OnEnd", typeOf[EndHook](), C.FLEXILIB_GO_END},
	{"Quiesce", typeOf[Exclusive](), C.FLEXILIB_GO_EXCLUSIVE},
}

func typeOf[T any]() reflect.Type { return reflect.TypeOf((*T)(nil)).Elem() }

// hooksOf says which hooks a type has, and what is wrong with methods that look like hooks and are none.
func hooksOf(filter reflect.Type) (hooks uint32, problem string) {
	known := map[string]bool{}
	for _, hook := range hookTypes {
		known[hook.method] = true
		_, isThere := filter.MethodByName(hook.method)
		switch {
		case isThere && filter.Implements(hook.hook):
			hooks |= hook.bit
		case isThere:
			problem = fmt.Sprintf("its method %s is not as flexilib.%s has it", hook.method, hook.hook.Name())
		}
	}
	for i := 0; i < filter.NumMethod(); i++ {
		if name := filter.Method(i).Name; strings.HasPrefix(name, "On") && !known[name] {
			problem = fmt.Sprintf("its method %s looks like a hook, but there is none of that name", name)
		}
	}
	return hooks, problem
}
