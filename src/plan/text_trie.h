#ifndef FLEXILIB_PLAN_TEXT_TRIE_H
#define FLEXILIB_PLAN_TEXT_TRIE_H

/* Finds, among many patterns, all those that take a text, in time that depends on the text and not on their number: a
 * radix tree. The index walks it from the root towards the text's end; every node passed on the way is the end of a
 * pattern that the text begins with. Built once. */

#include "base/arena.h"

#include <assert.h>

enum trie_end {
    TRIE_PREFIX = 0, /* takes what begins with it */
    TRIE_SEGMENT,    /* takes itself, and what goes on with "/" */
    TRIE_EXACT,      /* takes itself only */
    TRIE_ENDS,
};

enum {
    TRIE_NONE = UINT32_MAX,
    TRIE_ROOT = 0,
    TRIE_NODE_BYTES = 64,
};

struct trie_key {
    struct slice text;
    enum trie_end end;
    uint32_t value; /* the caller's number for it, below TRIE_NONE */
    int least;      /* the least rule that it leads to */
};

/* One line of the processor's cache: a look-up among many patterns waits for memory more than for anything else. */
struct trie_node {
    union {
        char near[32]; /* where it fits */
        const char *far;
    } label; /* what it adds to its parent's text */
    uint32_t label_length;
    uint32_t first_child;
    uint32_t child_count;
    int least;                  /* the least rule here and below */
    uint32_t values[TRIE_ENDS]; /* by enum trie_end; TRIE_NONE where no pattern ends here */
    uint32_t unused;
};

static_assert(sizeof(struct trie_node) == TRIE_NODE_BYTES, "a node fills one line of the cache");

struct trie {
    struct trie_node *nodes; /* children of one node stand together, ordered by the first byte of their labels */
    unsigned char *firsts;   /* those first bytes, at the same positions */
    uint32_t count;
};

/* Builds a trie from keys in any order, each text and end once at most; it reorders them. Texts must outlive the trie,
 * which lives in the arena. */
void trie_build(struct trie *trie, struct trie_key *keys, size_t count, struct arena *arena);

static inline const char *trie_label(const struct trie_node *node)
{
    return node->label_length <= sizeof(node->label.near) ? node->label.near : node->label.far;
}

/* The child of node whose label stands in text at that position, or NULL. */
static inline const struct trie_node *trie_child(const struct trie *trie, const struct trie_node *node,
                                                 struct slice text, size_t position)
{
    if (node->child_count == 0 || position == text.length)
        return NULL;
    const struct trie_node *child = &trie->nodes[node->first_child];
    if (node->child_count > 1) {
        const unsigned char *firsts = trie->firsts + node->first_child;
        const unsigned char *found = memchr(firsts, (unsigned char)text.data[position], node->child_count);
        if (found == NULL)
            return NULL;
        child += found - firsts;
    }
    if (child->label_length > text.length - position ||
        memcmp(trie_label(child), text.data + position, child->label_length) != 0)
        return NULL;
    return child;
}

#endif
