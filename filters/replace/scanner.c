#include "scanner.h"

#include <string.h>

static unsigned char fold(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
}

void rules_prepare(struct rules *rules)
{
    for (size_t i = 0; i < rules->count; ++i) {
        unsigned char first = (unsigned char)rules->items[i].from[0];
        if (rules->items[i].from_length > rules->longest)
            rules->longest = rules->items[i].from_length;
        rules->is_first[first] = true;
        if (!rules->ignores_case)
            continue;
        for (int c = 0; c < 256; ++c) {
            if (fold((char)c) == fold((char)first))
                rules->is_first[c] = true;
        }
    }
}

static bool is_same(const struct rules *rules, const char *a, const char *b, size_t length)
{
    if (!rules->ignores_case)
        return memcmp(a, b, length) == 0;
    for (size_t i = 0; i < length; ++i) {
        if (fold(a[i]) != fold(b[i]))
            return false;
    }
    return true;
}

enum found {
    FOUND_NOTHING = 0,
    FOUND_RULE,
    FOUND_BEGINNING, /* more has to come before it can be told */
};

/* What begins at data. A text that is cut off by the end may yet win over one further down the list. */
static enum found look(const struct rules *rules, const char *data, size_t length, bool last, const struct rule **rule)
{
    for (size_t i = 0; i < rules->count; ++i) {
        *rule = &rules->items[i];
        if ((*rule)->from_length <= length && is_same(rules, data, (*rule)->from, (*rule)->from_length))
            return FOUND_RULE;
        if ((*rule)->from_length > length && !last && is_same(rules, data, (*rule)->from, length))
            return FOUND_BEGINNING;
    }
    return FOUND_NOTHING;
}

static void write(const struct scanner *scanner, const char *data, size_t length)
{
    if (length != 0)
        scanner->write(scanner->target, data, length);
}

/* Scans what begins before `end`, looking ahead as far as length. Returns how many bytes it is done with, which can be
 * more than end, or fewer where a beginning has to wait. */
static size_t scan(struct scanner *scanner, const char *data, size_t end, size_t length, bool last)
{
    const struct rules *rules = scanner->rules;
    const struct rule *rule;
    size_t at = 0, written = 0;
    while (at < end) {
        enum found found =
            rules->is_first[(unsigned char)data[at]] ? look(rules, data + at, length - at, last, &rule) : FOUND_NOTHING;
        if (found == FOUND_BEGINNING)
            break;
        if (found == FOUND_NOTHING) {
            ++at;
            continue;
        }
        write(scanner, data + written, at - written);
        write(scanner, rule->to, rule->to_length);
        ++scanner->replaced;
        at += rule->from_length;
        written = at;
    }
    write(scanner, data + written, at - written);
    return at;
}

/* Goes on with what was held back, with as much of the piece behind it as a text can reach. Returns how much of the
 * piece is done with; all of it where everything is held back again. */
static size_t scan_held(struct scanner *scanner, const char *data, size_t length, bool last)
{
    size_t held = scanner->held_length, room = 2 * scanner->rules->longest - held;
    size_t added = length < room ? length : room;
    memcpy(scanner->held + held, data, added);
    size_t done = scan(scanner, scanner->held, held, held + added, last && added == length);
    if (done >= held) {
        scanner->held_length = 0;
        return done - held;
    }
    /* only where the piece was too short to tell */
    scanner->held_length = held + added - done;
    memmove(scanner->held, scanner->held + done, scanner->held_length);
    return added;
}

void scanner_take(struct scanner *scanner, const char *data, size_t length, bool last)
{
    size_t done = 0;
    while (scanner->held_length != 0 && (done < length || last)) {
        size_t before = scanner->held_length;
        done += scan_held(scanner, data + done, length - done, last);
        if (done == length && scanner->held_length >= before && !last)
            return;
    }
    if (scanner->held_length != 0)
        return;
    done += scan(scanner, data + done, length - done, length - done, last);
    scanner->held_length = length - done;
    if (scanner->held_length != 0)
        memcpy(scanner->held, data + done, scanner->held_length);
}
