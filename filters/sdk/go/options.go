package flexilib

// #include "library.h"
// #include <stdlib.h>
import "C"

import "unsafe"

// Option is one option that a filter takes: flexilib.Text("greeting", "what is said").Fallback("Hello").
type Option struct {
	name, summary string
	kind          C.flexilib_option_type
	isRequired    bool
	fallback      *string
	least, most   int64
	choices       []string
	fields        []Option
}

func Bool(name, summary string) Option     { return option(C.FLEXILIB_OPTION_BOOL, name, summary) }
func Integer(name, summary string) Option  { return option(C.FLEXILIB_OPTION_INTEGER, name, summary) }
func Number(name, summary string) Option   { return option(C.FLEXILIB_OPTION_NUMBER, name, summary) }
func Duration(name, summary string) Option { return option(C.FLEXILIB_OPTION_DURATION, name, summary) }
func Size(name, summary string) Option     { return option(C.FLEXILIB_OPTION_SIZE, name, summary) }
func Text(name, summary string) Option     { return option(C.FLEXILIB_OPTION_TEXT, name, summary) }
func Secret(name, summary string) Option   { return option(C.FLEXILIB_OPTION_SECRET, name, summary) }
func File(name, summary string) Option     { return option(C.FLEXILIB_OPTION_FILE, name, summary) }
func Directory(name, summary string) Option {
	return option(C.FLEXILIB_OPTION_DIRECTORY, name, summary)
}
func Upstream(name, summary string) Option  { return option(C.FLEXILIB_OPTION_UPSTREAM, name, summary) }
func List(name, summary string) Option      { return option(C.FLEXILIB_OPTION_LIST, name, summary) }
func Map(name, summary string) Option       { return option(C.FLEXILIB_OPTION_MAP, name, summary) }
func Pattern(name, summary string) Option   { return option(C.FLEXILIB_OPTION_REGEX, name, summary) }
func Expansion(name, summary string) Option { return option(C.FLEXILIB_OPTION_TEMPLATE, name, summary) }
func Networks(name, summary string) Option  { return option(C.FLEXILIB_OPTION_RANGES, name, summary) }
func Any(name, summary string) Option       { return option(C.FLEXILIB_OPTION_ANY, name, summary) }

// Choice is one of several words.
func Choice(name, summary string, choices ...string) Option {
	made := option(C.FLEXILIB_OPTION_CHOICE, name, summary)
	made.choices = choices
	return made
}

// Table is a mapping with keys of its own.
func Table(name, summary string, fields ...Option) Option {
	made := option(C.FLEXILIB_OPTION_TABLE, name, summary)
	made.fields = fields
	return made
}

// ListOf is a list whose items are all alike; the item's name is "".
func ListOf(name, summary string, item Option) Option {
	made := option(C.FLEXILIB_OPTION_LIST_OF, name, summary)
	made.fields = []Option{item}
	return made
}

// MapOf is a mapping whose values are all alike; the value's name is "".
func MapOf(name, summary string, value Option) Option {
	made := option(C.FLEXILIB_OPTION_MAP_OF, name, summary)
	made.fields = []Option{value}
	return made
}

func option(kind C.flexilib_option_type, name, summary string) Option {
	return Option{name: name, summary: summary, kind: kind}
}

// Required is the option where it has to be written.
func (option Option) Required() Option {
	option.isRequired = true
	return option
}

// Fallback is the option with a default, a scalar as YAML has it.
func (option Option) Fallback(value string) Option {
	option.fallback = &value
	return option
}

// Between is the option with bounds.
func (option Option) Between(least, most int64) Option {
	option.least, option.most = least, most
	return option
}

// cArray is memory of C for so many items: never freed, as the table lives as long as the process.
func cArray[T any](count int) []T {
	var item T
	return unsafe.Slice((*T)(C.calloc(C.size_t(count+1), C.size_t(unsafe.Sizeof(item)))), count+1)
}

func cOptions(options []Option) *C.struct_flexilib_option {
	if len(options) == 0 {
		return nil
	}
	table := cArray[C.struct_flexilib_option](len(options))
	for i, option := range options {
		entry := &table[i]
		if option.name != "" {
			entry.name = C.CString(option.name)
		}
		entry._type = option.kind
		entry.required = C.bool(option.isRequired)
		if option.fallback != nil {
			entry.fallback = C.CString(*option.fallback)
		}
		entry.minimum, entry.maximum = C.int64_t(option.least), C.int64_t(option.most)
		entry.summary = C.CString(option.summary)
		entry.choices = cChoices(option.choices)
		entry.fields = cOptions(option.fields)
		entry.field_count = C.size_t(len(option.fields))
	}
	return &table[0]
}

func cChoices(choices []string) **C.char {
	if len(choices) == 0 {
		return nil
	}
	names := cArray[*C.char](len(choices))
	for i, choice := range choices {
		names[i] = C.CString(choice)
	}
	return &names[0]
}
