package flexilib

// #include "library.h"
// #include <stdlib.h>
// typedef const struct flexilib_core *core_t;
// #define ARG(text) _GoStringPtr(text), _GoStringLen(text)
//
// static inline void call_refuse(core_t core, int32_t option, _GoString_ sentence) { core->refuse(core, option, ARG(sentence)); }
// static inline void call_refuse_value(core_t core, const struct flexilib_value *value, _GoString_ sentence)
// { core->refuse_value(core, value, ARG(sentence)); }
// static inline const void *call_extension(core_t core, const char *id) { return core->extension(core, id); }
// static inline void call_defer_ready(core_t core) { core->defer_ready(core); }
// static inline void call_set_ready(core_t core, _GoString_ sentence) { core->set_ready(core, ARG(sentence)); }
// static inline size_t call_match(core_t core, const struct flexilib_regex *regex, _GoString_ text, size_t from, struct flexilib_text *groups, size_t count, ptrdiff_t *places)
// {
//     size_t found = core->match(regex, ARG(text), from, groups, count);
//     for (size_t i = 0; i < found && i < count; ++i)
//         places[i] = groups[i].data == NULL ? -1 : groups[i].data - _GoStringPtr(text);
//     return found;
// }
// static inline bool call_in_ranges(core_t core, const struct flexilib_ranges *ranges, _GoString_ address)
// { return core->in_ranges(ranges, ARG(address)); }
import "C"

import (
	"errors"
	"fmt"
	"time"
	"unsafe"
)

// Setup is what create is given: the options by their names, and the way to extensions.
type Setup struct {
	link    *link
	options []Option
	values  *C.struct_flexilib_value
}

// Option is what the configuration says for the option of that name.
func (setup *Setup) Option(name string) Value {
	for i, option := range setup.options {
		if option.name == name {
			return Value{setup.link, option, valueAt(setup.values, i), i}
		}
	}
	panic("there is no option '" + name + "'")
}

func valueAt(values *C.struct_flexilib_value, index int) *C.struct_flexilib_value {
	return &unsafe.Slice(values, index+1)[index]
}

// refusal says what is wrong with a value.
type refusal struct {
	value    Value
	sentence string
}

func (refusal *refusal) Error() string { return refusal.sentence }

func (setup *Setup) refuse(err error) {
	core := setup.link.core
	var refused *refusal
	switch {
	case !errors.As(err, &refused):
		C.call_refuse(core, -1, err.Error())
	case refused.value.index >= 0:
		C.call_refuse(core, C.int32_t(refused.value.index), refused.sentence)
	default:
		C.call_refuse_value(core, refused.value.value, refused.sentence)
	}
}

func (setup *Setup) extension(id string) (unsafe.Pointer, error) {
	name := C.CString(id)
	defer C.free(unsafe.Pointer(name))
	table := C.call_extension(setup.link.core, name)
	if table == nil {
		return nil, fmt.Errorf("this FlexiLib has no %s for it", id)
	}
	return unsafe.Pointer(table), nil
}

// DeferReady says that something has to be done before requests can be served. The worker waits until the function that
// is returned is called, from any goroutine: with "", or with a sentence about why the filter will never be ready.
func (setup *Setup) DeferReady() func(sentence string) {
	C.call_defer_ready(setup.link.core)
	link := setup.link
	return func(sentence string) {
		link.with(func(core *C.struct_flexilib_core) { C.call_set_ready(core, sentence) })
	}
}

// Value is what stands in the configuration for one option, or for a part of one.
type Value struct {
	link   *link
	option Option
	value  *C.struct_flexilib_value
	index  int // -1 for a part
}

// Refuse is the error for create to return: a sentence, lower case, no full stop, shown with the value's place.
func (value Value) Refuse(sentence string) error { return &refusal{value, sentence} }

// IsPresent says whether it was written, or has a fallback.
func (value Value) IsPresent() bool { return bool(value.value.present) }

func (value Value) Bool() bool { return bool(value.value.boolean) }

// Integer is a number; of a size bytes, of a choice its index.
func (value Value) Integer() int64  { return int64(value.value.integer) }
func (value Value) Number() float64 { return float64(value.value.number) }
func (value Value) Duration() time.Duration {
	return time.Duration(value.value.integer) * time.Millisecond
}

// Text is a text, secret, choice, the name of an upstream, a folder's path, or a file's content.
func (value Value) Text() string { return goString(value.value.text) }

// List is the texts of a list, or the names of a MapOf.
func (value Value) List() []string {
	texts := make([]string, value.value.count)
	for i, text := range unsafe.Slice(value.value.list, len(texts)) {
		texts[i] = goString(text)
	}
	return texts
}

// Map is a mapping, in the file's order.
func (value Value) Map() []Field {
	fields := make([]Field, value.value.count)
	for i, pair := range unsafe.Slice(value.value._map, len(fields)) {
		fields[i] = Field{goString(pair.name), goString(pair.value)}
	}
	return fields
}

// Items are the values of a ListOf or MapOf.
func (value Value) Items() []Value {
	items := make([]Value, value.value.count)
	for i := range items {
		items[i] = Value{value.link, value.option.fields[0], valueAt(value.value.values, i), -1}
	}
	return items
}

// Field is the value of one of a table's keys.
func (value Value) Field(name string) Value {
	for i, field := range value.option.fields {
		if field.name == name {
			return Value{value.link, field, valueAt(value.value.values, i), -1}
		}
	}
	panic("there is no option '" + name + "'")
}

func (value Value) Template() Template { return Template{value.value.expansion} }
func (value Value) Regex() Regex       { return Regex{value.link, value.value.regex} }
func (value Value) Ranges() Ranges     { return Ranges{value.link, value.value.ranges} }
func (value Value) Node() Node         { return nodeOf(value.value.node) }

// Template is a text with placeholders, for Exchange.Expand. It stays with the filter that has it.
type Template struct{ template *C.struct_flexilib_template }

// Regex is a compiled regular expression.
type Regex struct {
	link  *link
	regex *C.struct_flexilib_regex
}

const mostGroups = 32

// Find gives the groups of the first match from that byte on, the whole match first; nil where nothing matches.
func (regex Regex) Find(text string, from int) (found []string) {
	var groups [mostGroups]C.struct_flexilib_text
	var places [mostGroups]C.ptrdiff_t
	count := 0
	regex.link.with(func(core *C.struct_flexilib_core) {
		count = int(C.call_match(core, regex.regex, text, C.size_t(from), &groups[0], mostGroups, &places[0]))
	})
	for i := 0; i < count && i < mostGroups; i++ {
		group := ""
		if places[i] >= 0 {
			group = text[places[i] : int(places[i])+int(groups[i].length)]
		}
		found = append(found, group)
	}
	return found
}

// Ranges are addresses and networks.
type Ranges struct {
	link   *link
	ranges *C.struct_flexilib_ranges
}

func (ranges Ranges) Contain(address string) (isIn bool) {
	ranges.link.with(func(core *C.struct_flexilib_core) {
		isIn = bool(C.call_in_ranges(core, ranges.ranges, address))
	})
	return isIn
}

// Node is a piece of YAML: a scalar has Text, a list Items, a mapping Names and Items.
type Node struct {
	Kind  NodeKind
	Line  int
	Text  string
	Names []string
	Items []Node
}

type NodeKind int

const (
	Null   NodeKind = C.FLEXILIB_NODE_NULL
	Scalar NodeKind = C.FLEXILIB_NODE_SCALAR
	Listed NodeKind = C.FLEXILIB_NODE_LIST
	Mapped NodeKind = C.FLEXILIB_NODE_MAP
)

func nodeOf(node *C.struct_flexilib_node) Node {
	if node == nil {
		return Node{}
	}
	made := Node{Kind: NodeKind(node.kind), Line: int(node.line), Text: goString(node.text)}
	for i := 0; i < int(node.count); i++ {
		if made.Kind == Mapped {
			made.Names = append(made.Names, goString(unsafe.Slice(node.names, i+1)[i]))
		}
		made.Items = append(made.Items, nodeOf(&unsafe.Slice(node.items, i+1)[i]))
	}
	return made
}
