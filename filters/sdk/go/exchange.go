package flexilib

// #include "library.h"
// typedef const struct flexilib_core *core_t;
// typedef struct flexilib_exchange *exchange_t;
// #define ARG(text) _GoStringPtr(text), _GoStringLen(text)
//
// static inline void call_log(core_t core, exchange_t exchange, int level, _GoString_ line)
// { core->log(core, exchange, level, ARG(line)); }
// static inline struct flexilib_text call_method(core_t core, exchange_t exchange) { return core->method(exchange); }
// static inline struct flexilib_text call_scheme(core_t core, exchange_t exchange) { return core->scheme(exchange); }
// static inline struct flexilib_text call_authority(core_t core, exchange_t exchange) { return core->authority(exchange); }
// static inline struct flexilib_text call_path(core_t core, exchange_t exchange) { return core->path(exchange); }
// static inline struct flexilib_text call_query(core_t core, exchange_t exchange) { return core->query(exchange); }
// static inline struct flexilib_text call_peer_address(core_t core, exchange_t exchange) { return core->peer_address(exchange); }
// static inline struct flexilib_text call_route(core_t core, exchange_t exchange) { return core->route(exchange); }
// static inline struct flexilib_text call_request_id(core_t core, exchange_t exchange) { return core->request_id(exchange); }
// static inline struct flexilib_text call_trace_id(core_t core, exchange_t exchange) { return core->trace_id(exchange); }
// static inline uint16_t call_peer_port(core_t core, exchange_t exchange) { return core->peer_port(exchange); }
// static inline bool call_set_method(core_t core, exchange_t exchange, _GoString_ t) { return core->set_method(exchange, ARG(t)); }
// static inline bool call_set_scheme(core_t core, exchange_t exchange, _GoString_ t) { return core->set_scheme(exchange, ARG(t)); }
// static inline bool call_set_authority(core_t core, exchange_t exchange, _GoString_ t) { return core->set_authority(exchange, ARG(t)); }
// static inline bool call_set_path(core_t core, exchange_t exchange, _GoString_ t) { return core->set_path(exchange, ARG(t)); }
// static inline bool call_set_query(core_t core, exchange_t exchange, _GoString_ t) { return core->set_query(exchange, ARG(t)); }
// static inline bool call_set_upstream(core_t core, exchange_t exchange, _GoString_ t) { return core->set_upstream(exchange, ARG(t)); }
// static inline int32_t call_status(core_t core, exchange_t exchange) { return core->status(exchange); }
// static inline bool call_set_status(core_t core, exchange_t exchange, int32_t status) { return core->set_status(exchange, status); }
// static inline bool call_tls(core_t core, exchange_t exchange, int32_t fact, struct flexilib_text *value)
// { return core->tls(exchange, fact, value); }
// static inline bool call_attribute(core_t core, exchange_t exchange, _GoString_ name, struct flexilib_text *value)
// { return core->attribute(exchange, ARG(name), value); }
// static inline bool call_set_attribute(core_t core, exchange_t exchange, _GoString_ name, _GoString_ value)
// { return core->set_attribute(exchange, ARG(name), ARG(value)); }
// static inline struct flexilib_text call_expand(core_t core, exchange_t exchange, const struct flexilib_template *expansion)
// { return core->expand(exchange, expansion); }
// static inline uintptr_t call_state(core_t core, exchange_t exchange) { return (uintptr_t)core->state(exchange); }
// static inline void call_set_state(core_t core, exchange_t exchange, uintptr_t state) { core->set_state(exchange, (void *)state); }
// static inline bool call_reply(core_t core, exchange_t exchange, int32_t status, _GoString_ type, _GoString_ body)
// { return core->reply(exchange, status, ARG(type), ARG(body)); }
// static inline bool call_reply_bytes(core_t core, exchange_t exchange, int32_t status, _GoString_ type, const void *body, size_t length)
// { return core->reply(exchange, status, ARG(type), body, length); }
// static inline bool call_reply_stream(core_t core, exchange_t exchange, int32_t status, _GoString_ type)
// { return core->reply_stream(exchange, status, ARG(type)); }
// static inline bool call_end_reply(core_t core, exchange_t exchange) { return core->end_reply(exchange); }
// static inline bool call_pass(core_t core, exchange_t exchange) { return core->pass(exchange); }
// static inline bool call_write(core_t core, exchange_t exchange, _GoString_ data) { return core->write(exchange, ARG(data)); }
// static inline bool call_write_bytes(core_t core, exchange_t exchange, const void *data, size_t length)
// { return core->write(exchange, data, length); }
// static inline uint64_t call_ticket(core_t core, exchange_t exchange) { return core->ticket(exchange); }
import "C"

import (
	"runtime/cgo"
	"unsafe"
)

// Exchange is one request and its response, as a hook sees it. It is there as long as the hook runs. Methods that return
// false have changed nothing, and said why in the log.
type Exchange struct {
	link   *link
	core   *C.struct_flexilib_core
	handle *C.struct_flexilib_exchange
}

// at gives what the core knows the exchange by, where the hook still runs.
func (exchange *Exchange) at() (*C.struct_flexilib_core, *C.struct_flexilib_exchange) {
	if exchange.handle == nil {
		panic("flexilib: an Exchange is used after its hook")
	}
	return exchange.core, exchange.handle
}

func goString(text C.struct_flexilib_text) string { return C.GoStringN(text.data, C.int(text.length)) }

func pointer(data []byte) unsafe.Pointer {
	if len(data) == 0 {
		return nil
	}
	return unsafe.Pointer(&data[0])
}

// Method is the request's method.
func (exchange *Exchange) Method() string { return goString(C.call_method(exchange.at())) }

func (exchange *Exchange) SetMethod(method string) bool {
	core, handle := exchange.at()
	return bool(C.call_set_method(core, handle, method))
}

// Scheme is http or https.
func (exchange *Exchange) Scheme() string { return goString(C.call_scheme(exchange.at())) }

func (exchange *Exchange) SetScheme(scheme string) bool {
	core, handle := exchange.at()
	return bool(C.call_set_scheme(core, handle, scheme))
}

// Authority is the Host.
func (exchange *Exchange) Authority() string { return goString(C.call_authority(exchange.at())) }

func (exchange *Exchange) SetAuthority(authority string) bool {
	core, handle := exchange.at()
	return bool(C.call_set_authority(core, handle, authority))
}

// Path is in canonical form, "/" at least.
func (exchange *Exchange) Path() string { return goString(C.call_path(exchange.at())) }

func (exchange *Exchange) SetPath(path string) bool {
	core, handle := exchange.at()
	return bool(C.call_set_path(core, handle, path))
}

// Query is without its "?".
func (exchange *Exchange) Query() string { return goString(C.call_query(exchange.at())) }

func (exchange *Exchange) SetQuery(query string) bool {
	core, handle := exchange.at()
	return bool(C.call_set_query(core, handle, query))
}

// SetUpstream chooses the upstream of that name in place of the route's.
func (exchange *Exchange) SetUpstream(name string) bool {
	core, handle := exchange.at()
	return bool(C.call_set_upstream(core, handle, name))
}

// Status is 0 before there is a response.
func (exchange *Exchange) Status() int { return int(C.call_status(exchange.at())) }

func (exchange *Exchange) SetStatus(status int) bool {
	core, handle := exchange.at()
	return bool(C.call_set_status(core, handle, C.int32_t(status)))
}

func (exchange *Exchange) PeerAddress() string { return goString(C.call_peer_address(exchange.at())) }
func (exchange *Exchange) PeerPort() uint16    { return uint16(C.call_peer_port(exchange.at())) }
func (exchange *Exchange) Route() string       { return goString(C.call_route(exchange.at())) }
func (exchange *Exchange) RequestID() string   { return goString(C.call_request_id(exchange.at())) }
func (exchange *Exchange) TraceID() string     { return goString(C.call_trace_id(exchange.at())) }

// TLS is a fact about the client's TLS, by its number in filter.h; false where it is not there.
func (exchange *Exchange) TLS(fact int) (string, bool) {
	var value C.struct_flexilib_text
	core, handle := exchange.at()
	isThere := bool(C.call_tls(core, handle, C.int32_t(fact), &value))
	return goString(value), isThere
}

func (exchange *Exchange) Attribute(name string) (string, bool) {
	var value C.struct_flexilib_text
	core, handle := exchange.at()
	isThere := bool(C.call_attribute(core, handle, name, &value))
	return goString(value), isThere
}

func (exchange *Exchange) SetAttribute(name, value string) bool {
	core, handle := exchange.at()
	return bool(C.call_set_attribute(core, handle, name, value))
}

// Expand is what the template says for this exchange now.
func (exchange *Exchange) Expand(expansion Template) string {
	core, handle := exchange.at()
	return goString(C.call_expand(core, handle, expansion.template))
}

// Request is the half that goes to the upstream.
func (exchange *Exchange) Request() Half { return Half{exchange, C.FLEXILIB_REQUEST} }

// Response is the half that goes to the client.
func (exchange *Exchange) Response() Half { return Half{exchange, C.FLEXILIB_RESPONSE} }

// State is the filter's own value for an exchange: made when it is first asked for, and let go when the exchange ends. It
// is always the same type that has to be asked for.
func State[T any](exchange *Exchange) *T {
	if state := exchange.state(); state != nil {
		return state.(*T)
	}
	state := new(T)
	exchange.setState(state)
	return state
}

func (exchange *Exchange) state() any {
	if handle := C.call_state(exchange.at()); handle != 0 {
		return cgo.Handle(handle).Value()
	}
	return nil
}

func (exchange *Exchange) setState(state any) {
	core, handle := exchange.at()
	C.call_set_state(core, handle, C.uintptr_t(cgo.NewHandle(state)))
}

func (exchange *Exchange) dropState() {
	if handle := C.call_state(exchange.at()); handle != 0 {
		cgo.Handle(handle).Delete()
	}
}

func when(isSet C.bool) Answer {
	if isSet {
		return Reply
	}
	return Fail
}

// Reply sets the whole response: return exchange.Reply(404, "text/plain", "not here\n").
func (exchange *Exchange) Reply(status int, contentType, body string) Answer {
	core, handle := exchange.at()
	return when(C.call_reply(core, handle, C.int32_t(status), contentType, body))
}

func (exchange *Exchange) ReplyBytes(status int, contentType string, body []byte) Answer {
	core, handle := exchange.at()
	return when(C.call_reply_bytes(core, handle, C.int32_t(status), contentType, pointer(body), C.size_t(len(body))))
}

// ReplyStream begins a response whose body OnReplyBody writes by and by.
func (exchange *Exchange) ReplyStream(status int, contentType string) Answer {
	core, handle := exchange.at()
	return when(C.call_reply_stream(core, handle, C.int32_t(status), contentType))
}

// EndReply, in OnReplyBody: that was all.
func (exchange *Exchange) EndReply() bool { return bool(C.call_end_reply(exchange.at())) }

// Pass, in a body hook, sends on what the hook was given.
func (exchange *Exchange) Pass() bool { return bool(C.call_pass(exchange.at())) }

// Write, in a body hook, sends on bytes of the filter's own.
func (exchange *Exchange) Write(data []byte) bool {
	core, handle := exchange.at()
	return bool(C.call_write_bytes(core, handle, pointer(data), C.size_t(len(data))))
}

// WriteString is Write for a text.
func (exchange *Exchange) WriteString(data string) bool {
	core, handle := exchange.at()
	return bool(C.call_write(core, handle, data))
}

// Resumer ends the pause that this hook is about to ask for by Pause.
func (exchange *Exchange) Resumer() Resumer {
	return Resumer{exchange.link, C.call_ticket(exchange.at())}
}

func (exchange *Exchange) Log(level Level, line string) {
	core, handle := exchange.at()
	logLine(core, handle, level, line)
}

func logLine(core *C.struct_flexilib_core, handle *C.struct_flexilib_exchange, level Level, line string) {
	C.call_log(core, handle, C.int(level), line)
}
