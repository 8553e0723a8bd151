#ifndef FLEXILIB_PROCESS_DICTIONARY_REGION_H
#define FLEXILIB_PROCESS_DICTIONARY_REGION_H

/* The shared memory of the dictionary (base/dictionary_store.h). The supervisor makes it once, sparse and with its size
 * sealed, maps its beginning alone, and breaks the locks of workers that are gone. */

#include "base/dictionary_store.h"

struct dictionary_region {
    int fd;
    struct dictionary_region_head *head; /* NULL before open */
};

/* Makes the region, of the size that $FLEXILIB_DICTIONARY_SIZE says. Returns false with errno set. */
bool dictionary_region_open(struct dictionary_region *region) __attribute__((warn_unused_result));

/* Takes over the region of a supervisor before us. Returns false, the descriptor being the caller's still, where it is
 * of another version. */
bool dictionary_region_adopt(struct dictionary_region *region, int fd) __attribute__((warn_unused_result));
void dictionary_region_close(struct dictionary_region *region);

/* The worker with this slot is dead. */
void dictionary_region_bury(struct dictionary_region *region, int slot);

/* In the worker with this slot: a view of the region that fd stands for, which is mapped for good. NULL with errno set
 * where it is none of this version. */
struct dictionary_store *dictionary_region_attach(int fd, uint32_t slot);

#endif
