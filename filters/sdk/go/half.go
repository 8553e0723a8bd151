package flexilib

// #include "library.h"
// typedef const struct flexilib_core *core_t;
// typedef struct flexilib_exchange *exchange_t;
// #define ARG(text) _GoStringPtr(text), _GoStringLen(text)
//
// static inline size_t call_header_count(core_t core, exchange_t exchange, int half) { return core->header_count(exchange, half); }
// static inline bool call_header_at(core_t core, exchange_t exchange, int half, size_t index, struct flexilib_pair *field)
// { return core->header_at(exchange, half, index, field); }
// static inline bool call_header(core_t core, exchange_t exchange, int half, _GoString_ name, struct flexilib_text *value)
// { return core->header(exchange, half, ARG(name), value); }
// static inline bool call_set_header(core_t core, exchange_t exchange, int half, _GoString_ name, _GoString_ value)
// { return core->set_header(exchange, half, ARG(name), ARG(value)); }
// static inline bool call_add_header(core_t core, exchange_t exchange, int half, _GoString_ name, _GoString_ value)
// { return core->add_header(exchange, half, ARG(name), ARG(value)); }
// static inline size_t call_remove_header(core_t core, exchange_t exchange, int half, _GoString_ name)
// { return core->remove_header(exchange, half, ARG(name)); }
// static inline bool call_collect(core_t core, exchange_t exchange, int half, uint64_t limit) { return core->collect(exchange, half, limit); }
// static inline bool call_hold_head(core_t core, exchange_t exchange, int half) { return core->hold_head(exchange, half); }
// static inline bool call_decode(core_t core, exchange_t exchange, int half) { return core->decode(exchange, half); }
// static inline bool call_skip_body(core_t core, exchange_t exchange, int half) { return core->skip_body(exchange, half); }
import "C"

// Half is one half of an exchange, and like it there as long as the hook runs.
type Half struct {
	exchange *Exchange
	half     C.int
}

// Field is a field of a head.
type Field struct{ Name, Value string }

// Header is the value of the first field of that name; false where there is none.
func (half Half) Header(name string) (string, bool) {
	var value C.struct_flexilib_text
	core, handle := half.exchange.at()
	isThere := bool(C.call_header(core, handle, half.half, name, &value))
	return goString(value), isThere
}

// SetHeader replaces all fields of that name by one, or adds it.
func (half Half) SetHeader(name, value string) bool {
	core, handle := half.exchange.at()
	return bool(C.call_set_header(core, handle, half.half, name, value))
}

func (half Half) AddHeader(name, value string) bool {
	core, handle := half.exchange.at()
	return bool(C.call_add_header(core, handle, half.half, name, value))
}

// RemoveHeader removes all fields of that name, and says how many there were.
func (half Half) RemoveHeader(name string) int {
	core, handle := half.exchange.at()
	return int(C.call_remove_header(core, handle, half.half, name))
}

// Headers are all fields, in order.
func (half Half) Headers() []Field {
	core, handle := half.exchange.at()
	fields := make([]Field, C.call_header_count(core, handle, half.half))
	for i := range fields {
		var field C.struct_flexilib_pair
		C.call_header_at(core, handle, half.half, C.size_t(i), &field)
		fields[i] = Field{goString(field.name), goString(field.value)}
	}
	return fields
}

// Collect, in the head hook, asks for one call of the body hook, with the whole body; the head is held till then.
func (half Half) Collect(limitBytes uint64) bool {
	core, handle := half.exchange.at()
	return bool(C.call_collect(core, handle, half.half, C.uint64_t(limitBytes)))
}

// HoldHead, in the head hook, keeps the head changeable until the body hook has passed or written something.
func (half Half) HoldHead() bool {
	core, handle := half.exchange.at()
	return bool(C.call_hold_head(core, handle, half.half))
}

// Decode, in the head hook, takes the Content-Encoding off the body.
func (half Half) Decode() bool {
	core, handle := half.exchange.at()
	return bool(C.call_decode(core, handle, half.half))
}

// SkipBody, in the head hook, says that the body is none of the filter's business.
func (half Half) SkipBody() bool {
	core, handle := half.exchange.at()
	return bool(C.call_skip_body(core, handle, half.half))
}
