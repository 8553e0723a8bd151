#include "plan/rule.h"

enum {
    LISTS_PER_MATCH = 4,
};

bool subject_equals(struct subject a, struct subject b)
{
    return a.kind == b.kind && (a.kind != SUBJECT_HEADER || slice_equals_nocase(a.header, b.header));
}

struct condition_walk rule_conditions(const struct rule *rule)
{
    return (struct condition_walk){.rule = rule, .matches_left = rule->count};
}

/* The condition that stands at number in a match; its list of patterns may be empty. */
static struct condition get_condition(const struct match_settings *match, size_t number)
{
    switch (number) {
    case 0:
        return (struct condition){
            .subject.kind = match->is_raw_target ? SUBJECT_RAW_TARGET : SUBJECT_PATH,
            .patterns = &match->paths,
        };
    case 1:
        return (struct condition){.subject.kind = SUBJECT_HOST, .patterns = &match->hosts};
    case 2:
        return (struct condition){.subject.kind = SUBJECT_METHOD, .patterns = &match->methods};
    case 3:
        return (struct condition){.subject.kind = SUBJECT_LISTENER, .patterns = &match->listeners};
    default:
        break;
    }
    const struct header_condition *header = &match->headers[number - LISTS_PER_MATCH];
    return (struct condition){
        .subject = {SUBJECT_HEADER, header->name},
        .patterns = &header->values,
        .first_field_only = match->is_raw_target,
    };
}

bool condition_next(struct condition_walk *walk, struct condition *condition)
{
    while (walk->matches_left != 0) {
        const struct match_settings *match = walk->rule->matches[walk->matches_left - 1];
        while (walk->next < LISTS_PER_MATCH + match->header_count) {
            *condition = get_condition(match, walk->next++);
            if (condition->patterns->count != 0)
                return true;
        }
        --walk->matches_left;
        walk->next = 0;
    }
    return false;
}

/* The name without port, trailing dot and brackets. */
static struct slice strip_authority(struct slice authority)
{
    struct slice host = authority;
    if (host.length != 0 && host.data[0] == '[') {
        host = slice_skip(host, 1);
        host.length = slice_find(host, ']');
    } else {
        host.length = slice_find(host, ':');
    }
    if (host.length != 0 && host.data[host.length - 1] == '.')
        --host.length;
    return host;
}

static struct slice lower_host(struct slice host, char text[HOST_BYTES])
{
    if (host.length > HOST_BYTES)
        return SLICE_NONE;
    for (size_t i = 0; i < host.length; ++i)
        text[i] = ascii_lower(host.data[i]);
    return slice_of(text, host.length);
}

void lookup_init(struct lookup *lookup, const struct request_head *head, struct slice listener)
{
    lookup->head = head;
    lookup->listener = listener;
    lookup->host = lower_host(strip_authority(head->authority), lookup->host_text);
}

struct slice lookup_text(const struct lookup *lookup, enum subject_kind kind)
{
    switch (kind) {
    case SUBJECT_HOST:
        return lookup->host;
    case SUBJECT_PATH:
        return lookup->head->path;
    case SUBJECT_RAW_TARGET:
        return lookup->head->raw_target;
    case SUBJECT_METHOD:
        return lookup->head->method;
    case SUBJECT_LISTENER:
        return lookup->listener;
    case SUBJECT_NONE:
    case SUBJECT_HEADER:
        break;
    }
    return SLICE_NONE;
}

struct field_walk lookup_fields(const struct lookup *lookup, struct slice name)
{
    return (struct field_walk){.head = lookup->head, .name = name};
}

bool field_next(struct field_walk *walk, struct slice *value)
{
    const struct headers *headers = &walk->head->headers;
    if (walk->next == 0 && walk->head->authority.length != 0 && slice_equals_nocase(walk->name, SLICE("host"))) {
        /* no field of the list is called so */
        walk->next = headers->count + 1;
        *value = walk->head->authority;
        return true;
    }
    while (walk->next < headers->count) {
        const struct header *header = &headers->items[walk->next++];
        if (header->name.length == walk->name.length && slice_equals_nocase(header->name, walk->name)) {
            *value = header->value;
            return true;
        }
    }
    return false;
}

bool pattern_takes(const struct pattern *pattern, struct slice text)
{
    struct slice wanted = pattern->text;
    switch (pattern->kind) {
    case PATTERN_EXACT:
        return slice_equals(text, wanted);
    case PATTERN_PREFIX:
        return slice_starts_with(text, wanted);
    case PATTERN_SEGMENT:
        if (!slice_starts_with(text, wanted))
            return false;
        return text.length == wanted.length || wanted.length == 0 || wanted.data[wanted.length - 1] == '/' ||
               text.data[wanted.length] == '/';
    case PATTERN_SUFFIX:
        /* wanted begins with a dot, so the name behind it is not taken itself */
        return slice_ends_with(text, wanted);
    case PATTERN_ABSENT:
        break;
    }
    return false;
}

bool pattern_list_takes(const struct pattern_list *patterns, struct slice text)
{
    for (size_t i = 0; i < patterns->count; ++i) {
        if (pattern_takes(&patterns->items[i], text))
            return true;
    }
    return false;
}

static bool allows_absence(const struct pattern_list *patterns)
{
    for (size_t i = 0; i < patterns->count; ++i) {
        if (patterns->items[i].kind == PATTERN_ABSENT)
            return true;
    }
    return false;
}

static bool header_holds(const struct condition *condition, const struct lookup *lookup)
{
    struct field_walk walk = lookup_fields(lookup, condition->subject.header);
    struct slice value;
    if (!field_next(&walk, &value))
        return allows_absence(condition->patterns);
    do {
        if (pattern_list_takes(condition->patterns, value))
            return true;
    } while (!condition->first_field_only && field_next(&walk, &value));
    return false;
}

bool condition_holds(const struct condition *condition, const struct lookup *lookup)
{
    if (condition->subject.kind == SUBJECT_HEADER)
        return header_holds(condition, lookup);
    struct slice text = lookup_text(lookup, condition->subject.kind);
    if (condition->subject.kind == SUBJECT_HOST && text.length == 0)
        return false;
    return pattern_list_takes(condition->patterns, text);
}

bool rule_holds(const struct rule *rule, const struct lookup *lookup)
{
    struct condition_walk walk = rule_conditions(rule);
    struct condition condition;
    while (condition_next(&walk, &condition)) {
        if (!condition_holds(&condition, lookup))
            return false;
    }
    return true;
}

bool rule_matches(const struct rule *rule, const struct request_head *head, struct slice listener)
{
    struct lookup lookup;
    lookup_init(&lookup, head, listener);
    return rule_holds(rule, &lookup);
}
