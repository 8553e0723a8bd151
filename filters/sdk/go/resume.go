package flexilib

// #include "library.h"
import "C"

import (
	"errors"
	"runtime/cgo"
	"sync"
)

// link is the way from anywhere to the core, which ends when the filter does: who is late finds nothing to call.
type link struct {
	mutex sync.RWMutex
	core  *C.struct_flexilib_core
	work  sync.WaitGroup
}

func (link *link) with(call func(core *C.struct_flexilib_core)) {
	link.mutex.RLock()
	defer link.mutex.RUnlock()
	if link.core != nil {
		call(link.core)
	}
}

func (link *link) cut() {
	link.mutex.Lock()
	defer link.mutex.Unlock()
	link.core = nil
}

// Resumer ends the pause of the hook that made it, from any goroutine. What comes second, or too late, is dropped.
type Resumer struct {
	link   *link
	ticket C.uint64_t
}

// Resume has OnResume called with that value.
func (resumer Resumer) Resume(result any) {
	resumer.link.with(func(core *C.struct_flexilib_core) {
		C.flexilib_go_resume(core, resumer.ticket, C.uintptr_t(cgo.NewHandle(result)))
	})
}

// panicked is the result of work that has panicked.
type panicked struct{ error }

// attempt does work, and gives what it returns, or that it has panicked.
func attempt(work func() any) (result any) {
	defer func() {
		if value := recover(); value != nil {
			result = panicked{errors.New(describePanic(value))}
		}
	}()
	return work()
}

// Go pauses, and has OnResume called with what the work returns: return exchange.Go(func() any { ... }). The work runs in
// a goroutine of its own and may take its time. Where it panics, OnResume is not called, and the filter fails.
func (exchange *Exchange) Go(work func() any) Answer {
	resumer := exchange.Resumer()
	resumer.link.work.Add(1)
	go func() {
		defer resumer.link.work.Done()
		resumer.Resume(attempt(work))
	}()
	return Pause
}

// takeResult gives what a handle stands for; it panics with what the work has panicked with.
func takeResult(handle C.uintptr_t) any {
	if handle == 0 {
		return nil
	}
	result := cgo.Handle(handle).Value()
	cgo.Handle(handle).Delete()
	switch result := result.(type) {
	case panicked:
		panic("the work " + result.Error())
	case *job:
		if failure, isFailure := result.result.(panicked); isFailure {
			panic("the work " + failure.Error())
		}
		return result.result
	}
	return result
}

//export flexilibGoDrop
func flexilibGoDrop(result C.uintptr_t) {
	if result != 0 {
		cgo.Handle(result).Delete()
	}
}
