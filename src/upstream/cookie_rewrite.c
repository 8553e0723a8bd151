#include "upstream/cookie_rewrite.h"

#include "base/text.h"
#include "upstream/forward.h"

/* A cookie being rewritten: what stands before `copied` is in out. */
struct cookie {
    struct slice value;
    size_t copied;
    struct text out;
};

/* Goes on after the old text, which is a part of the value, with the new one in its place. */
static void replace(struct cookie *cookie, struct slice old, struct slice front, struct slice rest)
{
    size_t start = (size_t)(old.data - cookie->value.data);
    text_add(&cookie->out, slice_of(cookie->value.data + cookie->copied, start - cookie->copied));
    text_add(&cookie->out, front);
    text_add(&cookie->out, rest);
    cookie->copied = start + old.length;
}

/* Browsers take no notice of it. */
static struct slice without_dot(struct slice domain)
{
    return domain.length != 0 && domain.data[0] == '.' ? slice_skip(domain, 1) : domain;
}

/* attribute is all of it, with the semicolon in front. */
static void map_domain(struct cookie *cookie, const struct forward_settings *forward, struct slice attribute,
                       struct slice domain)
{
    for (size_t i = 0; i < forward->cookie_domain_count; ++i) {
        const struct field_pair *pair = &forward->cookie_domains[i];
        if (domain.length == 0 || !slice_equals_nocase(without_dot(domain), without_dot(pair->name)))
            continue;
        if (pair->value.length == 0)
            replace(cookie, attribute, SLICE_NONE, SLICE_NONE);
        else
            replace(cookie, domain, pair->value, SLICE_NONE);
        return;
    }
}

static struct slice without_slash(struct slice path)
{
    while (path.length != 0 && path.data[path.length - 1] == '/')
        --path.length;
    return path;
}

static void map_path(struct cookie *cookie, const struct forward_settings *forward, struct slice path)
{
    for (size_t i = 0; i < forward->cookie_path_count; ++i) {
        const struct field_pair *pair = &forward->cookie_paths[i];
        struct slice rest = path, front = without_slash(pair->value);
        if (path.length == 0 || path.data[0] != '/' || !forward_take_prefix(&rest, pair->name))
            continue;
        /* "/" becomes "/api" rather than "/api/", where "/api" itself would not have the cookie */
        if (without_slash(pair->name).length == 0 && rest.length == 1 && front.length != 0)
            rest = SLICE_NONE;
        replace(cookie, path, front.length + rest.length == 0 ? SLICE("/") : front, rest);
        return;
    }
}

static void map_attribute(struct cookie *cookie, const struct forward_settings *forward, struct slice attribute)
{
    struct slice text = slice_skip(attribute, 1);
    size_t equals = slice_find(text, '=');
    if (equals == text.length)
        return;
    struct slice name = slice_trim(slice_of(text.data, equals));
    struct slice value = slice_trim(slice_skip(text, equals + 1));
    if (slice_equals_nocase(name, SLICE("domain")))
        map_domain(cookie, forward, attribute, value);
    else if (slice_equals_nocase(name, SLICE("path")))
        map_path(cookie, forward, value);
}

struct slice cookie_rewrite(struct slice value, const struct forward_settings *forward, struct arena *arena)
{
    struct cookie cookie = {.value = value};
    size_t end = slice_find(value, ';');
    if (slice_find(slice_of(value.data, end), '=') == end)
        return value;
    for (size_t start = end; start < value.length; start = end) {
        end = start + 1 + slice_find(slice_skip(value, start + 1), ';');
        map_attribute(&cookie, forward, slice_of(value.data + start, end - start));
    }
    if (cookie.copied == 0)
        return value;
    text_add(&cookie.out, slice_skip(value, cookie.copied));
    struct slice rewritten = arena_copy(arena, text_slice(&cookie.out));
    text_finish(&cookie.out);
    return rewritten;
}
