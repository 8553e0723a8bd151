#include "worker/manifest_routes.h"

#include "base/characters.h"
#include "process/control_message.h"
#include "worker/digest.h"

#include <stdio.h>

enum {
    KEY_BYTES = 200,    /* of a route's match, or the name it has */
    TARGET_BYTES = 120, /* of what it leads to */
};

/* A route with those around it. */
struct place_in_tree {
    const struct place_in_tree *outer;
    const struct route_settings *route;
    char digest[DIGEST_TEXT_BYTES]; /* with those around it, without those inside */
};

static void add_node(struct digest *digest, const struct node *node);

static void add_children(struct digest *digest, const struct node *node, const char *skipped)
{
    for (size_t i = 0; i < node->count; ++i) {
        if (node->kind == NODE_MAPPING && skipped != NULL &&
            slice_equals(node->keys[i]->text, slice_from_text(skipped)))
            continue;
        if (node->kind == NODE_MAPPING)
            digest_add_item(digest, node->keys[i]->text);
        add_node(digest, node->items[i]);
    }
}

/* Where it stands counts too, since paths are relative to that. */
static void add_node(struct digest *digest, const struct node *node)
{
    const char kind = (char)('0' + (int)node->kind + (node->is_null ? 4 : 0) + (node->is_quoted ? 8 : 0));
    digest_add(digest, slice_of(&kind, 1));
    digest_add_item(digest, slice_from_text(node->file == NULL ? "" : node->file));
    digest_add_item(digest,
                    node->kind == NODE_SCALAR ? node->text : slice_of((const char *)&node->count, sizeof(size_t)));
    add_children(digest, node, NULL);
}

static void finish_line(struct text *out, const char *digest, struct slice third, struct slice fourth)
{
    control_add_field(out, slice_from_text(digest));
    control_add_field(out, third);
    control_add_field(out, fourth);
    control_end_line(out);
}

/* The line of the file that it stands in: all there is to a route of proxy.ini. */
static struct slice find_line(struct place place)
{
    struct slice rest = place.text == NULL ? SLICE_NONE : place.text->content;
    for (unsigned i = 1; i < place.line && rest.length != 0; ++i) {
        size_t end = slice_find(rest, '\n');
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
    }
    struct slice line = slice_of(rest.data, slice_find(rest, '\n'));
    return slice_trim(slice_of(line.data, slice_find(line, '#')));
}

static void add_setting(struct text *out, struct slice name, struct digest *digest)
{
    char text[DIGEST_TEXT_BYTES];
    digest_finish(digest, text);
    control_add_field(out, SLICE("setting"));
    control_add_field(out, name);
    finish_line(out, text, SLICE_NONE, SLICE_NONE);
}

void manifest_add_settings(const struct settings *settings, struct text *out)
{
    const struct node *root = settings->root;
    for (size_t i = 0; root != NULL && i < root->count; ++i) {
        struct digest *digest = digest_create();
        add_node(digest, root->items[i]);
        add_setting(out, root->keys[i]->text, digest);
    }
    if (root != NULL)
        return;
    struct digest *digest = digest_create();
    for (size_t i = 0; i < settings->route_count; ++i)
        digest_add_item(digest, find_line(settings->routes[i].place));
    add_setting(out, SLICE("routes"), digest);
}

/* At most so many bytes of text, whole characters. */
static struct slice cut(struct slice text, size_t most)
{
    size_t length = 0;
    while (length < text.length) {
        size_t next = character_length(slice_skip(text, length));
        next = next == 0 ? 1 : next;
        if (length + next > most)
            break;
        length += next;
    }
    return slice_of(text.data, length);
}

/* In the short form of YAML, as far as there is room. */
static void print_node(const struct node *node, size_t limit, struct text *out)
{
    if (out->length > limit)
        return;
    if (node->kind == NODE_SCALAR) {
        text_add(out, node->is_null ? SLICE("~") : cut(node->text, limit));
        return;
    }
    text_add_char(out, node->kind == NODE_MAPPING ? '{' : '[');
    for (size_t i = 0; i < node->count; ++i) {
        text_add(out, i == 0 ? SLICE_NONE : SLICE(", "));
        if (node->kind == NODE_MAPPING)
            text_print(out, "%.*s: ", SLICE_ARG(node->keys[i]->text));
        print_node(node->items[i], limit, out);
    }
    text_add_char(out, node->kind == NODE_MAPPING ? '}' : ']');
}

static void end_with_dots(struct text *out, size_t limit)
{
    if (out->length <= limit)
        return;
    out->length = cut(text_slice(out), limit - 3).length;
    text_add(out, SLICE("..."));
}

static void print_match(const struct place_in_tree *at, struct text *out)
{
    const struct node *node = at->route->node;
    if (at->outer != NULL) {
        print_match(at->outer, out);
        text_add(out, SLICE(" > "));
    }
    const struct node *match = node == NULL ? NULL : node_find(node, "match");
    if (match != NULL)
        print_node(match, KEY_BYTES, out);
    else if (node == NULL)
        text_add(out, find_line(at->route->place));
    else
        text_add(out, SLICE("any"));
}

static void print_key(const struct place_in_tree *at, struct text *out)
{
    const struct node *name = at->route->node == NULL ? NULL : node_find(at->route->node, "name");
    if (name != NULL && name->kind == NODE_SCALAR)
        text_add(out, cut(name->text, KEY_BYTES));
    else
        print_match(at, out);
    end_with_dots(out, KEY_BYTES);
}

/* Of a mapping only what says where it leads: options may hold secrets. */
static void print_target(const struct route_settings *route, struct text *out)
{
    static const char *const targets[] = {"handler", "proxy", "redirect", "respond", "files"};
    static const char *const keys[] = {"use", "to", "servers", "url", "root", "status"};
    for (size_t i = 0; route->node != NULL && i < sizeof(targets) / sizeof(targets[0]); ++i) {
        const struct node *target = node_find(route->node, targets[i]);
        if (target == NULL)
            continue;
        text_print(out, "%s", targets[i]);
        for (size_t j = 0; target != NULL && target->kind == NODE_MAPPING && j < sizeof(keys) / sizeof(keys[0]); ++j) {
            const struct node *found = node_find(target, keys[j]);
            target = found == NULL ? target : found;
        }
        if (target->kind == NODE_SCALAR)
            text_print(out, " %.*s", SLICE_ARG(target->text));
    }
    end_with_dots(out, TARGET_BYTES);
}

static void digest_route(struct place_in_tree *at)
{
    struct digest *digest = digest_create();
    if (at->outer != NULL)
        digest_add_item(digest, slice_from_text(at->outer->digest));
    if (at->route->node != NULL)
        add_children(digest, at->route->node, "routes");
    else
        digest_add_item(digest, find_line(at->route->place));
    digest_finish(digest, at->digest);
}

static void add_route(const struct place_in_tree *at, struct text *out)
{
    const struct place *place = &at->route->place;
    struct text key = TEXT_INIT, target = TEXT_INIT, position = TEXT_INIT;
    print_key(at, &key);
    print_target(at->route, &target);
    if (place->text != NULL)
        text_print(&position, "%s:%u", place->text->path, place->line);
    control_add_field(out, SLICE("route"));
    control_add_field(out, text_slice(&key));
    finish_line(out, at->digest, text_slice(&target), text_slice(&position));
    text_finish(&key);
    text_finish(&target);
    text_finish(&position);
}

static void add_routes(const struct route_settings *routes, size_t count, const struct place_in_tree *outer,
                       size_t limit_bytes, struct text *out, bool *is_cut)
{
    for (size_t i = 0; i < count && !*is_cut; ++i) {
        struct place_in_tree at = {.outer = outer, .route = &routes[i]};
        digest_route(&at);
        if (routes[i].target == TARGET_ROUTES)
            add_routes(routes[i].routes, routes[i].route_count, &at, limit_bytes, out, is_cut);
        else
            add_route(&at, out);
        *is_cut |= out->length > limit_bytes;
    }
}

void manifest_add_routes(const struct settings *settings, size_t limit_bytes, struct text *out, bool *is_cut)
{
    *is_cut = false;
    add_routes(settings->routes, settings->route_count, NULL, limit_bytes, out, is_cut);
}
