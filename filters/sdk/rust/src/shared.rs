//! What all workers share: `flexilib/ext/dictionary.h` and `flexilib/ext/metrics.h`. Both may be used by any thread.

use crate::link::Link;
use crate::raw::ext::{flexilib_dictionary, flexilib_dictionary_name, flexilib_metric, flexilib_metrics};
use crate::raw::ext::{flexilib_metric_declaration, flexilib_series};
use crate::raw::flexilib_text;
use crate::text::{pointer, raw_text};
use crate::timer::in_ms;
use crate::{Refusal, Setup};
use std::sync::Arc;
use std::time::Duration;

/// Values that all workers and generations share, by name. A time of zero means until it is forgotten.
#[derive(Clone)]
pub struct Dictionary {
    link: Arc<Link>,
    table: *const flexilib_dictionary,
    name: *const flexilib_dictionary_name,
}

unsafe impl Send for Dictionary {}
unsafe impl Sync for Dictionary {}

impl Dictionary {
    pub fn open(setup: &Setup, name: &str) -> Result<Dictionary, Refusal> {
        let table: *const flexilib_dictionary = setup.extension("flexilib.dictionary/1\0")?;
        let opened = unsafe { ((*table).open)(setup.core, pointer(name.as_bytes()), name.len()) };
        if opened.is_null() {
            return Err(Refusal::new("a dictionary's name has 1 to 64 bytes"));
        }
        Ok(Dictionary { link: Arc::clone(&setup.link), table, name: opened })
    }

    /// Calls while the filter is there; afterwards there is nothing in any dictionary.
    fn with<T: Default>(&self, call: impl FnOnce(&flexilib_dictionary) -> T) -> T {
        self.link.with(|_| call(unsafe { &*self.table })).unwrap_or_default()
    }

    pub fn get(&self, key: impl AsRef<[u8]>) -> Option<Vec<u8>> {
        let key = key.as_ref();
        let mut value = vec![0u8; 256];
        loop {
            let mut length = 0;
            let (data, capacity) = (value.as_mut_ptr().cast(), value.len());
            let found = self
                .with(|table| unsafe { (table.get)(self.name, pointer(key), key.len(), data, capacity, &mut length) });
            if !found {
                return None;
            }
            value.resize(length, 0);
            if length <= capacity {
                return Some(value);
            }
        }
    }

    pub fn set(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, ttl: Duration) -> bool {
        let (key, value) = (key.as_ref(), value.as_ref());
        let (data, length) = (value.as_ptr().cast(), value.len());
        self.with(|table| unsafe { (table.set)(self.name, pointer(key), key.len(), data, length, in_ms(ttl)) })
    }

    /// The same where there is no value yet.
    pub fn add(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>, ttl: Duration) -> bool {
        let (key, value) = (key.as_ref(), value.as_ref());
        let (data, length) = (value.as_ptr().cast(), value.len());
        self.with(|table| unsafe { (table.add)(self.name, pointer(key), key.len(), data, length, in_ms(ttl)) })
    }

    /// The same where the value is still `was`.
    pub fn replace(
        &self,
        key: impl AsRef<[u8]>,
        was: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
        ttl: Duration,
    ) -> bool {
        let (key, was, value) = (key.as_ref(), was.as_ref(), value.as_ref());
        let (was, was_length) = (was.as_ptr().cast(), was.len());
        let (data, length, ttl) = (value.as_ptr().cast(), value.len(), in_ms(ttl));
        self.with(|table| unsafe {
            (table.replace)(self.name, pointer(key), key.len(), was, was_length, data, length, ttl)
        })
    }

    /// Adds to a number, and gives the sum.
    pub fn increment(&self, key: impl AsRef<[u8]>, change: i64, ttl: Duration) -> Option<i64> {
        let key = key.as_ref();
        let mut sum = 0;
        let is_done = self.with(|table| unsafe {
            (table.increment)(self.name, pointer(key), key.len(), change, in_ms(ttl), &mut sum)
        });
        is_done.then_some(sum)
    }

    pub fn remove(&self, key: impl AsRef<[u8]>) -> bool {
        let key = key.as_ref();
        self.with(|table| unsafe { (table.remove)(self.name, pointer(key), key.len()) })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum MetricKind {
    Counter = 1,
    Gauge = 2,
    Histogram = 3,
}

/// A declared metric.
#[derive(Clone)]
pub struct Metric {
    link: Arc<Link>,
    table: *const flexilib_metrics,
    metric: *const flexilib_metric,
    label_count: usize,
}

unsafe impl Send for Metric {}
unsafe impl Sync for Metric {}

impl Metric {
    /// `Metric::declare(setup, MetricKind::Counter, "hits_total", "Hits.", &["path"], &[])`; buckets are a histogram's.
    pub fn declare(
        setup: &Setup,
        kind: MetricKind,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: &[f64],
    ) -> Result<Metric, Refusal> {
        let table: *const flexilib_metrics = setup.extension("flexilib.metrics/1\0")?;
        let texts = texts_of(labels);
        let declaration = flexilib_metric_declaration {
            kind: kind as i32,
            name: raw_text(name.as_bytes()),
            help: raw_text(help.as_bytes()),
            labels: texts.as_ptr(),
            label_count: texts.len(),
            buckets: buckets.as_ptr(),
            bucket_count: buckets.len(),
            most_series: 0,
        };
        let metric = unsafe { ((*table).declare)(setup.core, &declaration) };
        if metric.is_null() {
            return Err(format!("metric '{name}' cannot be declared").into());
        }
        Ok(Metric { link: Arc::clone(&setup.link), table, metric, label_count: labels.len() })
    }

    /// The series with these label values, as many as the metric has labels.
    pub fn series(&self, values: &[&str]) -> Series {
        assert_eq!(values.len(), self.label_count, "a metric's series needs a value for each label");
        let texts = texts_of(values);
        let series = self.link.with(|_| unsafe { ((*self.table).series)(self.metric, texts.as_ptr()) });
        Series { link: Arc::clone(&self.link), table: self.table, series: series.unwrap_or(std::ptr::null()) }
    }
}

fn texts_of(texts: &[&str]) -> Vec<flexilib_text> {
    texts.iter().map(|text| raw_text(text.as_bytes())).collect()
}

/// One set of a metric's label values.
#[derive(Clone)]
pub struct Series {
    link: Arc<Link>,
    table: *const flexilib_metrics,
    series: *const flexilib_series,
}

unsafe impl Send for Series {}
unsafe impl Sync for Series {}

impl Series {
    /// Adds to a counter or a gauge.
    pub fn add(&self, amount: f64) {
        self.link.with(|_| unsafe { ((*self.table).add)(self.series, amount) });
    }

    /// Sets a gauge.
    pub fn set(&self, value: f64) {
        self.link.with(|_| unsafe { ((*self.table).set)(self.series, value) });
    }

    /// Counts a value in a histogram.
    pub fn observe(&self, value: f64) {
        self.link.with(|_| unsafe { ((*self.table).observe)(self.series, value) });
    }
}
