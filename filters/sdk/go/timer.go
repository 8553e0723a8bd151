package flexilib

// #include "library.h"
// static inline void call_resume_after(const struct flexilib_timer *timer, const struct flexilib_core *core, uint64_t ticket, uint64_t delay_ms)
// { timer->resume_after(core, ticket, delay_ms); }
// static inline bool call_timer_stop(const struct flexilib_timer *timer, const struct flexilib_core *core, uint64_t number)
// { return timer->stop(core, number); }
// static inline uint64_t call_now_ms(const struct flexilib_timer *timer) { return timer->now_ms(); }
import "C"

import (
	"runtime/cgo"
	"time"
)

// Timer has things done later, on the event loop. Its methods are for hooks and for what it calls; goroutines have the
// package time.
type Timer struct {
	core    *C.struct_flexilib_core
	table   *C.struct_flexilib_timer
	running map[uint64]cgo.Handle
}

func NewTimer(setup *Setup) (*Timer, error) {
	table, err := setup.extension("flexilib.timer/1")
	return &Timer{setup.link.core, (*C.struct_flexilib_timer)(table), map[uint64]cgo.Handle{}}, err
}

// inMs rounds up, since 0 is no short time but none at all; what is over already is as short as can be.
func inMs(duration time.Duration) C.uint64_t {
	if duration == 0 {
		return 0
	}
	if duration < time.Millisecond {
		return 1
	}
	return C.uint64_t((duration-1)/time.Millisecond + 1)
}

// Pause pauses until the time is over: return timer.Pause(exchange, delay). OnResume is given nil.
func (timer *Timer) Pause(exchange *Exchange, delay time.Duration) Answer {
	C.call_resume_after(timer.table, timer.core, exchange.Resumer().ticket, inMs(delay))
	return Pause
}

// timed is what a timer calls.
type timed struct {
	timer   *Timer
	number  uint64
	repeats bool
	call    func()
}

// Start has it called after delay, and then each repeat where that is more than 0. It returns the timer's number.
func (timer *Timer) Start(delay, repeat time.Duration, call func()) uint64 {
	if repeat < 0 {
		repeat = 0
	}
	timed := &timed{timer: timer, repeats: repeat != 0, call: call}
	handle := cgo.NewHandle(timed)
	timed.number = uint64(C.flexilib_go_start_timer(timer.table, timer.core, inMs(delay), inMs(repeat), C.uintptr_t(handle)))
	timer.running[timed.number] = handle
	return timed.number
}

// Stop is false where it has ended. Also from within the call.
func (timer *Timer) Stop(number uint64) bool {
	timer.forget(number)
	return bool(C.call_timer_stop(timer.table, timer.core, C.uint64_t(number)))
}

// Now is the time since some moment in the past.
func (timer *Timer) Now() time.Duration {
	return time.Duration(C.call_now_ms(timer.table)) * time.Millisecond
}

func (timer *Timer) forget(number uint64) {
	if handle, isThere := timer.running[number]; isThere {
		handle.Delete()
		delete(timer.running, number)
	}
}

//export flexilibGoTime
func flexilibGoTime(data C.uintptr_t) {
	timed := cgo.Handle(data).Value().(*timed)
	defer func() {
		if value := recover(); value != nil {
			logLine(timed.timer.core, nil, Error, "a timer "+describePanic(value))
		}
	}()
	if !timed.repeats {
		timed.timer.forget(timed.number)
	}
	timed.call()
}
