package flexilib

// #include "library.h"
import "C"

import (
	"fmt"
	"runtime"
	"runtime/cgo"
	"strings"
	"unsafe"
)

// use is what `filter` stands for in the hooks.
type use struct {
	link   *link
	filter any
}

// flexilibGoDescribe fills the table that FlexiLib is shown, when the library is loaded.
//
//export flexilibGoDescribe
func flexilibGoDescribe() {
	for _, entry := range entries {
		description := C.struct_flexilib_filter{
			name:         C.CString(entry.description.Name),
			summary:      C.CString(entry.description.Summary),
			version:      C.CString(entry.description.Version),
			options:      cOptions(entry.description.Options),
			option_count: C.size_t(len(entry.description.Options)),
			flags:        entry.flags(),
		}
		if !C.flexilib_go_add(&description, C.uint32_t(entry.hooks)) {
			println("flexilib: a library of Go has room for", C.FLEXILIB_GO_MOST_FILTERS, "filters")
			return
		}
	}
}

func (entry *entry) flags() (flags C.uint32_t) {
	if entry.description.Blocking {
		flags |= C.FLEXILIB_BLOCKING
	}
	if entry.description.Concurrent {
		flags |= C.FLEXILIB_CONCURRENT
	}
	if entry.description.Observes {
		flags |= C.FLEXILIB_OBSERVES
	}
	if entry.hooks&C.FLEXILIB_GO_EXCLUSIVE != 0 {
		flags |= C.FLEXILIB_EXCLUSIVE
	}
	return flags
}

//export flexilibGoCreate
func flexilibGoCreate(number C.int, core *C.struct_flexilib_core, values *C.struct_flexilib_value) C.uintptr_t {
	entry := entries[number]
	setup := &Setup{link: &link{core: core}, options: entry.description.Options, values: values}
	filter, err := setup.run(entry)
	if err != nil {
		setup.refuse(err)
		setup.link.cut()
		return 0
	}
	return C.uintptr_t(cgo.NewHandle(&use{setup.link, filter}))
}

func (setup *Setup) run(entry *entry) (filter any, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("create %s", describePanic(value))
		}
	}()
	if entry.problem != "" {
		return nil, fmt.Errorf("%s", entry.problem)
	}
	return entry.create(setup)
}

// describePanic says what was recovered, and where it was raised: for functions that defer calls.
func describePanic(value any) string {
	place := ""
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for frame, more := frames.Next(); more; frame, more = frames.Next() {
		if !strings.HasPrefix(frame.Function, "runtime.") {
			place = fmt.Sprintf(" at %s:%d", frame.File, frame.Line)
			break
		}
	}
	return fmt.Sprintf("has panicked%s: %v", place, value)
}

func useOf(filter C.uintptr_t) *use { return cgo.Handle(filter).Value().(*use) }

// guard logs a panic of the function that defers it.
func (used *use) guard(exchange *C.struct_flexilib_exchange, hook string, answer *C.flexilib_answer) {
	if value := recover(); value != nil {
		*answer = C.FLEXILIB_FAIL
		logLine(used.link.core, exchange, Error, hook+" "+describePanic(value))
	}
}

// enter gives the exchange to a hook, for as long as that runs.
func (used *use) enter(handle *C.struct_flexilib_exchange) *Exchange {
	return &Exchange{link: used.link, core: used.link.core, handle: handle}
}

func (exchange *Exchange) leave() { exchange.handle = nil }

//export flexilibGoHead
func flexilibGoHead(filter C.uintptr_t, handle *C.struct_flexilib_exchange, hook C.uint32_t) (answer C.flexilib_answer) {
	used := useOf(filter)
	exchange := used.enter(handle)
	defer exchange.leave()
	switch hook {
	case C.FLEXILIB_GO_REQUEST_HEAD:
		defer used.guard(handle, "OnRequestHead", &answer)
		return C.flexilib_answer(used.filter.(RequestHeadHook).OnRequestHead(exchange))
	case C.FLEXILIB_GO_RESPONSE_HEAD:
		defer used.guard(handle, "OnResponseHead", &answer)
		return C.flexilib_answer(used.filter.(ResponseHeadHook).OnResponseHead(exchange))
	default:
		defer used.guard(handle, "OnReplyBody", &answer)
		return C.flexilib_answer(used.filter.(ReplyBodyHook).OnReplyBody(exchange))
	}
}

//export flexilibGoBody
func flexilibGoBody(filter C.uintptr_t, handle *C.struct_flexilib_exchange, hook C.uint32_t, data *C.char,
	length C.size_t, last C.bool) (answer C.flexilib_answer) {
	used := useOf(filter)
	exchange := used.enter(handle)
	defer exchange.leave()
	piece := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(data)), int(length))...)
	if hook == C.FLEXILIB_GO_REQUEST_BODY {
		defer used.guard(handle, "OnRequestBody", &answer)
		return C.flexilib_answer(used.filter.(RequestBodyHook).OnRequestBody(exchange, piece, bool(last)))
	}
	defer used.guard(handle, "OnResponseBody", &answer)
	return C.flexilib_answer(used.filter.(ResponseBodyHook).OnResponseBody(exchange, piece, bool(last)))
}

//export flexilibGoResume
func flexilibGoResume(filter C.uintptr_t, handle *C.struct_flexilib_exchange, result C.uintptr_t) (answer C.flexilib_answer) {
	used := useOf(filter)
	exchange := used.enter(handle)
	defer exchange.leave()
	defer used.guard(handle, "OnResume", &answer)
	return C.flexilib_answer(used.filter.(ResumeHook).OnResume(exchange, takeResult(result)))
}

//export flexilibGoEnd
func flexilibGoEnd(filter C.uintptr_t, handle *C.struct_flexilib_exchange) {
	used := useOf(filter)
	exchange := used.enter(handle)
	defer exchange.leave()
	defer exchange.dropState()
	var answer C.flexilib_answer
	if hook, ok := used.filter.(EndHook); ok {
		defer used.guard(handle, "OnEnd", &answer)
		hook.OnEnd(exchange)
	}
}

//export flexilibGoDestroy
func flexilibGoDestroy(filter C.uintptr_t) {
	used := useOf(filter)
	defer cgo.Handle(filter).Delete()
	defer used.link.cut()
	defer used.link.work.Wait()
	var answer C.flexilib_answer
	if closer, ok := used.filter.(Closer); ok {
		defer used.guard(nil, "Close", &answer)
		closer.Close()
	}
}

//export flexilibGoQuiesce
func flexilibGoQuiesce(filter C.uintptr_t) (isQuiet C.bool) {
	used := useOf(filter)
	var answer C.flexilib_answer
	defer used.guard(nil, "Quiesce", &answer)
	return C.bool(used.filter.(Exclusive).Quiesce())
}

//export flexilibGoWake
func flexilibGoWake(filter C.uintptr_t) {
	used := useOf(filter)
	var answer C.flexilib_answer
	defer used.guard(nil, "Wake", &answer)
	used.filter.(Exclusive).Wake()
}
