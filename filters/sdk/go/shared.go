package flexilib

// #include "library.h"
// #include <stdlib.h>
// typedef const struct flexilib_dictionary *dictionary_t;
// typedef const struct flexilib_dictionary_name *name_t;
// #define ARG(text) _GoStringPtr(text), _GoStringLen(text)
//
// static inline name_t call_dictionary_open(dictionary_t d, const struct flexilib_core *core, _GoString_ name) { return d->open(core, ARG(name)); }
// static inline bool call_dictionary_get(dictionary_t d, name_t name, _GoString_ key, void *value, size_t capacity, size_t *length)
// { return d->get(name, ARG(key), value, capacity, length); }
// static inline bool call_dictionary_set(dictionary_t d, name_t name, _GoString_ key, const void *value, size_t length, uint64_t ttl_ms)
// { return d->set(name, ARG(key), value, length, ttl_ms); }
// static inline bool call_dictionary_add(dictionary_t d, name_t name, _GoString_ key, const void *value, size_t length, uint64_t ttl_ms)
// { return d->add(name, ARG(key), value, length, ttl_ms); }
// static inline bool call_dictionary_replace(dictionary_t d, name_t name, _GoString_ key, const void *was, size_t was_length, const void *value, size_t length, uint64_t ttl_ms)
// { return d->replace(name, ARG(key), was, was_length, value, length, ttl_ms); }
// static inline bool call_dictionary_increment(dictionary_t d, name_t name, _GoString_ key, int64_t change, uint64_t ttl_ms, int64_t *sum)
// { return d->increment(name, ARG(key), change, ttl_ms, sum); }
// static inline bool call_dictionary_remove(dictionary_t d, name_t name, _GoString_ key) { return d->remove(name, ARG(key)); }
//
// typedef const struct flexilib_metrics *metrics_t;
// static inline const struct flexilib_metric *call_declare(metrics_t m, const struct flexilib_core *core, const struct flexilib_metric_declaration *declaration)
// { return m->declare(core, declaration); }
// static inline const struct flexilib_series *call_series(metrics_t m, const struct flexilib_metric *metric, const struct flexilib_text *values)
// { return m->series(metric, values); }
// static inline void call_metric_add(metrics_t m, const struct flexilib_series *series, double amount) { m->add(series, amount); }
// static inline void call_metric_set(metrics_t m, const struct flexilib_series *series, double value) { m->set(series, value); }
// static inline void call_metric_observe(metrics_t m, const struct flexilib_series *series, double value) { m->observe(series, value); }
import "C"

import (
	"errors"
	"fmt"
	"time"
	"unsafe"
)

// Dictionary holds values that all workers and generations share. For any goroutine. A time of 0 means until it is
// forgotten.
type Dictionary struct {
	link  *link
	table *C.struct_flexilib_dictionary
	name  *C.struct_flexilib_dictionary_name
}

func OpenDictionary(setup *Setup, name string) (*Dictionary, error) {
	table, err := setup.extension("flexilib.dictionary/1")
	if err != nil {
		return nil, err
	}
	dictionary := (*C.struct_flexilib_dictionary)(table)
	opened := C.call_dictionary_open(dictionary, setup.link.core, name)
	if opened == nil {
		return nil, errors.New("a dictionary's name has 1 to 64 bytes")
	}
	return &Dictionary{setup.link, dictionary, opened}, nil
}

// Get is false where there is no value.
func (dictionary *Dictionary) Get(key string) (value []byte, isThere bool) {
	value = make([]byte, 256)
	dictionary.link.with(func(*C.struct_flexilib_core) {
		for {
			length := C.size_t(0)
			capacity := C.size_t(len(value))
			isThere = bool(C.call_dictionary_get(dictionary.table, dictionary.name, key, pointer(value), capacity, &length))
			if !isThere || length <= capacity {
				value = value[:length]
				return
			}
			value = make([]byte, length)
		}
	})
	return value, isThere
}

func (dictionary *Dictionary) Set(key string, value []byte, ttl time.Duration) (isSet bool) {
	dictionary.link.with(func(*C.struct_flexilib_core) {
		isSet = bool(C.call_dictionary_set(dictionary.table, dictionary.name, key, pointer(value), C.size_t(len(value)), inMs(ttl)))
	})
	return isSet
}

// Add is Set where there is no value yet.
func (dictionary *Dictionary) Add(key string, value []byte, ttl time.Duration) (isSet bool) {
	dictionary.link.with(func(*C.struct_flexilib_core) {
		isSet = bool(C.call_dictionary_add(dictionary.table, dictionary.name, key, pointer(value), C.size_t(len(value)), inMs(ttl)))
	})
	return isSet
}

// Replace is Set where the value is still was.
func (dictionary *Dictionary) Replace(key string, was, value []byte, ttl time.Duration) (isSet bool) {
	dictionary.link.with(func(*C.struct_flexilib_core) {
		isSet = bool(C.call_dictionary_replace(dictionary.table, dictionary.name, key, pointer(was), C.size_t(len(was)),
			pointer(value), C.size_t(len(value)), inMs(ttl)))
	})
	return isSet
}

// Increment adds to a number, and gives the sum.
func (dictionary *Dictionary) Increment(key string, change int64, ttl time.Duration) (sum int64, isDone bool) {
	dictionary.link.with(func(*C.struct_flexilib_core) {
		var result C.int64_t
		isDone = bool(C.call_dictionary_increment(dictionary.table, dictionary.name, key, C.int64_t(change), inMs(ttl), &result))
		sum = int64(result)
	})
	return sum, isDone
}

func (dictionary *Dictionary) Remove(key string) (isRemoved bool) {
	dictionary.link.with(func(*C.struct_flexilib_core) {
		isRemoved = bool(C.call_dictionary_remove(dictionary.table, dictionary.name, key))
	})
	return isRemoved
}

// MetricKind says what a metric is.
type MetricKind int32

const (
	Counter   MetricKind = C.FLEXILIB_METRICS_COUNTER
	Gauge     MetricKind = C.FLEXILIB_METRICS_GAUGE
	Histogram MetricKind = C.FLEXILIB_METRICS_HISTOGRAM
)

// MetricDeclaration says what is counted. Buckets are a histogram's.
type MetricDeclaration struct {
	Kind       MetricKind
	Name, Help string
	Labels     []string
	Buckets    []float64
	MostSeries int
}

// Metric is a declared metric. For any goroutine.
type Metric struct {
	link   *link
	table  *C.struct_flexilib_metrics
	metric *C.struct_flexilib_metric
	labels int
}

func DeclareMetric(setup *Setup, declaration MetricDeclaration) (*Metric, error) {
	table, err := setup.extension("flexilib.metrics/1")
	if err != nil {
		return nil, err
	}
	texts := newTexts(append([]string{declaration.Name, declaration.Help}, declaration.Labels...))
	defer texts.free()
	buckets := cArray[C.double](len(declaration.Buckets))
	defer C.free(unsafe.Pointer(&buckets[0]))
	for i, bound := range declaration.Buckets {
		buckets[i] = C.double(bound)
	}
	declared := C.struct_flexilib_metric_declaration{
		kind:         C.int32_t(declaration.Kind),
		name:         texts.texts[0],
		help:         texts.texts[1],
		labels:       &texts.texts[2],
		label_count:  C.size_t(len(declaration.Labels)),
		buckets:      &buckets[0],
		bucket_count: C.size_t(len(declaration.Buckets)),
		most_series:  C.size_t(declaration.MostSeries),
	}
	metrics := (*C.struct_flexilib_metrics)(table)
	metric := C.call_declare(metrics, setup.link.core, &declared)
	if metric == nil {
		return nil, fmt.Errorf("metric '%s' cannot be declared", declaration.Name)
	}
	return &Metric{setup.link, metrics, metric, len(declaration.Labels)}, nil
}

// texts are strings in memory of C, with a place at the end.
type texts struct{ texts []C.struct_flexilib_text }

func newTexts(values []string) texts {
	made := cArray[C.struct_flexilib_text](len(values))
	for i, value := range values {
		made[i] = C.struct_flexilib_text{data: C.CString(value), length: C.size_t(len(value))}
	}
	return texts{made}
}

func (texts texts) free() {
	for _, text := range texts.texts {
		C.free(unsafe.Pointer(text.data))
	}
	C.free(unsafe.Pointer(&texts.texts[0]))
}

// Series is one set of a metric's label values. Keep it where they are known beforehand.
type Series struct {
	metric *Metric
	series *C.struct_flexilib_series
}

// Series has as many values as the metric has labels.
func (metric *Metric) Series(values ...string) (series Series) {
	if len(values) != metric.labels {
		panic("flexilib: a metric's series needs a value for each label")
	}
	texts := newTexts(values)
	defer texts.free()
	metric.link.with(func(*C.struct_flexilib_core) {
		series = Series{metric, C.call_series(metric.table, metric.metric, &texts.texts[0])}
	})
	return series
}

// Add adds to a counter or a gauge.
func (series Series) Add(amount float64) {
	series.with(func(table C.metrics_t) { C.call_metric_add(table, series.series, C.double(amount)) })
}

// Set sets a gauge.
func (series Series) Set(value float64) {
	series.with(func(table C.metrics_t) { C.call_metric_set(table, series.series, C.double(value)) })
}

// Observe counts a value in a histogram.
func (series Series) Observe(value float64) {
	series.with(func(table C.metrics_t) { C.call_metric_observe(table, series.series, C.double(value)) })
}

func (series Series) with(call func(table C.metrics_t)) {
	if series.metric != nil {
		series.metric.link.with(func(*C.struct_flexilib_core) { call(series.metric.table) })
	}
}
