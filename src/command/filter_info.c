#include "command/filter_info.h"

#include "command/filter.h"
#include "command/filter_info_json.h"
#include "command/filter_info_page.h"
#include "command/filter_line.h"
#include "command/library_visit.h"

static bool describe(const struct library_visit *visit, struct text *out, struct error *error)
{
    const struct filter_line *line = visit->data;
    if (line->is_json)
        filter_info_json(visit->path, visit->library, out);
    else
        filter_info_page(visit->path, visit->library, out);
    return true;
}

int filter_info_run(char **arguments)
{
    struct filter_line line;
    struct error error = ERROR_INIT;
    if (!filter_line_parse(arguments + 1, FILTER_LINE_JSON, &line, &error))
        return filter_refuse("info", error.message);
    struct library_visit visit = {.name = line.library, .what = "reading it", .run = describe, .data = &line};
    return library_visit_run(&visit);
}
