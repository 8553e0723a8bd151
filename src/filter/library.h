#ifndef FLEXILIB_FILTER_LIBRARY_H
#define FLEXILIB_FILTER_LIBRARY_H

/* A shared library that offers filters, opened for as long as the process lives: it is never dlclosed, since code of
 * many languages does not survive that. The only place that calls dlopen. */

#include "base/error.h"
#include "flexilib/filter.h"

struct isolated_services;
struct library;

/* Opens the file at load_path, which messages call by path. Looks at the ELF header first, so that a truncated file, a
 * file for another machine and no library at all are named as such; then checks the symbol, version and sizes. Returns
 * NULL and fills error with what was found and what is needed. */
struct library *library_open(const char *load_path, const char *path, struct error *error);

/* A library of stand-ins for the filters of one that a runner has opened; description is what isolated_library_describe
 * has said there. services and context outlive it. Returns NULL and fills error. */
struct library *library_open_isolated(struct slice description, const char *path,
                                      const struct isolated_services *services, void *context, struct error *error);

/* Whether a runner could run it; else fills error. For where one is only looked at, and loaded all the same. */
bool library_may_be_isolated(const struct library *library, struct error *error) __attribute__((warn_unused_result));

/* Forgets the library without unloading it. NULL is fine. */
void library_close(struct library *library);

/* The path that messages call it by. */
const char *library_path(const struct library *library);

/* The minor of the filter contract that it needs at least. */
uint16_t library_abi_minor(const struct library *library);

/* Whether it is one of the original FlexiLib, made for no minor at all. */
bool library_is_original(const struct library *library);

size_t library_filter_count(const struct library *library);
const struct flexilib_filter *library_filter(const struct library *library, size_t index);

/* The filter of that name; with an empty name the only one, or the one named like fallback. Returns NULL and fills
 * error, naming those there are; the place is the caller's. */
const struct flexilib_filter *library_find_filter(const struct library *library, struct slice name,
                                                  struct slice fallback, struct place place, struct error *error);

#endif
