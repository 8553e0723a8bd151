package flexilib

// #include "library.h"
import "C"

import "runtime/cgo"

// Offload has work done on FlexiLib's pool, which bounds how much is under way; Exchange.Go has no bounds.
type Offload struct {
	core  *C.struct_flexilib_core
	table *C.struct_flexilib_offload
}

func NewOffload(setup *Setup) (*Offload, error) {
	table, err := setup.extension("flexilib.offload/1")
	return &Offload{setup.link.core, (*C.struct_flexilib_offload)(table)}, err
}

// job is work, and then what it returned.
type job struct {
	work   func() any
	result any
}

// Run pauses, and has OnResume called with what the work returns. Fails where the pool's queue is full.
func (offload *Offload) Run(exchange *Exchange, work func() any) Answer {
	handle := cgo.NewHandle(&job{work: work})
	if C.flexilib_go_offload(offload.table, offload.core, exchange.Resumer().ticket, C.uintptr_t(handle)) {
		return Pause
	}
	handle.Delete()
	return Fail
}

//export flexilibGoWork
func flexilibGoWork(data C.uintptr_t) {
	job := cgo.Handle(data).Value().(*job)
	job.result = attempt(job.work)
}
