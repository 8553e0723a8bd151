#include "files/file_conditions.h"

#include "http/http_date.h"

/* Takes the next tag off a list; false at its end, and where something else than a tag stands there. */
static bool take_tag(struct slice *rest, struct slice *tag, bool *is_weak)
{
    size_t start = 0;
    while (start < rest->length && strchr(" \t,", rest->data[start]) != NULL && rest->data[start] != '\0')
        ++start;
    *rest = slice_skip(*rest, start);
    *is_weak = slice_starts_with(*rest, SLICE("W/"));
    if (*is_weak)
        *rest = slice_skip(*rest, 2);
    if (rest->length == 0 || rest->data[0] != '"')
        return false;
    size_t end = slice_find(slice_skip(*rest, 1), '"') + 2;
    if (end > rest->length)
        return false;
    *tag = slice_of(rest->data, end);
    *rest = slice_skip(*rest, end);
    return true;
}

static bool list_has_tag(struct slice list, struct slice wanted, bool allows_weak)
{
    struct slice tag;
    bool is_weak;
    if (slice_equals(slice_trim(list), SLICE("*")))
        return true;
    while (take_tag(&list, &tag, &is_weak)) {
        if (slice_equals(tag, wanted) && (allows_weak || !is_weak))
            return true;
    }
    return false;
}

/* Whether one of the fields of that name has the tag. */
static bool has_tag(const struct headers *request, struct slice name, struct slice tag, bool allows_weak)
{
    for (size_t i = 0; i < request->count; ++i) {
        if (slice_equals_nocase(request->items[i].name, name) &&
            list_has_tag(request->items[i].value, tag, allows_weak))
            return true;
    }
    return false;
}

static bool find_date(const struct headers *request, struct slice name, time_t *date)
{
    const struct header *field = headers_find(request, name);
    return field != NULL && http_date_parse(field->value, date);
}

enum file_verdict file_conditions_judge(const struct headers *request, const struct file_validators *file)
{
    time_t date;
    if (headers_find(request, SLICE("if-match")) != NULL) {
        if (!has_tag(request, SLICE("if-match"), file->tag, false))
            return FILE_FAILED;
    } else if (find_date(request, SLICE("if-unmodified-since"), &date) && file->modified > date) {
        return FILE_FAILED;
    }
    if (headers_find(request, SLICE("if-none-match")) != NULL)
        return has_tag(request, SLICE("if-none-match"), file->tag, true) ? FILE_NOT_MODIFIED : FILE_SEND;
    bool is_old = find_date(request, SLICE("if-modified-since"), &date) && file->modified <= date;
    return is_old ? FILE_NOT_MODIFIED : FILE_SEND;
}

bool file_conditions_allow_range(const struct headers *request, const struct file_validators *file, time_t now)
{
    const struct header *field = headers_find(request, SLICE("if-range"));
    time_t date;
    if (field == NULL)
        return true;
    if (http_date_parse(field->value, &date))
        return date == file->modified && now > file->modified + 1;
    return slice_equals(field->value, file->tag);
}
