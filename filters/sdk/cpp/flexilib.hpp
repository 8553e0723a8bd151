#ifndef FLEXILIB_HPP
#define FLEXILIB_HPP

/* FlexiLib's filter contract for C++17; headers only. A filter is a class derived from flexilib::Filter: its
 * constructor is create, its destructor destroy, and the hooks that it overrides are those that are called. An
 * exception that leaves a constructor refuses the configuration with its what(); one that leaves a hook is logged and
 * counts as Answer::Fail. Everything else is as flexilib/filter.h says, which stays the reference: threads, lifetimes,
 * what may be called when.
 *
 *     struct Greeter : flexilib::Filter { ... };
 *     static constexpr flexilib_filter filters[] = {flexilib::filter<Greeter>("greeter", "answers by itself")};
 *     FLEXILIB_LIBRARY(filters); */

#include <flexilib/exchange.hpp>
#include <flexilib/extensions.hpp>
#include <flexilib/filter.hpp>
#include <flexilib/options.hpp>
#include <flexilib/result.hpp>
#include <flexilib/threads.hpp>

#endif
