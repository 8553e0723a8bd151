#include "scenario/expectation.h"

#include "scenario/difference.h"

enum {
    FAR_BEHIND_BYTES = 100,
};

/* What of the body no event has told of. */
static struct slice new_body(const struct message *seen)
{
    return slice_skip(text_slice(&seen->body), seen->noticed_bytes);
}

static bool is_start(const struct event *event, struct slice start)
{
    if (event->status != 0) {
        uint64_t number;
        return slice_parse_number(start, &number) && (int)number == event->status;
    }
    size_t blank = slice_find(start, ' ');
    return slice_equals(slice_of(start.data, blank), event->method) &&
           slice_equals(slice_trim(slice_skip(start, blank)), event->target);
}

/* All the rules of one kind that an event has. */
struct rules {
    const struct field_rule *items;
    size_t count;
    bool is_all; /* nothing else may be there */
};

static struct rules field_rules(const struct event *event)
{
    return (struct rules){event->fields, event->field_count, event->has_all_fields};
}

static struct rules attribute_rules(const struct event *event)
{
    return (struct rules){event->attributes, event->attribute_count, false};
}

static const struct field_rule *find_rule(const struct rules *rules, struct slice name)
{
    for (size_t i = 0; i < rules->count; ++i) {
        if (slice_equals_nocase(rules->items[i].name, name))
            return &rules->items[i];
    }
    return NULL;
}

static bool rule_holds(const struct field_rule *rule, const struct headers *headers)
{
    size_t count = 0;
    for (size_t i = 0; i < headers->count; ++i) {
        if (!slice_equals_nocase(headers->items[i].name, rule->name))
            continue;
        if (count == rule->value_count || !content_matches(&rule->values[count], headers->items[i].value))
            return false;
        ++count;
    }
    return count == rule->value_count;
}

/* Those that every message may have, whatever filters do. */
static bool is_always_fine(struct slice name)
{
    return slice_equals_nocase(name, SLICE("host")) || slice_equals_nocase(name, SLICE("content-length"));
}

static bool is_left_over(const struct rules *rules, struct slice name)
{
    return rules->is_all && !is_always_fine(name) && find_rule(rules, name) == NULL;
}

static bool rules_hold(const struct rules *rules, const struct headers *headers)
{
    for (size_t i = 0; i < rules->count; ++i) {
        if (!rule_holds(&rules->items[i], headers))
            return false;
    }
    for (size_t i = 0; i < headers->count; ++i) {
        if (is_left_over(rules, headers->items[i].name))
            return false;
    }
    return true;
}

static bool head_holds(const struct event *event, const struct message *seen)
{
    const struct rules fields = field_rules(event), attributes = attribute_rules(event);
    return is_start(event, seen->start) && rules_hold(&fields, &seen->headers) &&
           rules_hold(&attributes, &seen->attributes);
}

static enum expectation_result check_end(const struct event *event, const struct message *seen, bool is_whole)
{
    bool is_wanted_end = event->is_broken ? seen->is_broken : seen->is_ended;
    bool is_other_end = event->is_broken ? seen->is_ended : seen->is_broken;
    if (is_other_end)
        return EXPECTATION_FAILS;
    if (is_wanted_end)
        return is_whole ? EXPECTATION_HOLDS : EXPECTATION_FAILS;
    return EXPECTATION_WAITS;
}

static enum expectation_result check_body(const struct event *event, const struct message *seen)
{
    struct slice body = new_body(seen);
    if (!event->body.is_written)
        return event->is_broken ? check_end(event, seen, true) : EXPECTATION_HOLDS;
    bool is_whole = content_matches(&event->body, body);
    if (!is_whole && !content_may_match(&event->body, body))
        return EXPECTATION_FAILS;
    if (!event->is_unfinished)
        return check_end(event, seen, is_whole);
    if (seen->is_ended || seen->is_broken)
        return EXPECTATION_FAILS;
    return is_whole ? EXPECTATION_HOLDS : EXPECTATION_WAITS;
}

static enum expectation_result check_nothing(const struct event *event, const struct message *seen)
{
    if (seen->has_head)
        return EXPECTATION_FAILS;
    return event->is_broken ? check_end(event, seen, true) : EXPECTATION_HOLDS;
}

enum expectation_result expectation_check(const struct event *event, const struct message *seen)
{
    if (event->sees_nothing)
        return check_nothing(event, seen);
    if (!seen->has_head)
        return seen->is_broken ? EXPECTATION_FAILS : EXPECTATION_WAITS;
    if (event->kind == EVENT_SEE && !head_holds(event, seen))
        return EXPECTATION_FAILS;
    return check_body(event, seen);
}

void expectation_notice(const struct event *event, struct message *seen)
{
    if (event->body.is_written)
        seen->noticed_bytes = seen->body.length;
    if (event->is_broken)
        seen->is_broken_noticed = true;
}

static void print_field(struct slice name, struct slice value, struct text *out)
{
    text_print(out, "%.*s: %.*s\n", SLICE_ARG(name), SLICE_ARG(value));
}

/* The field as it was to be; of a pattern that holds, what is there. */
static void print_wanted_field(const struct field_rule *rule, size_t number, struct slice value, struct arena *arena,
                               struct text *out)
{
    const struct content *wanted = &rule->values[number];
    if (content_matches(wanted, value))
        print_field(rule->name, value, out);
    else
        text_print(out, "%.*s: %.*s%s\n", SLICE_ARG(rule->name), SLICE_ARG(content_join(wanted, arena)),
                   wanted->is_like ? "   (like this)" : "");
}

/* As seen, but for what the event says of it. */
static void print_wanted_fields(const struct rules *rules, const struct headers *headers, struct arena *arena,
                                struct text *out)
{
    size_t *told = arena_zalloc(arena, (rules->count + 1) * sizeof(*told));
    for (size_t i = 0; i < headers->count; ++i) {
        const struct header *field = &headers->items[i];
        const struct field_rule *rule = find_rule(rules, field->name);
        if (rule == NULL && !is_left_over(rules, field->name))
            print_field(field->name, field->value, out);
        if (rule == NULL || told[rule - rules->items] == rule->value_count)
            continue;
        print_wanted_field(rule, told[rule - rules->items]++, field->value, arena, out);
    }
    for (size_t i = 0; i < rules->count; ++i) {
        while (told[i] < rules->items[i].value_count)
            print_wanted_field(&rules->items[i], told[i]++, SLICE_NONE, arena, out);
    }
}

/* Names as the event writes them, so that a difference of case alone is none. */
static void print_seen_fields(const struct rules *rules, const struct headers *headers, struct text *out)
{
    for (size_t i = 0; i < headers->count; ++i) {
        const struct field_rule *rule = find_rule(rules, headers->items[i].name);
        print_field(rule == NULL ? headers->items[i].name : rule->name, headers->items[i].value, out);
    }
}

static void print_attributes_title(const struct event *event, struct text *out)
{
    if (event->attribute_count != 0)
        text_print(out, "attributes:\n");
}

static void print_wanted_head(const struct event *event, const struct message *seen, struct arena *arena,
                              struct text *out)
{
    const struct rules fields = field_rules(event), attributes = attribute_rules(event);
    print_wanted_fields(&fields, &seen->headers, arena, out);
    print_attributes_title(event, out);
    if (event->attribute_count != 0)
        print_wanted_fields(&attributes, &seen->attributes, arena, out);
}

static void print_seen_head(const struct event *event, const struct message *seen, struct text *out)
{
    const struct rules fields = field_rules(event), attributes = attribute_rules(event);
    text_print(out, "%.*s\n", SLICE_ARG(seen->start));
    print_seen_fields(&fields, &seen->headers, out);
    print_attributes_title(event, out);
    if (event->attribute_count != 0)
        print_seen_fields(&attributes, &seen->attributes, out);
}

static bool ends_line(struct slice body)
{
    return body.length != 0 && body.data[body.length - 1] == '\n';
}

/* A line break at the end would not be seen, nor that there is none where the other body has one. */
static void print_body(struct slice body, struct slice other, struct text *out)
{
    text_add(out, body);
    if (body.length != 0 && !ends_line(body))
        text_print(out, ends_line(other) ? "\n(no line break at the end)\n" : "\n");
}

static const char *describe_end(bool is_ended, bool is_broken)
{
    return is_broken ? "(cut off)\n" : is_ended ? "" : "(unfinished)\n";
}

static void print_wanted(const struct event *event, const struct message *seen, struct arena *arena, struct text *out)
{
    if (event->sees_nothing && !event->is_broken)
        text_print(out, "nothing\n");
    else if (event->kind == EVENT_SEE && event->status != 0)
        text_print(out, "%d\n", event->status);
    else if (event->kind == EVENT_SEE)
        text_print(out, "%.*s %.*s\n", SLICE_ARG(event->method), SLICE_ARG(event->target));
    if (event->kind == EVENT_SEE && !event->sees_nothing)
        print_wanted_head(event, seen, arena, out);
    if (event->body.is_written) {
        struct slice body =
            content_matches(&event->body, new_body(seen)) ? new_body(seen) : content_join(&event->body, arena);
        text_print(out, "%s", event->kind == EVENT_SEE ? "\n" : "");
        print_body(body, new_body(seen), out);
    }
    if (event->body.is_written || event->is_broken)
        text_print(out, "%s", describe_end(!event->is_unfinished && !event->is_broken, event->is_broken));
}

static void print_seen(const struct event *event, const struct message *seen, struct arena *arena, struct text *out)
{
    if (!seen->has_head && !seen->is_broken)
        text_print(out, "nothing\n");
    if (seen->has_head && event->kind == EVENT_SEE)
        print_seen_head(event, seen, out);
    if (seen->has_head && event->body.is_written) {
        text_print(out, "%s", event->kind == EVENT_SEE ? "\n" : "");
        print_body(new_body(seen), content_join(&event->body, arena), out);
    }
    if ((seen->has_head && event->body.is_written) || seen->is_broken)
        text_print(out, "%s", describe_end(seen->is_ended, seen->is_broken));
}

/* Where the bodies begin to differ, if that is so far behind in a line that it is not shown. */
static void print_position(const struct event *event, const struct message *seen, struct arena *arena, struct text *out)
{
    struct slice wanted = content_join(&event->body, arena), body = new_body(seen);
    size_t at = 0, line = 0;
    if (!event->body.is_written || event->body.is_like)
        return;
    for (; at < wanted.length && at < body.length && wanted.data[at] == body.data[at]; ++at)
        line = wanted.data[at] == '\n' ? at + 1 : line;
    bool is_same = at == wanted.length && at == body.length;
    if (!is_same && at - line >= FAR_BEHIND_BYTES)
        text_print(out, "  (the bodies differ from byte %zu on)\n", at + 1);
}

void expectation_explain(const struct event *event, const struct message *seen, struct arena *arena, struct text *out)
{
    struct text wanted = TEXT_INIT, found = TEXT_INIT;
    print_wanted(event, seen, arena, &wanted);
    print_seen(event, seen, arena, &found);
    difference_print(text_slice(&wanted), text_slice(&found), out);
    print_position(event, seen, arena, out);
    text_finish(&wanted);
    text_finish(&found);
}
