package flexilib

// #include "library.h"
// #include <stdlib.h>
// static inline bool call_fetch_write(const struct flexilib_fetch *fetch, const struct flexilib_core *core, uint64_t number, const void *data, size_t length)
// { return fetch->write(core, number, data, length); }
// static inline void call_fetch_finish(const struct flexilib_fetch *fetch, const struct flexilib_core *core, uint64_t number) { fetch->finish(core, number); }
// static inline void call_fetch_more(const struct flexilib_fetch *fetch, const struct flexilib_core *core, uint64_t number) { fetch->more(core, number); }
// static inline bool call_fetch_cancel(const struct flexilib_fetch *fetch, const struct flexilib_core *core, uint64_t number) { return fetch->cancel(core, number); }
import "C"

import (
	"runtime/cgo"
	"time"
	"unsafe"
)

// FetchRequest is what is asked. Method "" is GET, a Timeout of 0 means 30 seconds.
type FetchRequest struct {
	Upstream, Method, Authority, Path string
	Headers                           []Field
	Body                              []byte
	StreamsBody                       bool
	Timeout                           time.Duration
}

// FetchResponse is what has become of a fetch. Failure is 0, the status that a client would have been answered, or -1
// where the fetch was cancelled.
type FetchResponse struct {
	Failure, Status int
	Headers         []Field
	Body            []byte
	IsCut           bool // the body was longer than the limit
}

// FetchEvents is told of a fetch, on the event loop. OnBody returns false for no more until Fetch.More.
type FetchEvents interface {
	OnHead(status int, headers []Field)
	OnBody(piece []byte) bool
	OnOver(failure int)
}

// FetchRoom is for events that are to know when there is room again, after Fetch.Write has returned false for want of it.
type FetchRoom interface {
	OnRoom()
}

// Fetch makes requests of the filter's own to upstreams of the configuration. Its methods are for hooks and for what it
// calls.
type Fetch struct {
	core  *C.struct_flexilib_core
	table *C.struct_flexilib_fetch
}

func NewFetch(setup *Setup) (*Fetch, error) {
	table, err := setup.extension("flexilib.fetch/1")
	return &Fetch{setup.link.core, (*C.struct_flexilib_fetch)(table)}, err
}

// Ask pauses, and has OnResume called with a *FetchResponse: return fetch.Ask(exchange, request, 1<<20). Fails where the
// request cannot be made.
func (fetch *Fetch) Ask(exchange *Exchange, request FetchRequest, limitBytes int) Answer {
	events := &whole{resumer: exchange.Resumer(), limit: limitBytes, response: new(FetchResponse)}
	if fetch.Start(exchange, request, events) == 0 {
		return Fail
	}
	return Pause
}

// fetching is a fetch that is under way.
type fetching struct {
	core   *C.struct_flexilib_core
	events FetchEvents
}

// Start starts a fetch for an exchange, with which it ends, or for the filter itself (nil). It returns its number, or 0.
func (fetch *Fetch) Start(exchange *Exchange, request FetchRequest, events FetchEvents) uint64 {
	var handle *C.struct_flexilib_exchange
	if exchange != nil {
		_, handle = exchange.at()
	}
	var memory []unsafe.Pointer
	defer func() {
		for _, data := range memory {
			C.free(data)
		}
	}()
	text := func(data []byte) C.struct_flexilib_text {
		memory = append(memory, C.CBytes(data))
		return C.struct_flexilib_text{data: (*C.char)(memory[len(memory)-1]), length: C.size_t(len(data))}
	}
	asked := C.struct_flexilib_fetch_request{
		size:         C.sizeof_struct_flexilib_fetch_request,
		upstream:     text([]byte(request.Upstream)),
		method:       text([]byte(request.Method)),
		authority:    text([]byte(request.Authority)),
		path:         text([]byte(request.Path)),
		field_count:  C.size_t(len(request.Headers)),
		body:         text(request.Body),
		streams_body: C.bool(request.StreamsBody),
		timeout_ms:   inMs(request.Timeout),
	}
	fields := cArray[C.struct_flexilib_pair](len(request.Headers))
	memory = append(memory, unsafe.Pointer(&fields[0]))
	for i, field := range request.Headers {
		fields[i] = C.struct_flexilib_pair{name: text([]byte(field.Name)), value: text([]byte(field.Value))}
	}
	asked.fields = &fields[0]
	data := cgo.NewHandle(&fetching{fetch.core, events})
	number := C.flexilib_go_fetch(fetch.table, fetch.core, handle, &asked, C.uintptr_t(data))
	if number == 0 {
		data.Delete()
	}
	return uint64(number)
}

// Write adds to the body of a request that streams it. False where nobody takes it any more, or too much would wait: see
// FetchRoom.
func (fetch *Fetch) Write(number uint64, data []byte) bool {
	return bool(C.call_fetch_write(fetch.table, fetch.core, C.uint64_t(number), pointer(data), C.size_t(len(data))))
}

// Finish ends that body.
func (fetch *Fetch) Finish(number uint64) {
	C.call_fetch_finish(fetch.table, fetch.core, C.uint64_t(number))
}

// More goes on after OnBody has returned false.
func (fetch *Fetch) More(number uint64) {
	C.call_fetch_more(fetch.table, fetch.core, C.uint64_t(number))
}

// Cancel ends the fetch; false where it was over.
func (fetch *Fetch) Cancel(number uint64) bool {
	return bool(C.call_fetch_cancel(fetch.table, fetch.core, C.uint64_t(number)))
}

func (fetching *fetching) guard(call string) {
	if value := recover(); value != nil {
		logLine(fetching.core, nil, Error, call+" of a fetch "+describePanic(value))
	}
}

//export flexilibGoFetchHead
func flexilibGoFetchHead(data C.uintptr_t, status C.int32_t, fields *C.struct_flexilib_pair, count C.size_t) {
	fetching := cgo.Handle(data).Value().(*fetching)
	defer fetching.guard("OnHead")
	headers := make([]Field, count)
	for i, field := range unsafe.Slice(fields, int(count)) {
		headers[i] = Field{goString(field.name), goString(field.value)}
	}
	fetching.events.OnHead(int(status), headers)
}

//export flexilibGoFetchBody
func flexilibGoFetchBody(data C.uintptr_t, piece *C.char, length C.size_t) (wantsMore C.bool) {
	fetching := cgo.Handle(data).Value().(*fetching)
	wantsMore = true
	defer fetching.guard("OnBody")
	return C.bool(fetching.events.OnBody(C.GoBytes(unsafe.Pointer(piece), C.int(length))))
}

//export flexilibGoFetchRoom
func flexilibGoFetchRoom(data C.uintptr_t) {
	fetching := cgo.Handle(data).Value().(*fetching)
	defer fetching.guard("OnRoom")
	if events, ok := fetching.events.(FetchRoom); ok {
		events.OnRoom()
	}
}

//export flexilibGoFetchOver
func flexilibGoFetchOver(data C.uintptr_t, failure C.int32_t) {
	fetching := cgo.Handle(data).Value().(*fetching)
	cgo.Handle(data).Delete()
	defer fetching.guard("OnOver")
	fetching.events.OnOver(int(failure))
}

// whole collects a response, with which it ends a pause.
type whole struct {
	resumer  Resumer
	limit    int
	response *FetchResponse
}

func (whole *whole) OnHead(status int, headers []Field) {
	whole.response.Status, whole.response.Headers = status, headers
}

func (whole *whole) OnBody(piece []byte) bool {
	if room := whole.limit - len(whole.response.Body); len(piece) > room {
		piece, whole.response.IsCut = piece[:room], true
	}
	whole.response.Body = append(whole.response.Body, piece...)
	return true
}

func (whole *whole) OnOver(failure int) {
	whole.response.Failure = failure
	whole.resumer.Resume(whole.response)
}
