#ifndef FLEXILIB_PLAN_TEXT_TRIE_H
#define FLEXILIB_PLAN_TEXT_TRIE_H

/* Finds, among many patterns, all those that take a text, in time that depends on the text and not on their number: a
 * radix tree. The index walks it from the root towards the text's end; every node passed on the way is the end of a
 * pattern that the text begins with. Built once. */

#include "base/arena.h"

enum trie_end {
    TRIE_PREFIX = 0, /* takes what begins with it */
    TRIE_SEGMENT,    /* takes itself, and what goes on with "/" */
    TRIE_EXACT,      /* takes itself only */
    TRIE_ENDS,
};

enum {
    TRIE_NONE = UINT32_MAX,
    TRIE_ROOT = 0,
};

struct trie_key {
    struct slice text;
    enum trie_end end;
    uint32_t value; /* the caller's number for it, below TRIE_NONE */
    int least;      /* the least rule that it leads to */
};

struct trie_node {
    const char *label; /* what it adds to its parent's text */
    uint32_t label_length;
    uint32_t first_child;
    uint32_t child_count;
    int least;                  /* the least rule here and below */
    uint32_t values[TRIE_ENDS]; /* by enum trie_end; TRIE_NONE where no pattern ends here */
};

struct trie {
    struct trie_node *nodes; /* children of one node stand together, ordered by the first byte of their labels */
    unsigned char *firsts;   /* those first bytes, at the same positions */
    uint32_t count;
};

/* Builds a trie from keys in any order, each text and end once at most; it reorders them. Texts must outlive the trie,
 * which lives in the arena. */
void trie_build(struct trie *trie, struct trie_key *keys, size_t count, struct arena *arena);

/* The child of node whose label stands in text at that position, or NULL. */
static inline const struct trie_node *trie_child(const struct trie *trie, const struct trie_node *node,
                                                 struct slice text, size_t position)
{
    if (node->child_count == 0 || position == text.length)
        return NULL;
    const unsigned char *firsts = trie->firsts + node->first_child;
    const unsigned char *found = memchr(firsts, (unsigned char)text.data[position], node->child_count);
    if (found == NULL)
        return NULL;
    const struct trie_node *child = &trie->nodes[node->first_child + (uint32_t)(found - firsts)];
    /* the first byte is known to be equal, and many labels have no other */
    if (child->label_length > 1 && (child->label_length > text.length - position ||
                                    memcmp(child->label + 1, text.data + position + 1, child->label_length - 1) != 0))
        return NULL;
    return child;
}

#endif
