#include "process/inherited.h"

#include <limits.h>
#include <unistd.h>

int inherited_next(struct slice *rest, struct slice *name)
{
    struct slice item = slice_next_item(rest, ';');
    *name = item;
    /* The last "=", since a path may contain one. */
    size_t equals = item.length;
    while (equals != 0 && item.data[equals - 1] != '=')
        --equals;
    uint64_t fd;
    if (equals < 2 || !slice_parse_number(slice_skip(item, equals), &fd) || fd <= STDERR_FILENO || fd > INT_MAX)
        return -1;
    name->length = equals - 1;
    return (int)fd;
}
