#define PCRE2_CODE_UNIT_WIDTH 8

#include "filter/regex.h"

#include "base/alloc.h"

#include <pcre2.h>
#include <stdlib.h>

enum {
    /* What PCRE2 may try for one place at which a match might begin: well below a millisecond. */
    MOST_STEPS = 300000,
    /* Where that cannot be told apart by places: for each of them. */
    SOME_STEPS = 10000,
    /* For patterns that the JIT compiler does not take: how deep, and in how much memory. */
    MOST_DEPTH = 10000,
    MOST_HEAP_KB = 1024,
    /* Most matches need far less stack than the JIT compiler's code has anyway; the others get one of their own. */
    FIRST_STACK_BYTES = 64 * 1024,
    MOST_STACK_BYTES = 1024 * 1024,
    /* How many places are tried in one go, and what all goes that are not cheap may cost together. */
    WINDOW_BYTES = 64,
    MOST_COSTS = 150,
};

/* The steps for each place in a go: the next level is tried where one does not do. At the first, which is linear, any
 * text may be searched; all of it is, before it is cut into windows. */
static const struct level {
    uint32_t steps;
    int cost;
} levels[] = {{100, 0}, {2000, 1}, {100000, 50}};

enum {
    LEVEL_COUNT = sizeof(levels) / sizeof(levels[0]),
};

struct flexilib_regex {
    pcre2_code *code;
    pcre2_match_context *limits; /* never changed once it is made, so that threads may share it */
    uint32_t group_count;        /* the whole match included */
    bool is_windowed;            /* its places are tried some at a time */
};

/* One search, with what it needs of its own. */
struct search {
    const struct flexilib_regex *regex;
    struct slice text;
    pcre2_match_data *found;
    pcre2_match_context *context; /* NULL: the shared one */
    pcre2_jit_stack *stack;
};

static pcre2_match_context *make_limits(uint32_t steps)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    if (limits == NULL)
        abort();
    pcre2_set_match_limit(limits, steps);
    pcre2_set_depth_limit(limits, MOST_DEPTH);
    pcre2_set_heap_limit(limits, MOST_HEAP_KB);
    return limits;
}

static pcre2_code *compile(struct slice pattern, uint32_t options, struct regex_problem *problem)
{
    int number;
    PCRE2_SIZE offset;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)(pattern.length == 0 ? "" : pattern.data), pattern.length, options,
                                     &number, &offset, NULL);
    if (code == NULL) {
        pcre2_get_error_message(number, (PCRE2_UCHAR *)problem->words, sizeof(problem->words));
        problem->offset = offset;
    }
    return code;
}

static bool has_option(const pcre2_code *code, uint32_t option)
{
    uint32_t options = 0;
    return pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options) == 0 && (options & option) != 0;
}

/* Where the pattern asks for characters, texts that are not made of them must be no error. */
static pcre2_code *compile_tolerantly(struct slice pattern, struct regex_problem *problem)
{
    pcre2_code *code = compile(pattern, PCRE2_USE_OFFSET_LIMIT, problem);
    if (code == NULL || !has_option(code, PCRE2_UTF))
        return code;
    pcre2_code_free(code);
    return compile(pattern, PCRE2_MATCH_INVALID_UTF, problem);
}

/* Some patterns speak of where the search has begun, or say where it goes on: it must not be cut for them. */
static bool can_be_cut(const pcre2_code *code, struct slice pattern)
{
    return !has_option(code, PCRE2_ANCHORED) && !has_option(code, PCRE2_UTF) &&
           memmem(pattern.data, pattern.length, "(*", 2) == NULL &&
           memmem(pattern.data, pattern.length, "\\G", 2) == NULL;
}

struct flexilib_regex *regex_create(struct slice pattern, struct regex_problem *problem)
{
    pcre2_code *code = compile_tolerantly(pattern, problem);
    if (code == NULL)
        return NULL;
    struct flexilib_regex *regex = mem_zalloc(sizeof(*regex));
    regex->code = code;
    regex->is_windowed = can_be_cut(code, pattern);
    regex->limits = make_limits(regex->is_windowed                 ? levels[0].steps
                                : has_option(code, PCRE2_ANCHORED) ? MOST_STEPS
                                                                   : SOME_STEPS);
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &regex->group_count);
    ++regex->group_count;
    /* where this fails, as on machines that allow no new code, matching is slower and otherwise the same */
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    return regex;
}

void regex_destroy(struct flexilib_regex *regex)
{
    if (regex == NULL)
        return;
    pcre2_match_context_free(regex->limits);
    pcre2_code_free(regex->code);
    free(regex);
}

static int match_once(const struct search *search, size_t from)
{
    struct slice text = search->text;
    return pcre2_match(search->regex->code, (PCRE2_SPTR)(text.length == 0 ? "" : text.data), text.length, from, 0,
                       search->found, search->context == NULL ? search->regex->limits : search->context);
}

static bool own_context(struct search *search)
{
    if (search->context == NULL)
        search->context = pcre2_match_context_copy(search->regex->limits);
    return search->context != NULL;
}

/* Once more with more stack, where the code that JIT makes needs it. */
static int match(struct search *search, size_t from)
{
    int result = match_once(search, from);
    if (result != PCRE2_ERROR_JIT_STACKLIMIT || search->stack != NULL || !own_context(search))
        return result;
    search->stack = pcre2_jit_stack_create(FIRST_STACK_BYTES, MOST_STACK_BYTES, NULL);
    if (search->stack == NULL)
        return result;
    pcre2_jit_stack_assign(search->context, NULL, search->stack);
    return match_once(search, from);
}

/* PCRE2's limit is for each place at which a match may begin. So that all of them together come to an end too, they are
 * tried some at a time, and what these have cost is added up. No clock has a say: what matches today does so always. */
static int match_in_windows(struct search *search, size_t from)
{
    int cost = 0, result = PCRE2_ERROR_NOMATCH;
    if (!own_context(search))
        return PCRE2_ERROR_NOMEMORY;
    for (; from <= search->text.length && result == PCRE2_ERROR_NOMATCH; from += WINDOW_BYTES) {
        pcre2_set_offset_limit(search->context, from + WINDOW_BYTES - 1);
        result = PCRE2_ERROR_MATCHLIMIT;
        for (int i = 0; i < LEVEL_COUNT && result == PCRE2_ERROR_MATCHLIMIT; ++i) {
            cost += levels[i].cost;
            if (cost > MOST_COSTS)
                return PCRE2_ERROR_MATCHLIMIT;
            pcre2_set_match_limit(search->context, levels[i].steps);
            result = match(search, from);
        }
    }
    return result;
}

/* What a pattern matches may begin behind its end: \K in an assertion. */
static struct flexilib_text take_group(struct slice text, const PCRE2_SIZE *bounds)
{
    if (bounds[0] == PCRE2_UNSET || bounds[1] == PCRE2_UNSET)
        return (struct flexilib_text){NULL, 0};
    const char *data = text.length == 0 ? "" : text.data;
    return (struct flexilib_text){data + bounds[0], bounds[1] > bounds[0] ? bounds[1] - bounds[0] : 0};
}

size_t regex_match(const struct flexilib_regex *regex, struct slice text, size_t from, struct flexilib_text *groups,
                   size_t count)
{
    struct search search = {.regex = regex, .text = text};
    search.found = from > text.length ? NULL : pcre2_match_data_create_from_pattern(regex->code, NULL);
    if (search.found == NULL)
        return 0;
    int result = match(&search, from);
    if (result == PCRE2_ERROR_MATCHLIMIT && regex->is_windowed)
        result = match_in_windows(&search, from);
    const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(search.found);
    for (size_t i = 0; result > 0 && i < count && i < regex->group_count; ++i)
        groups[i] = take_group(text, bounds + 2 * i);
    pcre2_jit_stack_free(search.stack);
    pcre2_match_context_free(search.context);
    pcre2_match_data_free(search.found);
    return result > 0 ? regex->group_count : 0;
}
